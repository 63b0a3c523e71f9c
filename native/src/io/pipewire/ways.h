// Finds where other programs' nodes (equalizers, loopbacks, mixers) play the sound of a sink.
//
// Reads a Graph; does not use the client library.
#pragma once

#include "io/pipewire/graph.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace entrain::pipewire {

// A stream's target in the session manager's metadata.  It overrides the stream's own properties.
struct Aim {
    std::string target_object;  // a name or serial number; "-1" cancels the stream's own target
    std::string target_node;    // the same under the key that older programs use
    std::string pin;            // the device that we have sent the stream to, or ""
};
using Aims = std::map<Id, Aim>;

// A node, the outlet, that plays one sink's sound on another sink.
struct Way {
    std::string from;      // the sink
    std::string to;        // the other sink; "" while the outlet is not linked to a sink
    Id outlet = kNoId;
    std::string name;      // the outlet's name
    bool follows = false;  // the outlet follows the default output
    bool movable = false;  // pin() can send the outlet to another device
    std::string pin;       // as in Aim

    bool operator==(const Way &other) const;
};

// Returns the ways from all sinks except our own.  `own` contains our nodes.
std::vector<Way> ways(const Graph &graph, const std::set<Id> &own, const Aims &aims);

// Whether the sound of sink `from` reaches sink `to`, through one or more ways.
bool leads_to(const std::vector<Way> &ways, const std::string &from, const std::string &to);

// One line for each way; the fields are separated by tabs:
// from, to, outlet, name, "f" if it follows, "m" if it can be moved, pin.
std::string as_text(const std::vector<Way> &ways);

}  // namespace entrain::pipewire
