// One parameter of a layer.  Its target comes from the control thread or from a protocol's
// automation; its value moves on the grid.
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

// Target of a parameter, and duration of the move to it; passed on as one atomic word.
struct Move {
    float target;
    float seconds;
};

class Parameter {
public:
    // `period`: values that differ by it are the same, and moves go the short way round; 0: none.
    // `at_once`: the block itself makes steps of the value inaudible.
    Parameter(std::string symbol, float *zone, float initial, float minimum, float maximum,
              double period = 0.0, bool at_once = false)
        : symbol_(std::move(symbol)),
          minimum_(minimum),
          maximum_(maximum),
          period_(period),
          default_move_s_(at_once ? 0.0 : kDefaultMoveSeconds),
          zone_(zone) {
        place(initial);
    }

    const std::string &symbol() const noexcept { return symbol_; }
    // Compares after conversion to float: a range that begins at 0.05F accepts the double 0.05,
    // which is smaller.
    bool accepts(double value) const noexcept {
        const auto rounded = static_cast<float>(value);
        return std::isfinite(rounded) && rounded >= minimum_ && rounded <= maximum_;
    }

    // [control]
    void ask(Move move) noexcept {
        asked_.store(move, std::memory_order_relaxed);
        asks_.fetch_add(1, std::memory_order_release);
    }
    std::uint32_t asks() const noexcept { return asks_.load(std::memory_order_relaxed); }
    Move asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
    float shown() const noexcept { return shown_.load(std::memory_order_relaxed); }

    // [control] Take the value at once; only while the callback does not know the layer.
    void place(float value) noexcept {
        taken_ = Move{value, 0.0F};
        asked_.store(taken_, std::memory_order_relaxed);
        steps_ = done_ = 0;
        write(value);
    }

    // [control] Replace `former`, the parameter at another sample rate; only while the callback
    // does not know the layer.  resume() takes over what only the callback knows.
    void succeed(const Parameter &former) noexcept {
        place(former.shown());
        taken_ = former.asked();
        asked_.store(taken_, std::memory_order_relaxed);
        asks_.store(former.asks_.load(std::memory_order_relaxed), std::memory_order_relaxed);
    }

    // ---- [audio] -------------------------------------------------------------------------

    // Follow a lane from now on; null: go to the value that was asked for.  A parameter that is
    // heard gets there within 20 ms, any other at once.
    void follow(const Lane *lane, bool heard, double grid_steps_per_second) noexcept {
        if (!lane && !lane_) return;
        lane_ = lane;
        cursor_ = 0;
        if (lane) {
            replace_moves(*lane);
            land(heard, grid_steps_per_second);
        } else if (has_been_asked()) {  // take() follows, and sets the duration of the move
            steps_ = done_ = 0;
            landing_ = false;
        } else {
            begin(default_move_s_ * grid_steps_per_second);
        }
    }

    // Continue where `former`, the parameter at another sample rate, is: with the rest of its move,
    // and along `lane`, which is its lane in frames of this rate.
    void resume(const Parameter &former, const Lane *lane, bool heard,
                double grid_steps_per_second, double rate_ratio) noexcept {
        taken_ = former.taken_;
        taken_asks_ = former.taken_asks_;
        write(former.shown());
        steps_ = done_ = 0;
        landing_ = former.landing_;
        if (former.steps_ > 0) {
            const double left = former.steps_ - former.done_;
            start_ = !former.lane_        ? nearest(double{shown()})
                     : former.landing_    ? former.start_
                                          : former.start_ * (1.0 - former.part());
            steps_ = std::max(static_cast<std::uint32_t>(std::lround(left * rate_ratio)), 1U);
        }
        cursor_ = 0;
        lane_moves_ = former.lane_moves_;
        lane_ = former.lane_;
        if (lane && lane_) {
            lane_ = lane;
            replace_moves(*lane);
        } else {
            follow(lane, heard, grid_steps_per_second);
        }
    }

