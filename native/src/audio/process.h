// The part of the engine that lives in the device's callback.
//
//   input ─ clamp ─► pre ─► processors ─► space ─► + generators ─► limiter ─► bypass ─► output
//              └──────────────────────────── delay ─────────────────────────────┘
#pragma once

#include "audio/durations.h"
#include "audio/fade.h"
#include "audio/loudness.h"
#include "audio/meter.h"
#include "audio/realtime.h"
#include "audio/route.h"
#include "audio/session.h"
#include "audio/space_stage.h"
#include "audio/tap.h"

#include <array>
#include <atomic>
#include <cstdint>

namespace entrain {

struct Counters {
    std::atomic<std::uint64_t> frames{0};
    std::atomic<std::uint64_t> cycles{0};
    std::atomic<std::uint64_t> xruns{0};
    std::atomic<std::uint64_t> missing_buffers{0};
    std::atomic<std::uint64_t> nonfinite{0};
    std::atomic<double> seconds{0.0};
    std::atomic<std::uint64_t> busy_ns{0};
};

enum class Bypass : std::uint8_t { off, exact, matched };

class Process {
public:
    // ---- [audio] -------------------------------------------------------------------------
    void run(const float *const *in, float *const *out,
             std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING;

    // ---- hand-over of routes -------------------------------------------------------------
    // [control] Offer a route.  Returns the previous offer if the callback never took it, or null.
    Route *offer(Route *route) noexcept {
        return offered_.exchange(route, std::memory_order_acq_rel);
    }
    // [any] Serial number of the route in use; the callback no longer uses older routes.
    std::uint64_t in_use() const noexcept { return in_use_.load(std::memory_order_acquire); }

    // ---- [any] ---------------------------------------------------------------------------
    std::atomic<Bypass> bypass{Bypass::off};
    std::atomic<bool> playing{true};
    std::atomic<bool> standalone{false};
    std::atomic<bool> quiet{false};
    Counters counters;
    Durations durations;
    Meter input_meter;
    Meter output_meter;
    Loudness input_loudness;
    Loudness output_loudness;
    Tap input_tap;  // the input, delayed like the output
    Tap output_tap;
    Session session;
    SpaceStage space;

    // Sample rate of the callback, and the frame since which it holds.
    struct Pace {
        std::uint64_t since;
        std::uint32_t rate_hz;
    };
    Pace pace() const noexcept {
        const std::uint64_t both = pace_.load(std::memory_order_acquire);
        return {both >> kRateBits, static_cast<std::uint32_t>(both & ((1U << kRateBits) - 1))};
    }

private:
    void chunk(const float *const *in, float *const *out, std::uint32_t offset,
               std::uint32_t frames) noexcept;
    void read(const float *const *in, std::uint32_t offset, std::uint32_t frames) noexcept;
    void take(const Route &route) noexcept;
    const Layer *former(const Layer &layer) const noexcept;
    void land() noexcept;
    bool processors_arrive() const noexcept;
    bool sounds(std::uint32_t frame) const noexcept;
    void fade_generators(GeneratorGains &gains, std::uint32_t frames) noexcept;
    void delay_input(std::uint32_t frames) noexcept;
    void switch_bypass(std::uint32_t frames) noexcept;
    void prepare_matched() noexcept;

    std::atomic<Route *> offered_{nullptr};
    std::atomic<std::uint64_t> in_use_{0};
    static constexpr unsigned kRateBits = 20;  // the other bits count 11 years at 48 kHz
    std::atomic<std::uint64_t> pace_{0};

    // Owned by the callback:
    static constexpr std::uint32_t kDelayFrames = 1024;  // a power of two, above any latency
    const Route *route_ = nullptr;
    std::uint64_t frame_ = 0;
    Fade playing_fade_{true};
    Fade bypass_fade_{false};
    Fade matched_fade_{false};
    float matched_gain_ = 1.0F;
    float matched_share_ = 0.0F;
    std::uint64_t restart_ = 0;
    bool arriving_ = false;  // processors that leave wait for new ones
    std::uint32_t quiet_frames_ = 0;
    std::uint32_t silent_frames_ = 0;  // since the last audible frame of the input
    std::array<std::array<float, kDelayFrames>, 2> delay_{};
    Chunk input_{};      // clamped, otherwise untouched
    Chunk late_{};       // `input_`, delayed by the engine's latency
    Chunk processed_{};
};

}  // namespace entrain
