// The links that we have made, and how they become the links that we want.
//
// Knows nothing of the client library; server_link.h makes links with it.
#pragma once

#include "io/pipewire/graph.h"

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace entrain::pipewire {

struct WantedLink {
    Id output_node;
    Id output_port;
    Id input_node;
    Id input_port;
    bool passive;  // does not keep the graph running; all that carry sound are
};

// A link that we have asked for.  The server removes it when this object goes.
struct MadeLink {
    explicit MadeLink(const WantedLink &link) : wanted(link) {}
    virtual ~MadeLink() = default;
    MadeLink(const MadeLink &) = delete;
    MadeLink &operator=(const MadeLink &) = delete;

    WantedLink wanted;
    bool bound = false;   // the server knows it
    bool up = false;      // buffers are agreed on
    bool gone = false;    // the server has removed it
    bool failed = false;  // the server does not want it
    std::string error;    // why, or ""
};

class LinkSet {
public:
    using Make = std::function<std::unique_ptr<MadeLink>(const WantedLink &)>;

    explicit LinkSet(Make make) : make_(std::move(make)) {}

    // Make what is missing, in this order, and remove what is not wanted.  While sound runs, a
    // link whose output port gets a new one stays until the new one carries sound.
    void apply(const std::vector<WantedLink> &wanted, bool running);

    // Try again what the server has refused; to be called when ports or nodes have changed.
    void forget_failures();

    bool made(const std::vector<WantedLink> &wanted) const;  // the server knows all of them
    bool up(const std::vector<WantedLink> &wanted) const;    // all are negotiated
    std::string error() const;                               // of a refused link, or ""

private:
    using Links = std::vector<std::unique_ptr<MadeLink>>;

    const MadeLink *find(const WantedLink &link) const;
    bool is_kept(const MadeLink &link, const std::vector<WantedLink> &wanted, bool running) const;

    Make make_;
    Links links_;
};

}  // namespace entrain::pipewire
