// Times of the blocks of the group "space", for bench/space.py: one line of JSON for each row.
//
// Usage: bench_space ROUNDS.  All rows take turns in each round.

#include "audio/realtime.h"
#include "audio/space/space_blocks.h"
#include "audio/surroundings.h"
#include "control/heads.h"
#include "../tests/native/made_up_head.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <random>
#include <string>

#include <time.h>

namespace {

constexpr int kFrames = 8192;

class Zones final : public UI {
public:
    void addButton(const char *, float *) override {}
    void addCheckButton(const char *, float *) override {}
    void addVerticalSlider(const char *, float *, float, float, float, float) override {}
    void addHorizontalSlider(const char *, float *, float, float, float, float) override {}
    void addNumEntry(const char *, float *, float, float, float, float) override {}
    void addHorizontalBargraph(const char *, float *, float, float) override {}
    void addVerticalBargraph(const char *, float *, float, float) override {}
    void declare(float *zone, const char *key, const char *value) override {
        if (std::strcmp(key, "symbol") == 0) all[value] = zone;
    }
    std::map<std::string, float *> all;
};

struct Row {
    std::string kind, variant, state;
    int block;
    std::unique_ptr<dsp> made;
    std::vector<double> ns;
};

double now_ns() {
    timespec time;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return 1e9 * static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_nsec);
}

}  // namespace

int main(int argc, char **argv) {
    const int rounds = argc > 1 ? std::atoi(argv[1]) : 25;
    const entrain::FlushDenormals flush;
    const MadeUpHead head(48000, 256, 72, 37);
    entrain::Surroundings surroundings;
    surroundings.head = head.head()->head.get();
    std::vector<Row> rows;
    const auto add = [&](const char *kind, const char *variant, auto make, const char *state,
                         const std::map<std::string, float> &values, std::vector<int> blocks) {
        for (const int block : blocks) {
            Row row{kind, variant, state, block, make(), {}};
            row.made->init(48000);
            Zones zones;
            row.made->buildUserInterface(&zones);
            for (const auto &[symbol, value] : values) *zones.all.at(symbol) = value;
            rows.push_back(std::move(row));
        }
    };
    const std::vector<int> sizes{16, 64, 128, 256};
    using namespace entrain;
    for (const bool plain : {false, true}) {
        const char *variant = plain ? "plain" : "fma";
        const auto speakers = plain ? &make_plain_speakers : &make_speakers;
        const auto scene = plain ? &make_plain_scene : &make_scene;
        const std::map<std::string, float> still{{"room", 0}};
        const std::map<std::string, float> orbit{{"room", 0}, {"path", 1}, {"path_hz", 0.16F}};
        std::map<std::string, float> near = still, near_orbit = orbit;
        near["distance_m"] = near_orbit["distance_m"] = 0.5F;
        add("speakers", variant, speakers, "at rest", still, sizes);
        add("speakers", variant, speakers, "moving", orbit, sizes);
        add("speakers", variant, speakers, "default room", {}, sizes);
        add("speakers", variant, speakers, "near, at rest", near, sizes);
        add("speakers", variant, speakers, "near, moving", near_orbit, sizes);
        add("scene", variant, scene, "at rest", still, sizes);
        add("scene", variant, scene, "moving", orbit, sizes);
        add("scene", variant, scene, "default room", {}, sizes);
        add("scene", variant, scene, "first order", {{"room", 0}, {"order", 1}}, sizes);
    }
    std::mt19937 random(1);
    std::normal_distribution<float> sample(0.0F, 0.1F);
    std::vector<float> in[2], out[2];
    for (int c = 0; c < 2; ++c) {
        in[c].resize(kFrames), out[c].resize(kFrames);
        for (float &each : in[c]) each = sample(random);
    }
    for (int round = 0; round < rounds; ++round)
        for (Row &row : rows) {
            const double begin = now_ns();
            for (int at = 0; at < kFrames; at += row.block) {
                float *source[2] = {in[0].data() + at, in[1].data() + at};
                float *sink[2] = {out[0].data() + at, out[1].data() + at};
                row.made->surround(surroundings);
                row.made->compute(row.block, source, sink);
            }
            row.ns.push_back((now_ns() - begin) / kFrames);
        }
    for (Row &row : rows) {
        std::sort(row.ns.begin(), row.ns.end());
        std::printf("{\"kind\": \"%s\", \"variant\": \"%s\", \"state\": \"%s\", \"block\": %d, "
                    "\"median_ns\": %.2f, \"least_ns\": %.2f}\n",
                    row.kind.c_str(), row.variant.c_str(), row.state.c_str(), row.block,
                    row.ns[row.ns.size() / 2], row.ns[0]);
    }
    return 0;
}
