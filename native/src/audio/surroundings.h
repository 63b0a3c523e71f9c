// The description of one piece of sound for a block of the group "space", besides the music.
#pragma once

#include "audio/direction.h"
#include "audio/place.h"

#include <array>
#include <cstdint>

namespace entrain {

struct Head;

// Highest number of placed generators, and of sources: as many may fade out at the same time.
constexpr std::uint32_t kMostPlaced = 8;
constexpr std::uint32_t kMostSources = 2 * kMostPlaced;

// A description has values for each step of this many frames of the engine's count, so that they do
// not depend on block sizes.  At most 16 steps begin in a piece, and one step before it.
constexpr std::uint32_t kStepFrames = 16;
constexpr std::uint32_t kMostSteps = 17;

template <class Value> using Steps = std::array<Value, kMostSteps>;

struct PlacedSource {
    std::uint32_t number;  // of its layer
    const float *sound;    // mono, from the beginning of the piece
    const Steps<Whereabouts> *whereabouts;
};

struct Surroundings {
    const Head *head = nullptr;  // null: sources stay as they are
    std::uint32_t since_step = 0;  // frames from the first step's beginning to the piece's
    Steps<Turn> turns{};           // from the room to the head
    std::uint32_t sources = 0;
    std::array<PlacedSource, kMostSources> source{};

    // Number of the step that holds a frame of the piece.
    std::uint32_t step_of(std::uint32_t frame) const noexcept {
        const std::uint32_t step = (since_step + frame) / kStepFrames;
        return step < kMostSteps ? step : kMostSteps - 1;
    }
};

}  // namespace entrain
