// The build's rewritten FAUST code gives the same samples as the original, only faster.

#include "audio/faust_base.h"
#include "sound.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>

// Written by the build.
#include "block_classes.hpp"
#include "block_classes_plain.hpp"

namespace {

struct Block {
    const char *name;
    std::unique_ptr<dsp> rewritten, plain;
};

std::vector<Block> all_blocks() {
    std::vector<Block> blocks;
#define BLOCK(kind, group, json)                                                              \
    blocks.push_back(                                                                         \
        {#kind, std::make_unique<block_##kind>(), std::make_unique<block_##kind##_plain>()});
#define OWN_BLOCK(kind, group, json)
#include "block_table.hpp"
#undef BLOCK
#undef OWN_BLOCK
    return blocks;
}

struct Slider {
    float *zone;
    float minimum, maximum;
};

class Sliders final : public UI {
public:
    explicit Sliders(dsp &block) { block.buildUserInterface(this); }
    void addButton(const char *, float *zone) override { all.push_back({zone, 0, 1}); }
    void addCheckButton(const char *, float *zone) override { all.push_back({zone, 0, 1}); }
    void addVerticalSlider(const char *, float *zone, float, float minimum, float maximum,
                           float) override {
        all.push_back({zone, minimum, maximum});
    }
    void addHorizontalSlider(const char *, float *zone, float, float minimum, float maximum,
                             float) override {
        all.push_back({zone, minimum, maximum});
    }
    void addNumEntry(const char *, float *zone, float, float minimum, float maximum,
                     float) override {
        all.push_back({zone, minimum, maximum});
    }
    void addHorizontalBargraph(const char *, float *zone, float, float) override {
        shown.push_back(zone);
    }
    void addVerticalBargraph(const char *, float *zone, float, float) override {
        shown.push_back(zone);
    }
    void declare(float *, const char *, const char *) override {}

    std::vector<Slider> all;
    std::vector<float *> shown;
};

// The first frame in which both differ, or the number of frames.
std::size_t first_difference(Block &block, std::uint32_t rate_hz, std::size_t frames) {
    std::mt19937 random(rate_hz);
    const Sound in = noise(frames, 0.7F);
    Sliders sliders(*block.rewritten), plain_sliders(*block.plain);
    REQUIRE(sliders.all.size() == plain_sliders.all.size());
    block.rewritten->init(static_cast<int>(rate_hz));
    block.plain->init(static_cast<int>(rate_hz));
    std::size_t done = 0, size = 0;
    for (std::size_t turn = 0; done < frames; ++turn, done += size) {
        if (turn % 20 == 10 && !sliders.all.empty()) {  // after the initial values
            const std::size_t which = random() % sliders.all.size();
            const Slider &slider = sliders.all[which];
            std::uniform_real_distribution<float> value(slider.minimum, slider.maximum);
            float to = value(random);
            if (random() % 2) to = std::round(to);  // a choice
            *slider.zone = *plain_sliders.all[which].zone =
                std::clamp(to, slider.minimum, slider.maximum);
        }
        size = std::min<std::size_t>(1 + random() % 300, frames - done);
        // Loud, soft and silent seconds in turn, so that gates and levels move.
        const float gain = (done / rate_hz) % 3 == 2 ? 0.0F : (done / rate_hz) % 3 ? 0.01F : 1.0F;
        Sound heard[2] = {Sound(size), Sound(size)};
        for (const bool plain : {false, true}) {
            Sound &out = heard[plain];
            for (std::size_t i = 0; i < size; ++i) {
                out.left[i] = gain * in.left[done + i];
                out.right[i] = 0.5F * gain * in.right[done + i];
            }
            float *channels[2] = {out.left.data(), out.right.data()};
            (plain ? block.plain : block.rewritten)
                ->compute(static_cast<int>(size), channels, channels);
        }
        for (std::size_t i = 0; i < size; ++i)
            if (heard[0].left[i] != heard[1].left[i] || heard[0].right[i] != heard[1].right[i])
                return done + i;
        for (std::size_t i = 0; i < sliders.shown.size(); ++i)
            if (*sliders.shown[i] != *plain_sliders.shown[i]) return done;
    }
    return frames;
}

}  // namespace

TEST_CASE("rewritten code gives the same samples for all values and block sizes") {
    for (const std::uint32_t rate_hz : {48000U, 8000U}) {
        for (Block &block : all_blocks()) {
            CAPTURE(block.name);
            CAPTURE(rate_hz);
            const std::size_t frames = 12 * std::size_t{rate_hz};
            CHECK(first_difference(block, rate_hz, frames) == frames);
        }
    }
}
