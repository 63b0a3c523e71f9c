#include "control/engine.h"

#include <algorithm>

using entrain::Group;
using entrain::Layer;
using entrain::Move;
using entrain::Parameter;
using entrain::Route;

namespace {

const entrain::BlockKind &limiter() { return *entrain::find_block("limiter"); }

bool mentions(const std::vector<Route::Entry> &entries, const Layer *layer) {
    return std::any_of(entries.begin(), entries.end(),
                       [layer](const Route::Entry &entry) { return entry.layer == layer; });
}

bool mentions(const Route &route, const Layer *layer) {
    return route.output == layer || mentions(route.processors, layer) ||
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
            place = entries.insert(place, {old.layer, true}) + 1;
    }
}

}  // namespace

entrain_engine::entrain_engine(std::uint32_t rate) {
    outputs_.push_back(entrain::make_layer(0, limiter(), rate));
    rate_hz = rate;
    latency_frames = entrain::latency_of(limiter(), rate);
    publish(make_route({}));
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
    auto output = entrain::make_layer(0, limiter(), rate);
    for (auto &[number, instance] : instances) {
        retired_.push_back(std::move(layers_[number].instance));
        layers_[number].instance = std::move(instance);
    }
    outputs_.push_back(std::move(output));
    latency_frames = entrain::latency_of(limiter(), rate);
    rate_hz = rate;
    publish(make_route(order_));
    collect();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::add_layer(const char *kind, std::uint32_t *layer) {
    const entrain::BlockKind *found = entrain::find_block(kind);
    if (!found) return ENTRAIN_E_KIND;
    const std::lock_guard<std::mutex> lock(mutex_);
    auto instance = entrain::make_layer(next_number_, *found, rate_hz);
    if (instance->group == Group::output) return ENTRAIN_E_KIND;
    layers_[next_number_] = {found, std::move(instance)};
    *layer = next_number_++;
    collect();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::set_parameter(std::uint32_t layer, const char *symbol, Move move) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.find(layer);
    if (found == layers_.end()) return ENTRAIN_E_LAYER;
    Parameter *parameter = find_parameter(found->second, symbol);
    if (!parameter) return ENTRAIN_E_PARAMETER;
    if (!parameter->accepts(move.target)) return ENTRAIN_E_RANGE;
    if (is_handed_over(found->second.instance.get())) {
        parameter->ask(move);
        found->second.instance->announce();
    } else {
        parameter->place(move.target);
    }
    return ENTRAIN_OK;
}

entrain_status entrain_engine::get_parameter(std::uint32_t layer, const char *symbol, bool target,
                                             float *value) {
    const std::lock_guard<std::mutex> lock(mutex_);
    const auto found = layers_.find(layer);
    if (found == layers_.end()) return ENTRAIN_E_LAYER;
    const Parameter *parameter = find_parameter(found->second, symbol);
    if (!parameter) return ENTRAIN_E_PARAMETER;
    *value = target ? parameter->asked().target : parameter->shown();
    return ENTRAIN_OK;
}

entrain_status entrain_engine::route(const std::uint32_t *layers, std::uint32_t count) {
    const std::lock_guard<std::mutex> lock(mutex_);
    std::vector<std::uint32_t> order(layers, layers + count);
    const std::set<std::uint32_t> wanted(order.begin(), order.end());
    if (wanted.size() != order.size()) return ENTRAIN_E_LAYER;
    for (const std::uint32_t number : order)
        if (layers_.find(number) == layers_.end()) return ENTRAIN_E_LAYER;

    auto next = make_route(order);
    // What the callback has heard must fade out; what it never saw may simply go.
    for (const auto &route : routes_) {
        if (route->serial != process.in_use() || route->rate_hz != rate_hz) continue;
        keep_leaving(next->processors, route->processors);
        keep_leaving(next->generators, route->generators);
    }
    for (const std::uint32_t number : order_) {
        if (wanted.count(number)) continue;
        retired_.push_back(std::move(layers_[number].instance));
        layers_.erase(number);
    }
    order_ = std::move(order);
    publish(std::move(next));
    collect();
    return ENTRAIN_OK;
}

Parameter *entrain_engine::find_parameter(const Owned &owned, const char *symbol) const {
    for (Parameter &parameter : owned.instance->parameters())
        if (parameter.symbol() == symbol) return &parameter;
    return nullptr;
}

bool entrain_engine::is_handed_over(const Layer *layer) const {
    return std::any_of(routes_.begin(), routes_.end(),
                       [layer](const auto &route) { return mentions(*route, layer); });
}

std::unique_ptr<Route> entrain_engine::make_route(const std::vector<std::uint32_t> &order) const {
    auto route = std::make_unique<Route>();
    route->rate_hz = rate_hz;
    route->latency_frames = latency_frames;
    route->output = outputs_.back().get();
    for (const std::uint32_t number : order) {
        Layer *layer = layers_.at(number).instance.get();
        auto &entries = layer->group == Group::generator ? route->generators : route->processors;
        entries.push_back({layer, false});
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
    const auto free_unused = [this](std::vector<std::unique_ptr<Layer>> &layers) {
        layers.erase(std::remove_if(layers.begin(), layers.end(),
                                    [this](const auto &layer) {
                                        return !is_handed_over(layer.get());
                                    }),
                     layers.end());
    };
    free_unused(retired_);
    const Layer *output = outputs_.back().get();
    outputs_.erase(std::remove_if(outputs_.begin(), outputs_.end(),
                                  [&](const auto &layer) {
                                      return layer.get() != output && !is_handed_over(layer.get());
                                  }),
                   outputs_.end());
}
