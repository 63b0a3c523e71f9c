// The back end: keeps what stands in the server equal to what should stand there.
//
//   player ─► [sink] ═monitor═► [engine filter] ═► [device]      ═ our passive links
//   holder ─────┘              └─► its port `awake`, while somebody plays or the sound fades out,
//                                  and once before all else
#pragma once

#include "io/backend.h"
#include "io/pipewire/audio/process.h"
#include "io/pipewire/connection.h"
#include "io/pipewire/default_sink.h"
#include "io/pipewire/filter.h"
#include "io/pipewire/links.h"
#include "io/pipewire/players.h"
#include "io/pipewire/registry.h"
#include "io/pipewire/session_manager.h"
#include "io/pipewire/sink.h"
#include "io/pipewire/smart_hold.h"
#include "io/pipewire/tail.h"
#include "io/pipewire/ways.h"

#include "entrain/engine.h"

#include <cstdint>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace entrain::pipewire {

class Backend final : public io::Backend {
public:
    Backend(entrain_engine *engine, std::unique_ptr<Connection> connection, std::string target);
    ~Backend() override;
    Backend(const Backend &) = delete;
    Backend &operator=(const Backend &) = delete;

    // thread:   [control]
    bool start() noexcept;
    void fade_out() noexcept override;
    void set_target(std::string target) override;
    void set_smart(bool smart) override;
    void set_alone(bool alone) override;
    bool set_default(const std::string &name) override;
    std::string ways() override;
    void pin(std::uint32_t outlet, const std::string &device) override;

private:
    // Everything below is on the loop's thread, or has its lock.
    io::Notify notify();
    void lost(const char *why) noexcept;
    void make_sink();
    void session_manager_came(Id metadata, Id client);
    void object_gone(Id id);
    // A failure on the way is the end of the back end.
    void reconcile() noexcept;
    void bring_about();
    std::string follow_rate();  // returns what is wrong with it, if anything
    void follow_ways();
    void unpin_all() noexcept;
    void follow_smart(bool complete, bool ready);
    Id target() const;
    bool add_way(std::vector<WantedLink> &links, bool to_device);
    void add_anchor(std::vector<WantedLink> &links);
    void add_wake(std::vector<WantedLink> &links);
    std::set<Id> linked_players() const;
    void publish();

    entrain_engine *engine_;
    std::unique_ptr<Connection> connection_;
    Source wake_;  // signalled by every change, however many; runs reconcile() once
    Cycle cycle_;
    Tail tail_;
    Players players_;
    DefaultSink defaults_;
    SessionManager session_manager_;
    Registry registry_;
    std::unique_ptr<Sink> sink_;
    std::unique_ptr<Filter> holder_;
    std::unique_ptr<Filter> filter_;
    SmartHold hold_;
    Source patience_;  // runs while the hold does
    LinkSet links_;

    std::string target_;
    std::vector<Way> ways_;          // from other programs' sinks
    std::uint32_t ways_changed_ = 0;  // how often
    bool looped_ = false;            // what the target gets comes back to our sink
    std::string error_;
    entrain_io_phase phase_ = ENTRAIN_IO_CONNECTING;
    std::uint64_t topology_ = 0;
    std::uint32_t latency_frames_ = 0;
    std::int32_t realtime_ = -1;  // as in entrain_io_state
    bool smart_ = false;          // wanted
    bool alone_ = false;          // what the engine adds is to be heard while nobody plays
    bool managed_ = false;        // a session manager has been there
    bool sink_is_stale_ = false;  // it was set up by one that has gone
    bool closing_ = false;
};

}  // namespace entrain::pipewire
