// The back end: creates our sink and streams in the server and keeps them as they should be.
//
//   player ─► [null sink "entrain"] ─monitor─► capture ─► bridge, engine ─► playback ─► [device]
//
// There is one thread, the loop's.  It processes the sound in blocks of 4 ms.  Its other work takes
// microseconds, or is done while no sound plays.
#pragma once

#include "io/backend.h"
#include "io/pulse/connection.h"
#include "io/pulse/guardian.h"
#include "io/pulse/inner_volumes.h"
#include "io/pulse/server.h"
#include "io/pulse/sink.h"
#include "io/pulse/streams.h"
#include "io/pulse/timer.h"

#include "entrain/engine.h"

#include <memory>
#include <optional>
#include <string>

namespace entrain::pulse {

class Backend final : public io::Backend {
public:
    // Takes over the connection.  The caller holds its lock.
    Backend(entrain_engine *engine, std::unique_ptr<Connection> &connection, std::string target);
    ~Backend() override;

    void fade_out() noexcept override;
    void set_target(std::string target) override;
    void set_latency(double added_s) override;
    void set_alone(bool alone) override;
    void set_former(std::string name) override;
    void read_state(entrain_io_state *state) const noexcept override;

private:
    // All functions below run on the loop's thread, or with its lock held.
    io::Notify notify();
    // An exception on the way loses the back end.
    void reconcile() noexcept;
    void try_reconcile();
    void lost(const char *why) noexcept;
    void aim();
    void follow_volume(const Device &own);
    void follow_players(std::uint32_t playing);
    void look_at_tail();
    const Device *target() const;
    void follow_target();
    void look_at_inner_volumes();
    void protect();
    void publish();

    entrain_engine *engine_;
    double added_s_ = 0.010;  // target for the total added latency
    double aimed_s_ = 0.0;    // the queue's share of it
    std::unique_ptr<Connection> connection_;
    ClockBridge bridge_;
    Guardian guardian_;
    Server server_;
    Streams streams_;
    InnerVolumes inner_volumes_;
    Timer tail_;
    Timer retry_;
    std::optional<Sink> sink_;

    std::string target_;
    std::string former_;  // the default sink that the user has chosen, or ""
    std::string error_;
    entrain_io_phase phase_ = ENTRAIN_IO_CONNECTING;
    std::uint32_t playing_ = 0;
    int looks_left_ = 0;      // in look_at_tail()
    bool alone_ = false;      // the engine's own sound plays even while no player runs
    bool sustained_ = false;  // a player runs, or the engine's own sound plays without a player
    bool sounding_ = false;   // sustained, or the engine's own sound fades out
    bool had_sink_ = false;
    bool closing_ = false;
};

}  // namespace entrain::pulse
