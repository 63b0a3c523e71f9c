// Where other programs' nodes carry on what is played to a sink: equalizers, loopbacks, mixers.
//
// Works on what is known of the graph; knows nothing of the client library.
#pragma once

#include "io/pipewire/graph.h"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace entrain::pipewire {

// What the session manager has been told of a stream, beside the stream's own properties.
struct Aim {
    std::string target_object;  // a name or a serial number; "-1": none, whatever the stream says
    std::string target_node;    // the same, as older programs say it
    std::string pin;            // the device that we have sent it to, or ""
};
using Aims = std::map<Id, Aim>;

// One node that plays on another sink what was played to a sink.
struct Way {
    std::string from;
    std::string to;      // "" while it is linked to no sink
    Id outlet = kNoId;   // the node
    std::string name;    // of the node
    bool follows = false;  // it goes where the default output goes
    bool movable = false;  // the session manager can be told to link it elsewhere
    std::string pin;       // as in Aim

    bool operator==(const Way &other) const;
};

// The ways from all sinks but our own; `own` are our nodes.
std::vector<Way> ways(const Graph &graph, const std::set<Id> &own, const Aims &aims);

// Whether what is played to sink `from` comes to sink `to`, by any number of ways.
bool leads_to(const std::vector<Way> &ways, const std::string &from, const std::string &to);

// One line for each, fields with tabs between them:
// from, to, outlet, name, "f" if it follows, "m" if it can be moved, pin.
std::string as_text(const std::vector<Way> &ways);

}  // namespace entrain::pipewire
