// One parameter of a layer: its target comes from the control thread or from a protocol's
// automation, its value moves on the grid.
#pragma once

#include "audio/automation.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstdint>
#include <string>

namespace entrain {

// Parameters change on multiples of this many frames of the engine's count.
constexpr std::uint32_t kGridFrames = 16;

// Where a parameter is asked to go, and how long it may take; travels as one atomic word.
struct Move {
    float target;
    float seconds;
};
inline bool operator==(const Move &a, const Move &b) noexcept {
    return a.target == b.target && a.seconds == b.seconds;
}

class Parameter {
public:
    Parameter(std::string symbol, float *zone, float initial, float minimum, float maximum)
        : symbol_(std::move(symbol)), minimum_(minimum), maximum_(maximum), zone_(zone) {
        place(initial);
    }

    const std::string &symbol() const noexcept { return symbol_; }
    bool accepts(double value) const noexcept {
        return std::isfinite(value) && value >= double{minimum_} && value <= double{maximum_};
    }

    // [control]
    void ask(Move move) noexcept { asked_.store(move, std::memory_order_relaxed); }
    Move asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
    float shown() const noexcept { return shown_.load(std::memory_order_relaxed); }

    // [control], only while the callback does not know the layer: be there at once.
    void place(float value) noexcept {
        taken_ = Move{value, 0.0F};
        ask(taken_);
        steps_ = done_ = 0;
        write(value);
    }

    // ---- [audio] -------------------------------------------------------------------------

    // Follow a lane from now on; null: go where it was asked to be.  A parameter that is heard
    // gets there within 20 ms, another one at once.
    void follow(const Lane *lane, bool heard, double grid_steps_per_second) noexcept {
        if (!lane && !lane_) return;
        lane_ = lane;
        cursor_ = 0;
        if (!lane) {
            taken_ = asked();
            begin(kDefaultMoveSeconds * grid_steps_per_second);
        } else {
            land(heard, grid_steps_per_second);
        }
    }

    // The lane's value is about to jump: hide that as `follow` does.
    void land(bool heard, double grid_steps_per_second) noexcept {
        if (!lane_) return;
        if (heard) begin(kDefaultMoveSeconds * grid_steps_per_second);
        landing_ = heard;
        steps_ = heard ? steps_ : 0;
    }

    // Start a new move, if one has been asked for; it ends the automation of this parameter.
    void take(double grid_steps_per_second) noexcept {
        const Move move = asked();
        if (move == taken_) return;
        taken_ = move;
        lane_ = nullptr;
        const double seconds = move.seconds > 0.0F ? double{move.seconds} : kDefaultMoveSeconds;
        begin(seconds * grid_steps_per_second);
    }

    // Be where the session is; `grid` tells whether this is a step of the grid.
    // Returns the frames to the next breakpoint.
    std::uint64_t evaluate(const SessionTime &time, bool grid) noexcept {
        if (grid && done_ < steps_) ++done_;
        if (!lane_) {
            if (grid && steps_ > 0) {
                if (done_ < steps_) {
                    write(static_cast<float>(start_ + (double{taken_.target} - start_) * part()));
                } else {
                    write(taken_.target);
                    steps_ = done_ = 0;
                }
            }
            return Lane::kNever;
        }
        const Lane::At at = lane_->at(time.frame, cursor_);
        if (landing_) {
            landing_ = false;
            start_ -= at.value;  // from here on: what is still to be made up
        }
        double value = at.value;
        if (done_ < steps_)
            value += start_ * (1.0 - part());
        else
            steps_ = done_ = 0;
        write(static_cast<float>(std::clamp(value, double{minimum_}, double{maximum_})));
        lane_moves_ = time.runs && at.moves;
        return time.runs ? at.next : Lane::kNever;
    }

    bool is_moving() const noexcept { return steps_ > 0 || (lane_ && lane_moves_); }

private:
    static constexpr double kDefaultMoveSeconds = 0.02;  // short enough to feel at once, no click

    void begin(double steps) noexcept {
        start_ = double{shown()};
        steps_ = static_cast<std::uint32_t>(std::lround(steps));
        if (steps_ == 0) steps_ = 1;
        done_ = 0;
    }

    double part() const noexcept { return static_cast<double>(done_) / steps_; }

    void write(float value) noexcept {
        *zone_ = value;
        shown_.store(value, std::memory_order_relaxed);
    }

    const std::string symbol_;
    const float minimum_;
    const float maximum_;
    float *const zone_;
    std::atomic<Move> asked_{};
    std::atomic<float> shown_{};
    static_assert(std::atomic<Move>::is_always_lock_free);
    // Owned by the callback:
    Move taken_{};
    double start_ = 0.0;
    std::uint32_t steps_ = 0;  // of the move that is on; 0: none
    std::uint32_t done_ = 0;
    const Lane *lane_ = nullptr;
    std::size_t cursor_ = 0;
    bool landing_ = false;
    bool lane_moves_ = false;
};

}  // namespace entrain
