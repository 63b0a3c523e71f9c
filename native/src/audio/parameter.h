// One parameter of a layer: its target comes from the control thread, its value moves on the grid.
#pragma once

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
    bool accepts(float value) const noexcept {
        return std::isfinite(value) && value >= minimum_ && value <= maximum_;
    }

    // [control]
    void ask(Move move) noexcept { asked_.store(move, std::memory_order_relaxed); }
    Move asked() const noexcept { return asked_.load(std::memory_order_relaxed); }
    float shown() const noexcept { return shown_.load(std::memory_order_relaxed); }

    // [control], only while the callback does not know the layer: be there at once.
    void place(float value) noexcept {
        taken_ = Move{value, 0.0F};
        ask(taken_);
        start_ = value;
        steps_ = done_ = 0;
        write(value);
    }

    // [audio] Start a new move, if one has been asked for.
    void take(double grid_steps_per_second) noexcept {
        const Move move = asked();
        if (move == taken_) return;
        taken_ = move;
        start_ = shown();
        const double seconds = move.seconds > 0.0F ? double{move.seconds} : kDefaultMoveSeconds;
        steps_ = static_cast<std::uint32_t>(std::lround(seconds * grid_steps_per_second));
        if (steps_ == 0) steps_ = 1;
        done_ = 0;
    }

    bool is_moving() const noexcept { return done_ < steps_; }

    // [audio] Go one grid step further.
    void step() noexcept {
        if (!is_moving()) return;
        ++done_;
        const double part = static_cast<double>(done_) / steps_;
        write(is_moving() ? static_cast<float>(start_ + (double{taken_.target} - start_) * part)
                          : taken_.target);
    }

private:
    static constexpr double kDefaultMoveSeconds = 0.02;  // short enough to feel at once, no click

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
    std::uint32_t steps_ = 0;
    std::uint32_t done_ = 0;
};

}  // namespace entrain
