#include "control/engine.h"

#include <algorithm>
#include <cfloat>
#include <cmath>

using entrain::Group;
using entrain::Layer;
using entrain::Move;
using entrain::Parameter;
using entrain::Route;

namespace {

constexpr double kLongestSeconds = 7.0 * 86400.0;

std::uint64_t frame_of(double seconds, std::uint32_t rate_hz) {
    return static_cast<std::uint64_t>(std::llround(seconds * rate_hz));
}

// What is denormal is zero in the callback, and has no ratio to anything.
bool is_ratio(double value) { return std::fabs(value) >= double{FLT_MIN}; }

bool mentions(const std::vector<Route::Entry> &entries, const Layer *layer) {
    return std::any_of(entries.begin(), entries.end(),
                       [layer](const Route::Entry &entry) { return entry.layer == layer; });
}

bool mentions(const Route &route, const Layer *layer) {
    return route.input == layer || route.output == layer || mentions(route.processors, layer) ||
           mentions(route.generators, layer);
}

// Put the layers of `before` that are not in `entries` back where they were, to fade out.
void keep_leaving(std::vector<Route::Entry> &entries, const std::vector<Route::Entry> &before) {
    auto place = entries.begin();
    for (const Route::Entry &old : before) {
        const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto &entry) {
            return entry.layer == old.layer;
        });
        if (found != entries.end())
            place = found + 1;
        else if (!old.layer->is_gone())
            place = entries.insert(place, {old.layer, true, old.automation}) + 1;
    }
}

}  // namespace

entrain_engine::entrain_engine(std::uint32_t rate) {
    rate_hz = rate;
    add_own(ENTRAIN_LAYER_INPUT, "pre");
    add_own(ENTRAIN_LAYER_OUTPUT, "limiter");
    latency_frames = entrain::latency_of(*layers_[ENTRAIN_LAYER_OUTPUT].kind, rate);
    publish(make_route());
}

void entrain_engine::add_own(std::uint32_t number, const char *kind) {
    Owned &owned = layers_[number];
    owned.kind = entrain::find_block(kind);
    owned.instance = entrain::make_layer(number, *owned.kind, rate_hz);
}

entrain_status entrain_engine::set_rate(std::uint32_t rate) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (rate == rate_hz) return ENTRAIN_OK;
    std::map<std::uint32_t, std::unique_ptr<Layer>> instances;
    for (const auto &[number, owned] : layers_) {
        auto instance = entrain::make_layer(number, *owned.kind, rate);
        for (std::size_t i = 0; i < instance->parameters().size(); ++i)
            instance->parameters()[i].place(owned.instance->parameters()[i].asked().target);
        instances[number] = std::move(instance);
    }
    for (auto &[number, instance] : instances) {
        retired_.push_back(std::move(layers_[number].instance));
        layers_[number].instance = std::move(instance);
        layers_[number].automation.reset();
    }
    latency_frames = entrain::latency_of(*layers_[ENTRAIN_LAYER_OUTPUT].kind, rate);
    rate_hz = rate;
    publish(make_route());
    collect();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::add_layer(const char *kind, std::uint32_t *layer) {
    const entrain::BlockKind *found = entrain::find_block(kind);
    if (!found) return ENTRAIN_E_KIND;
    const std::lock_guard<std::mutex> lock(mutex_);
    auto instance = entrain::make_layer(next_number_, *found, rate_hz);
    if (instance->group == Group::input || instance->group == Group::output) return ENTRAIN_E_KIND;
    Owned &owned = layers_[next_number_];
    owned.kind = found;
    owned.instance = std::move(instance);
    *layer = next_number_++;
    collect();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::set_parameter(std::uint32_t layer, const char *symbol, Move move) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.find(layer);
    if (found == layers_.end()) return ENTRAIN_E_LAYER;
    Layer &instance = *found->second.instance;
    const std::size_t place = find_parameter(found->second, symbol);
    if (place == instance.parameters().size()) return ENTRAIN_E_PARAMETER;
    Parameter &parameter = instance.parameters()[place];
    if (!parameter.accepts(double{move.target})) return ENTRAIN_E_RANGE;
    if (is_handed_over(&instance)) {
        parameter.ask(move);
        instance.announce();
    } else {
        parameter.place(move.target);
    }
    return ENTRAIN_OK;
}

