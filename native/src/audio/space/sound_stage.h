// What both blocks of the group "space" have in common: sources in slots, partitions, and the head.
#pragma once

#include "audio/faust_base.h"
#include "audio/space/source.h"
#include "audio/surroundings.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>

namespace entrain::space {

// Frames of a partition at a sample rate.
constexpr int partition_of(std::uint32_t rate_hz) noexcept {
    return rate_hz <= 50'000 ? 64 : rate_hz <= 100'000 ? 128 : 256;
}

// Parameters that say how the head is turned, beside the tracked head.
struct HeadParameters {
    float follow = 1.0F, yaw_deg = 0.0F, pitch_deg = 0.0F, roll_deg = 0.0F;

    bool operator!=(const HeadParameters &other) const noexcept {
        return follow != other.follow || yaw_deg != other.yaw_deg ||
               pitch_deg != other.pitch_deg || roll_deg != other.roll_deg;
    }
};

// A slot for a placed generator.
struct Slot {
    std::uint32_t number = 0;  // of the generator's layer; 0: free
    const float *sound = nullptr;  // null: it has gone, and its last sound is on its way
    const Steps<Whereabouts> *whereabouts = nullptr;
    int silent_frames = 0;
    // The latest position, and the whereabouts that it was computed from.
    Whereabouts seen;
    Direction direction;
    double distance_m = 1.0;
    bool is_fresh = true;
};

// The tracked head and the parameters of the head together.
class HeadSum {
public:
    // The turn from the room to the head; computed anew only if something has changed.
    const Turn &turn(const HeadParameters &parameters, const Turn &tracked) noexcept {
        if (parameters != parameters_ || !(tracked == tracked_)) {
            parameters_ = parameters;
            tracked_ = tracked;
            const Turn whole = turn_of_head(double{parameters.yaw_deg},
                                            double{parameters.pitch_deg},
                                            double{parameters.roll_deg}) * tracked;
            sum_ = between(Turn{}, whole, double{parameters.follow});
        }
        return sum_;
    }

private:
    HeadParameters parameters_;
    Turn tracked_, sum_;
};

class Slots {
public:
    // Longest time, in frames, for which sound is on its way to the ears.
    explicit Slots(int longest_frames) noexcept : longest_frames_(longest_frames) {}

    // Give each placed source a slot; `freed` is called with the number of a slot that is given
    // away.
    template <class Freed> void take(const Surroundings &piece, Freed freed) noexcept {
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
                freed(place);
            }
            slot.sound = source.sound;
            slot.whereabouts = source.whereabouts;
        }
    }

    // After `frames` frames: frees slots whose last sound has reached the ears.
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

    std::array<Slot, kMostSources> &all() noexcept { return slots_; }

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
