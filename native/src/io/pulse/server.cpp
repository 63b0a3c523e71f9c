#include "io/pulse/server.h"

#include <algorithm>
#include <utility>

namespace entrain::pulse {

Server::Server(pa_context *context, io::Notify changed)
    : context_(context), changed_(std::move(changed)) {
    pa_context_set_subscribe_callback(
        context,
        [](pa_context *, pa_subscription_event_type_t, std::uint32_t, void *self) noexcept {
            auto &server = *static_cast<Server *>(self);
            io::guarded(server.changed_, [&] { server.look(); });
        },
        this);
    constexpr int kNews = PA_SUBSCRIPTION_MASK_SERVER | PA_SUBSCRIPTION_MASK_SINK |
                          PA_SUBSCRIPTION_MASK_SINK_INPUT | PA_SUBSCRIPTION_MASK_SOURCE |
                          PA_SUBSCRIPTION_MASK_SOURCE_OUTPUT;
    forget(pa_context_subscribe(context, static_cast<pa_subscription_mask_t>(kNews), nullptr,
                                nullptr));
    look();
}

const Device *Server::find(const std::string &name) const noexcept {
    const auto found = std::find_if(devices_.begin(), devices_.end(),
                                    [&](const Device &device) { return device.name == name; });
    return found != devices_.end() ? &*found : nullptr;
}

std::uint32_t Server::playing(std::uint32_t device) const noexcept {
    return static_cast<std::uint32_t>(
        std::count_if(players_.begin(), players_.end(), [=](const Player &player) {
            return player.device == device && !player.corked;
        }));
}

// All three requests are sent at once, and the server answers them in this order.  The default
// comes first: if a device vanishes and another becomes the default, we never see the new default
// together with the vanished device.
void Server::look() {
    if (looking_) {
        again_ = true;
        return;
    }
    looking_ = true;
    next_devices_.clear();
    next_players_.clear();
    forget(pa_context_get_server_info(
        context_,
        [](pa_context *, const pa_server_info *info, void *self) noexcept {
            auto &server = *static_cast<Server *>(self);
            io::guarded(server.changed_, [&] {
                const char *name = info != nullptr ? info->default_sink_name : nullptr;
                server.next_default_ = name != nullptr ? name : "";
            });
        },
        this));
    forget(pa_context_get_sink_info_list(
        context_,
        [](pa_context *, const pa_sink_info *info, int, void *self) noexcept {
            auto &server = *static_cast<Server *>(self);
            io::guarded(server.changed_, [&] {
                if (info != nullptr)
                    server.next_devices_.push_back({info->name, info->description, info->index,
                                                    info->owner_module, info->sample_spec.rate,
                                                    info->volume, info->channel_map,
                                                    (info->flags & PA_SINK_FLAT_VOLUME) != 0});
            });
        },
        this));
    forget(pa_context_get_sink_input_info_list(
        context_,
        [](pa_context *, const pa_sink_input_info *info, int, void *self) noexcept {
            auto &server = *static_cast<Server *>(self);
            io::guarded(server.changed_, [&] {
                if (info != nullptr)
                    server.next_players_.push_back({info->sink, info->corked != 0});
                else
                    server.looked();
            });
        },
        this));
}

void Server::looked() {
    looking_ = false;
    seen_ = true;
    default_ = next_default_;
    devices_.swap(next_devices_);
    players_.swap(next_players_);
    if (std::exchange(again_, false)) look();
    changed_();
}

}  // namespace entrain::pulse
