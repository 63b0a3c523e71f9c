#include "audio/space/harmonics.h"
#include "audio/space/source.h"
#include "audio/space/space_block.h"
#include "audio/space/space_blocks.h"

#include <algorithm>
#include <cmath>
#include <vector>

namespace entrain {
namespace {

using namespace space;

#include "block_scene_parameters.hpp"  // written by the build

constexpr double kJumpCosine = 0.99939082701909573;  // of 2 degrees
constexpr double kFadeSeconds = 0.02;

std::size_t index(int value) noexcept { return static_cast<std::size_t>(value); }

float smooth(float part) noexcept {
    const float p = std::min(part, 1.0F);
    return p * p * (3.0F - 2.0F * p);
}

// A source in the scene: its gains move within a partition, or within a cross-fade after a jump.
struct Encoded {
    bool on = false;
    Target target;
    std::array<float, kMostChannels> from{}, to{};
    int faded = 0;  // frames of the cross-fade before this partition
    bool fades = false;
    std::vector<float> sound;  // of the partition
};

class SceneRenderer final : public Renderer {
public:
    SceneRenderer(std::uint32_t rate_hz, const Kernels &kernels)
        : partition_(partition_of(rate_hz)),
          kernels_(kernels),
          fade_frames_(static_cast<int>(std::lround(kFadeSeconds * rate_hz))),
          even_(index(partition_)),
          ramp_(index(partition_)),
          sum_(index(pair_floats(partition_))) {
        for (std::size_t k = 0; k < even_.size(); ++k)
            even_[k] = static_cast<float>(k + 1) / static_cast<float>(partition_);
        for (Encoded &each : sources_) each.sound.resize(index(partition_ + kGroup));
        for (auto &channel : channels_) channel.resize(index(2 * partition_ + kGroup));
        for (auto &part : spectra_)
            for (auto &pair : part) pair.resize(index(pair_floats(partition_)));
        for (Ears &each : ears_) {
            each.filters.resize(index(kMostChannels * filter_floats(partition_)));
            for (std::size_t ear = 0; ear < 2; ++ear) {
                each.tail[ear].resize(index(partition_));
                each.sound[ear].resize(index(partition_));
            }
        }
    }

    int order = 3;

    bool is_on() const noexcept override { return ears_[now_].channels > 0; }

    void reset(std::size_t source) noexcept override {
        sources_[source].on = false;
        std::fill(sources_[source].sound.begin(), sources_[source].sound.end(), 0.0F);
    }

    void step(const Head *head,
              const std::array<const Target *, kSources> &targets) noexcept override {
        if (head) use(*head);
        for (std::size_t i = 0; i < kSources; ++i) {
            Encoded &source = sources_[i];
            if (targets[i] && (head || source.on))
                aim(source, *targets[i], i >= kPair);
            else
                source.on = false;
        }
        for (Ears &each : ears_)
            if (each.channels > 0) add_tail(each);
    }

    void hear(std::size_t source, const float *sound, int first, int frames) noexcept override {
        float *to = sources_[source].sound.data() + first;
        if (sound)
            std::copy_n(sound, frames, to);
        else
            std::fill_n(to, frames, 0.0F);
    }

    void sound(float *left, float *right, int first, int frames) noexcept override {
        const int begin = first / kGroup * kGroup;
        const int groups = (first + frames - begin + kGroup - 1) / kGroup;
        const int most = std::max(ears_[0].channels, ears_[1].channels);
        for (int c = 0; c < most; ++c)
            std::fill_n(channel(c) + begin, groups * kGroup, 0.0F);
        for (Encoded &source : sources_)
            if (source.on) encode(source, most, begin, groups);
        for (Ears &each : ears_)
            if (each.channels > 0) decode(each, begin, groups);
        float *const out[2] = {left, right};
        const Ears &now = ears_[now_], &former = ears_[1 - now_];
        for (std::size_t c = 0; c < 2; ++c)
            for (int k = 0; k < frames; ++k) {
                const std::size_t at = index(first + k);
                const float to = now.sound[c][at] + now.tail[c][at];
                if (former.channels == 0) {
                    out[c][k] = to;
                    continue;
                }
                const float from = former.sound[c][at] + former.tail[c][at];
                const float part = static_cast<float>(faded_ + first + k + 1) /
                                   static_cast<float>(fade_frames_);
                out[c][k] = from + smooth(part) * (to - from);
            }
    }

    void finish(const std::array<bool, kSources> &) noexcept override {
        newest_ = (newest_ + kParts - 2) % (kParts - 1);
        for (std::size_t pair = 0; pair < kMostChannels / 2; ++pair) {
            kernels_.transform(channels_[2 * pair].data(), channels_[2 * pair + 1].data(),
                               spectra_[index(newest_)][pair].data());
        }
        for (auto &each : channels_) std::copy_n(each.data() + partition_, partition_, each.data());
        for (Encoded &source : sources_)
            if (source.fades) source.faded += partition_;
        if (ears_[1 - now_].channels > 0 && (faded_ += partition_) >= fade_frames_)
            ears_[1 - now_].channels = 0;
    }

private:
    // A decoder, its sound directly filtered, and the sound of former partitions.
    struct Ears {
        int channels = 0;  // 0: not used
        std::vector<float> filters;
        std::array<std::vector<float>, 2> tail, sound;
    };

