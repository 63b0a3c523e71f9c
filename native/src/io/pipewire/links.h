// The links that we have made, and how they become the links that we want.
#pragma once

#include "io/pipewire/graph.h"
#include "io/pipewire/pw.h"

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace entrain::pipewire {

struct WantedLink {
    Id output_node;
    Id output_port;
    Id input_node;
    Id input_port;
    bool passive;  // does not keep the graph running
};

class LinkSet {
public:
    LinkSet(pw_core *core, std::function<void()> changed);
    ~LinkSet();

    // Make what is missing, in this order, and remove what is not wanted.  While sound runs, a
    // link whose output port gets a new one stays until the new one carries sound.
    void apply(const std::vector<WantedLink> &wanted, bool running);

    // Try again what the server has refused; to be called when ports or nodes have changed.
    void forget_failures();

    bool made(const std::vector<WantedLink> &wanted) const;  // the server knows all of them
    bool up(const std::vector<WantedLink> &wanted) const;    // all are negotiated
    std::string error() const;                               // of a refused link, or ""

private:
    struct Made;
    const Made *find(const WantedLink &link) const;
    std::unique_ptr<Made> make(const WantedLink &link);

    pw_core *core_;
    std::function<void()> changed_;
    std::vector<std::unique_ptr<Made>> links_;
};

}  // namespace entrain::pipewire
