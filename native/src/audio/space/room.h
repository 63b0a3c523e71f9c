// A room around the listener: the first reflections of a box, as sources in an Ambisonic scene, and
// a late tail from a feedback network of eight delays.
//
// The reflections belong to a pair of speakers in front, at 2 m; they turn with the head, but do not
// follow the speakers, since they tell the ear about the room and not about the place.
#pragma once

#include "audio/direction.h"
#include "audio/space/ambisonics.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain::space {

constexpr double kRoomSeconds = 0.6;  // for which the tail is audible

class Room {
public:
    Room(std::uint32_t rate_hz, int partition);

    bool is_on() const noexcept { return on_; }

    // Gain of the direct sound at a level of the room (0 to 1), so that the sum is not louder.
    static double direct_gain(double level) noexcept;

    // At the beginning of a partition.
    void step(double level, const Turn &turn) noexcept;

    // Within a partition: sound of the left and the right side, then the parts of the room.
    void hear(const float *left, const float *right, int first, int frames) noexcept;
    void add_reflections(Ambisonics &scene, int begin, int groups) noexcept;
    float late(std::size_t ear, int frame) const noexcept {
        return late_[ear][static_cast<std::size_t>(frame)];
    }

    // At the end of a partition.
    void finish() noexcept;

private:
    static constexpr std::size_t kLines = 8;
    static constexpr std::size_t kWalls = 6;

    struct Reflection {
        std::size_t side = 0;  // of the speakers
        std::size_t delay = 0;
        Direction direction;
        double gain = 0.0;
        Encoded encoded;
        std::vector<float> sound;
    };

    void clear() noexcept;
    void reverberate(const float *in, int first, int frames) noexcept;

    const std::uint32_t rate_hz_;
    const int fade_frames_;
    const int partition_;
    bool on_ = false;
    bool is_fresh_ = true;   // the first level is not faded in
    int silent_frames_ = 0;  // since the level became 0
    float from_level_ = 0.0F, level_ = 0.0F;  // as gains
    std::array<std::vector<float>, 2> heard_;  // rings of both sides, duller than they came
    std::array<float, 2> dull_{};
    std::array<Reflection, 2 * kWalls> reflections_;
    std::size_t at_ = 0;     // place of the partition's first frame in all rings
    std::size_t mask_ = 0;   // length of the rings - 1
    std::size_t predelay_ = 0;
    std::vector<float> lines_;  // ring of frames of eight lines
    std::array<std::size_t, kLines> delay_{};
    std::array<float, kLines> feedback_{}, damped_{};
    float wall_ = 0.0F, damping_ = 0.0F, together_ = 0.0F;  // coefficients of low-passes
    float apart_ = 0.0F;                                     // low part of the sides' difference
    std::array<std::vector<float>, 2> late_;
};

}  // namespace entrain::space
