// An engine that frees itself, and sound for it.
#pragma once

#include "entrain/engine.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

constexpr std::uint32_t kRate = 48000;
constexpr double kPi = 3.14159265358979323846;

struct Sound {
    explicit Sound(std::size_t frames) : left(frames), right(frames) {}
    std::vector<float> left, right;
};

inline Sound noise(std::size_t frames, float amplitude = 0.1F) {
    Sound sound(frames);
    std::mt19937 random(1);
    std::uniform_real_distribution<float> sample(-amplitude, amplitude);
    for (float &value : sound.left) value = sample(random);
    for (float &value : sound.right) value = sample(random);
    return sound;
}

inline std::vector<std::string> kinds_of(const std::vector<std::string> &groups) {
    std::vector<std::string> kinds;
    for (std::uint32_t i = 0; i < entrain_block_count(); ++i) {
        const std::string json = entrain_block_json(i);
        const bool wanted = std::any_of(groups.begin(), groups.end(), [&](const auto &group) {
            return json.find("\"group\":\"" + group + "\"") != std::string::npos;
        });
        if (!wanted) continue;
        const std::string key = "\"kind\":\"";
        const std::size_t begin = json.find(key) + key.size();
        kinds.push_back(json.substr(begin, json.find('"', begin) - begin));
    }
    return kinds;
}

// Kinds of block that protocols may use.
inline std::vector<std::string> layer_kinds() { return kinds_of({"generator", "processor"}); }
inline std::vector<std::string> space_kinds() { return kinds_of({"space"}); }

class Engine {
public:
    // Standalone, since most tests have no input.
    explicit Engine(std::uint32_t rate_hz = kRate) {
        if (entrain_create(rate_hz, &engine_) != ENTRAIN_OK) throw std::runtime_error("create");
        entrain_set_standalone(engine_, 1);
    }
    ~Engine() { entrain_destroy(engine_); }
    Engine(const Engine &) = delete;
    Engine &operator=(const Engine &) = delete;
    operator entrain_engine *() const { return engine_; }

    std::uint32_t add(const char *kind) {
        std::uint32_t layer = 0;
        if (entrain_add_layer(engine_, kind, &layer) != ENTRAIN_OK) throw std::runtime_error(kind);
        return layer;
    }

    // Adds a tone with a level that does not depend on the input.
    std::uint32_t binaural(float carrier_hz, float beat_hz, float level_db) {
        const std::uint32_t layer = add("binaural");
        set(layer, "carrier_hz", carrier_hz);
        set(layer, "beat_hz", beat_hz);
        set(layer, "floor_db", level_db);
        set(layer, "ceiling_db", level_db);
        return layer;
    }

    void set(std::uint32_t layer, const char *symbol, float value, float seconds = 0.0F) {
        if (entrain_set_parameter(engine_, layer, symbol, value, seconds) != ENTRAIN_OK)
            throw std::runtime_error(symbol);
    }

    void route(const std::vector<std::uint32_t> &layers, bool restart = false) {
        if (entrain_route(engine_, layers.data(), static_cast<std::uint32_t>(layers.size()),
                          restart) != ENTRAIN_OK)
            throw std::runtime_error("route");
    }

    void automate(std::uint32_t layer, const char *symbol, const std::vector<entrain_point> &points,
                  double loop_s = 0.0) {
        if (entrain_automate(engine_, layer, symbol, points.data(),
                             static_cast<std::uint32_t>(points.size()), loop_s) != ENTRAIN_OK)
            throw std::runtime_error(symbol);
    }

    // Process `frames` frames of `in` from `first` on, in blocks of the given sizes in turn.
    void run(const Sound &in, Sound &out, std::size_t first, std::size_t frames,
             const std::vector<std::uint32_t> &blocks) {
        std::size_t turn = 0;
        for (std::size_t done = 0; done < frames;) {
            const auto block = static_cast<std::uint32_t>(
                std::min<std::size_t>(blocks[turn++ % blocks.size()], frames - done));
            const std::size_t at = first + done;
            const float *const source[2] = {in.left.data() + at, in.right.data() + at};
            float *const sink[2] = {out.left.data() + at, out.right.data() + at};
            entrain_process(engine_, source, sink, block);
            done += block;
        }
    }

private:
    entrain_engine *engine_ = nullptr;
};
