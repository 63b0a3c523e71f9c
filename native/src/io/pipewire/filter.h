// Our two filter nodes: the engine's filter, and the holder, which never runs.
#pragma once

#include "io/notify.h"
#include "io/pipewire/audio/process.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/latency.h"

#include <atomic>
#include <cstdint>
#include <initializer_list>
#include <memory>
#include <optional>
#include <string>
#include <utility>

namespace entrain::pipewire {

// The input of the engine's filter whose link keeps the graph running.  It carries no sound.
constexpr const char *kAwakePort = "awake";

class Filter {
public:
    // Create the engine's node between the sink and the device.  Stores the sound's ports in
    // `cycle`.
    static std::unique_ptr<Filter> engine(pw_core *core, Cycle &cycle, io::Notify changed);
    // Create a node that only holds a link.  It is inactive, so it is never part of the graph.
    static std::unique_ptr<Filter> holder(pw_core *core, io::Notify changed);

    ~Filter();
    Filter(const Filter &) = delete;
    Filter &operator=(const Filter &) = delete;

    Id id() const noexcept;  // kNoId before the server knows the node
    bool streaming() const noexcept { return state_ == PW_FILTER_STATE_STREAMING; }
    bool failed() const noexcept { return state_ == PW_FILTER_STATE_ERROR; }
    // Report the engine's delay to the server, so that video players can delay their pictures.
    // Only for the engine's filter.
    void set_latency(std::uint32_t frames) noexcept;

private:
    Filter(pw_core *core, const char *name, pw_properties *props, io::Notify changed);
    using Properties = std::initializer_list<std::pair<const char *, std::string>>;
    void *add_port(pw_direction direction, const char *name, const Properties &more) noexcept;
    bool connect(pw_filter_flags flags) noexcept;

    io::Notify changed_;
    pw_filter *filter_;
    pw_filter_state state_ = PW_FILTER_STATE_UNCONNECTED;
    std::atomic<bool> *fresh_ = nullptr;
    std::optional<Latency> latency_;
    Hook state_hook_;
    Hook process_hook_;
};

}  // namespace entrain::pipewire
