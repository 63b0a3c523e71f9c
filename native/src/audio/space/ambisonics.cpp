#include "audio/space/ambisonics.h"

#include <algorithm>
#include <cmath>

namespace entrain::space {

namespace {

constexpr double kJumpCosine = 0.99939082701909573;  // of 2 degrees
constexpr double kJumpGain = 0.06;                   // 0.5 dB
constexpr double kFadeSeconds = 0.02;

std::size_t index(int value) noexcept { return static_cast<std::size_t>(value); }

float smooth(float part) noexcept {
    const float p = std::min(part, 1.0F);
    return p * p * (3.0F - 2.0F * p);
}

}  // namespace

std::array<float, kMostChannels> harmonics(const Direction &d) noexcept {
    const double x = d.x, y = d.y, z = d.z;
    const double third = std::sqrt(3.0), fifteenth = std::sqrt(15.0);
    const double five_eighths = std::sqrt(0.625), three_eighths = std::sqrt(0.375);
    const std::array<double, kMostChannels> gains{
        1.0,
        y,
        z,
        x,
        third * x * y,
        third * y * z,
        0.5 * (3.0 * z * z - 1.0),
        third * x * z,
        0.5 * third * (x * x - y * y),
        five_eighths * y * (3.0 * x * x - y * y),
        fifteenth * x * y * z,
        three_eighths * y * (5.0 * z * z - 1.0),
        0.5 * z * (5.0 * z * z - 3.0),
        three_eighths * x * (5.0 * z * z - 1.0),
        0.5 * fifteenth * z * (x * x - y * y),
        five_eighths * x * (x * x - 3.0 * y * y)};
    std::array<float, kMostChannels> rounded{};
    for (std::size_t i = 0; i < gains.size(); ++i) rounded[i] = static_cast<float>(gains[i]);
    return rounded;
}

void Encoded::aim(const Target &target, bool fades_in, int fade_frames) noexcept {
    if (fades_ && faded_ < fade_frames) return;  // the next step waits
    fades_ = false;
    from_ = to_;
    const bool comes = !on_;
    if (!comes && target_.direction == target.direction && target_.gain == target.gain) return;
    const bool jumps =
        !comes && (dot(target_.direction, target.direction) < kJumpCosine ||
                   std::fabs(target.gain - target_.gain) > kJumpGain * target_.gain);
    on_ = true;
    target_ = target;
    to_ = harmonics(target.direction);
    for (float &gain : to_) gain *= static_cast<float>(target.gain);
    if (comes && !fades_in) from_ = to_;
    if (comes && fades_in) from_.fill(0.0F);
    fades_ = jumps || (comes && fades_in);
    faded_ = 0;
}

Ambisonics::Ambisonics(std::uint32_t rate_hz, int partition, int most_channels,
                       const Kernels &kernels)
    : partition_(partition),
      kernels_(kernels),
      fade_frames_(static_cast<int>(std::lround(kFadeSeconds * rate_hz))),
      channels_(index(most_channels), std::vector<float>(index(2 * partition + kGroup))),
      even_(index(partition)),
      ramp_(index(partition)),
      sum_(index(pair_floats(partition))) {
    for (std::size_t k = 0; k < even_.size(); ++k)
        even_[k] = static_cast<float>(k + 1) / static_cast<float>(partition);
    for (auto &part : spectra_)
        part.resize(index(most_channels / 2), std::vector<float>(index(pair_floats(partition))));
    for (Ears &each : ears_) {
        each.filters.resize(index(most_channels * filter_floats(partition)));
        for (std::size_t ear = 0; ear < 2; ++ear) {
            each.tail[ear].resize(index(partition));
            each.sound[ear].resize(index(partition));
        }
    }
}

float *Ambisonics::channel(int c) noexcept { return channels_[index(c)].data() + partition_; }

int Ambisonics::channels() const noexcept {
    return std::max(ears_[0].channels, ears_[1].channels);
}

// A change during a cross-fade waits for its end.
void Ambisonics::use(const Head &head, int order) noexcept {
    const Decoder &decoder =
        head.hearing(order) == Hearing::high_order ? head.high_order : head.first_order;
    if (decoder.channels == 0 || (head.serial == head_ && order == order_)) return;
    if (ears_[0].channels > 0 && ears_[1].channels > 0) return;
    head_ = head.serial;
    order_ = order;
    for (int c = channels(); c < decoder.channels; ++c) forget(c);
    if (is_on()) now_ = 1 - now_;
    faded_ = 0;
    ears_[now_].channels = decoder.channels;
    std::copy(decoder.filters.begin(), decoder.filters.end(), ears_[now_].filters.begin());
}

// A channel that no decoder has used still holds the sound of its last use.
void Ambisonics::forget(int c) noexcept {
    std::fill(channels_[index(c)].begin(), channels_[index(c)].end(), 0.0F);
    const int half = pair_floats(partition_) / 2;
    for (auto &part : spectra_) std::fill_n(part[index(c / 2)].data() + c % 2 * half, half, 0.0F);
}

void Ambisonics::step() noexcept {
    for (Ears &each : ears_)
        if (each.channels > 0) add_tail(each);
}

void Ambisonics::clear(int begin, int groups) noexcept {
    for (int c = 0; c < channels(); ++c) std::fill_n(channel(c) + begin, groups * kGroup, 0.0F);
}

void Ambisonics::add(const Encoded &source, const float *sound, int begin, int groups) noexcept {
    const float *ramp = even_.data() + begin;
    if (source.fades_) {
        for (int m = 0; m < groups * kGroup; ++m)
            ramp_[index(m)] = smooth(static_cast<float>(source.faded_ + begin + m + 1) /
                                     static_cast<float>(fade_frames_));
        ramp = ramp_.data();
    }
    std::array<float *, kMostChannels> to;
    for (int c = 0; c < channels(); ++c) to[index(c)] = channel(c) + begin;
    kernels_.encode(sound + begin, source.from_.data(), source.to_.data(), ramp, to.data(),
                    channels(), groups);
}

void Ambisonics::decode(int begin, int groups) noexcept {
    for (Ears &each : ears_)
        if (each.channels > 0) decode(each, begin, groups);
}

void Ambisonics::decode(Ears &ears, int begin, int groups) noexcept {
    for (auto &ear : ears.sound) std::fill_n(ear.data() + begin, groups * kGroup, 0.0F);
    for (int c = 0; c < ears.channels; ++c)
        kernels_.direct_mono(ears.filters.data() + c * filter_floats(partition_),
                             channel(c) + begin, ears.sound[0].data() + begin,
                             ears.sound[1].data() + begin, groups);
}

float Ambisonics::sound(std::size_t ear, int frame) const noexcept {
    const Ears &now = ears_[now_], &former = ears_[1 - now_];
    const std::size_t at = index(frame);
    const float to = now.sound[ear][at] + now.tail[ear][at];
    if (former.channels == 0) return to;
    const float from = former.sound[ear][at] + former.tail[ear][at];
    const float part =
        static_cast<float>(faded_ + frame + 1) / static_cast<float>(fade_frames_);
    return from + smooth(part) * (to - from);
}

void Ambisonics::add_tail(Ears &ears) noexcept {
    std::fill(sum_.begin(), sum_.end(), 0.0F);
    const int half = pair_floats(partition_) / 2;
    for (int c = 0; c < ears.channels; ++c) {
        const float *filter =
            ears.filters.data() + c * filter_floats(partition_) + 2 * partition_;
        for (int part = 0; part < kParts - 1; ++part)
            kernels_.multiply_mono(
                spectra_[index((newest_ + part) % (kParts - 1))][index(c / 2)].data() +
                    c % 2 * half,
                filter + part * pair_floats(partition_), sum_.data());
    }
    kernels_.invert(sum_.data(), ears.tail[0].data(), ears.tail[1].data());
}

void Ambisonics::finish() noexcept {
    newest_ = (newest_ + kParts - 2) % (kParts - 1);
    for (int c = 0; c < channels(); c += 2)
        kernels_.transform(channels_[index(c)].data(), channels_[index(c + 1)].data(),
                           spectra_[index(newest_)][index(c / 2)].data());
    for (int c = 0; c < channels(); ++c)
        std::copy_n(channel(c), partition_, channels_[index(c)].data());
    if (ears_[1 - now_].channels > 0 && (faded_ += partition_) >= fade_frames_)
        ears_[1 - now_].channels = 0;
}

}  // namespace entrain::space
