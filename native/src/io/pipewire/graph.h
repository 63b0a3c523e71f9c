// The graph as the server's registry reports it: nodes, their ports, the links between them.
//
// Plain data on the loop's thread; does not use the client library.
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
    Id client = kNoId;       // the program that created the node
    bool hardware = false;   // the node belongs to a device
    // NodeProperties reports the fields below a moment after the node itself.
    std::string link_group;  // the same text in both halves of a filter
    bool managed = false;    // the session manager links this stream
    bool aimed = false;      // the stream's own properties name a target
};

struct Port {
    Id node = kNoId;
    bool input = false;
    bool monitor = false;
    std::string channel;  // "FL", "FR", "MONO", ... or ""
    std::string name;
    std::uint32_t number = kNoId;  // index among its node's ports of one direction, or kNoId
};

struct Link {
    Id output_node = kNoId;
    Id input_node = kNoId;
    Id client = kNoId;  // the program that created the link
};

// One port for each of our two channels.  A mono node has its only port twice.
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

    // Remove the node, port or link with this number.
    void remove(Id id);

    // The sink with this name, or kNoId.  Of several, the youngest that has ports.
    Id find_sink(const std::string &name) const;

    // The node's ports for left and right: by channel name, or else the first two by number, or the
    // only port twice.  Empty while the node has no ports on that side.
    std::optional<PortPair> pair(Id node, Side side) const;

    // The node's port with this name, or kNoId.
    Id find_port(Id node, const std::string &name) const;

    // The nodes with a link into `node`.
    std::set<Id> sources_of(Id node) const;
};

}  // namespace entrain::pipewire
