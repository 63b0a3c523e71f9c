#include "audio/space/ambisonics.h"
#include "audio/space/space_block.h"
#include "audio/space/space_blocks.h"

#include <algorithm>
#include <vector>

namespace entrain {
namespace {

using namespace space;

#include "block_scene_parameters.hpp"  // written by the build

class SceneRenderer final : public Renderer {
public:
    SceneRenderer(std::uint32_t rate_hz, const Kernels &kernels)
        : Renderer(rate_hz),
          partition_(partition_of(rate_hz)),
          scene_(rate_hz, partition_, kMostChannels, kernels) {
        for (auto &sound : sounds_) sound.resize(static_cast<std::size_t>(partition_));
    }

    int order = 3;

    bool is_on() const noexcept override { return scene_.is_on(); }

    void reset(std::size_t source) noexcept override {
        sources_[source].stop();
        std::fill(sounds_[source].begin(), sounds_[source].end(), 0.0F);
    }

    void step(const Head *head,
              const std::array<const Target *, kSources> &targets) noexcept override {
        if (head) scene_.use(*head, order);
        for (std::size_t i = 0; i < kSources; ++i)
            if (targets[i] && (head || sources_[i].is_on()))
                sources_[i].aim(*targets[i], i >= kPair, scene_.fade_frames());
            else
                sources_[i].stop();
        scene_.step();
    }

    void hear(std::size_t source, const float *sound, int first, int frames) noexcept override {
        float *to = sounds_[source].data() + first;
        if (sound)
            std::copy_n(sound, frames, to);
        else
            std::fill_n(to, frames, 0.0F);
    }

    void sound(float *left, float *right, int first, int frames) noexcept override {
        const int begin = first / kGroup * kGroup;
        const int groups = (first + frames - begin + kGroup - 1) / kGroup;
        scene_.clear(begin, groups);
        for (std::size_t i = 0; i < kSources; ++i)
            if (sources_[i].is_on()) scene_.add(sources_[i], sounds_[i].data(), begin, groups);
        if (room.is_on()) room.add_reflections(scene_, begin, groups);
        scene_.decode(begin, groups);
        float *const out[2] = {left, right};
        for (std::size_t c = 0; c < 2; ++c)
            for (int k = 0; k < frames; ++k) {
                out[c][k] = scene_.sound(c, first + k);
                if (room.is_on()) out[c][k] += room.late(c, first + k);
            }
    }

    void finish(const std::array<bool, kSources> &) noexcept override {
        for (Encoded &each : sources_) each.finish(partition_);
        scene_.finish();
        room.finish();
    }

private:
    const int partition_;
    Ambisonics scene_;
    std::array<Encoded, kSources> sources_;
    std::array<std::vector<float>, kSources> sounds_;  // of the partition
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
        static_cast<SceneRenderer &>(renderer).order = order(now);
    }
    Hearing hearing(const Head &head, const SceneParameters &now) const noexcept override {
        return head.hearing(order(now));
    }

private:
    static int order(const SceneParameters &now) noexcept { return now.order < 2.0F ? 1 : 3; }
};

}  // namespace

std::unique_ptr<dsp> make_scene() { return std::make_unique<Scene>(&kernels_for); }
std::unique_ptr<dsp> make_plain_scene() { return std::make_unique<Scene>(&plain_kernels_for); }

}  // namespace entrain
