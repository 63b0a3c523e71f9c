// The part of the engine that may wait: builds layers and routes, hands them over, frees them.
#pragma once

#include "audio/process.h"
#include "control/blocks.h"
#include "control/measurement.h"
#include "entrain/engine.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <set>
#include <string>
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
    entrain_status automate(std::uint32_t layer, const char *symbol, const entrain_point *points,
                            std::uint32_t count, double loop_s);
    entrain_status route(const std::uint32_t *layers, std::uint32_t count, bool restart);
    void run_session(bool runs);
    void seek_session(double seconds);
    void read_session(double *seconds, bool *runs);

    entrain_status measure(const entrain_promise &promise, entrain_measurement *measurement);

    std::atomic<std::uint32_t> rate_hz{0};
    std::atomic<std::uint32_t> latency_frames{0};
    entrain::Process process;

private:
    // What a parameter does over time, in seconds.
    struct Way {
        std::vector<entrain_point> points;
        double loop_s;
    };

    // A layer as the program knows it.  A new sample rate brings a new instance.
    struct Owned {
        const entrain::BlockKind *kind = nullptr;
        std::unique_ptr<entrain::Layer> instance;
        std::map<std::size_t, Way> ways;  // by the parameter's place
        // The same in frames; made anew when the ways or the rate change.
        std::shared_ptr<const entrain::Automation> automation;
    };

    // Its place among the layer's parameters, or that of one past the last.
    static std::size_t find_parameter(const Owned &owned, const char *symbol);
    static bool accepts(const entrain::Parameter &parameter, const entrain_point *points,
                        std::uint32_t count, double loop_s);
    void add_own(std::uint32_t number, const char *kind);
    void build_automation(Owned &owned) const;
    bool is_handed_over(const entrain::Layer *layer) const;
    void publish(std::unique_ptr<entrain::Route> route);
    void collect();
    std::unique_ptr<entrain::Route> make_route();

    std::mutex mutex_;
    std::mutex measuring_;  // takes a while; nobody else has to wait for it
    std::vector<float> before_, after_;
    entrain::BeatTracker beats_;
    std::uint32_t next_number_ = ENTRAIN_LAYER_FIRST;
    std::uint64_t next_serial_ = 1;
    std::uint64_t restarts_ = 0;
    bool session_runs_ = false;
    std::map<std::uint32_t, Owned> layers_;
    std::vector<std::uint32_t> order_;                           // as last asked for
    std::vector<std::unique_ptr<entrain::Layer>> retired_;       // not in order_ any more
    std::vector<std::unique_ptr<entrain::Route>> routes_;        // that the callback may look at
};
