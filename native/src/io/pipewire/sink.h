// The output device "Entrain" that users see.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/monitor_volume.h"

#include <optional>
#include <string>

#include <unistd.h>

namespace entrain::pipewire {

constexpr const char *kSinkName = "entrain";

// The group of nodes that share one clock.  The name is unique to this process: if the sink joined
// the running group of another Entrain, the server would start it before it is configured, see
// Backend::add_way().
inline std::string group_name() { return "entrain-" + std::to_string(getpid()); }

// A null sink that belongs to our connection: the server removes it with us, even after a crash.
// It has no ports until the session manager has set its format.
class Sink {
public:
    // The back end is lost when the server refuses or removes the sink.
    Sink(pw_core *core, pw_loop *loop, io::Notify changed);

    Id id() const noexcept { return id_; }  // kNoId before the server knows the node
    // Whether the sink has ever run.  Before that, PipeWire 1.4 does not report its volume changes.
    bool has_run() const noexcept { return has_run_; }
    // See MonitorVolume.
    const char *trouble() const noexcept {
        return monitor_volume_ ? monitor_volume_->trouble() : "";
    }

private:
    io::Notify changed_;
    Id id_ = kNoId;
    bool has_run_ = false;
    Proxy proxy_;
    Hook hook_;
    Hook node_hook_;
    std::optional<MonitorVolume> monitor_volume_;
};

}  // namespace entrain::pipewire
