// The blocks that FAUST compiled: one for each faust/*.dsp.
#pragma once

#include "audio/layer.h"

#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>

namespace entrain {

struct BlockKind {
    const char *name;
    Group group;
    const char *json;  // see entrain_block_json()
    std::unique_ptr<dsp> (*make)();
    std::unique_ptr<dsp> (*make_fma)();  // for processors with AVX2 and FMA; null elsewhere
};

// A new instance, of the variant that this processor runs best.  Throws std::bad_alloc.
std::unique_ptr<dsp> make_block(const BlockKind &kind);

std::size_t block_count() noexcept;
const BlockKind *block_at(std::size_t index) noexcept;  // null beyond the last one
const BlockKind *find_block(const char *name) noexcept;  // null if there is none

// The engine's own block at its beginning (Group::input) or at its end (Group::output).
const BlockKind &own_block(Group group) noexcept;

// An instance at its initial values, ready to run.  Throws std::bad_alloc.
std::unique_ptr<Layer> make_layer(std::uint32_t number, const BlockKind &kind,
                                  std::uint32_t rate_hz);

// A block and its parameters, at their initial values.
struct Instance {
    std::unique_ptr<dsp> block;
    std::deque<Parameter> parameters;
};
Instance make_instance(const BlockKind &kind, std::uint32_t rate_hz);

// What a block says of its own delay (a bargraph with the symbol latency_frames); 0 if nothing.
std::uint32_t latency_of(const BlockKind &kind, std::uint32_t rate_hz);

}  // namespace entrain
