// Keeps a Graph up to date with the server, and reports the session manager's metadata objects.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/node_properties.h"

#include <cstdint>
#include <functional>

namespace entrain::pipewire {

class Registry {
public:
    // thread of all callbacks: the loop's
    struct Events {
        io::Notify changed;                         // an object came or went
        std::function<void(Id, Id)> defaults_came;  // metadata object, the session manager's client
        std::function<void(Id)> filters_came;       // metadata object
        std::function<void(Id)> gone;               // any object
    };

    Registry(pw_core *core, Events events);

    const Graph &graph() const noexcept { return graph_; }
    // Counts how often nodes and ports came or went, without links.
    std::uint64_t topology() const noexcept { return topology_; }
    pw_proxy *proxy() const noexcept { return proxy_.get(); }

private:
    void came(Id id, const char *type, const spa_dict *dict);
    void gone(Id id);
    void introduce(Id id, const spa_dict *properties);

    Events events_;
    Graph graph_;
    std::uint64_t topology_ = 0;
    NodeProperties properties_;
    Proxy proxy_;
    Hook hook_;
};

}  // namespace entrain::pipewire
