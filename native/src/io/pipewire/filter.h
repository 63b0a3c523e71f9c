// Our two nodes that have a callback: the engine's, and the silent holder.
#pragma once

#include "io/notify.h"
#include "io/pipewire/audio/process.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/latency.h"

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>

namespace entrain::pipewire {

class Filter {
public:
    // The engine between the sink and the device.  `cycle` receives the ports.
    static std::unique_ptr<Filter> engine(pw_core *core, Cycle &cycle, io::Notify changed);
    // A source of silence: what its first port is linked to keeps running; the second one is only
    // there to be linked.
    static std::unique_ptr<Filter> holder(pw_core *core, io::Notify changed);

    ~Filter();
    Filter(const Filter &) = delete;
    Filter &operator=(const Filter &) = delete;

    Id id() const noexcept;  // kNoId before the server knows the node
    bool streaming() const noexcept { return state_ == PW_FILTER_STATE_STREAMING; }
    bool failed() const noexcept { return state_ == PW_FILTER_STATE_ERROR; }
    // Of the engine's: tell the server by how much it is late, for players that show pictures.
    void set_latency(std::uint32_t frames) noexcept;

private:
    Filter(pw_core *core, const char *name, pw_properties *props, io::Notify changed);
    // Since 0.3.67 a link is passive where the node or the port says so, whatever the link says.
    void *add_port(pw_direction direction, const char *name, const char *channel,
                   bool passive = false) noexcept;
    bool connect(const pw_filter_events &events, void *data) noexcept;

    io::Notify changed_;
    pw_filter *filter_;
    pw_filter_state state_ = PW_FILTER_STATE_UNCONNECTED;
    std::atomic<bool> *fresh_ = nullptr;
    std::optional<Latency> latency_;
    Hook state_hook_;
    Hook process_hook_;
};

}  // namespace entrain::pipewire
