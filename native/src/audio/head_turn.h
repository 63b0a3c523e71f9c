// How the listener's head is turned: written by any thread, smoothed in the callback.
#pragma once

#include "audio/direction.h"
#include "audio/surroundings.h"

#include <array>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <limits>

namespace entrain {

// One quaternion that one thread writes and any thread reads, without waiting (a sequence lock).
class TurnMailbox {
public:
    // [any], one writer
    void write(const std::array<float, 4> &turn) noexcept {
        const std::uint32_t count = count_.load(std::memory_order_relaxed);
        count_.store(count + 1, std::memory_order_relaxed);
        for (std::size_t i = 0; i < 4; ++i) turn_[i].store(turn[i], std::memory_order_release);
        count_.store(count + 2, std::memory_order_release);
    }

    // [any] False while it is being written; `count` differs after each write; 0: never written.
    bool read(std::array<float, 4> &turn, std::uint32_t &count) const noexcept {
        const std::uint32_t before = count_.load(std::memory_order_acquire);
        for (std::size_t i = 0; i < 4; ++i) turn[i] = turn_[i].load(std::memory_order_acquire);
        count = count_.load(std::memory_order_relaxed);
        return before == count && count % 2 == 0;
    }

private:
    std::atomic<std::uint32_t> count_{0};
    std::array<std::atomic<float>, 4> turn_{};
};

class HeadTurn {
public:
    // [any], one writer.  Returns whether it was a turn: finite, and not all 0.
    bool write(const float *turn) noexcept {
        double square = 0.0;
        for (std::size_t i = 0; i < 4; ++i) square += double{turn[i]} * double{turn[i]};
        if (!(square > 1e-30 && square < 1e30)) return false;
        std::array<float, 4> unit{};
        for (std::size_t i = 0; i < 4; ++i)
            unit[i] = static_cast<float>(double{turn[i]} / std::sqrt(square));
        wanted_.write(unit);
        return true;
    }

    // [any] The turn as the ears have it, and the seconds since it was written (infinite: never).
    std::array<float, 4> turn() const noexcept {
        std::array<float, 4> turn{};
        std::uint32_t count = 0;
        // The callback writes rarely, and never twice while this loop runs.
        while (!heard_.read(turn, count)) {
        }
        if (count == 0) turn = {1.0F, 0.0F, 0.0F, 0.0F};
        return turn;
    }
    float age_s() const noexcept { return age_s_.load(std::memory_order_relaxed); }

    // [audio] Turns for the steps of a piece that begins `since_step` frames after a step.
    void follow(Steps<Turn> &turns, std::uint64_t frame, std::uint32_t frames,
                std::uint32_t rate_hz) noexcept {
        std::array<float, 4> told{};
        std::uint32_t count = 0;
        if (wanted_.read(told, count) && count != count_) {
            count_ = count;
            target_ = {double{told[0]}, double{told[1]}, double{told[2]}, double{told[3]}};
            unrepeated_s_ = 0.0;
            front_ = false;
            // The space cross-fades a large step.  Smoothed, it would be two steps, of which the
            // second one waits for the end of the first cross-fade.
            if (std::fabs(dot(now_, target_)) < kAtOnceCosine) now_ = target_;
        }
        turns[0] = now_;
        if (front_) {
            turns.fill(now_);
            unrepeated_s_ += static_cast<double>(frames) / rate_hz;
        } else {
            const double step_s = double{kStepFrames} / rate_hz;
            const double share = 1.0 - std::exp(-step_s / kSmoothS);
            const auto since = static_cast<std::uint32_t>(frame % kStepFrames);
            for (std::uint32_t i = since == 0 ? 0 : 1; i * kStepFrames < since + frames; ++i)
                turns[i] = advance(step_s, share);
        }
        publish();
    }

private:
    static constexpr double kSmoothS = 0.01;
    static constexpr double kAtOnceCosine = 0.99144486137381038;  // of a turn by 15 degrees
    static constexpr double kFreshS = 1.0;     // after this the head is no longer known
    static constexpr double kReturnS = 2.0;    // and comes back to the front within this

    Turn advance(double step_s, double share) noexcept {
        unrepeated_s_ += step_s;
        const double gone = (unrepeated_s_ - kFreshS) / kReturnS;
        now_ = between(now_, gone <= 0.0 ? target_ : between(target_, Turn{}, std::fmin(gone, 1.0)),
                       share);
        if (gone > 1.0 && 1.0 - std::fabs(now_.w) < 1e-12) {
            now_ = {};
            front_ = true;
        }
        return now_;
    }

    void publish() noexcept {
        if (count_ == 0) return;
        if (!(now_ == published_)) {
            published_ = now_;
            heard_.write({static_cast<float>(now_.w), static_cast<float>(now_.x),
                          static_cast<float>(now_.y), static_cast<float>(now_.z)});
        }
        age_s_.store(static_cast<float>(unrepeated_s_), std::memory_order_relaxed);
    }

    TurnMailbox wanted_;
    TurnMailbox heard_;
    std::atomic<float> age_s_{std::numeric_limits<float>::infinity()};
    // Owned by the callback:
    std::uint32_t count_ = 0;
    bool front_ = true;  // nothing moves
    double unrepeated_s_ = 0.0;
    Turn target_;
    Turn now_;
    Turn published_;
};

}  // namespace entrain
