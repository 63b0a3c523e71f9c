// A layer: one FAUST block with an identity, its parameters and how much of it is heard.
#pragma once

#include "audio/fade.h"
#include "audio/faust_base.h"
#include "audio/parameter.h"

#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

namespace entrain {

// The engine works in pieces of this many frames at most; a multiple of the grid.
constexpr std::uint32_t kChunkFrames = 64;

using Chunk = std::array<std::array<float, kChunkFrames>, 2>;

enum class Group { input, generator, processor, output };

class Layer {
public:
    Layer(std::uint32_t number, Group group, std::unique_ptr<dsp> block,
          std::deque<Parameter> parameters, std::uint32_t rate_hz);

    const std::uint32_t number;
    const Group group;

    // ---- [control] -----------------------------------------------------------------------
    std::deque<Parameter> &parameters() noexcept { return parameters_; }

    // Tell the callback that parameters have been asked to move.
    void announce() noexcept { version_.fetch_add(1, std::memory_order_release); }

    // True once the layer has faded out for good.
    bool is_gone() const noexcept { return gone_.load(std::memory_order_acquire); }

    // ---- [audio] -------------------------------------------------------------------------

    // Process `frames` (at most kChunkFrames) frames in place.
    // `frame` is the engine's count at the first of them.
    void compute(std::uint64_t frame, Chunk &chunk, std::uint32_t frames) noexcept;

    // Cross-fade from what was there to the processed programme (equal gain), or back.
    void process(std::uint64_t frame, Chunk &chunk, std::uint32_t frames, bool leaving) noexcept;

    // Add what the block generates beside `programme` to `sum`.
    void generate(std::uint64_t frame, const Chunk &programme, Chunk &sum, std::uint32_t frames,
                  bool leaving) noexcept;

private:
    bool silent(bool leaving) noexcept;

    const std::unique_ptr<dsp> block_;
    std::deque<Parameter> parameters_;  // a deque: its elements hold atomics and do not move
    std::atomic<std::uint32_t> version_{0};
    std::atomic<bool> gone_{false};
    // Owned by the callback:
    const double fade_step_;
    const double grid_steps_per_second_;
    Fade presence_;
    std::uint32_t seen_ = 0;
    bool moving_ = false;
};

}  // namespace entrain
