// The output device that people see.
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

// The nodes that always share one clock.  A name of this process's own: joining the running group
// of another Entrain on the same server would start the sink before it is configured, see add_way.
inline std::string group_name() { return "entrain-" + std::to_string(getpid()); }

// A null sink that belongs to our connection: it vanishes with us, however we end.  It has no
// ports before the session manager has set its format.
class Sink {
public:
    // The back end is lost when the server refuses or removes the sink.
    Sink(pw_core *core, pw_loop *loop, io::Notify changed);

    Id id() const noexcept { return id_; }  // kNoId before the server knows the node
    // Whether it has ever run: PipeWire 1.4 tells nobody of a new volume before that.
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
