#include "io/pipewire/sink.h"

#include <cstdint>
#include <utility>

namespace entrain::pipewire {

Sink::Sink(pw_core *core, pw_loop *loop, io::Notify changed) : changed_(std::move(changed)) {
    static const pw_proxy_events kEvents = [] {
        pw_proxy_events table{};
        table.version = PW_VERSION_PROXY_EVENTS;
        table.bound = [](void *self, std::uint32_t id) noexcept {
            auto &sink = *static_cast<Sink *>(self);
            io::guarded(sink.changed_, [&] {
                sink.id_ = id;
                sink.changed_();
            });
        };
        table.removed = [](void *self) noexcept {
            static_cast<Sink *>(self)->changed_.lost("the server has removed the sink");
        };
        table.error = [](void *self, int, int, const char *message) noexcept {
            static_cast<Sink *>(self)->changed_.lost(message);
        };
        return table;
    }();
    static const pw_node_events kNodeEvents = [] {
        pw_node_events table{};
        table.version = PW_VERSION_NODE_EVENTS;
        table.info = [](void *self, const pw_node_info *info) noexcept {
            auto &sink = *static_cast<Sink *>(self);
            io::guarded(sink.changed_, [&] {
                if (sink.has_run_ || info->state != PW_NODE_STATE_RUNNING) return;
                sink.has_run_ = true;
                sink.changed_();
            });
        };
        return table;
    }();
    proxy_ = create_object(
        core, "adapter", PW_TYPE_INTERFACE_Node, PW_VERSION_NODE,
        {{PW_KEY_FACTORY_NAME, "support.null-audio-sink"},
         {PW_KEY_NODE_NAME, kSinkName},
         {PW_KEY_NODE_DESCRIPTION, "Entrain"},
         {PW_KEY_MEDIA_CLASS, "Audio/Sink"},
         {"audio.position", "FL,FR"},
         {PW_KEY_NODE_VIRTUAL, "true"},
         {PW_KEY_NODE_GROUP, group_name()},
         {PW_KEY_NODE_LINK_GROUP, group_name()},  // only such a sink can become a smart filter
         {PW_KEY_OBJECT_LINGER, "false"},
         {"entrain.pid", std::to_string(getpid())},  // identifies it among sinks of the same name
         // Samples pass the sink unchanged, because the device applies the volume.
         {"monitor.channel-volumes", "false"},
         // Players learn the delay of the device behind us and delay their pictures (since 1.0.4).
         {"monitor.passthrough", "true"},
         // Never becomes the default by itself, and never the clock while a device can be it.
         {PW_KEY_PRIORITY_SESSION, "0"},
         {PW_KEY_PRIORITY_DRIVER, "0"}});
    if (!proxy_) return;
    listen(proxy_.get(), hook_, &kEvents, this);
    listen(proxy_.get(), node_hook_, &kNodeEvents, this);
    monitor_volume_.emplace(loop, proxy_.get(), changed_);
}

}  // namespace entrain::pipewire
