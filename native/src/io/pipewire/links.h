// Our links: changes the existing links into the wanted ones.
//
// Does not use the client library; server_link.h makes links with it.
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
    bool passive;  // does not keep the graph running; true for all links that carry sound
};

// A link that we have requested.  The server removes it when this object is destroyed.
struct MadeLink {
    explicit MadeLink(const WantedLink &link) : wanted(link) {}
    virtual ~MadeLink() = default;
    MadeLink(const MadeLink &) = delete;
    MadeLink &operator=(const MadeLink &) = delete;

    WantedLink wanted;
    bool bound = false;   // the server has created it
    bool up = false;      // both ends have agreed on buffers
    bool gone = false;    // the server has removed it
    bool failed = false;  // the server has refused it
    std::string error;    // the reason of the failure, or ""
};

class LinkSet {
public:
    using Make = std::function<std::unique_ptr<MadeLink>(const WantedLink &)>;

    explicit LinkSet(Make make) : make_(std::move(make)) {}

    // Make the missing links, in this order, and remove unwanted links.  While sound runs, a link
    // whose output port gets a new link stays until the new link carries sound.
    void apply(const std::vector<WantedLink> &wanted, bool running);

    // Forget refused links, so that apply() tries them again.  Call this when ports or nodes have
    // changed.
    void forget_failures();

    bool made(const std::vector<WantedLink> &wanted) const;  // the server has created all of them
    bool up(const std::vector<WantedLink> &wanted) const;    // all of them can carry sound
    std::string error() const;                               // a refused link's error, or ""

private:
    using Links = std::vector<std::unique_ptr<MadeLink>>;

    const MadeLink *find(const WantedLink &link) const;
    bool is_kept(const MadeLink &link, const std::vector<WantedLink> &wanted, bool running) const;

    Make make_;
    Links links_;
};

}  // namespace entrain::pipewire
