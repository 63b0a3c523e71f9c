// The players that are linked to our sink.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"

#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <utility>

namespace entrain::pipewire {

// A paused player keeps its links, so we watch the state of its node.
class Players {
public:
    explicit Players(io::Notify changed) : changed_(std::move(changed)) {}

    // Watch exactly these nodes.
    void refresh(pw_proxy *registry, const std::set<Id> &players);

    // Stop watching a removed node.  The server may reuse its number at once.
    void gone(Id id) { watched_.erase(id); }

    std::uint32_t running() const noexcept;

private:
    struct Player {
        Players *all;
        bool running = false;
        Proxy proxy;
        Hook hook;
    };
    io::Notify changed_;
    std::map<Id, std::unique_ptr<Player>> watched_;
};

}  // namespace entrain::pipewire
