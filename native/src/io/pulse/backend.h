// The back end: keeps what stands in the server equal to what should stand there.
//
//   player ─► [null sink "entrain"] ─monitor─► capture ─► bridge, engine ─► playback ─► [device]
//
// One thread: the loop's.  The sound passes it in blocks of four milliseconds; what else is done
// there takes microseconds, or happens when nothing is heard.
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
    // Takes over the connection, whose lock the caller holds.
    Backend(entrain_engine *engine, std::unique_ptr<Connection> &connection, std::string target);
    ~Backend() override;

    void fade_out() noexcept override;
    void set_target(std::string target) override;
    void set_latency(double added_s) override;
    void set_alone(bool alone) override;
    void set_former(std::string name) override;
    void read_state(entrain_io_state *state) const noexcept override;

private:
    // Everything below is on the loop's thread, or has its lock.
    io::Notify notify();
    // A failure on the way is the end of the back end.
    void reconcile() noexcept;
    void bring_about();
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
    double added_s_ = 0.010;  // what a program is heard later through us, in all
    double aimed_s_ = 0.0;    // of it in the queue
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
    std::string former_;  // the default that somebody has chosen, or ""
    std::string error_;
    entrain_io_phase phase_ = ENTRAIN_IO_CONNECTING;
    std::uint32_t playing_ = 0;
    int looks_left_ = 0;  // at the tail
    bool alone_ = false;     // what the engine adds is to be heard without a player
    bool sustained_ = false;  // somebody plays, or what the engine adds is heard without one
    bool sounding_ = false;  // that, or what we have added fades out
    bool had_sink_ = false;
    bool closing_ = false;
};

}  // namespace entrain::pulse
