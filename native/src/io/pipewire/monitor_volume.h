// Keeps the volume of our sink's monitor at 100 %.  The sound leaves the sink through the monitor,
// and only the device's volume should change it.  Our filter and the holder have no volume.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/loop.h"
#include "io/pipewire/client/monitor_params.h"
#include "io/pipewire/client/objects.h"
#include "io/undo.h"

namespace entrain::pipewire {

class MonitorVolume {
public:
    // Calls `changed` when trouble() has changed.  The sink's proxy must outlive this object.
    MonitorVolume(pw_loop *loop, pw_proxy *sink, io::Notify changed);

    // A message that another app keeps changing the volume, with advice after a semicolon; or "".
    const char *trouble() const noexcept;

private:
    void read(const spa_pod *param);
    void judge();

    pw_proxy *sink_;
    io::Notify changed_;
    Source look_again_;
    Monitor now_{};
    io::Undo undo_;
    Hook hook_;
};

}  // namespace entrain::pipewire
