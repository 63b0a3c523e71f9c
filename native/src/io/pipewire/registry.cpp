#include "io/pipewire/registry.h"

#include "io/pipewire/client/properties.h"

#include <cstdint>
#include <string>
#include <utility>

namespace entrain::pipewire {

Registry::Registry(pw_core *core, Events events)
    : events_(std::move(events)),
      properties_(events_.changed,
                  [this](Id id, const spa_dict *properties) { introduce(id, properties); }),
      proxy_(get_registry(core)) {
    static const pw_registry_events kEvents = [] {
        pw_registry_events table{};
        table.version = PW_VERSION_REGISTRY_EVENTS;
        table.global = [](void *self, std::uint32_t id, std::uint32_t, const char *type,
                          std::uint32_t, const spa_dict *dict) noexcept {
            auto &registry = *static_cast<Registry *>(self);
            io::guarded(registry.events_.changed, [&] { registry.came(id, type, dict); });
        };
        table.global_remove = [](void *self, std::uint32_t id) noexcept {
            auto &registry = *static_cast<Registry *>(self);
            io::guarded(registry.events_.changed, [&] { registry.gone(id); });
        };
        return table;
    }();
    if (proxy_) listen(proxy_.get(), hook_, &kEvents, this);
}

void Registry::gone(Id id) {
    if (graph_.links.count(id) == 0) ++topology_;
    graph_.remove(id);
    properties_.gone(id);
    events_.gone(id);
    events_.changed();
}

void Registry::came(Id id, const char *type, const spa_dict *dict) {
    const std::string kind = type;
    if (kind == PW_TYPE_INTERFACE_Node) {
        Node &node = graph_.nodes[id] = Node{};
        node.name = text(dict, PW_KEY_NODE_NAME);
        node.media_class = text(dict, PW_KEY_MEDIA_CLASS);
        node.client = number(dict, PW_KEY_CLIENT_ID);
        node.hardware = !text(dict, PW_KEY_DEVICE_ID).empty();
        // Only nodes of these classes can carry a sink's sound on.
        if (node.media_class.rfind("Audio/", 0) == 0 || node.media_class.rfind("Stream/", 0) == 0)
            properties_.ask(proxy_.get(), id);
    } else if (kind == PW_TYPE_INTERFACE_Port) {
        graph_.ports[id] = Port{number(dict, PW_KEY_NODE_ID),
                                text(dict, PW_KEY_PORT_DIRECTION) == "in",
                                text(dict, PW_KEY_PORT_MONITOR) == "true",
                                text(dict, PW_KEY_AUDIO_CHANNEL), text(dict, PW_KEY_PORT_NAME),
                                number(dict, PW_KEY_PORT_ID)};
    } else if (kind == PW_TYPE_INTERFACE_Link) {
        graph_.links[id] = Link{number(dict, PW_KEY_LINK_OUTPUT_NODE),
                                number(dict, PW_KEY_LINK_INPUT_NODE),
                                number(dict, PW_KEY_CLIENT_ID)};
    } else if (kind == PW_TYPE_INTERFACE_Metadata) {
        const std::string name = text(dict, PW_KEY_METADATA_NAME);
        if (name == "default") events_.defaults_came(id, number(dict, PW_KEY_CLIENT_ID));
        if (name == "filters") events_.filters_came(id);
        return;
    } else {
        return;
    }
    if (kind != PW_TYPE_INTERFACE_Link) ++topology_;
    events_.changed();
}

void Registry::introduce(Id id, const spa_dict *properties) {
    const auto found = graph_.nodes.find(id);
    if (found == graph_.nodes.end()) return;
    Node &node = found->second;
    node.link_group = text(properties, PW_KEY_NODE_LINK_GROUP);
    node.managed = text(properties, PW_KEY_NODE_AUTOCONNECT) == "true";
    const auto names = [&](const char *key) {
        const std::string target = text(properties, key);
        return !target.empty() && target != "-1";
    };
    node.aimed = names("target.object") || names("node.target") ||
                 text(properties, "node.dont-reconnect") == "true";
    events_.changed();
}

}  // namespace entrain::pipewire