entrain_status entrain_engine::get_parameter(std::uint32_t layer, const char *symbol, bool target,
                                             float *value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.find(layer);
    if (found == layers_.end()) return ENTRAIN_E_LAYER;
    const auto &parameters = found->second.instance->parameters();
    const std::size_t place = find_parameter(found->second, symbol);
    if (place == parameters.size()) return ENTRAIN_E_PARAMETER;
    *value = target ? parameters[place].asked().target : parameters[place].shown();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::automate(std::uint32_t layer, const char *symbol,
                                        const entrain_point *points, std::uint32_t count,
                                        double loop_s) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.find(layer);
    if (layer < ENTRAIN_LAYER_FIRST || found == layers_.end()) return ENTRAIN_E_LAYER;
    Owned &owned = found->second;
    const std::size_t place = find_parameter(owned, symbol);
    if (place == owned.instance->parameters().size()) return ENTRAIN_E_PARAMETER;
    if (!accepts(owned.instance->parameters()[place], points, count, loop_s))
        return ENTRAIN_E_RANGE;
    if (count == 0)
        owned.ways.erase(place);
    else
        owned.ways[place] = {{points, points + count}, loop_s};
    owned.automation.reset();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::route(const std::uint32_t *layers, std::uint32_t count,
                                     bool restart) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::uint32_t> order(layers, layers + count);
    const std::set<std::uint32_t> wanted(order.begin(), order.end());
    if (wanted.size() != order.size()) return ENTRAIN_E_LAYER;
    for (const std::uint32_t number : order)
        if (number < ENTRAIN_LAYER_FIRST || layers_.find(number) == layers_.end())
            return ENTRAIN_E_LAYER;

    std::swap(order, order_);  // `order` is the former one from here on
    if (restart) {
        ++restarts_;
        session_runs_ = true;
        process.session.forget();  // what was asked for before this
    }
    auto next = make_route();
    // What the callback has heard must fade out; what it never saw may simply go.
    for (const auto &route : routes_) {
        if (route->serial != process.in_use() || route->rate_hz != rate_hz) continue;
        keep_leaving(next->processors, route->processors);
        keep_leaving(next->generators, route->generators);
    }
    for (const std::uint32_t number : order) {
        if (wanted.count(number)) continue;
        retired_.push_back(std::move(layers_[number].instance));
        layers_.erase(number);
    }
    publish(std::move(next));
    collect();
    return ENTRAIN_OK;
}

void entrain_engine::run_session(bool runs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    session_runs_ = runs;
    process.session.run(runs);
}

void entrain_engine::seek_session(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    process.session.seek(session_runs_, seconds);
}

void entrain_engine::read_session(double *seconds, bool *runs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    *seconds = process.session.seconds();
    *runs = session_runs_;
}

entrain_status entrain_engine::measure(const entrain_promise &promise,
                                       entrain_measurement *measurement) {
    // The callback goes on writing while the taps are copied: leave it room.
    constexpr std::uint32_t kFrames = entrain::Tap::kFrames - 8192;
    const std::lock_guard<std::mutex> lock(measuring_);
    before_.resize(2 * kFrames);
    after_.resize(2 * kFrames);
    const std::uint64_t end = process.counters.frames;
    if (end < kFrames || !process.programme_tap.read(end - kFrames, before_.data(), kFrames) ||
        !process.output_tap.read(end - kFrames, after_.data(), kFrames))
        return ENTRAIN_E_OVERRUN;
    const std::uint32_t rate = rate_hz;
    *measurement = {};
    if (promise.tone_hz[0] > 0.0 && promise.tone_hz[1] > 0.0) {
        const entrain::Tones tones =
            entrain::measure_tones(before_.data(), after_.data(), kFrames, rate, promise.tone_hz[0],
                                   promise.tone_hz[1], end - kFrames, promise.modulation_hz);
        beats_.add(tones);
        for (std::size_t ear = 0; ear < 2; ++ear) {
            measurement->tone_hz[ear] = tones.ear[ear].present ? tones.ear[ear].hz : 0.0;
            measurement->tone_db[ear] = tones.level_db[ear];
        }
        const entrain::BeatTracker::Beat tracked = beats_.beat();
        measurement->beat_hz = tracked.present ? tracked.hz : tones.beat_hz;
        measurement->beat_error_hz = tracked.present ? tracked.error_hz : tones.error_hz;
    }
    if (promise.modulation_hz > 0.0) {
        const entrain::Modulation modulation =
            entrain::measure_modulation(before_.data(), after_.data(), kFrames, rate,
                                        promise.modulation_hz, promise.corner_hz);
        if (modulation.present[0] || modulation.present[1])
            measurement->modulation_hz = modulation.rate_hz;
        for (std::size_t ear = 0; ear < 2; ++ear) {
            measurement->index[ear] = modulation.index[ear];
            measurement->index_floor[ear] = modulation.floor[ear];
        }
    }
    if (promise.interaural_hz != 0.0) {
        const entrain::InterauralPhase phase = entrain::measure_interaural_phase(
            after_.data(), kFrames, rate, promise.interaural_hz);
        if (phase.slope.present) measurement->interaural_hz = phase.slope.hz;
        measurement->coherence = phase.coherence;
    }
    return ENTRAIN_OK;
}

