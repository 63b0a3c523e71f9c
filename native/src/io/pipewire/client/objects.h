// C++ owners of the connection and of the server's objects; functions to make, bind and watch them.
#pragma once

#include "io/deleter.h"
#include "io/pipewire/client/library.h"
#include "io/pipewire/client/properties.h"

#include <cstdint>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

using io::Deleter;

using Context = std::unique_ptr<pw_context, Deleter<pw_context_destroy>>;
using Core = std::unique_ptr<pw_core, Deleter<pw_core_disconnect>>;
using Proxy = std::unique_ptr<pw_proxy, Deleter<pw_proxy_destroy>>;

// A callback slot.  The destructor removes it from its list, if it is on one.
class Hook {
public:
    Hook() noexcept = default;
    ~Hook() { remove(); }
    Hook(const Hook &) = delete;
    Hook &operator=(const Hook &) = delete;

    void remove() noexcept {
        if (hook.link.prev != nullptr) spa_hook_remove(&hook);
        hook = spa_hook{};
    }

    spa_hook hook{};
};

// Make an object in the server.  It lives until the proxy or the connection is destroyed.
inline Proxy create_object(
    pw_core *core, const char *factory, const char *type, std::uint32_t version,
    std::initializer_list<std::pair<const char *, std::string>> items) noexcept {
    pw_properties *set = properties(items);
    if (set == nullptr) return nullptr;
    void *object = pw_core_create_object(core, factory, type, version, &set->dict, 0);
    pw_properties_free(set);
    return Proxy(static_cast<pw_proxy *>(object));
}

inline Proxy get_registry(pw_core *core) noexcept {
    return Proxy(reinterpret_cast<pw_proxy *>(pw_core_get_registry(core, PW_VERSION_REGISTRY, 0)));
}

inline Proxy bind(pw_proxy *registry, std::uint32_t id, const char *type,
                  std::uint32_t version) noexcept {
    return Proxy(static_cast<pw_proxy *>(
        pw_registry_bind(reinterpret_cast<pw_registry *>(registry), id, type, version, 0)));
}

inline void listen(pw_core *core, Hook &hook, const pw_core_events *events, void *data) noexcept {
    pw_core_add_listener(core, &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_proxy_events *events,
                   void *data) noexcept {
    pw_proxy_add_listener(proxy, &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_registry_events *events,
                   void *data) noexcept {
    pw_registry_add_listener(reinterpret_cast<pw_registry *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_node_events *events,
                   void *data) noexcept {
    pw_node_add_listener(reinterpret_cast<pw_node *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_link_events *events,
                   void *data) noexcept {
    pw_link_add_listener(reinterpret_cast<pw_link *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_client_events *events,
                   void *data) noexcept {
    pw_client_add_listener(reinterpret_cast<pw_client *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_metadata_events *events,
                   void *data) noexcept {
    pw_metadata_add_listener(reinterpret_cast<pw_metadata *>(proxy), &hook.hook, events, data);
}

inline void set_metadata(pw_proxy *metadata, std::uint32_t subject, const char *key,
                         const char *type, const char *value) noexcept {
    pw_metadata_set_property(reinterpret_cast<pw_metadata *>(metadata), subject, key, type, value);
}

ENTRAIN_C_END

}  // namespace entrain::pipewire
