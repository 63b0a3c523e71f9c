// The programmes that play into our sink.
#pragma once

#include "io/notify.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/pw.h"

#include <map>
#include <memory>
#include <set>
#include <utility>

namespace entrain::pipewire {

// A player that is paused keeps its links; only its node's state tells that it is.
class Programmes {
public:
    explicit Programmes(io::Notify changed) : changed_(std::move(changed)) {}

    // Watch these nodes and no others.
    void refresh(pw_proxy *registry, const std::set<Id> &players);

    // A number may be given to another node at once.
    void gone(Id id) { players_.erase(id); }

    std::uint32_t running() const noexcept;

private:
    struct Player {
        Programmes *programmes;
        bool running = false;
        Proxy proxy;
        Hook hook;
    };
    io::Notify changed_;
    std::map<Id, std::unique_ptr<Player>> players_;
};

}  // namespace entrain::pipewire
