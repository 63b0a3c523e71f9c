// The volume of our sink's monitor, by which the sound leaves the sink.  It is not to act: the
// sound has the device's volume.  Our filter and the holder have no volume at all.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/loop.h"
#include "io/pipewire/client/monitor_params.h"
#include "io/pipewire/client/objects.h"
#include "io/undo.h"

namespace entrain::pipewire {

class MonitorVolume {
public:
    // `changed` comes when trouble() has changed.  The sink's proxy must live longer.
    MonitorVolume(pw_loop *loop, pw_proxy *sink, io::Notify changed);

    // That somebody keeps changing it, and after a semicolon what to do; or "".
    const char *trouble() const noexcept;

private:
    void told(const spa_pod *param);
    void judge();

    pw_proxy *sink_;
    io::Notify changed_;
    Source look_again_;
    Monitor now_{};
    io::Undo undo_;
    Hook hook_;
};

}  // namespace entrain::pipewire
