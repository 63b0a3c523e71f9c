#include "io/pipewire/ways.h"

#include <algorithm>

namespace entrain::pipewire {

namespace {

bool begins(const std::string &text, const char *with) { return text.rfind(with, 0) == 0; }

bool is_sink(const Node &node) {
    return begins(node.media_class, "Audio/Sink") || node.media_class == "Audio/Duplex";
}
bool is_recorder(const Node &node) { return begins(node.media_class, "Stream/Input"); }
bool is_player(const Node &node) { return begins(node.media_class, "Stream/Output"); }
bool is_plain(const Node &node) { return node.media_class.empty(); }

class Tracer {
public:
    Tracer(const Graph &graph, const std::set<Id> &own, const Aims &aims)
        : graph_(graph), own_(own), aims_(aims) {
        for (const auto &[id, link] : graph.links)
            links_[link.output_node][link.input_node] = link.client;
    }

    void trace(Id sink, std::vector<Way> &found) {
        const Node &start = graph_.nodes.at(sink);
        const std::size_t before = found.size();
        std::set<Id> seen{sink};
        std::vector<Id> open{sink};
        std::vector<Id> loose;  // nodes without links, made by the sink's own program
        while (!open.empty()) {
            const Id id = open.back();
            open.pop_back();
            const Node &node = graph_.nodes.at(id);
            bool linked = false;
            for (const auto &[next, linker] : links_[id]) {
                const auto other = graph_.nodes.find(next);
                if (other == graph_.nodes.end() || next == sink) continue;
                linked = true;
                if (is_sink(other->second)) {
                    // A program that links its own nodes also moves them when the default output
                    // changes.  A link that the user made in another program stays.
                    const bool itself = linker != kNoId && linker == node.client;
                    found.push_back(way(start, id, node, other->second.name, itself));
                } else if (own_.count(next) == 0 && leads_on(other->second) &&
                           (id != sink || !is_plain(other->second) ||
                            same_client(start, other->second))) {
                    // The last condition leaves out JACK programs that record the sink: only their
                    // users know where their sound goes.
                    if (seen.insert(next).second) open.push_back(next);
                }
            }
            if (!linked && is_player(node)) found.push_back(way(start, id, node, "", true));
            if (!linked && is_plain(node)) loose.push_back(id);
            for (const auto &[mate, other] : graph_.nodes)
                if (own_.count(mate) == 0 && leads_on(other) && !is_sink(other) &&
                    tied(start, node, other, id == sink) && seen.insert(mate).second)
                    open.push_back(mate);
        }
        // The sink's program may link these nodes only while a player runs.
        if (found.size() == before && !loose.empty())
            found.push_back(way(start, loose.back(), graph_.nodes.at(loose.back()), "", true));
    }

private:
    // A virtual source does not count: it is for recording apps, which decide what to do with it.
    static bool leads_on(const Node &node) {
        return is_player(node) || is_recorder(node) || is_plain(node);
    }

    static bool same_client(const Node &one, const Node &other) {
        return one.client != kNoId && one.client == other.client;
    }

    // Whether sound that enters `node` may leave through `other`.
    static bool tied(const Node &start, const Node &node, const Node &other, bool at_start) {
        if (!node.link_group.empty() || !other.link_group.empty())
            return node.link_group == other.link_group;
        // A program that records a loudspeaker's sound and also plays does not pass that sound on.
        if (start.hardware || !same_client(node, other)) return false;
        if (at_start) return is_player(other) || is_plain(other);
        return is_recorder(node) && is_player(other);
    }

    Way way(const Node &from, Id id, const Node &outlet, const std::string &to,
            bool itself) const {
        Way way;
        way.from = from.name;
        way.to = to;
        way.outlet = id;
        way.name = outlet.name;
        const bool managed = outlet.managed && is_player(outlet);
        bool aimed = outlet.aimed;
        if (const auto found = aims_.find(id); found != aims_.end()) {
            const Aim &aim = found->second;
            const std::string &target =
                !aim.target_object.empty() ? aim.target_object : aim.target_node;
            if (target == aim.pin) way.pin = aim.pin;  // else the user has moved it since
            if (!target.empty()) aimed = target != "-1" && target != aim.pin;
        }
        way.movable = managed && !aimed;
        way.follows = managed ? !aimed : itself;
        return way;
    }

    const Graph &graph_;
    const std::set<Id> &own_;
    const Aims &aims_;
    std::map<Id, std::map<Id, Id>> links_;  // output node, input node: the client that linked them
};

// Other programs choose the names, so replace control characters, which separate lines and fields.
std::string clean(std::string name) {
    std::replace_if(name.begin(), name.end(),
                    [](char c) { return static_cast<unsigned char>(c) < ' '; }, ' ');
    return name;
}

}  // namespace

bool Way::operator==(const Way &other) const {
    return from == other.from && to == other.to && outlet == other.outlet &&
           name == other.name && follows == other.follows && movable == other.movable &&
           pin == other.pin;
}

std::vector<Way> ways(const Graph &graph, const std::set<Id> &own, const Aims &aims) {
    std::vector<Way> found;
    Tracer tracer(graph, own, aims);
    for (const auto &[id, node] : graph.nodes)
        if (is_sink(node) && own.count(id) == 0) tracer.trace(id, found);
    return found;
}

bool leads_to(const std::vector<Way> &ways, const std::string &from, const std::string &to) {
    std::set<std::string> seen{from};
    std::vector<std::string> open{from};
    while (!open.empty()) {
        const std::string name = open.back();
        open.pop_back();
        for (const Way &way : ways) {
            if (way.from != name) continue;
            if (way.to == to) return true;
            if (!way.to.empty() && seen.insert(way.to).second) open.push_back(way.to);
        }
    }
    return false;
}

std::string as_text(const std::vector<Way> &ways) {
    std::string text;
    for (const Way &way : ways)
        text += clean(way.from) + '\t' + clean(way.to) + '\t' + std::to_string(way.outlet) + '\t' +
                clean(way.name) + '\t' + (way.follows ? "f" : "") + (way.movable ? "m" : "") +
                '\t' + clean(way.pin) + '\n';
    return text;
}

}  // namespace entrain::pipewire
