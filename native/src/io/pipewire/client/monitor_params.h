// Reads and writes the volume of a sink's monitor as a server parameter.
#pragma once

#include "io/pipewire/client/library.h"
#include "io/pipewire/client/param_builder.h"

#include <array>
#include <cstdint>
#include <cstring>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

// The volume settings of a sink's monitor.
struct Monitor {
    bool muted = false;
    bool follows_sink = false;  // the monitor has the sink's volume too
    std::uint32_t channels = 0;
    std::array<float, 8> volumes{};
};

inline void subscribe_props(pw_proxy *node) noexcept {
    std::uint32_t ids[] = {SPA_PARAM_Props};
    pw_node_subscribe_params(reinterpret_cast<pw_node *>(node), ids, 1);
}

inline void set_props(pw_proxy *node, const spa_pod *param) noexcept {
    pw_node_set_param(reinterpret_cast<pw_node *>(node), SPA_PARAM_Props, 0, param);
}

constexpr const char *kFollowsSink = "monitor.channel-volumes";

// Store the monitor's values that `param` contains and keep the others.  Returns whether it
// contains any.
inline bool read_monitor(const spa_pod *param, Monitor &monitor) noexcept {
    bool found = false;
    const auto *object = reinterpret_cast<const spa_pod_object *>(param);
    if (spa_pod_is_object(param) == 0) return false;
    const spa_pod_prop *prop;
    SPA_POD_OBJECT_FOREACH(object, prop) {
        if (prop->key == SPA_PROP_monitorMute) {
            found = spa_pod_get_bool(&prop->value, &monitor.muted) == 0 || found;
        } else if (prop->key == SPA_PROP_monitorVolumes) {
            monitor.channels = spa_pod_copy_array(
                &prop->value, SPA_TYPE_Float, monitor.volumes.data(),
                static_cast<std::uint32_t>(monitor.volumes.size()));
            found = true;
        } else if (prop->key == SPA_PROP_params && spa_pod_is_struct(&prop->value) != 0) {
            spa_pod_parser parser;
            spa_pod_parser_pod(&parser, &prop->value);
            spa_pod_frame frame;
            spa_pod_parser_push_struct(&parser, &frame);
            const char *name = nullptr;
            spa_pod *value = nullptr;
            while (spa_pod_parser_get_string(&parser, &name) >= 0 &&
                   spa_pod_parser_get_pod(&parser, &value) >= 0)
                if (std::strcmp(name, kFollowsSink) == 0)
                    found = spa_pod_get_bool(value, &monitor.follows_sink) == 0 || found;
        }
    }
    return found;
}

// Build in `memory` the parameter that sets a monitor to full volume, not muted.
template <typename Memory>
const spa_pod *unity_monitor_param(std::uint32_t channels, Memory &memory) noexcept {
    std::array<float, 8> ones;
    ones.fill(1.0F);
    spa_pod_builder builder = builder_in(memory);
    spa_pod_frame object;
    spa_pod_frame params;
    spa_pod_builder_push_object(&builder, &object, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props);
    spa_pod_builder_prop(&builder, SPA_PROP_monitorMute, 0);
    spa_pod_builder_bool(&builder, false);
    if (channels > 0) {
        spa_pod_builder_prop(&builder, SPA_PROP_monitorVolumes, 0);
        spa_pod_builder_array(&builder, sizeof(float), SPA_TYPE_Float, channels, ones.data());
    }
    spa_pod_builder_prop(&builder, SPA_PROP_params, 0);
    spa_pod_builder_push_struct(&builder, &params);
    spa_pod_builder_string(&builder, kFollowsSink);
    spa_pod_builder_bool(&builder, false);
    spa_pod_builder_pop(&builder, &params);
    return static_cast<const spa_pod *>(spa_pod_builder_pop(&builder, &object));
}

ENTRAIN_C_END

}  // namespace entrain::pipewire
