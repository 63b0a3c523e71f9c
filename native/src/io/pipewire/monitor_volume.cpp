#include "io/pipewire/monitor_volume.h"

#include "io/pipewire/client/param_builder.h"

#include <array>
#include <cmath>
#include <cstdint>
#include <ctime>
#include <utility>

namespace entrain::pipewire {

namespace {

constexpr float kTolerance = 0.003F;  // servers round
constexpr const char *kTrouble =
    "another app keeps changing the volume of \"Monitor of Entrain\"; in a mixer "
    "(pavucontrol), under Input Devices, set it to 100 %, not muted";

double now_s() noexcept {
    timespec now{};
    clock_gettime(CLOCK_MONOTONIC, &now);
    return static_cast<double>(now.tv_sec) + 1e-9 * static_cast<double>(now.tv_nsec);
}

bool acts(const Monitor &monitor) noexcept {
    if (monitor.muted || monitor.follows_sink) return true;
    for (std::size_t c = 0; c < monitor.channels; ++c)
        if (std::abs(monitor.volumes[c] - 1.0F) > kTolerance) return true;
    return false;
}

// A number that differs for different settings.
double as_number(const Monitor &monitor) noexcept {
    double number = (monitor.muted ? 1.0 : 0.0) + (monitor.follows_sink ? 2.0 : 0.0);
    for (std::size_t c = 0; c < monitor.channels; ++c)
        number = 1.7 * number + static_cast<double>(monitor.volumes[c]);
    return number;
}

}  // namespace

MonitorVolume::MonitorVolume(pw_loop *loop, pw_proxy *sink, io::Notify changed)
    : sink_(sink),
      changed_(std::move(changed)),
      look_again_(loop, Source::timer(loop, [](void *self, std::uint64_t) noexcept {
                      auto &volume = *static_cast<MonitorVolume *>(self);
                      io::guarded(volume.changed_, [&] { volume.judge(); });
                  }, this)) {
    static const pw_node_events kEvents = [] {
        pw_node_events table{};
        table.version = PW_VERSION_NODE_EVENTS;
        table.param = [](void *self, int, std::uint32_t id, std::uint32_t, std::uint32_t,
                         const spa_pod *param) noexcept {
            auto &volume = *static_cast<MonitorVolume *>(self);
            if (id == SPA_PARAM_Props) io::guarded(volume.changed_, [&] { volume.read(param); });
        };
        return table;
    }();
    listen(sink, hook_, &kEvents, this);
    subscribe_props(sink);
}

const char *MonitorVolume::trouble() const noexcept { return undo_.insists() ? kTrouble : ""; }

void MonitorVolume::read(const spa_pod *param) {
    // The parameter may hold only a part of the values; `now_` keeps the others.
    if (param != nullptr && read_monitor(param, now_)) judge();
}

void MonitorVolume::judge() {
    const bool insisted = undo_.insists();
    switch (undo_.look(acts(now_), as_number(now_), now_s())) {
        case io::Undo::Next::nothing:
            break;
        case io::Undo::Next::set_back: {
            std::array<std::uint8_t, kParamBytes> memory;
            set_props(sink_, unity_monitor_param(now_.channels, memory));
            [[fallthrough]];  // another app may change it again at once
        }
        case io::Undo::Next::look_again:
            look_again_.after(static_cast<long>(1.1e9 * io::Undo::kRestS));
            break;
    }
    if (undo_.insists() != insisted) changed_();
}

}  // namespace entrain::pipewire