    float *channel(int c) noexcept { return channels_[index(c)].data() + partition_; }

    // Take over the decoder of a head, cross-faded; the next one waits for the end of the fade.
    void use(const Head &head) noexcept {
        const bool high = order > 1 && head.high_order.channels > 0;
        const Decoder &decoder = high ? head.high_order : head.first_order;
        if (decoder.channels == 0 || (head.serial == head_ && order == order_)) return;
        if (ears_[0].channels > 0 && ears_[1].channels > 0) return;
        head_ = head.serial;
        order_ = order;
        if (ears_[now_].channels > 0) now_ = 1 - now_;
        faded_ = 0;
        ears_[now_].channels = decoder.channels;
        std::copy(decoder.filters.begin(), decoder.filters.end(), ears_[now_].filters.begin());
    }

    void aim(Encoded &source, const Target &target, bool fades_in) noexcept {
        if (source.fades && source.faded < fade_frames_) return;  // the next step waits
        source.fades = false;
        source.from = source.to;
        const bool comes = !source.on;
        if (!comes && source.target.direction == target.direction &&
            source.target.gain == target.gain)
            return;
        const bool jumps = dot(source.target.direction, target.direction) < kJumpCosine;
        source.on = true;
        source.target = target;
        source.to = harmonics(target.direction);
        for (float &gain : source.to) gain *= static_cast<float>(target.gain);
        if (comes && !fades_in) source.from = source.to;
        if (comes && fades_in) source.from.fill(0.0F);
        source.fades = (comes && fades_in) || (!comes && jumps);
        source.faded = 0;
    }

    void encode(Encoded &source, int channels, int begin, int groups) noexcept {
        const float *ramp = even_.data() + begin;
        if (source.fades) {
            for (int m = 0; m < groups * kGroup; ++m)
                ramp_[index(m)] = smooth(static_cast<float>(source.faded + begin + m + 1) /
                                         static_cast<float>(fade_frames_));
            ramp = ramp_.data();
        }
        std::array<float *, kMostChannels> to;
        for (int c = 0; c < channels; ++c) to[index(c)] = channel(c) + begin;
        kernels_.encode(source.sound.data() + begin, source.from.data(), source.to.data(), ramp,
                        to.data(), channels, groups);
    }

    void decode(Ears &ears, int begin, int groups) noexcept {
        for (auto &ear : ears.sound) std::fill_n(ear.data() + begin, groups * kGroup, 0.0F);
        for (int c = 0; c < ears.channels; ++c)
            kernels_.direct_mono(ears.filters.data() + c * filter_floats(partition_),
                                 channel(c) + begin, ears.sound[0].data() + begin,
                                 ears.sound[1].data() + begin, groups);
    }

    void add_tail(Ears &ears) noexcept {
        std::fill(sum_.begin(), sum_.end(), 0.0F);
        const int half = pair_floats(partition_) / 2;
        for (int c = 0; c < ears.channels; ++c) {
            const float *filter = ears.filters.data() + c * filter_floats(partition_) +
                                  2 * partition_;
            for (int part = 0; part < kParts - 1; ++part)
                kernels_.multiply_mono(
                    spectra_[index((newest_ + part) % (kParts - 1))][index(c / 2)].data() +
                        c % 2 * half,
                    filter + part * pair_floats(partition_), sum_.data());
        }
        kernels_.invert(sum_.data(), ears.tail[0].data(), ears.tail[1].data());
    }

    const int partition_;
    const Kernels &kernels_;
    const int fade_frames_;
    std::array<Encoded, kSources> sources_;
    std::array<std::vector<float>, kMostChannels> channels_;  // two partitions, and a group
    std::array<std::array<std::vector<float>, kMostChannels / 2>, kParts - 1> spectra_;
    std::array<Ears, 2> ears_;
    std::size_t now_ = 0;
    int faded_ = 0;  // frames of the cross-fade of decoders
    std::uint64_t head_ = 0;
    int order_ = 0;
    int newest_ = 0;
    std::vector<float> even_, ramp_, sum_;
};

class Scene final : public SpaceBlock<SceneParameters> {
public:
    using SpaceBlock::SpaceBlock;

    dsp *clone() override { return new Scene(kernels_); }

protected:
    std::unique_ptr<Renderer> make_renderer(std::uint32_t rate_hz,
                                            const Kernels &kernels) override {
        return std::make_unique<SceneRenderer>(rate_hz, kernels);
    }
    void prepare(Renderer &renderer, const SceneParameters &now) noexcept override {
        static_cast<SceneRenderer &>(renderer).order = now.order < 2.0F ? 1 : 3;
    }
};

}  // namespace

std::unique_ptr<dsp> make_scene() { return std::make_unique<Scene>(&kernels_for); }
std::unique_ptr<dsp> make_plain_scene() { return std::make_unique<Scene>(&plain_kernels_for); }

}  // namespace entrain
