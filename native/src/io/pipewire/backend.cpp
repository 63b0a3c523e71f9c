#include "io/pipewire/backend.h"

#include "io/pipewire/server_link.h"

#include <chrono>
#include <cstdint>
#include <thread>
#include <utility>

namespace entrain::pipewire {

using namespace std::chrono_literals;

namespace {

// The first version in which a port that loses its last link loses its format.
constexpr Version kForgetsFormats{0, 3, 72};

}  // namespace

Backend::Backend(entrain_engine *engine, std::unique_ptr<Connection> connection,
                 std::string target)
    : engine_(engine),
      connection_(std::move(connection)),
      wake_(connection_->loop(),
            Source::event(connection_->loop(),
                          [](void *self, std::uint64_t) noexcept {
                              static_cast<Backend *>(self)->reconcile();
                          },
                          this)),
      tail_(connection_->loop(), engine, notify()),
      players_(notify()),
      defaults_(connection_->loop(), notify()),
      session_manager_(notify()),
      registry_(connection_->core(),
                {notify(),
                 [this](Id id, Id client) { session_manager_came(id, client); },
                 [this](Id id) { session_manager_.filters_came(registry_.proxy(), id); },
                 [this](Id id) { object_gone(id); }}),
      hold_timer_(connection_->loop(),
                  Source::timer(connection_->loop(),
                                [](void *self, std::uint64_t) noexcept {
                                    static_cast<Backend *>(self)->reconcile();
                                },
                                this)),
      links_([this](const WantedLink &link) {
          return make_server_link(connection_->core(), link, notify());
      }),
      target_(std::move(target)) {
    make_sink();
    cycle_.engine = engine;
    cycle_.loop = connection_->loop();
    cycle_.news = wake_.get();
    holder_ = Filter::holder(connection_->core(), notify());
    filter_ = Filter::engine(connection_->core(), cycle_, notify());
    connection_->on_news(notify());
    publish();
}

Backend::~Backend() { connection_->stop(); }

bool Backend::start() noexcept {
    return state_.news().valid() && wake_.get() != nullptr && holder_ && filter_ && connection_->start();
}

void Backend::fade_out() noexcept {
    bool sounds = false;
    {
        const Lock lock(connection_->thread());
        closing_ = true;
        if (state_.is_lost()) return;
        // Now, so that the session manager moves players to the device before the sink goes.
        io::guarded(notify(), [this] { session_manager_.set_smart(sink_->id(), false); });
        sounds = phase_ == ENTRAIN_IO_READY && filter_->streaming();
        if (sounds) entrain_set_playing(engine_, 0);
    }
    if (sounds) wait_until_quiet(engine_);
    unpin_all();
}

// Removes our links first: then no sound can loop when the pinned filters follow the default output
// again.
void Backend::unpin_all() noexcept {
    const auto end = std::chrono::steady_clock::now() + 200ms;
    const auto waits = [this] {
        const Lock lock(connection_->thread());
        return !state_.is_lost() && defaults_.has_pins();
    };
    if (!waits()) return;
    {
        const Lock lock(connection_->thread());
        io::guarded(notify(), [this] {
            links_.apply({}, false);
            defaults_.unpin_all();
        });
    }
    while (waits() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
}

void Backend::set_target(std::string target) {
    const Lock lock(connection_->thread());
    target_ = std::move(target);
    reconcile();
}

void Backend::set_smart(bool smart) {
    const Lock lock(connection_->thread());
    smart_ = smart;
    reconcile();
}

void Backend::set_alone(bool alone) {
    const Lock lock(connection_->thread());
    alone_ = alone;
    reconcile();
}

io::Notify Backend::notify() {
    return {[this] { wake_.signal(); }, [this](const char *why) { lost(why); }};
}

bool Backend::set_default(const std::string &name) {
    const Lock lock(connection_->thread());
    return !state_.is_lost() && defaults_.configure(name) && connection_->round_trip();
}

std::string Backend::ways() {
    const Lock lock(connection_->thread());
    return as_text(ways_);
}

void Backend::pin(std::uint32_t outlet, const std::string &device) {
    const Lock lock(connection_->thread());
    if (!state_.is_lost()) defaults_.pin(outlet, device);
}

void Backend::lost(const char *why) noexcept {
    cycle_.linked.store(false, std::memory_order_relaxed);
    state_.lose(why);
}

void Backend::make_sink() {
    sink_.reset();  // two sinks of the same name would confuse the session manager
    sink_ = std::make_unique<Sink>(connection_->core(), connection_->loop(), notify());
}

void Backend::session_manager_came(Id metadata, Id client) {
    defaults_.came(registry_.proxy(), metadata);
    session_manager_.came(registry_.proxy(), client);
    sink_is_stale_ = managed_;
    managed_ = true;
    wake_.signal();
}

void Backend::object_gone(Id id) {
    // If the session manager dies while a client asks for its metadata, PipeWire (up to 1.6 at
    // least) never reads from that client again.
    if (defaults_.owns(id) || session_manager_.owns(id)) connection_->demand_answer();
    defaults_.gone(id);
    session_manager_.gone(id);
    players_.gone(id);
}

void Backend::reconcile() noexcept {
    if (closing_ || state_.is_lost()) return;
    io::guarded(notify(), [this] { try_reconcile(); });
}

void Backend::try_reconcile() {
    if (filter_->failed() || holder_->failed()) return lost("the server has refused a node");

    const std::string rate_error = follow_rate();
    follow_ways();
    if (sink_is_stale_) {
        // WirePlumber 0.4 never links players to a sink that a former session manager has set up.
        // Give it a new sink, unless players are linked to this one anyway.
        sink_is_stale_ = false;
        if (linked_players().empty()) make_sink();
    }
    players_.refresh(registry_.proxy(), linked_players());
    const bool alone = alone_ && target() != kNoId;
    tail_.update(players_.running() > 0 || alone, filter_->streaming());

    if (topology_ != registry_.topology()) {
        topology_ = registry_.topology();
        links_.forget_failures();
        defaults_.look_again();
    }
    std::vector<WantedLink> wanted;
    // A new sink runs once by itself, so that it reports its volume.  The device is not linked for
    // this and may go on sleeping.
    const bool complete = add_way(wanted, sink_->has_run() || tail_.holds());
    const std::vector<WantedLink> way = wanted;
    if (connection_->version() >= kForgetsFormats) add_anchor(wanted);
    if (!sink_->has_run() || tail_.holds()) add_wake(wanted);
    links_.apply(wanted, filter_->streaming());

    const bool ready = complete && links_.made(way);
    cycle_.linked.store(ready && links_.up(way), std::memory_order_relaxed);
    if (ready) {
        phase_ = ENTRAIN_IO_READY;
        error_ = rate_error;
    } else {
        // The session manager has not set up the sink while the sink has no ports.
        const bool sink_there = registry_.graph().pair(sink_->id(), Side::monitor).has_value();
        phase_ = sink_there ? ENTRAIN_IO_WAITING : ENTRAIN_IO_CONNECTING;
        if (const std::string error = links_.error(); !error.empty()) error_ = error;
    }
    follow_smart(complete, ready);
    // Ask again until the thread has real-time priority: rtkit may take some time to grant it.
    if (filter_->streaming() && realtime_ != 1) realtime_ = connection_->realtime() ? 1 : 0;
    publish();
}

void Backend::follow_smart(bool complete, bool ready) {
    const bool was = session_manager_.is_smart(sink_->id());
    const auto now = std::chrono::steady_clock::now();
    session_manager_.set_smart(sink_->id(), hold_.smart(smart_, was, complete, ready, now));
    if (const auto wait = hold_.left(now); wait.count() > 0) hold_timer_.after(wait.count());
}

// Sound that comes back to our sink would get louder with each round.  So the links to a target
// that leads back are removed at once, until the caller has chosen another target.
void Backend::follow_ways() {
    std::vector<Way> now = pipewire::ways(registry_.graph(),
                                          {sink_->id(), filter_->id(), holder_->id()},
                                          defaults_.aims());
    if (!(now == ways_)) {
        ways_ = std::move(now);
        ++ways_changed_;
    }
    looped_ = leads_to(ways_, target_, kSinkName);
}

std::string Backend::follow_rate() {
    std::string error;
    const std::uint32_t rate_hz = cycle_.rate_hz.load(std::memory_order_relaxed);
    if (rate_hz != 0 && rate_hz != entrain_rate(engine_)) error = adopt_rate(engine_, rate_hz);
    const std::uint32_t latency_frames = entrain_latency_frames(engine_);
    if (latency_frames != latency_frames_ && filter_->id() != kNoId) {
        latency_frames_ = latency_frames;
        filter_->set_latency(latency_frames);
    }
    return error;
}

// The device to play on, or kNoId.  It is never our own sink or the sink of another Entrain on the
// same server.
Id Backend::target() const {
    return looped_ || target_ == kSinkName ? kNoId : registry_.graph().find_sink(target_);
}

// Adds the links from the sink to the device.  The downstream links come first, so that sound that
// reaches the filter can always leave it.  Adds no links before the sink has its ports: if the
// sink's group already runs, PipeWire 0.3 would start the sink in the middle of its configuration
// and crash.  Returns whether the way is complete.
bool Backend::add_way(std::vector<WantedLink> &links, bool to_device) {
    const Graph &graph = registry_.graph();
    const Id filter = filter_->id();
    const Id target = this->target();
    const auto device = graph.pair(target, Side::playback);
    const auto outputs = graph.pair(filter, Side::output);
    const auto inputs = graph.pair(filter, Side::input);
    const auto monitors = graph.pair(sink_->id(), Side::monitor);

    to_device = to_device && monitors && outputs && device;
    const bool to_filter = monitors && inputs;
    if (to_device) {
        cycle_.mono.store(device->mono(), std::memory_order_relaxed);
        for (std::size_t c = 0; c < 2; ++c)
            links.push_back({filter, outputs->ports[c], target, device->ports[c], true});
    }
    if (to_filter)
        for (std::size_t c = 0; c < 2; ++c)
            links.push_back({sink_->id(), monitors->ports[c], filter, inputs->ports[c], true});
    return to_device && to_filter;
}

// Adds the link from the holder to the sink, which stays for ever.  Without it, a port loses its
// format together with its last link.  If the session manager (WirePlumber 0.5.8) asks for the
// format just then, it takes the port for broken and never links a player to it.  The holder is
// inactive, so the link costs nothing.  PipeWire versions whose filters are always active do not
// forget formats and need no anchor.
void Backend::add_anchor(std::vector<WantedLink> &links) {
    const auto output = registry_.graph().pair(holder_->id(), Side::output);
    const auto playback = registry_.graph().pair(sink_->id(), Side::playback);
    if (output && playback)
        links.push_back(
            {holder_->id(), output->ports[0], sink_->id(), playback->ports[0], true});
}

// Adds our only link that is not passive: it keeps its two nodes, and so the graph, running.  As
// above, it is not added before the sink has its ports.
void Backend::add_wake(std::vector<WantedLink> &links) {
    const auto monitors = registry_.graph().pair(sink_->id(), Side::monitor);
    const Id awake = registry_.graph().find_port(filter_->id(), kAwakePort);
    if (monitors && awake != kNoId)
        links.push_back({sink_->id(), monitors->ports[0], filter_->id(), awake, false});
}

// The nodes that are linked into the sink, without the holder.
std::set<Id> Backend::linked_players() const {
    std::set<Id> players = registry_.graph().sources_of(sink_->id());
    players.erase(holder_->id());
    return players;
}

void Backend::publish() {
    entrain_io_state state{};
    state.phase = phase_;
    state.playing = players_.running();
    state.rate_hz = cycle_.rate_hz.load(std::memory_order_relaxed);
    state.quantum_frames = cycle_.quantum_frames.load(std::memory_order_relaxed);
    state.running = filter_ && filter_->streaming() ? 1 : 0;
    state.realtime = realtime_;
    state.smart_supported = session_manager_.has_smart_filters();
    state.smart = session_manager_.is_smart(sink_->id()) ? 1 : 0;
    state.session_managers = defaults_.session_managers();
    state.ways = ways_changed_;
    state.default_is_ours = defaults_.is_ours() ? 1 : 0;
    io::put(state.session_manager, session_manager_.name());
    io::put(state.target, target_);
    io::put(state.configured_default, defaults_.configured());
    io::put(state.effective_default, defaults_.effective());
    io::put(state.error, error_);
    if (sink_) io::put(state.muffled, sink_->trouble());
    if (looped_)
        io::put(state.error, target_ + " plays back into Entrain");
    else if (error_.empty() && smart_ && state.smart_supported == 0)
        io::put(state.error, "smart needs WirePlumber 0.5 or newer; the session manager is " +
                                 session_manager_.name());
    state_.publish(state);
}

}  // namespace entrain::pipewire

namespace entrain::io {

std::unique_ptr<Backend> open_backend(entrain_engine *engine, std::string target) {
    std::unique_ptr<pipewire::Connection> connection = pipewire::Connection::open();
    if (!connection) return nullptr;
    auto opened =
        std::make_unique<pipewire::Backend>(engine, std::move(connection), std::move(target));
    return opened->start() ? std::move(opened) : nullptr;
}

}  // namespace entrain::io
