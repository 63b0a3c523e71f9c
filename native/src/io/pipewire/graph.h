// What the server's registry has told us: nodes, their ports, the links between them.
//
// Plain data on the loop's thread; knows nothing of the client library.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>

namespace entrain::pipewire {

using Id = std::uint32_t;
constexpr Id kNoId = 0xffffffffU;

struct Node {
    std::string name;
    std::string media_class;
    Id client = kNoId;       // the program that has made it
    bool hardware = false;   // belongs to a device
    // The rest is known a moment later than the node itself.
    std::string link_group;  // shared by the halves of a filter
    bool managed = false;    // a stream that the session manager links
    bool aimed = false;      // asks for a target of its own
};

struct Port {
    Id node = kNoId;
    bool input = false;
    bool monitor = false;
    std::string channel;  // "FL", "FR", "MONO", ... or ""
    std::string name;
    std::uint32_t number = kNoId;  // among its node's ports of one direction, or kNoId
};

struct Link {
    Id output_node = kNoId;
    Id input_node = kNoId;
    Id client = kNoId;  // the program that has made it
};

// One port for each of our two channels; both the same when there is only one.
struct PortPair {
    std::array<Id, 2> ports{kNoId, kNoId};
    bool mono() const noexcept { return ports[0] == ports[1]; }
};

enum class Side { playback, monitor, input, output };

class Graph {
public:
    std::map<Id, Node> nodes;
    std::map<Id, Port> ports;
    std::map<Id, Link> links;

    // Forget whatever has this number.
    void remove(Id id);

    // The sink of that name; if there are several, the youngest that has ports.
    Id find_sink(const std::string &name) const;

    // The ports of a node for left and right: by channel, or else the first two by their numbers,
    // or the only one twice.  Nothing while it has no ports on that side.
    std::optional<PortPair> pair(Id node, Side side) const;

    // The port of a node that has this name, or kNoId.
    Id find_port(Id node, const std::string &name) const;

    // Nodes that are linked into `node`.
    std::set<Id> sources_of(Id node) const;
};

}  // namespace entrain::pipewire
