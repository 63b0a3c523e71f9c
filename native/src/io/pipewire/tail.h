// Keeps the graph running after the last player stops, until the engine's own sound has faded out.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/loop.h"

#include "entrain/engine.h"

namespace entrain::pipewire {

class Tail {
public:
    Tail(pw_loop *loop, entrain_engine *engine, io::Notify changed);

    // Report whether a player runs, and whether the graph runs at all.
    void update(bool playing, bool graph_runs);

    // Whether the graph must be kept awake.
    bool holds() const noexcept { return playing_ || fading_; }

private:
    void look();

    entrain_engine *engine_;
    io::Notify changed_;
    bool playing_ = false;
    bool fading_ = false;
    int looks_left_ = 0;
    Source timer_;  // runs during a fade only
};

}  // namespace entrain::pipewire