std::size_t entrain_engine::find_parameter(const Owned &owned, const char *symbol) {
    const auto &parameters = owned.instance->parameters();
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [symbol](const auto &each) { return each.symbol() == symbol; });
    return static_cast<std::size_t>(found - parameters.begin());
}

bool entrain_engine::accepts(const Parameter &parameter, const entrain_point *points,
                             std::uint32_t count, double loop_s) {
    if (!(loop_s >= 0.0 && loop_s <= kLongestSeconds)) return false;
    for (std::uint32_t i = 0; i < count; ++i) {
        const entrain_point &point = points[i];
        const double earliest = i == 0 ? 0.0 : points[i - 1].seconds;
        const double latest = loop_s > 0.0 ? loop_s : kLongestSeconds;
        if (!(point.seconds >= earliest && point.seconds <= latest)) return false;
        if (!parameter.accepts(point.value)) return false;
        if (point.curve < ENTRAIN_CURVE_STEP || point.curve > ENTRAIN_CURVE_SMOOTH) return false;
        if (point.curve == ENTRAIN_CURVE_EXPONENTIAL && i + 1 < count &&
            !(is_ratio(point.value) && is_ratio(points[i + 1].value) &&
              std::signbit(point.value) == std::signbit(points[i + 1].value)))
            return false;
    }
    return true;
}

void entrain_engine::build_automation(Owned &owned) const {
    if (owned.ways.empty() || owned.automation) return;
    auto automation = std::make_shared<entrain::Automation>();
    for (const auto &[place, way] : owned.ways) {
        entrain::Lane lane{place, {}, frame_of(way.loop_s, rate_hz)};
        for (const entrain_point &point : way.points) {
            const entrain::Breakpoint next{frame_of(point.seconds, rate_hz), point.value,
                                           static_cast<entrain::Curve>(point.curve)};
            // Of several in one frame the last one counts.
            if (!lane.points.empty() && lane.points.back().frame == next.frame)
                lane.points.back() = next;
            else
                lane.points.push_back(next);
        }
        automation->lanes.push_back(std::move(lane));
    }
    owned.automation = std::move(automation);
}

bool entrain_engine::is_handed_over(const Layer *layer) const {
    return std::any_of(routes_.begin(), routes_.end(),
                       [layer](const auto &route) { return mentions(*route, layer); });
}

std::unique_ptr<Route> entrain_engine::make_route() {
    auto route = std::make_unique<Route>();
    route->restart = restarts_;
    route->rate_hz = rate_hz;
    route->latency_frames = latency_frames;
    route->input = layers_.at(ENTRAIN_LAYER_INPUT).instance.get();
    route->output = layers_.at(ENTRAIN_LAYER_OUTPUT).instance.get();
    for (const std::uint32_t number : order_) {
        Owned &owned = layers_.at(number);
        build_automation(owned);
        Layer *layer = owned.instance.get();
        auto &entries = layer->group == Group::generator ? route->generators : route->processors;
        entries.push_back({layer, false, owned.automation});
    }
    return route;
}

void entrain_engine::publish(std::unique_ptr<Route> route) {
    route->serial = next_serial_++;
    routes_.push_back(std::move(route));
    if (const Route *never_taken = process.offer(routes_.back().get())) {
        routes_.erase(std::find_if(routes_.begin(), routes_.end(), [&](const auto &owned) {
            return owned.get() == never_taken;
        }));
    }
}

void entrain_engine::collect() {
    const std::uint64_t in_use = process.in_use();
    routes_.erase(std::remove_if(routes_.begin(), routes_.end(),
                                 [&](const auto &route) { return route->serial < in_use; }),
                  routes_.end());
    retired_.erase(std::remove_if(retired_.begin(), retired_.end(),
                                  [this](const auto &layer) {
                                      return !is_handed_over(layer.get());
                                  }),
                   retired_.end());
}
