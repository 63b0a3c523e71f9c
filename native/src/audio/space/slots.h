// Slots for placed generators: each keeps its slot until its last sound has reached the ears.
#pragma once

#include "audio/direction.h"
#include "audio/surroundings.h"

#include <array>
#include <cstddef>
#include <cstdint>

namespace entrain::space {

struct Slot {
    std::uint32_t number = 0;      // of the generator's layer; 0: the slot is free
    const float *sound = nullptr;  // null: the generator has gone, its last sound is on its way
    const Steps<Whereabouts> *whereabouts = nullptr;
    int silent_frames = 0;
    // The latest position in the room, and the whereabouts that it was computed from.
    Whereabouts seen;
    Direction direction;
    double distance_m = 1.0;
    bool has_position = false;

    void move(const Whereabouts &to) noexcept {
        if (has_position && seen == to) return;
        const Position position = position_of(to.place, to.phase);
        direction = direction_of(position.azimuth_deg, position.elevation_deg);
        distance_m = position.distance_m;
        seen = to;
        has_position = true;
    }
};

class Slots {
public:
    // Longest time, in frames, for which sound is on its way to the ears.
    explicit Slots(int longest_frames) noexcept : longest_frames_(longest_frames) {}

    // Give each placed source a slot; `taken` is called with the place of a slot that is new.
    template <class Taken> void take(const Surroundings &piece, Taken taken) noexcept {
        for (Slot &slot : slots_) slot.sound = nullptr, slot.whereabouts = nullptr;
        for (std::uint32_t i = 0; i < piece.sources; ++i) {
            const PlacedSource &source = piece.source[i];
            std::size_t place = find(source.number);
            if (place == kMostSources) place = find(0);
            if (place == kMostSources) place = longest_silent();
            Slot &slot = slots_[place];
            if (slot.number != source.number) {
                slot = {};
                slot.number = source.number;
                taken(place);
            }
            slot.sound = source.sound;
            slot.whereabouts = source.whereabouts;
        }
    }

    // After `frames` frames: frees slots.
    template <class Freed> void pass(int frames, Freed freed) noexcept {
        for (std::size_t i = 0; i < kMostSources; ++i) {
            Slot &slot = slots_[i];
            if (slot.number == 0) continue;
            slot.silent_frames = slot.sound ? 0 : slot.silent_frames + frames;
            if (slot.silent_frames < longest_frames_) continue;
            slot = {};
            freed(i);
        }
    }

    Slot &operator[](std::size_t place) noexcept { return slots_[place]; }

private:
    std::size_t find(std::uint32_t number) const noexcept {
        std::size_t place = 0;
        while (place < kMostSources && slots_[place].number != number) ++place;
        return place;
    }
    // There is one: a piece has no more sources than there are slots.
    std::size_t longest_silent() const noexcept {
        std::size_t found = 0;
        for (std::size_t i = 1; i < kMostSources; ++i)
            if (!slots_[i].sound &&
                (slots_[found].sound || slots_[i].silent_frames > slots_[found].silent_frames))
                found = i;
        return found;
    }

    const int longest_frames_;
    std::array<Slot, kMostSources> slots_{};
};

}  // namespace entrain::space