    // The value of the lane is about to jump: glide to the new value, as follow() does.
    void land(bool heard, double grid_steps_per_second) noexcept {
        if (!lane_) return;
        if (heard) begin(default_move_s_ * grid_steps_per_second);
        landing_ = heard;
        steps_ = heard ? steps_ : 0;
    }

    // Start a new move if one has been asked for; it ends the automation of this parameter.
    void take(double grid_steps_per_second) noexcept {
        // Requests are counted: even a repeated request for the same value ends an automation.
        const std::uint32_t asks = asks_.load(std::memory_order_acquire);
        if (asks == taken_asks_) return;
        taken_asks_ = asks;
        taken_ = asked();
        lane_ = nullptr;
        landing_ = false;
        const double seconds = taken_.seconds > 0.0F ? double{taken_.seconds} : default_move_s_;
        begin(seconds * grid_steps_per_second);
    }

    // Move to the value for this time; `grid` tells whether this frame is on the grid.
    // Returns the number of frames to the next breakpoint.
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
            // From here on, `start_` is the remaining distance to the lane.
            start_ = shortest(start_ - at.value);
        }
        double value = at.value;
        if (done_ < steps_)
            value += start_ * (1.0 - part());
        else
            steps_ = done_ = 0;
        write(static_cast<float>(value));
        lane_moves_ = time.runs && at.moves;
        return time.runs ? at.next : Lane::kNever;
    }

    bool is_moving() const noexcept { return steps_ > 0 || (lane_ && lane_moves_); }

private:
    static constexpr double kDefaultMoveSeconds = 0.02;  // feels immediate, does not click

    // A lane replaces moves that were asked for before it was made; later moves end the lane.
    void replace_moves(const Lane &lane) noexcept {
        if (static_cast<std::int32_t>(lane.asks - taken_asks_) <= 0) return;
        taken_ = asked();
        taken_asks_ = lane.asks;
    }

    bool has_been_asked() const noexcept {
        return asks_.load(std::memory_order_acquire) != taken_asks_;
    }

    void begin(double steps) noexcept {
        start_ = nearest(double{shown()});
        steps_ = static_cast<std::uint32_t>(std::lround(steps));
        if (steps_ == 0) steps_ = 1;
        done_ = 0;
    }

    double part() const noexcept { return static_cast<double>(done_) / steps_; }

    double shortest(double distance) const noexcept {
        return period_ > 0.0 ? std::remainder(distance, period_) : distance;
    }
    // The same value, as near to the target as possible.
    double nearest(double value) const noexcept {
        return period_ > 0.0 ? double{taken_.target} + shortest(value - double{taken_.target})
                             : value;
    }

    void write(float value) noexcept {
        if (period_ > 0.0 && value > maximum_) value -= static_cast<float>(period_);
        if (period_ > 0.0 && value < minimum_) value += static_cast<float>(period_);
        value = std::clamp(value, minimum_, maximum_);
        *zone_ = value;
        shown_.store(value, std::memory_order_relaxed);
    }

    const std::string symbol_;
    const float minimum_;
    const float maximum_;
    const double period_;
    const double default_move_s_;
    float *const zone_;
    std::atomic<Move> asked_{};
    std::atomic<std::uint32_t> asks_{0};  // number of requests; raised after `asked_` is written
    std::atomic<float> shown_{};
    static_assert(std::atomic<Move>::is_always_lock_free);
    // Owned by the callback:
    Move taken_{};
    std::uint32_t taken_asks_ = 0;
    double start_ = 0.0;
    std::uint32_t steps_ = 0;  // length of the move in progress; 0: none
    std::uint32_t done_ = 0;
    const Lane *lane_ = nullptr;
    std::size_t cursor_ = 0;
    bool landing_ = false;
    bool lane_moves_ = false;
};

}  // namespace entrain
