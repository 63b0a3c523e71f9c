// The part of the engine that may wait: builds layers and routes, hands them over, frees them.
#pragma once

#include "audio/process.h"
#include "control/blocks.h"
#include "entrain/engine.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

struct entrain_engine {
public:
    explicit entrain_engine(std::uint32_t rate_hz);

    // All of these lock, and may be called while the callback runs.
    entrain_status set_rate(std::uint32_t rate_hz);
    entrain_status add_layer(const char *kind, std::uint32_t *layer);
    entrain_status set_parameter(std::uint32_t layer, const char *symbol, entrain::Move move);
    entrain_status get_parameter(std::uint32_t layer, const char *symbol, bool target,
                                 float *value);
    entrain_status route(const std::uint32_t *layers, std::uint32_t count);

    std::atomic<std::uint32_t> rate_hz{0};
    std::atomic<std::uint32_t> latency_frames{0};
    entrain::Process process;

private:
    // A layer as the program knows it.  A new sample rate brings a new instance.
    struct Owned {
        const entrain::BlockKind *kind;
        std::unique_ptr<entrain::Layer> instance;
    };

    entrain::Parameter *find_parameter(const Owned &owned, const char *symbol) const;
    bool is_handed_over(const entrain::Layer *layer) const;
    void publish(std::unique_ptr<entrain::Route> route);
    void collect();
    std::unique_ptr<entrain::Route> make_route(const std::vector<std::uint32_t> &order) const;

    std::mutex mutex_;
    std::uint32_t next_number_ = 1;
    std::uint64_t next_serial_ = 1;
    std::map<std::uint32_t, Owned> layers_;
    std::vector<std::uint32_t> order_;                           // as last asked for
    std::vector<std::unique_ptr<entrain::Layer>> retired_;       // not in order_ any more
    std::vector<std::unique_ptr<entrain::Layer>> outputs_;       // the last one is in force
    std::vector<std::unique_ptr<entrain::Route>> routes_;        // that the callback may look at
};
