#include "audio/space/room.h"

#include <algorithm>
#include <cmath>

namespace entrain::space {

namespace {

constexpr double kMetresPerSecond = 343.0;
constexpr double kOwnMetres = 2.0;  // distance of the speakers
// The box, and where the listener sits in it: x from the back, y from the right, z from the floor.
constexpr double kLength = 4.6, kBreadth = 3.7, kHeight = 2.6;
constexpr double kX = 1.9, kY = 1.75, kZ = 1.2;
// Share of the sound that front, back, left, right, ceiling and floor throw back.
constexpr std::array<double, 6> kWall{0.75, 0.6, 0.7, 0.75, 0.65, 0.5};
constexpr std::array<double, 8> kLineSeconds{0.0131, 0.0173, 0.0199, 0.0233,
                                             0.0269, 0.0301, 0.0337, 0.0379};
constexpr double kReverberationSeconds = 0.35;  // until -60 dB, at low frequencies
constexpr double kPredelaySeconds = 0.012;
constexpr double kFadeSeconds = 0.02;  // of reflections that jump with the head
constexpr double kLateGain = 0.25;  // at level 1 the tail has 5 dB less than the direct sound
constexpr double kAddedPower = 2.9;  // of the whole room beside the direct sound, at level 1, if
                                     // both sides play the same

std::size_t index(int value) noexcept { return static_cast<std::size_t>(value); }

float low_pass(double hz, double rate_hz) noexcept {
    return static_cast<float>(1.0 - std::exp(-360.0 * kDegree * std::min(hz, 0.45 * rate_hz) /
                                             rate_hz));
}

}  // namespace

Room::Room(std::uint32_t rate_hz, int partition)
    : rate_hz_(rate_hz),
      fade_frames_(static_cast<int>(std::lround(kFadeSeconds * rate_hz))),
      partition_(partition) {
    const auto frames = [rate_hz](double seconds) {
        return static_cast<std::size_t>(std::lround(seconds * rate_hz));
    };
    std::size_t length = 1;
    while (length < frames(0.05) + 2 * index(partition)) length *= 2;
    mask_ = length - 1;
    for (std::size_t side = 0; side < 2; ++side) {
        heard_[side].resize(length);
        late_[side].resize(index(partition));
        const Direction speaker = direction_of(side == 0 ? 30.0 : -30.0, 0.0);
        const double x = kX + kOwnMetres * speaker.x, y = kY + kOwnMetres * speaker.y;
        const std::array<std::array<double, 3>, kWalls> images{{{2 * kLength - x, y, kZ},
                                                                {-x, y, kZ},
                                                                {x, 2 * kBreadth - y, kZ},
                                                                {x, -y, kZ},
                                                                {x, y, 2 * kHeight - kZ},
                                                                {x, y, -kZ}}};
        for (std::size_t wall = 0; wall < kWalls; ++wall) {
            const double dx = images[wall][0] - kX, dy = images[wall][1] - kY,
                         dz = images[wall][2] - kZ;
            const double metres = std::sqrt(dx * dx + dy * dy + dz * dz);
            Reflection &reflection = reflections_[side * kWalls + wall];
            reflection.side = side;
            reflection.delay = frames((metres - kOwnMetres) / kMetresPerSecond);
            reflection.direction = {dx / metres, dy / metres, dz / metres};
            reflection.gain = kWall[wall] * kOwnMetres / metres;
            reflection.sound.resize(index(partition + kGroup));
        }
    }
    predelay_ = frames(kPredelaySeconds);
    lines_.resize(kLines * length);
    for (std::size_t i = 0; i < kLines; ++i) {
        delay_[i] = frames(kLineSeconds[i]);
        feedback_[i] = static_cast<float>(
            std::pow(10.0, -3.0 * kLineSeconds[i] / kReverberationSeconds) / std::sqrt(8.0));
    }
    wall_ = low_pass(7000.0, rate_hz);
    damping_ = low_pass(5000.0, rate_hz);
    // Ears a head apart hear the same of a diffuse field below this, and different sound above it.
    together_ = low_pass(600.0, rate_hz);
}

double Room::direct_gain(double level) noexcept {
    return 1.0 / std::sqrt(1.0 + kAddedPower * level);
}

void Room::clear() noexcept {
    for (auto &side : heard_) std::fill(side.begin(), side.end(), 0.0F);
    std::fill(lines_.begin(), lines_.end(), 0.0F);
    dull_ = {};
    damped_.fill(0.0F);
    apart_ = 0.0F;
    for (Reflection &each : reflections_) each.encoded.stop();
}

void Room::step(double level, const Turn &turn) noexcept {
    if (level > 0.0) {
        if (!on_) clear();
        on_ = true;
        silent_frames_ = 0;
    } else if (on_ && (silent_frames_ += partition_) > static_cast<int>(kRoomSeconds * rate_hz_)) {
        on_ = false;
    }
    from_level_ = level_;
    level_ = static_cast<float>(std::sqrt(level) * direct_gain(level));
    if (is_fresh_) from_level_ = level_;
    is_fresh_ = false;
    if (!on_) return;
    for (Reflection &each : reflections_)
        each.encoded.aim({turned(each.direction, turn), each.gain}, false, fade_frames_);
}

void Room::hear(const float *left, const float *right, int first, int frames) noexcept {
    const float *const sides[2] = {left, right};
    std::array<float, 256> together;
    for (int k = 0; k < frames; ++k) {
        // The level applies to the room's input, so that a tail sounds on.
        const float part = static_cast<float>(first + k + 1) / static_cast<float>(partition_);
        const float level = from_level_ + part * (level_ - from_level_);
        const std::size_t to = (at_ + index(first + k)) & mask_;
        for (std::size_t side = 0; side < 2; ++side) {
            dull_[side] += wall_ * (level * sides[side][k] - dull_[side]);
            heard_[side][to] = dull_[side];
        }
        const std::size_t from = (to - predelay_) & mask_;
        together[index(k)] = heard_[0][from] + heard_[1][from];
    }
    reverberate(together.data(), first, frames);
}

void Room::reverberate(const float *in, int first, int frames) noexcept {
    for (int k = 0; k < frames; ++k) {
        const std::size_t now = at_ + index(first + k);
        std::array<float, kLines> a;
        for (std::size_t i = 0; i < kLines; ++i) {
            const float out = lines_[kLines * ((now - delay_[i]) & mask_) + i];
            damped_[i] += damping_ * (out - damped_[i]);
            a[i] = damped_[i];
        }
        // One part is the same at both ears, the other has opposite signs.
        const float same = a[0] - a[1] + a[2] - a[3];
        const float other = a[4] - a[5] + a[6] - a[7];
        apart_ += together_ * (other - apart_);
        const float difference = other - apart_;
        const auto gain = static_cast<float>(kLateGain);
        late_[0][index(first + k)] = gain * (same + difference);
        late_[1][index(first + k)] = gain * (same - difference);
        // Each line feeds all of them (a Hadamard matrix).
        for (std::size_t half = 1; half < kLines; half *= 2)
            for (std::size_t i = 0; i < kLines; ++i)
                if ((i & half) == 0) {
                    const float sum = a[i] + a[i + half];
                    a[i + half] = a[i] - a[i + half];
                    a[i] = sum;
                }
        float *to = lines_.data() + kLines * (now & mask_);
        for (std::size_t i = 0; i < kLines; ++i)
            to[i] = feedback_[i] * a[i] + (i % 3 == 0 ? -in[k] : in[k]);
    }
}

void Room::add_reflections(Ambisonics &scene, int begin, int groups) noexcept {
    for (Reflection &each : reflections_) {
        const std::vector<float> &ring = heard_[each.side];
        const std::size_t from = at_ + index(begin) - each.delay;
        for (int m = 0; m < groups * kGroup; ++m)
            each.sound[index(begin + m)] = ring[(from + index(m)) & mask_];
        scene.add(each.encoded, each.sound.data(), begin, groups);
    }
}

void Room::finish() noexcept {
    at_ = (at_ + index(partition_)) & mask_;
    for (Reflection &each : reflections_) each.encoded.finish(partition_);
}

}  // namespace entrain::space
