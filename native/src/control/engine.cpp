#include "control/engine.h"

#include <algorithm>
#include <cfloat>
#include <cmath>
#include <iterator>
#include <limits>
#include <set>
#include <utility>

using entrain::BlockKind;
using entrain::Engine;
using entrain::Group;
using entrain::Layer;
using entrain::Move;
using entrain::Parameter;
using entrain::Route;

namespace {

constexpr double kLongestSeconds = ENTRAIN_LONGEST_SESSION_S;

std::uint64_t frame_of(double seconds, std::uint32_t rate_hz) {
    return static_cast<std::uint64_t>(std::llround(seconds * rate_hz));
}

// The callback treats denormal numbers as zero, which has no ratio to other numbers.
bool is_ratio(double value) { return std::fabs(value) >= double{FLT_MIN}; }

bool mentions(const std::vector<Route::Entry> &entries, const Layer *layer) {
    return std::any_of(entries.begin(), entries.end(),
                       [layer](const Route::Entry &entry) { return entry.layer.get() == layer; });
}

bool mentions(const Route &route, const Layer *layer) {
    return route.input.get() == layer || route.output.get() == layer ||
           mentions(route.processors, layer) || mentions(route.space, layer) ||
           mentions(route.generators, layer);
}

}  // namespace

Engine::Engine(std::uint32_t rate) {
    Layers first;
    first.rate_hz = rate;
    first.owned[ENTRAIN_LAYER_INPUT] = make_own(ENTRAIN_LAYER_INPUT, Group::input, rate);
    first.owned[ENTRAIN_LAYER_OUTPUT] = make_own(ENTRAIN_LAYER_OUTPUT, Group::output, rate);
    first.latency_frames = entrain::latency_of(*first.owned[ENTRAIN_LAYER_OUTPUT].kind, rate);
    replace(std::move(first));
}

Engine::Owned Engine::make_own(std::uint32_t number, Group group, std::uint32_t rate_hz) {
    Owned own;
    own.kind = &entrain::own_block(group);
    own.instance = entrain::make_layer(number, *own.kind, rate_hz);
    return own;
}

entrain_status Engine::set_rate(std::uint32_t rate) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (rate == layers_.rate_hz) return ENTRAIN_OK;
    Layers next = layers_;
    next.rate_hz = rate;
    ++next.rebuilds;
    rebuild(next.owned, rate);
    rebuild(next.leaving, rate);
    next.latency_frames = entrain::latency_of(*next.owned.at(ENTRAIN_LAYER_OUTPUT).kind, rate);
    next.head = nullptr;  // resampling it would hold up all other threads
    replace(std::move(next));
    return ENTRAIN_OK;
}

entrain_status Engine::use_head(std::shared_ptr<const entrain::Head> head) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (head == layers_.head) return ENTRAIN_OK;
    Layers next = layers_;
    next.head = entrain::head_at_rate(head, next.rate_hz);
    replace(std::move(next));
    return ENTRAIN_OK;
}

entrain_status Engine::place(std::uint32_t layer, bool placed) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.owned.find(layer);
    if (found == layers_.owned.end() || found->second.instance->group != Group::generator)
        return ENTRAIN_E_LAYER;
    Owned &owned = found->second;
    if (placed && !owned.placed) {
        if (entrain::is_dichotic(*owned.kind)) return ENTRAIN_E_KIND;
        if (std::count_if(layers_.owned.begin(), layers_.owned.end(), [](const auto &each) {
                return each.second.placed;
            }) >= ENTRAIN_MOST_PLACED)
            return ENTRAIN_E_FULL;
    }
    owned.placed = placed;
    return ENTRAIN_OK;
}

// The callback takes over the rest of the state; see Layer::resume().
void Engine::rebuild(std::map<std::uint32_t, Owned> &owned, std::uint32_t rate_hz) {
    for (auto &[number, each] : owned) {
        const std::shared_ptr<Layer> former = each.instance;
        each.instance = entrain::make_layer(number, *each.kind, rate_hz);
        for (std::size_t i = 0; i < former->parameters().size(); ++i)
            each.instance->parameters()[i].succeed(former->parameters()[i]);
        each.instance->announce();
        each.instance->vary(std::max(each.variant, 0));
        each.automation = automation_of(each, rate_hz);
    }
}

