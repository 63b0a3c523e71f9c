#include "io/pipewire/players.h"

#include <algorithm>

namespace entrain::pipewire {

void Programmes::refresh(pw_proxy *registry, const std::set<Id> &players) {
    static const pw_node_events kEvents = [] {
        pw_node_events table{};
        table.version = PW_VERSION_NODE_EVENTS;
        table.info = [](void *self, const pw_node_info *info) noexcept {
            auto &player = *static_cast<Player *>(self);
            io::guarded(player.programmes->changed_, [&] {
                const bool running = info->state == PW_NODE_STATE_RUNNING;
                if (running == player.running) return;
                player.running = running;
                player.programmes->changed_();
            });
        };
        return table;
    }();

    for (auto player = players_.begin(); player != players_.end();)
        player = players.count(player->first) == 0 ? players_.erase(player) : std::next(player);
    for (const Id id : players) {
        if (players_.count(id) != 0) continue;
        auto player = std::make_unique<Player>();
        player->programmes = this;
        player->proxy = bind(registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE);
        if (!player->proxy) continue;
        listen(player->proxy.get(), player->hook, &kEvents, player.get());
        players_[id] = std::move(player);
    }
}

std::uint32_t Programmes::running() const noexcept {
    return static_cast<std::uint32_t>(std::count_if(
        players_.begin(), players_.end(), [](const auto &item) { return item.second->running; }));
}

}  // namespace entrain::pipewire
