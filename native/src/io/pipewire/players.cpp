#include "io/pipewire/players.h"

#include <algorithm>
#include <cstdint>

namespace entrain::pipewire {

void Players::refresh(pw_proxy *registry, const std::set<Id> &players) {
    static const pw_node_events kEvents = [] {
        pw_node_events table{};
        table.version = PW_VERSION_NODE_EVENTS;
        table.info = [](void *self, const pw_node_info *info) noexcept {
            auto &player = *static_cast<Player *>(self);
            io::guarded(player.all->changed_, [&] {
                const bool running = info->state == PW_NODE_STATE_RUNNING;
                if (running == player.running) return;
                player.running = running;
                player.all->changed_();
            });
        };
        return table;
    }();

    for (auto player = watched_.begin(); player != watched_.end();)
        player = players.count(player->first) == 0 ? watched_.erase(player) : std::next(player);
    for (const Id id : players) {
        if (watched_.count(id) != 0) continue;
        auto player = std::make_unique<Player>();
        player->all = this;
        player->proxy = bind(registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE);
        if (!player->proxy) continue;
        listen(player->proxy.get(), player->hook, &kEvents, player.get());
        watched_[id] = std::move(player);
    }
}

std::uint32_t Players::running() const noexcept {
    return static_cast<std::uint32_t>(std::count_if(
        watched_.begin(), watched_.end(), [](const auto &item) { return item.second->running; }));
}

}  // namespace entrain::pipewire
