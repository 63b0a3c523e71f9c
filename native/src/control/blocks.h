// The blocks, one for each faust/*.dsp and native/blocks/*.json, and how to instantiate them.
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
    std::unique_ptr<dsp> (*make_fma)();  // for processors with AVX2 and FMA; null on other systems
};

// A new instance, in the variant that is fastest on this processor.  Throws std::bad_alloc.
std::unique_ptr<dsp> make_block(const BlockKind &kind);

std::size_t block_count() noexcept;
const BlockKind *block_at(std::size_t index) noexcept;  // null beyond the last one
const BlockKind *find_block(const char *name) noexcept;  // null if no block has this name

// The engine's own block for its input (Group::input) or its output (Group::output).
const BlockKind &own_block(Group group) noexcept;

// A layer with initial values, ready to run.  Throws std::bad_alloc.
std::unique_ptr<Layer> make_layer(std::uint32_t number, const BlockKind &kind,
                                  std::uint32_t rate_hz);

// Whether a block fails to work when both ears hear both channels.
bool is_dichotic(const BlockKind &kind) noexcept;

// A block and its parameters, with initial values.
struct Instance {
    std::unique_ptr<dsp> block;
    std::deque<Parameter> parameters;
};
Instance make_instance(const BlockKind &kind, std::uint32_t rate_hz);

// Delay that a block declares with a bargraph of the symbol latency_frames; 0 without one.
std::uint32_t latency_of(const BlockKind &kind, std::uint32_t rate_hz);

}  // namespace entrain