entrain_status Engine::add_layer(const char *kind, std::uint32_t *layer) {
    const entrain::BlockKind *found = entrain::find_block(kind);
    if (!found) return ENTRAIN_E_KIND;
    const std::lock_guard<std::mutex> lock(mutex_);
    if (layers_.owned.size() >= ENTRAIN_LAYER_FIRST - 1 + ENTRAIN_MOST_LAYERS ||
        next_number_ == std::numeric_limits<std::uint32_t>::max())
        return ENTRAIN_E_FULL;
    Owned owned;
    owned.kind = found;
    owned.instance = entrain::make_layer(next_number_, *found, layers_.rate_hz);
    const Group group = owned.instance->group;
    if (group == Group::input || group == Group::output) return ENTRAIN_E_KIND;
    layers_.owned.emplace(next_number_, std::move(owned));
    *layer = next_number_++;
    collect();
    return ENTRAIN_OK;
}

entrain_status Engine::set_parameter(std::uint32_t layer, const char *symbol, Move move) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.owned.find(layer);
    if (found == layers_.owned.end()) return ENTRAIN_E_LAYER;
    Layer &instance = *found->second.instance;
    const std::size_t place = find_parameter(found->second, symbol);
    if (place == instance.parameters().size()) return ENTRAIN_E_PARAMETER;
    Parameter &parameter = instance.parameters()[place];
    if (!parameter.accepts(double{move.target})) return ENTRAIN_E_RANGE;
        // Ends automation that is not heard yet, too; the callback ends its own with the move.
    found->second.ways.erase(place);
    found->second.routed_ways.erase(place);
    if (is_handed_over(&instance)) {
        parameter.ask(move);
        instance.announce();
    } else {
        parameter.place(move.target);
    }
    return ENTRAIN_OK;
}

entrain_status Engine::get_parameter(std::uint32_t layer, const char *symbol, bool target,
                                             float *value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.owned.find(layer);
    if (found == layers_.owned.end()) return ENTRAIN_E_LAYER;
    const auto &parameters = found->second.instance->parameters();
    const std::size_t place = find_parameter(found->second, symbol);
    if (place == parameters.size()) return ENTRAIN_E_PARAMETER;
    *value = target ? parameters[place].asked().target : parameters[place].shown();
    return ENTRAIN_OK;
}

entrain_status Engine::automate(std::uint32_t layer, const char *symbol,
                                        const entrain_point *points, std::uint32_t count,
                                        double loop_s) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.owned.find(layer);
    if (layer < ENTRAIN_LAYER_FIRST || found == layers_.owned.end()) return ENTRAIN_E_LAYER;
    Owned &owned = found->second;
    const std::size_t place = find_parameter(owned, symbol);
    if (place == owned.instance->parameters().size()) return ENTRAIN_E_PARAMETER;
    if (!accepts(owned.instance->parameters()[place], points, count, loop_s))
        return ENTRAIN_E_RANGE;
    if (count == 0)
        owned.ways.erase(place);
    else
        owned.ways[place] =
            std::make_shared<const Way>(Way{{points, points + count}, loop_s});
    owned.has_new_ways = true;
    return ENTRAIN_OK;
}

entrain_status Engine::route(const std::uint32_t *layers, std::uint32_t count,
                                     bool restart) {
    const std::lock_guard<std::mutex> lock(mutex_);
    if (count > layers_.owned.size()) return ENTRAIN_E_LAYER;  // some number must occur twice
    Layers next = layers_;
    next.order.assign(layers, layers + count);
    next.owned.clear();
    std::uint32_t spaces = 0;
    for (const std::uint32_t own : {ENTRAIN_LAYER_INPUT, ENTRAIN_LAYER_OUTPUT})
        next.owned.emplace(own, layers_.owned.at(own));
    for (const std::uint32_t number : next.order) {
        const auto found = layers_.owned.find(number);
        if (number < ENTRAIN_LAYER_FIRST || found == layers_.owned.end()) return ENTRAIN_E_LAYER;
        const auto [stays, is_first] = next.owned.emplace(number, found->second);
        if (!is_first) return ENTRAIN_E_LAYER;
        Owned &owned = stays->second;
        owned.routed_placed = owned.placed;
        spaces += owned.instance->group == Group::space ? 1 : 0;
        if (spaces > 1) return ENTRAIN_E_LAYER;
        if (!owned.has_new_ways) continue;
        owned.has_new_ways = false;
        owned.routed_ways = owned.ways;
        owned.automation = automation_of(owned, next.rate_hz);
    }
    vary(next);
    for (const std::uint32_t number : layers_.order)
        if (next.owned.count(number) == 0) next.leaving.emplace(number, layers_.owned.at(number));
    if (restart) ++next.restarts;
    replace(std::move(next));
    return ENTRAIN_OK;
}

