// The control side of the engine, which may wait: builds layers and routes, hands them over to the
// callback, frees them.
#pragma once

#include "audio/engine.h"
#include "control/blocks.h"
#include "control/heads.h"
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

    // All functions lock a mutex and may be called while the callback runs.  A function that throws
    // std::bad_alloc has changed nothing.
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

    entrain_status use_head(std::shared_ptr<const Head> head);  // null: none
    entrain_status place(std::uint32_t layer, bool placed);

    entrain_status measure(const entrain_promise &promise, entrain_measurement *measurement);

private:
    // Automation of one parameter, in seconds.
    struct Way {
        std::vector<entrain_point> points;
        double loop_s;
    };
    using Ways = std::map<std::size_t, std::shared_ptr<const Way>>;  // by index of the parameter

    // A layer as the control side knows it.  A new sample rate brings a new instance.
    struct Owned {
        const BlockKind *kind = nullptr;
        std::shared_ptr<Layer> instance;
        Ways ways;                // as last requested
        bool has_new_ways = false;
        Ways routed_ways;         // as of the last route, without ways that were ended by hand
        std::shared_ptr<const Automation> automation;  // `routed_ways` in frames
        bool placed = false;         // as last requested
        bool routed_placed = false;  // as of the last route
        int variant = -1;  // of its random parts; chosen by the first route
    };

    // Everything that a route is made from.  Changes are made in a copy, so that running out of
    // memory midway changes nothing.
    struct Layers {
        std::uint32_t rate_hz = 0;
        std::uint32_t latency_frames = 0;
        std::uint64_t restarts = 0;
        std::uint64_t rebuilds = 0;
        std::map<std::uint32_t, Owned> owned;
        std::map<std::uint32_t, Owned> leaving;  // layers that fade out
        std::vector<std::uint32_t> order;        // as last requested
        std::shared_ptr<const Head> head;        // at this rate; may be null
    };

    // Index of a parameter in its layer, or the number of parameters if no symbol matches.
    static std::size_t find_parameter(const Owned &owned, const char *symbol);
    static bool accepts(const Parameter &parameter, const entrain_point *points,
                        std::uint32_t count, double loop_s);
    static Owned make_own(std::uint32_t number, entrain::Group group,
                          std::uint32_t rate_hz);
    // Converts `routed_ways` to frames.
    static std::shared_ptr<const Automation> automation_of(const Owned &owned,
                                                                    std::uint32_t rate_hz);
    // Gives the layers that are new in `order` the lowest variants that their kinds have free, so
    // that a protocol sounds the same whatever has been heard before.
    static void vary(Layers &of);
    static void rebuild(std::map<std::uint32_t, Owned> &owned, std::uint32_t rate_hz);
    static const Owned *find_leaving(const Layers &of, std::uint32_t number);
    bool is_handed_over(const Layer *layer) const;
    void replace(Layers next);
    std::unique_ptr<Route> make_route(const Layers &of) const;
    void collect() noexcept;

    std::mutex mutex_;
    std::mutex measuring_;  // separate, since a measurement takes a while
    std::vector<float> before_, after_;
    BeatTracker beats_;
    std::uint64_t beats_since_ = 0;  // frame at which the rate was last changed
    std::uint32_t next_number_ = ENTRAIN_LAYER_FIRST;
    std::uint64_t next_serial_ = 1;
    bool session_runs_ = false;
    std::uint64_t restarted_by_ = 0;  // serial number of the last route that restarted the session
    Layers layers_;
    std::vector<std::unique_ptr<Route>> routes_;  // routes that the callback may still use
};

}  // namespace entrain
