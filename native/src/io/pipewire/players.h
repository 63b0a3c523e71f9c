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

// A player that is paused keeps its links; only its node's state tells that it is.
class Players {
public:
    explicit Players(io::Notify changed) : changed_(std::move(changed)) {}

    // Watch these nodes and no others.
    void refresh(pw_proxy *registry, const std::set<Id> &players);

    // A number may be given to another node at once.
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
