// Makes heads for the callback, and brings them to another sample rate.
#pragma once

#include "audio/space/head.h"

#include "entrain/engine.h"

#include <cstdint>
#include <memory>

struct entrain_head {
    std::shared_ptr<const entrain::Head> head;
};

namespace entrain {

// ENTRAIN_OK if a head can be made of this data; otherwise what is wrong with it.
entrain_status check_head(const entrain_head_data &data) noexcept;

// Throws std::bad_alloc, as the next one does.
std::shared_ptr<const Head> make_head(const entrain_head_data &data);

// The same head at another rate, or the same object; null for null.
std::shared_ptr<const Head> head_at_rate(const std::shared_ptr<const Head> &head,
                                         std::uint32_t rate_hz);

// For how long the space sounds on after its last input: the delays, the filters and the room.
std::uint32_t tail_frames(std::uint32_t rate_hz) noexcept;

}  // namespace entrain
