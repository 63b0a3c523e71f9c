// Automation of a layer's parameters over time.  The control thread makes an automation and never
// changes it afterwards.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain {

// How a value moves from one breakpoint to the next.
enum class Curve : std::uint8_t { step, linear, exponential, smooth };

struct Breakpoint {
    std::uint64_t frame;  // in the session
    double value;
    Curve curve;  // from this breakpoint to the next
};

// Automation of one parameter.  After the last breakpoint the value holds, or the lane repeats.
struct Lane {
    std::size_t parameter;            // index among the layer's parameters
    std::vector<Breakpoint> points;   // at least one, in ascending order of frames
    std::uint64_t loop_frames = 0;    // the lane repeats after this many frames; 0: no loop
    std::uint32_t asks = 0;           // Parameter::asks() when the lane was made

    struct At {
        double value;
        std::uint64_t next;  // frames from here to the next breakpoint, or kNever
        bool moves;          // whether the value changes before the next breakpoint
    };
    static constexpr std::uint64_t kNever = ~std::uint64_t{0};

    // [audio] Value at a frame.  `cursor` speeds up the next search; any value of it is allowed.
    At at(std::uint64_t session_frame, std::size_t &cursor) const noexcept;
};

struct Automation {
    std::vector<Lane> lanes;
};

// Position of the session's clock at the beginning of a piece of sound.
struct SessionTime {
    std::uint64_t frame;
    bool runs;
};

}  // namespace entrain
