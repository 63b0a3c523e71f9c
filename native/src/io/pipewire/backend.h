// The back end: creates our nodes and links in the server and keeps them as they should be.
//
//   player ─► [sink] ═monitor═► [engine filter] ═► [device]      ═ our passive links
//   holder ─────┘              └─► the filter's port `awake`: linked while a player runs or the
//                                  sound fades out, and once at the start
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
    // All functions below run on the loop's thread, or with its lock held.
    io::Notify notify();
    void lost(const char *why) noexcept;
    void make_sink();
    void session_manager_came(Id metadata, Id client);
    void object_gone(Id id);
    // An exception on the way loses the back end.
    void reconcile() noexcept;
    void try_reconcile();
    std::string follow_rate();  // returns a message to the user if the engine cannot adopt the rate
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
    Source wake_;  // every change signals it; it runs reconcile() once for all pending signals
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
    Source hold_timer_;  // runs while `hold_` keeps players on the sink
    LinkSet links_;

    std::string target_;
    std::vector<Way> ways_;           // from other programs' sinks
    std::uint32_t ways_changed_ = 0;  // counts the changes of `ways_`
    bool looped_ = false;             // the target's sound comes back to our sink
    std::string error_;
    entrain_io_phase phase_ = ENTRAIN_IO_CONNECTING;
    std::uint64_t topology_ = 0;
    std::uint32_t latency_frames_ = 0;
    std::int32_t realtime_ = -1;  // as in entrain_io_state
    bool smart_ = false;          // the user wants a smart filter
    bool alone_ = false;          // the engine's own sound plays even while no player runs
    bool managed_ = false;        // a session manager has appeared
    bool sink_is_stale_ = false;  // a former session manager has set up the sink
    bool closing_ = false;
};

}  // namespace entrain::pipewire
