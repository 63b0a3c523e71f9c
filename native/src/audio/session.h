// The session's clock: runs with the sound; can be paused and moved.
#pragma once

#include "audio/automation.h"

#include <atomic>
#include <cmath>
#include <cstdint>

namespace entrain {

class Session {
public:
    // ---- [control], one thread at a time -------------------------------------------------
    void run(bool runs) noexcept { want(runs, kNoSeek); }
    // In seconds, since the sample rate may change before the callback sees the request.
    void seek(bool runs, double seconds) noexcept {
        want(runs, static_cast<std::uint64_t>(std::llround(seconds / kUnitSeconds)));
    }
    // Withdraw a request that the callback has not taken.
    void forget() noexcept { wanted_.store(0, std::memory_order_relaxed); }

    // ---- [any] ---------------------------------------------------------------------------
    // Time as of the last callback or of a later seek().
    double seconds() const noexcept {
        const std::uint64_t wanted = wanted_.load(std::memory_order_acquire);
        if (seeks(wanted)) return seconds_of(wanted);
        return seconds_.load(std::memory_order_relaxed);
    }

    // Whether a seek() is waiting for the callback.
    bool is_moving() const noexcept { return seeks(wanted_.load(std::memory_order_acquire)); }

    // ---- [audio] -------------------------------------------------------------------------

    // Carry out the request, if any; true if the position jumps.
    bool take(std::uint32_t rate_hz) noexcept {
        std::uint64_t wanted = wanted_.load(std::memory_order_relaxed);
        if (wanted == 0) return false;
        // Before the exchange, so that a reader in between does not see the old position again.
        if (seeks(wanted)) seconds_.store(seconds_of(wanted), std::memory_order_relaxed);
        wanted = wanted_.exchange(0, std::memory_order_acq_rel);
        if (wanted == 0) return false;
        time_.runs = (wanted & kRuns) != 0;
        if (!seeks(wanted)) return false;
        const auto frame = static_cast<std::uint64_t>(std::llround(seconds_of(wanted) * rate_hz));
        if (frame == time_.frame) return false;
        time_.frame = frame;
        return true;
    }

    // Start anew, because a new route asks for it.
    void restart() noexcept {
        time_ = {0, true};
        seconds_.store(0.0, std::memory_order_relaxed);
    }

    // Keep the position in seconds at another sample rate.
    void rescale(std::uint32_t from_hz, std::uint32_t to_hz) noexcept {
        time_.frame = time_.frame / from_hz * to_hz + time_.frame % from_hz * to_hz / from_hz;
    }

    const SessionTime &time() const noexcept { return time_; }
    void advance(std::uint32_t frames, std::uint32_t rate_hz) noexcept {
        if (time_.runs) time_.frame += frames;
        seconds_.store(static_cast<double>(time_.frame) / rate_hz, std::memory_order_relaxed);
    }

private:
    static constexpr std::uint64_t kPresent = std::uint64_t{1} << 63;
    static constexpr std::uint64_t kRuns = std::uint64_t{1} << 62;
    static constexpr std::uint64_t kPlace = kRuns - 1;
    static constexpr std::uint64_t kNoSeek = kPlace;
    static constexpr double kUnitSeconds = 1e-9;

    static bool seeks(std::uint64_t wanted) noexcept {
        return wanted != 0 && (wanted & kPlace) != kNoSeek;
    }
    static double seconds_of(std::uint64_t wanted) noexcept {
        return static_cast<double>(wanted & kPlace) * kUnitSeconds;
    }

    void want(bool runs, std::uint64_t place) noexcept {
        // Keep a seek that the callback has not taken yet.
        std::uint64_t before = wanted_.load(std::memory_order_relaxed);
        std::uint64_t next;
        do {
            const bool kept = place == kNoSeek && before != 0;
            next = kPresent | (runs ? kRuns : 0) | (kept ? before & kPlace : place);
        } while (!wanted_.compare_exchange_weak(before, next, std::memory_order_release,
                                                std::memory_order_relaxed));
    }

    std::atomic<std::uint64_t> wanted_{0};
    std::atomic<double> seconds_{0.0};
    static_assert(std::atomic<std::uint64_t>::is_always_lock_free &&
                  std::atomic<double>::is_always_lock_free);
    SessionTime time_{0, false};  // owned by the callback
};

}  // namespace entrain
