// The part of the callback that places the music, and placed generators, around the head.
//
//   music ─────────────┬─► block of the group "space" ─► cross-fade ─► + other generators
//   placed generators ─┴────────────────────────────────────┘
#pragma once

#include "audio/head_turn.h"
#include "audio/layer.h"
#include "audio/route.h"
#include "audio/surroundings.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace entrain {

// Gains of all generators in one piece of sound: they fade with the input.
struct GeneratorGains {
    bool same = true;     // one gain for all frames
    float gain = 0.0F;    // then 0 or 1
    std::array<float, kChunkFrames> gains;

    void apply(Chunk &sound, std::uint32_t frames) const noexcept;
};

class SpaceStage {
public:
    // [any], one writer for turn()
    HeadTurn head_turn;
    std::uint32_t sources() const noexcept { return sources_.load(std::memory_order_relaxed); }

    // ---- [audio] -------------------------------------------------------------------------

    // After a new route: layers that leave wait for the arriving layer.
    void take(const Route &route) noexcept { arriving_ = arrives(route); }

    // Run the generators on `sound` and add them to it; with a space, place it around the head.
    void run(const Route &route, const Moment &moment, const GeneratorGains &gains, Chunk &sound,
             std::uint32_t frames) noexcept;

private:
    static bool arrives(const Route &route) noexcept;
    void add(const Route &route, const Moment &moment, const GeneratorGains &gains, Chunk &sound,
             std::uint32_t frames) noexcept;
    void surround(const Route &route, const Moment &moment, const GeneratorGains &gains,
                  Chunk &sound, std::uint32_t frames) noexcept;
    void place(const Route::Entry &entry, Chunk &made, Chunk &sum, Chunk &heard,
               std::uint32_t frames) noexcept;

    std::atomic<std::uint32_t> sources_{0};
    // Owned by the callback:
    bool arriving_ = false;
    Surroundings surroundings_;
    std::array<std::array<float, kChunkFrames>, kMostSources> mono_{};
};

}  // namespace entrain