void Engine::vary(Layers &of) {
    std::map<const BlockKind *, std::set<int>> taken;
    for (const std::uint32_t number : of.order)
        taken[of.owned.at(number).kind].insert(of.owned.at(number).variant);
    for (const std::uint32_t number : of.order) {
        Owned &owned = of.owned.at(number);
        if (owned.variant >= 0) continue;
        std::set<int> &others = taken[owned.kind];
        for (owned.variant = 0; others.count(owned.variant) > 0;) ++owned.variant;
        others.insert(owned.variant);
        owned.instance->vary(owned.variant);
    }
}

void Engine::run_session(bool runs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    session_runs_ = runs;
    process.session.run(runs);
}

void Engine::seek_session(double seconds) {
    const std::lock_guard<std::mutex> lock(mutex_);
    process.session.seek(session_runs_, seconds);
}

void Engine::read_session(double *seconds, bool *runs) {
    const std::lock_guard<std::mutex> lock(mutex_);
    collect();  // since this is called often: a head that is not used any more needs much memory
        // Until the callback takes a route that restarts the session, its clock has the old time.
    const bool begins = process.in_use() < restarted_by_;
    *seconds = begins && !process.session.is_moving() ? 0.0 : process.session.seconds();
    *runs = session_runs_;
}

entrain_status Engine::measure(const entrain_promise &promise,
                                       entrain_measurement *measurement) {
    // The callback keeps writing while the taps are copied, so leave room.
    constexpr std::uint32_t kFrames = entrain::Tap::kFrames - 8192;
    const std::lock_guard<std::mutex> lock(measuring_);
    before_.resize(2 * kFrames);
    after_.resize(2 * kFrames);
    const std::uint64_t end = process.counters.frames;
    const entrain::Process::Pace pace = process.pace();
    if (end < kFrames + pace.since ||
        !process.input_tap.read(end - kFrames, before_.data(), kFrames) ||
        !process.output_tap.read(end - kFrames, after_.data(), kFrames))
        return ENTRAIN_E_OVERRUN;
    if (beats_since_ != pace.since) beats_.reset();  // phases before the new rate do not fit
    beats_since_ = pace.since;
    const std::uint32_t rate = pace.rate_hz;
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

std::size_t Engine::find_parameter(const Owned &owned, const char *symbol) {
    const auto &parameters = owned.instance->parameters();
    const auto found = std::find_if(parameters.begin(), parameters.end(),
                                    [symbol](const auto &each) { return each.symbol() == symbol; });
    return static_cast<std::size_t>(found - parameters.begin());
}

bool Engine::accepts(const Parameter &parameter, const entrain_point *points,
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

std::shared_ptr<const entrain::Automation> Engine::automation_of(const Owned &owned,
                                                                         std::uint32_t rate_hz) {
    if (owned.routed_ways.empty()) return nullptr;
    auto automation = std::make_shared<entrain::Automation>();
    for (const auto &[place, way] : owned.routed_ways) {
        entrain::Lane lane{place, {}, frame_of(way->loop_s, rate_hz),
                           owned.instance->parameters()[place].asks()};
        for (const entrain_point &point : way->points) {
            const entrain::Breakpoint next{frame_of(point.seconds, rate_hz), point.value,
                                           static_cast<entrain::Curve>(point.curve)};
            // Of several breakpoints in one frame, the last one counts.
            if (!lane.points.empty() && lane.points.back().frame == next.frame)
                lane.points.back() = next;
            else
                lane.points.push_back(next);
        }
        automation->lanes.push_back(std::move(lane));
    }
    return automation;
}

bool Engine::is_handed_over(const Layer *layer) const {
    return std::any_of(routes_.begin(), routes_.end(),
                       [layer](const auto &route) { return mentions(*route, layer); });
}

// A layer that fades out, or one of the space that waits for a head.
const Engine::Owned *Engine::find_leaving(const Layers &of, std::uint32_t number) {
    const auto leaving = of.leaving.find(number);
    if (leaving != of.leaving.end()) return &leaving->second;
    const auto waiting = of.owned.find(number);
    return waiting != of.owned.end() && waiting->second.instance->group == Group::space
               ? &waiting->second
               : nullptr;
}

std::unique_ptr<Route> Engine::make_route(const Layers &of) const {
    auto route = std::make_unique<Route>();
    route->serial = next_serial_;
    route->restart = of.restarts;
    route->rebuilds = of.rebuilds;
    route->rate_hz = of.rate_hz;
    route->latency_frames = of.latency_frames;
    route->input = of.owned.at(ENTRAIN_LAYER_INPUT).instance;
    route->output = of.owned.at(ENTRAIN_LAYER_OUTPUT).instance;
    route->head = of.head;
    for (const std::uint32_t number : of.order) {
        const Owned &owned = of.owned.at(number);
        const Group group = owned.instance->group;
        if (group == Group::space && !of.head) continue;  // it leaves, until there is a head
        auto &entries = group == Group::generator ? route->generators
                        : group == Group::space   ? route->space
                                                  : route->processors;
        entries.push_back({owned.instance, false, owned.automation, owned.routed_placed});
    }
    // A layer that the callback has played must fade out; others can be dropped.
    const auto keep_leaving = [&of](std::vector<Route::Entry> &entries,
                                    const std::vector<Route::Entry> &before) {
        auto place = entries.begin();  // leaving layers keep their place
        for (const Route::Entry &old : before) {
            const auto found = std::find_if(entries.begin(), entries.end(), [&](const auto &entry) {
                return entry.layer->number == old.layer->number;
            });
            const Owned *leaving = find_leaving(of, old.layer->number);
            if (found != entries.end())
                place = found + 1;
            else if (!old.layer->is_gone() && leaving)
                place = entries.insert(place, {leaving->instance, true, leaving->automation,
                                               leaving->routed_placed}) + 1;
        }
    };
    for (const auto &heard : routes_) {
        if (heard->serial != process.in_use()) continue;
        keep_leaving(route->processors, heard->processors);
        keep_leaving(route->space, heard->space);
        keep_leaving(route->generators, heard->generators);
    }
    if (!route->space.empty()) route->tail_frames = entrain::tail_frames(of.rate_hz);
    return route;
}

// Either completes or changes nothing: after the blank line nothing throws.
void Engine::replace(Layers next) {
    std::unique_ptr<Route> route = make_route(next);
    routes_.reserve(routes_.size() + 1);

    if (next.restarts != layers_.restarts) {
        session_runs_ = true;
        restarted_by_ = next_serial_;
        process.session.forget();  // a request made before the restart
    }
    std::swap(layers_, next);
    ++next_serial_;
    routes_.push_back(std::move(route));
    if (const Route *never_taken = process.offer(routes_.back().get())) {
        routes_.erase(std::find_if(routes_.begin(), routes_.end(), [&](const auto &owned) {
            return owned.get() == never_taken;
        }));
    }
    // Last, since a back end runs the engine as soon as this shows the rate of its device.
    has_head = layers_.head != nullptr;
    latency_frames = layers_.latency_frames;
    rate_hz = layers_.rate_hz;
    collect();
}

void Engine::collect() noexcept {
    const std::uint64_t in_use = process.in_use();
    routes_.erase(std::remove_if(routes_.begin(), routes_.end(),
                                 [&](const auto &route) { return route->serial < in_use; }),
                  routes_.end());
    for (auto leaving = layers_.leaving.begin(); leaving != layers_.leaving.end();)
        leaving = is_handed_over(leaving->second.instance.get()) ? std::next(leaving)
                                                                 : layers_.leaving.erase(leaving);
}
