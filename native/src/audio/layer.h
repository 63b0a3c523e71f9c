// A layer: one FAUST block with a number, its parameters, and the share of it that is heard.
#pragma once

#include "audio/automation.h"
#include "audio/fade.h"
#include "audio/faust_base.h"
#include "audio/parameter.h"
#include "audio/surroundings.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstdint>
#include <deque>
#include <memory>

namespace entrain {

// The engine works in pieces of at most this many frames; a multiple of the grid.
constexpr std::uint32_t kChunkFrames = 256;

using Chunk = std::array<std::array<float, kChunkFrames>, 2>;

inline void copy(const Chunk &from, Chunk &to, std::uint32_t frames) noexcept {
    for (std::size_t c = 0; c < 2; ++c) std::copy_n(from[c].data(), frames, to[c].data());
}

enum class Group { input, generator, processor, space, output };

// Where a piece of sound begins, in the engine's count of frames and in the session.
struct Moment {
    std::uint64_t frame;
    SessionTime session;
};

class Layer {
public:
    // `block` was made for `rate_hz` and owns the variables behind `parameters`.  Layers that can be
    // routed get one more parameter, "amount"; generators also get the parameters of their place.
    Layer(std::uint32_t number, Group group, std::unique_ptr<dsp> block,
          std::deque<Parameter> parameters, std::uint32_t rate_hz);

    const std::uint32_t number;
    const Group group;

    // ---- [control] -----------------------------------------------------------------------
    std::deque<Parameter> &parameters() noexcept { return parameters_; }

    // Tell the callback that parameters have been asked to move.
    void announce() noexcept { version_.fetch_add(1, std::memory_order_release); }

    // Choose the sound of random parts, before the callback knows this layer.
    void vary(int variant) noexcept { block_->variant = variant; }

    // True once the layer has faded out for good.
    bool is_gone() const noexcept { return gone_.load(std::memory_order_acquire); }

    // ---- [audio] -------------------------------------------------------------------------

    // Follow this automation from now on (null: none).  It must live until the next call.
    void follow(const Automation *automation) noexcept;

    // Replace `former`, a layer of the same kind at another sample rate: values, moves and fades
    // continue.
    void resume(const Layer &former, const Automation *automation) noexcept;

    // Prepare for a jump of the session's clock.
    void land() noexcept;

    // Process at most kChunkFrames frames in place, without regard to the amount.
    void compute(const Moment &moment, Chunk &chunk, std::uint32_t frames) noexcept;

    // Cross-fade (equal gain) from the unprocessed to the processed input, or back if `leaving`.
    // While `waiting`, a layer that has fully faded in does not begin to leave.
    void process(const Moment &moment, Chunk &chunk, std::uint32_t frames, bool leaving,
                 bool waiting) noexcept;

    // True once the layer has faded in.
    bool is_whole() const noexcept { return presence_.is_open(); }

    // Run the generator on `input`; false if it is silent, and has written no `sound`.  While it is
    // `placed`, or comes back from there, its whereabouts are kept.
    bool generate(const Moment &moment, const Chunk &input, Chunk &sound, std::uint32_t frames,
                  bool leaving, bool placed) noexcept;

    // Share of the generator's sound that goes to its place; it fades to 1 or 0.  Returns false if
    // it is the same for all frames: 1 if `placed`, else 0; then it is not written.
    bool share_of_place(bool placed, float *shares, std::uint32_t frames) noexcept;
    // For a generator that no space could hear.
    void place_at_once(bool placed) noexcept { place_fade_ = Fade{placed}; }
    const Steps<Whereabouts> &whereabouts() const noexcept { return whereabouts_; }

    // Let the block of a space hear `music` and `surroundings`, and cross-fade from `heard` to the
    // result, or back if `leaving`; see process().
    void surround(const Moment &moment, const Surroundings &surroundings, const Chunk &music,
                  Chunk &heard, std::uint32_t frames, bool leaving, bool waiting) noexcept;

private:
    const Lane *lane_of(std::size_t parameter) const noexcept;
    void evaluate(const SessionTime &session, bool grid) noexcept;
    void fill_amounts(std::uint32_t first, std::uint32_t frames) noexcept;
    bool silent(bool leaving) noexcept;
    void blend(const Chunk &before, const Chunk &after, Chunk &to, std::uint32_t frames,
               bool leaving, bool waiting) noexcept;
    void keep_whereabouts(std::uint32_t since_step, std::uint32_t frames) noexcept;

    const std::unique_ptr<dsp> block_;
    std::deque<Parameter> parameters_;  // a deque: its elements hold atomics and do not move
    std::atomic<std::uint32_t> version_{0};
    std::atomic<bool> gone_{false};
    // Owned by the callback:
    const double fade_step_;
    const double grid_steps_per_second_;
    Fade presence_;
    const Automation *automation_ = nullptr;
    std::uint64_t to_breakpoint_ = Lane::kNever;  // frames
    std::uint32_t seen_ = 0;
    bool heard_ = false;
    bool moving_ = false;
    bool runs_ = false;
    bool stale_ = false;  // the automation must be evaluated before the next frame
    // Share of the layer that is heard: the parameter, and the ramp between two of its values.
    float amount_ = 1.0F;
    float amount_now_ = 1.0F;
    float amount_target_ = 1.0F;
    float amount_step_ = 0.0F;
    std::uint32_t amount_frames_ = 0;
    std::array<float, kChunkFrames> amounts_{};
    bool whole_ = true;  // all of `amounts_` are 1
    // Of a generator: its place, as the parameters say, and how much of it goes there.
    Place place_;
    Fade place_fade_;
    bool keeps_whereabouts_ = false;
    Whereabouts latest_;
    Steps<Whereabouts> whereabouts_{};
};

}  // namespace entrain
