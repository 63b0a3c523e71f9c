#include "io/pipewire/graph.h"

#include <algorithm>
#include <utility>
#include <vector>

namespace entrain::pipewire {

namespace {

bool on_side(const Port &port, Side side) {
    switch (side) {
        case Side::playback:
        case Side::input:
            return port.input;
        case Side::monitor:
            return !port.input && port.monitor;
        case Side::output:
            return !port.input && !port.monitor;
    }
    return false;
}

}  // namespace

void Graph::remove(Id id) {
    nodes.erase(id);
    ports.erase(id);
    links.erase(id);
}

Id Graph::find_sink(const std::string &name) const {
    if (name.empty()) return kNoId;
    Id found = kNoId;
    bool found_has_ports = false;
    for (const auto &[id, node] : nodes) {
        if (node.name != name) continue;
        // "Audio/Duplex" devices and sinks of other kinds ("Audio/Sink/Virtual") play as well.
        if (node.media_class.rfind("Audio/Sink", 0) != 0 && node.media_class != "Audio/Duplex")
            continue;
        const bool has_ports = pair(id, Side::playback).has_value();
        if (found == kNoId || has_ports || !found_has_ports) {
            found = id;
            found_has_ports = has_ports;
        }
    }
    return found;
}

std::optional<PortPair> Graph::pair(Id node, Side side) const {
    // The server reuses free object numbers, so their order means nothing; port numbers count up.
    std::vector<std::pair<std::uint32_t, Id>> in_order;
    PortPair named;
    for (const auto &[id, port] : ports) {
        if (port.node != node || !on_side(port, side)) continue;
        in_order.emplace_back(port.number, id);
        if (port.channel == "FL") named.ports[0] = id;
        if (port.channel == "FR") named.ports[1] = id;
    }
    if (in_order.empty()) return std::nullopt;
    if (named.ports[0] != kNoId && named.ports[1] != kNoId) return named;
    std::sort(in_order.begin(), in_order.end());
    return PortPair{{in_order.front().second, in_order[in_order.size() > 1 ? 1 : 0].second}};
}

Id Graph::find_port(Id node, const std::string &name) const {
    const auto found = std::find_if(ports.begin(), ports.end(), [&](const auto &item) {
        return item.second.node == node && item.second.name == name;
    });
    return found != ports.end() ? found->first : kNoId;
}

std::set<Id> Graph::sources_of(Id node) const {
    std::set<Id> sources;
    for (const auto &[id, link] : links)
        if (link.input_node == node) sources.insert(link.output_node);
    return sources;
}

}  // namespace entrain::pipewire
