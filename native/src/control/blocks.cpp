#include "control/blocks.h"

#include "audio/space/space_blocks.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <iterator>
#include <map>
#include <string>

namespace entrain {

// A block's state is in units that are valid at any sample rate: phases in cycles, times in
// seconds, powers, filter states that do not depend on the rate.  The limiter is an exception: its
// windows are measured in frames.
template <class Block> struct Resuming final : Block {
    void resume(const dsp &former, int rate_hz) noexcept override {
        Block::operator=(static_cast<const Resuming &>(former));
        this->instanceConstants(rate_hz);
    }
};

template <class Block> static std::unique_ptr<dsp> make() {
    return std::make_unique<Resuming<Block>>();
}

}  // namespace entrain

// Written by the build: one class for each block, and a second one for processors with fused
// multiply-adds, which make blocks a quarter faster.  Only these classes are compiled for such
// processors, since other code must not share a function that is.
#include "block_classes.hpp"
#if defined(__x86_64__) && defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#include "block_classes_fma.hpp"
#pragma clang attribute pop
#define ENTRAIN_MAKE_FMA(kind) &make<block_##kind##_fma>
#elif defined(__x86_64__) && defined(__GNUC__)
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#include "block_classes_fma.hpp"
#pragma GCC pop_options
#define ENTRAIN_MAKE_FMA(kind) &make<block_##kind##_fma>
#else
#define ENTRAIN_MAKE_FMA(kind) nullptr
#endif

namespace entrain {
namespace {

// A block that is written by hand chooses its variant itself.
constexpr BlockKind block_kinds[] = {
#define BLOCK(kind, group, json) \
    {#kind, Group::group, json, &make<block_##kind>, ENTRAIN_MAKE_FMA(kind)},
#define OWN_BLOCK(kind, group, json) {#kind, Group::group, json, &make_##kind, nullptr},
#include "block_table.hpp"  // written by the build
#undef BLOCK
#undef OWN_BLOCK
};

constexpr std::size_t count_of(Group group) {
    std::size_t count = 0;
    for (const BlockKind &kind : block_kinds) count += kind.group == group;
    return count;
}
static_assert(count_of(Group::input) == 1 && count_of(Group::output) == 1,
              "the engine has exactly one block for its input and one for its output");

// Collects the parameters and the bargraphs of a block.
class Collector final : public UI {
public:
    struct Slider {
        float *zone;
        float initial, minimum, maximum;
    };

    void addButton(const char *, float *zone) override { sliders.push_back({zone, 0, 0, 1}); }
    void addCheckButton(const char *label, float *zone) override { addButton(label, zone); }
    void addVerticalSlider(const char *, float *zone, float initial, float minimum, float maximum,
                           float) override {
        sliders.push_back({zone, initial, minimum, maximum});
    }
    void addHorizontalSlider(const char *label, float *zone, float initial, float minimum,
                             float maximum, float step) override {
        addVerticalSlider(label, zone, initial, minimum, maximum, step);
    }
    void addNumEntry(const char *label, float *zone, float initial, float minimum, float maximum,
                     float step) override {
        addVerticalSlider(label, zone, initial, minimum, maximum, step);
    }
    void addHorizontalBargraph(const char *, float *zone, float, float) override {
        bargraphs.push_back(zone);
    }
    void addVerticalBargraph(const char *, float *zone, float, float) override {
        bargraphs.push_back(zone);
    }
    void declare(float *zone, const char *key, const char *value) override {
        if (!zone) return;
        if (std::strcmp(key, "symbol") == 0) symbols[zone] = value;
        if (std::strcmp(key, "period") == 0) periods[zone] = std::strtod(value, nullptr);
        if (std::strcmp(key, "at_once") == 0) at_once[zone] = std::strcmp(value, "true") == 0;
    }

    std::deque<Slider> sliders;
    std::deque<float *> bargraphs;
    std::map<const float *, std::string> symbols;
    std::map<const float *, double> periods;
    std::map<const float *, bool> at_once;
};

}  // namespace

std::unique_ptr<dsp> make_block(const BlockKind &kind) {
#if defined(__x86_64__) && defined(__GNUC__)
    static const bool fma = __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
    if (fma && kind.make_fma) return kind.make_fma();
#endif
    return kind.make();
}

std::size_t block_count() noexcept { return std::size(block_kinds); }

const BlockKind *block_at(std::size_t index) noexcept {
    return index < block_count() ? &block_kinds[index] : nullptr;
}

const BlockKind *find_block(const char *name) noexcept {
    const auto *end = std::end(block_kinds);
    const auto *found = std::find_if(std::begin(block_kinds), end, [name](const BlockKind &kind) {
        return std::strcmp(kind.name, name) == 0;
    });
    return found == end ? nullptr : found;
}

const BlockKind &own_block(Group group) noexcept {
    return *std::find_if(std::begin(block_kinds), std::end(block_kinds),
                         [group](const BlockKind &kind) { return kind.group == group; });
}

bool is_dichotic(const BlockKind &kind) noexcept {
    return std::strstr(kind.json, "\"dichotic\":true") != nullptr;
}

Instance make_instance(const BlockKind &kind, std::uint32_t rate_hz) {
    std::unique_ptr<dsp> block = make_block(kind);
    block->init(static_cast<int>(rate_hz));
    Collector ui;
    block->buildUserInterface(&ui);
    std::deque<Parameter> parameters;
    for (const Collector::Slider &slider : ui.sliders)
        parameters.emplace_back(ui.symbols[slider.zone], slider.zone, slider.initial,
                                slider.minimum, slider.maximum, ui.periods[slider.zone],
                                ui.at_once[slider.zone]);
    return {std::move(block), std::move(parameters)};
}

std::unique_ptr<Layer> make_layer(std::uint32_t number, const BlockKind &kind,
                                  std::uint32_t rate_hz) {
    Instance made = make_instance(kind, rate_hz);
    return std::make_unique<Layer>(number, kind.group, std::move(made.block),
                                   std::move(made.parameters), rate_hz);
}

std::uint32_t latency_of(const BlockKind &kind, std::uint32_t rate_hz) {
    const std::unique_ptr<dsp> block = make_block(kind);
    block->init(static_cast<int>(rate_hz));
    Collector ui;
    block->buildUserInterface(&ui);
    // Only compute() sets bargraphs.
    float silence[2][1] = {{0.0F}, {0.0F}};
    float *channels[2] = {silence[0], silence[1]};
    block->compute(1, channels, channels);
    for (const float *bargraph : ui.bargraphs)
        if (ui.symbols[bargraph] == "latency_frames")
            return static_cast<std::uint32_t>(std::lround(*bargraph));
    return 0;
}

}  // namespace entrain
