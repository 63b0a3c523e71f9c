#include "audio/space/ambisonics.h"
#include "audio/space/source.h"
#include "audio/space/space_block.h"
#include "audio/space/space_blocks.h"

#include <algorithm>
#include <deque>
#include <vector>

namespace entrain {
namespace {

using namespace space;

#include "block_speakers_parameters.hpp"  // written by the build

class PointRenderer final : public Renderer {
public:
    PointRenderer(std::uint32_t rate_hz, const Kernels &kernels)
        : Renderer(rate_hz),
          partition_(partition_of(rate_hz)),
          kernels_(kernels),
          reflections_(rate_hz, partition_, 4, kernels),
          sums_(partition_) {
        for (std::size_t i = 0; i < kSources; ++i)
            sources_.emplace_back(rate_hz, partition_, kernels);
        for (auto &side : tail_)
            for (auto &ear : side) ear.resize(static_cast<std::size_t>(partition_));
    }

    double head_scale = 1.0;

    bool is_on() const noexcept override { return sources_[0].is_on(); }
    void reset(std::size_t source) noexcept override { sources_[source].reset(); }

    void step(const Head *head,
              const std::array<const Target *, kSources> &targets) noexcept override {
        sums_.moves = false;
        for (std::size_t i = 0; i < kSources; ++i) {
            if (!targets[i]) continue;
            const Aim aim{targets[i]->direction, targets[i]->gain,
                          targets[i]->distance_m, head_scale};
            sources_[i].aim(head, aim, i >= kPair);
            sums_.moves = sums_.moves || sources_[i].moves();
        }
        sums_.clear_spectra();
        for (const Source &each : sources_)
            if (each.is_on()) each.add_spectra(sums_, newest_);
        for (std::size_t i = sums_.moves ? 0 : 1; i < 2; ++i)
            kernels_.invert(sums_.spectra[i].data(), tail_[i][0].data(), tail_[i][1].data());
        if (!room.is_on()) return;
        if (head) reflections_.use(*head, 1);
        reflections_.step();
    }

    void hear(std::size_t source, const float *sound, int first, int frames) noexcept override {
        sources_[source].hear(sound, first, frames);
    }

    void sound(float *left, float *right, int first, int frames) noexcept override {
        const int begin = first / kGroup * kGroup;
        const int end = (first + frames + kGroup - 1) / kGroup * kGroup;
        sums_.clear_sound(begin, end - begin);
        for (Source &each : sources_)
            if (each.is_on()) each.add_sound(sums_, first, frames);
        float *const out[2] = {left, right};
        for (std::size_t c = 0; c < 2; ++c) {
            const float *before = sums_.sound[0][c].data() + first;
            const float *after = sums_.sound[1][c].data() + first;
            const float *late_before = tail_[0][c].data() + first;
            const float *late_after = tail_[1][c].data() + first;
            if (!sums_.moves) {
                for (int k = 0; k < frames; ++k) out[c][k] = after[k] + late_after[k];
                continue;
            }
            const float step = 1.0F / static_cast<float>(partition_);
            for (int k = 0; k < frames; ++k) {
                const float from = before[k] + late_before[k];
                const float to = after[k] + late_after[k];
                out[c][k] = from + static_cast<float>(first + k + 1) * step * (to - from);
            }
        }
        if (room.is_on()) add_room(out, first, frames, begin, (end - begin) / kGroup);
    }

    void finish(const std::array<bool, kSources> &used) noexcept override {
        newest_ = (newest_ + kParts - 2) % (kParts - 1);
        for (std::size_t i = 0; i < kSources; ++i)
            if (used[i]) sources_[i].finish(newest_);
        if (room.is_on()) reflections_.finish();
        room.finish();
    }

private:
    void add_room(float *const *out, int first, int frames, int begin, int groups) noexcept {
        reflections_.clear(begin, groups);
        room.add_reflections(reflections_, begin, groups);
        reflections_.decode(begin, groups);
        for (std::size_t c = 0; c < 2; ++c)
            for (int k = 0; k < frames; ++k)
                out[c][k] += room.late(c, first + k) + reflections_.sound(c, first + k);
    }

    const int partition_;
    const Kernels &kernels_;
    std::deque<Source> sources_;
    Ambisonics reflections_;  // of the room, in a scene of the first order
    Sums sums_;
    std::array<std::array<std::vector<float>, 2>, 2> tail_;  // before and after the step; ear
    int newest_ = 0;  // slot of the latest spectra
};

class Speakers final : public SpaceBlock<SpeakersParameters> {
public:
    using SpaceBlock::SpaceBlock;

    dsp *clone() override { return new Speakers(kernels_); }

protected:
    std::unique_ptr<Renderer> make_renderer(std::uint32_t rate_hz,
                                            const Kernels &kernels) override {
        return std::make_unique<PointRenderer>(rate_hz, kernels);
    }
    void prepare(Renderer &renderer, const SpeakersParameters &now) noexcept override {
        static_cast<PointRenderer &>(renderer).head_scale = double{now.head_cm} / kMeasuredHeadCm;
    }
};

}  // namespace

std::unique_ptr<dsp> make_speakers() { return std::make_unique<Speakers>(&kernels_for); }
std::unique_ptr<dsp> make_plain_speakers() { return std::make_unique<Speakers>(&plain_kernels_for); }

}  // namespace entrain
