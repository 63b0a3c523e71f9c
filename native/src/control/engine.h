// The part of the engine that may wait: builds layers and routes, hands them over, frees them.
#pragma once

#include "audio/engine.h"
#include "control/blocks.h"
#include "control/measurement.h"

#include "entrain/engine.h"

#include <cstdint>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace entrain {

class Engine final : public entrain_engine {
public:
    explicit Engine(std::uint32_t rate_hz);

    // All of these lock, and may be called while the callback runs.  Where one of them throws
    // std::bad_alloc, nothing has changed.
    entrain_status set_rate(std::uint32_t rate_hz);
    entrain_status add_layer(const char *kind, std::uint32_t *layer);
    entrain_status set_parameter(std::uint32_t layer, const char *symbol, Move move);
    entrain_status get_parameter(std::uint32_t layer, const char *symbol, bool target,
                                 float *value);
    entrain_status automate(std::uint32_t layer, const char *symbol, const entrain_point *points,
                            std::uint32_t count, double loop_s);
    entrain_status route(const std::uint32_t *layers, std::uint32_t count, bool restart);
    void run_session(bool runs);
    void seek_session(double seconds);
    void read_session(double *seconds, bool *runs);

    entrain_status measure(const entrain_promise &promise, entrain_measurement *measurement);

private:
    // What a parameter does over time, in seconds.
    struct Way {
        std::vector<entrain_point> points;
        double loop_s;
    };
    using Ways = std::map<std::size_t, std::shared_ptr<const Way>>;  // by the parameter's place

    // A layer as the program knows it.  A new sample rate brings a new instance.
    struct Owned {
        const BlockKind *kind = nullptr;
        std::shared_ptr<Layer> instance;
        Ways ways;                // as last asked for
        bool has_new_ways = false;
        Ways routed_ways;         // as of the last route, without those that were ended by hand
        std::shared_ptr<const Automation> automation;  // of the last route, in frames
    };

    // All that a route is made of.  Changes are made in a copy: where memory is short in between,
    // nothing has changed.
    struct Layers {
        std::uint32_t rate_hz = 0;
        std::uint32_t latency_frames = 0;
        std::uint64_t restarts = 0;
        std::uint64_t rebuilds = 0;
        std::map<std::uint32_t, Owned> owned;
        std::map<std::uint32_t, Owned> leaving;  // until they have faded out
        std::vector<std::uint32_t> order;        // as last asked for
    };

    // Its place among the layer's parameters, or that of one past the last.
    static std::size_t find_parameter(const Owned &owned, const char *symbol);
    static bool accepts(const Parameter &parameter, const entrain_point *points,
                        std::uint32_t count, double loop_s);
    static Owned make_own(std::uint32_t number, entrain::Group group,
                          std::uint32_t rate_hz);
    // Of the routed ways.
    static std::shared_ptr<const Automation> automation_of(const Owned &owned,
                                                                    std::uint32_t rate_hz);
    static void rebuild(std::map<std::uint32_t, Owned> &owned, std::uint32_t rate_hz);
    bool is_handed_over(const Layer *layer) const;
    void replace(Layers next);
    std::unique_ptr<Route> make_route(const Layers &of) const;
    void collect() noexcept;

    std::mutex mutex_;
    std::mutex measuring_;  // takes a while; nobody else has to wait for it
    std::vector<float> before_, after_;
    BeatTracker beats_;
    std::uint64_t beats_since_ = 0;  // frame at which the rate was last changed
    std::uint32_t next_number_ = ENTRAIN_LAYER_FIRST;
    std::uint64_t next_serial_ = 1;
    bool session_runs_ = false;
    std::uint64_t restarted_by_ = 0;  // serial number of the last route that began the session anew
    Layers layers_;
    std::vector<std::unique_ptr<Route>> routes_;  // that the callback may look at
};

}  // namespace entrain
