#include "io/pipewire/server_link.h"

#include <cstdint>
#include <string>

namespace entrain::pipewire {

namespace {

struct ServerLink final : MadeLink {
    ServerLink(const WantedLink &link, const io::Notify &notify)
        : MadeLink(link), changed(notify) {}

    void fail(const char *message) {
        failed = true;
        error = message != nullptr ? message : "";
        changed();
    }

    io::Notify changed;
    Proxy proxy;
    Hook proxy_hook;
    Hook link_hook;
};

}  // namespace

std::unique_ptr<MadeLink> make_server_link(pw_core *core, const WantedLink &link,
                                           const io::Notify &changed) {
    static const pw_proxy_events kProxyEvents = [] {
        pw_proxy_events table{};
        table.version = PW_VERSION_PROXY_EVENTS;
        table.bound = [](void *self, std::uint32_t) noexcept {
            auto &made = *static_cast<ServerLink *>(self);
            io::guarded(made.changed, [&] {
                made.bound = true;
                made.changed();
            });
        };
        table.removed = [](void *self) noexcept {
            auto &made = *static_cast<ServerLink *>(self);
            io::guarded(made.changed, [&] {
                // The server removed the link before it worked.  Count it as refused: otherwise we
                // would make it again at once, for ever.
                if (!made.up) made.failed = true;
                made.gone = true;
                made.changed();
            });
        };
        table.error = [](void *self, int, int, const char *message) noexcept {
            auto &made = *static_cast<ServerLink *>(self);
            io::guarded(made.changed, [&] { made.fail(message); });
        };
        return table;
    }();
    static const pw_link_events kLinkEvents = [] {
        pw_link_events table{};
        table.version = PW_VERSION_LINK_EVENTS;
        table.info = [](void *self, const pw_link_info *info) noexcept {
            auto &made = *static_cast<ServerLink *>(self);
            io::guarded(made.changed, [&] {
                if (info->state == PW_LINK_STATE_ERROR) {
                    made.fail(info->error);
                } else if (!made.up && info->state >= PW_LINK_STATE_PAUSED) {
                    made.up = true;
                    made.changed();
                }
            });
        };
        return table;
    }();

    auto made = std::make_unique<ServerLink>(link, changed);
    made->proxy = create_object(core, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK,
                                {{PW_KEY_LINK_OUTPUT_NODE, std::to_string(link.output_node)},
                                 {PW_KEY_LINK_OUTPUT_PORT, std::to_string(link.output_port)},
                                 {PW_KEY_LINK_INPUT_NODE, std::to_string(link.input_node)},
                                 {PW_KEY_LINK_INPUT_PORT, std::to_string(link.input_port)},
                                 {PW_KEY_LINK_PASSIVE, link.passive ? "true" : "false"},
                                 {PW_KEY_OBJECT_LINGER, "false"}});
    if (!made->proxy) {
        made->failed = true;
        return made;
    }
    listen(made->proxy.get(), made->proxy_hook, &kProxyEvents, made.get());
    listen(made->proxy.get(), made->link_hook, &kLinkEvents, made.get());
    return made;
}

}  // namespace entrain::pipewire
