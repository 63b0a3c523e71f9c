// What a protocol does to a layer's parameters over time: made by the control thread, never
// changed afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain {

// How a value gets from one breakpoint to the next.
enum class Curve : std::uint8_t { step, linear, exponential, smooth };

struct Breakpoint {
    std::uint64_t frame;  // of the session
    double value;
    Curve curve;  // from here to the next one
};

// One parameter's way; after the last breakpoint it holds, or begins again after `loop_frames`.
struct Lane {
    std::size_t parameter;            // its place among the layer's parameters
    std::vector<Breakpoint> points;   // at least one; their frames go up
    std::uint64_t loop_frames = 0;    // 0: no loop
    std::uint32_t asks = 0;           // moves of the parameter up to here were asked for before

    struct At {
        double value;
        std::uint64_t next;  // frames from here to the next breakpoint, or kNever
        bool moves;          // whether the value changes before that
    };
    static constexpr std::uint64_t kNever = ~std::uint64_t{0};

    // [audio] `cursor` remembers where the last question was; any value is allowed.
    At at(std::uint64_t session_frame, std::size_t &cursor) const noexcept;
};

struct Automation {
    std::vector<Lane> lanes;
};

// Where the session is while a piece of sound is made.
struct SessionTime {
    std::uint64_t frame;
    bool runs;
};

}  // namespace entrain
