#include "io/pulse/backend.h"

#include <algorithm>
#include <chrono>
#include <thread>
#include <utility>

namespace entrain::pulse {

using namespace std::chrono_literals;

namespace {

constexpr std::uint32_t kRateHz = 48000;  // the sink's rate if the device's rate is not known
constexpr double kLeastQueueS = 0.001;
constexpr auto kRetry = 1s;
constexpr auto kLookEvery = 20ms;
constexpr int kLooks = 100;  // 2 s, longer than any fade

}  // namespace

Backend::Backend(entrain_engine *engine, std::unique_ptr<Connection> &connection,
                 std::string target)
    : engine_(engine),
      bridge_(engine, added_s_),
      guardian_(connection->context(), connection->api(), notify()),
      server_(connection->context(), notify()),
      streams_(connection->context(), engine, bridge_, notify()),
      inner_volumes_(connection->context(), connection->api(),
                     notify().calling([this] { publish(); })),
      tail_(connection->context(), connection->api(),
            notify().calling([this] { look_at_tail(); })),
      retry_(connection->context(), connection->api(),
             notify().calling([this] {
                 if (streams_.refused()) streams_.stop_playing();
                 reconcile();
             })),
      target_(std::move(target)) {
    // Take over the connection last, when no later step can fail.  An earlier exception would
    // destroy it here, and its destructor would wait for a thread that waits for the caller's lock.
    connection_ = std::move(connection);
    connection_->on_lost(notify());
    entrain_set_playing(engine_, 0);
    aim();
    publish();
}

Backend::~Backend() {
    {
        const Lock lock(connection_->thread());
        closing_ = true;
        if (sink_ && !state_.is_lost()) io::guarded(notify(), [this] { sink_->unload(); });
    }
    // The server usually unloads the sink within milliseconds.  Otherwise the guardian asks for it
    // too.
    const auto end = std::chrono::steady_clock::now() + 1s;
    const auto waits = [this] {
        const Lock lock(connection_->thread());
        return sink_ && !state_.is_lost() && !sink_->unloaded();
    };
    while (waits() && std::chrono::steady_clock::now() < end) std::this_thread::sleep_for(1ms);
    {
        const Lock lock(connection_->thread());
        if (sink_ && sink_->unloaded())
            io::guarded(notify(), [this] { guardian_.protect(std::nullopt, ""); });
    }
    connection_->stop();
}

void Backend::fade_out() noexcept {
    std::chrono::microseconds queued;
    {
        const Lock lock(connection_->thread());
        if (!streams_.flows()) return;
        entrain_set_playing(engine_, 0);
        queued = streams_.flow().queued();
    }
    wait_until_quiet(engine_);
    std::this_thread::sleep_for(std::min<std::chrono::microseconds>(queued, 100ms));
}

void Backend::set_target(std::string target) {
    const Lock lock(connection_->thread());
    target_ = std::move(target);
    reconcile();
}

void Backend::set_former(std::string name) {
    const Lock lock(connection_->thread());
    former_ = std::move(name);
    reconcile();
}

void Backend::set_latency(double added_s) {
    const Lock lock(connection_->thread());
    added_s_ = added_s;
    aim();
    publish();
}

// Reads the thread's priority now, because other programs (RealtimeKit) may change it at any time.
void Backend::read_state(entrain_io_state *state) const noexcept {
    state_.read(state);
    if (const pid_t thread = connection_->audio_thread(); thread != 0)
        state->realtime = is_realtime(thread) ? 1 : 0;
}

void Backend::set_alone(bool alone) {
    const Lock lock(connection_->thread());
    alone_ = alone;
    reconcile();
}

// The queue gets the part of the added latency that the engine and the rate matching leave over.
// The bridge may have raised its target after an underrun; only a new value replaces it.
void Backend::aim() {
    const double engine_s =
        static_cast<double>(entrain_latency_frames(engine_)) / entrain_rate(engine_);
    const double queue_s = std::max(kLeastQueueS, added_s_ - engine_s - bridge_.matching_s());
    if (std::exchange(aimed_s_, queue_s) != queue_s) bridge_.set_target(queue_s);
}

io::Notify Backend::notify() {
    return {[this] { reconcile(); }, [this](const char *why) { lost(why); }};
}

void Backend::lost(const char *why) noexcept {
    if (closing_) return;
    state_.lose(why);
    streams_.stop_playing();
}

void Backend::reconcile() noexcept {
    if (closing_ || state_.is_lost() || !server_.seen()) return;
    io::guarded(notify(), [this] { try_reconcile(); });
}

void Backend::try_reconcile() {
    if (!sink_) {
        const Device *target = server_.find(target_);
        sink_.emplace(connection_->context(), connection_->api(),
                      target != nullptr ? target->rate_hz : kRateHz, notify());
    }
    protect();
    if (!sink_->error().empty()) return lost(sink_->error().c_str());

    const Device *own = server_.find(kSinkName);
    if (own != nullptr && own->module == sink_->module()) {
        if (!std::exchange(had_sink_, true)) streams_.capture(own->rate_hz);
        if (streams_.capture_failed())
            return lost("the sound server does not let Entrain record its own device");
        follow_volume(*own);
        follow_players(server_.playing(own->index));
        follow_target();
        look_at_inner_volumes();
    } else if (had_sink_) {
        return lost("another program has removed the device Entrain");
    }
    publish();
}

// The server multiplies the recording of the sink by the sink's volume.  The bridge undoes this.
void Backend::follow_volume(const Device &own) {
    std::array<float, 2> gain{};
    for (std::size_t c = 0; c < 2; ++c)
        gain[c] = static_cast<float>(
            pa_sw_volume_to_linear(own.volume.values[c < own.volume.channels ? c : 0]));
    bridge_.set_gain(gain);
}

void Backend::follow_players(std::uint32_t playing) {
    const bool alone = alone_ && target() != nullptr;
    const bool sustained = playing > 0 || alone;
    if (sustained != sustained_) {
        entrain_set_playing(engine_, sustained ? 1 : 0);
        if (sustained) {
            sounding_ = true;
            tail_.stop();
        } else {
            looks_left_ = kLooks;
            tail_.in(kLookEvery);
        }
    }
    playing_ = playing;
    sustained_ = sustained;
    // While a player runs or the sound fades out, the sink is awake anyway.
    if (alone || !sounding_) streams_.keep_awake(alone);
}

// The device to play on, or null.  It is never our own sink.
const Device *Backend::target() const {
    return target_ == kSinkName ? nullptr : server_.find(target_);
}

// Keeps the device playing after the last player stops, until the engine's own sound has faded out.
void Backend::look_at_tail() {
    if (sustained_ || !sounding_) return;
    if (streams_.flows() && looks_left_ > 0) {
        if (entrain_is_quiet(engine_) == 0 && --looks_left_ > 0) return tail_.in(kLookEvery);
        looks_left_ = 0;
        // The end of the sound is still in the queue.
        return tail_.in(streams_.flow().queued() + kLookEvery);
    }
    sounding_ = false;
    reconcile();
}

void Backend::follow_target() {
    const Device *device = target();
    if (device == nullptr) {
        streams_.stop_playing();
        phase_ = ENTRAIN_IO_WAITING;
        return;
    }
    std::string error;
    if (device->rate_hz != entrain_rate(engine_)) error = adopt_rate(engine_, device->rate_hz);
    streams_.play_on(device->name, device->rate_hz);
    aim();  // the rates may have changed
    if (streams_.refused()) {  // usually because the device is about to vanish
        phase_ = ENTRAIN_IO_WAITING;
        error_ = "the sound server does not let Entrain play on " + device->description;
        return retry_.in(kRetry);
    }
    streams_.flow(sounding_);
    const bool ready = streams_.captures() && streams_.plays();
    phase_ = ready ? ENTRAIN_IO_READY : ENTRAIN_IO_CONNECTING;
    if (ready || !error.empty()) error_ = error;
}

void Backend::look_at_inner_volumes() {
    if (const Device *device = server_.find(target_))
        inner_volumes_.look(streams_.playback_index(), *device, streams_.capture_index());
}

void Backend::protect() {
    if (sink_->module() != PA_INVALID_INDEX)
        guardian_.protect(sink_->module(), former_);
}

void Backend::publish() {
    entrain_io_state state{};
    state.phase = phase_;
    state.playing = playing_;
    state.rate_hz = streams_.rate_hz();
    state.quantum_frames = streams_.flow().block_frames();
    state.running = streams_.flows() ? 1 : 0;
    const double queue_s = bridge_.target_s() + streams_.flow().excess_s();
    state.added_us = static_cast<std::uint32_t>(1e6 * (queue_s + bridge_.matching_s()));
    state.audio_thread = static_cast<std::uint64_t>(connection_->audio_thread());
    state.guardian = guardian_.process();
    io::put(state.target, target_);
    // PulseAudio reports only the effective default to clients, not the configured one.
    state.default_is_ours = -1;
    io::put(state.effective_default, server_.default_device());
    io::put(state.muffled, inner_volumes_.trouble());
    io::put(state.error, error_.empty() ? guardian_.error() : error_);
    state_.publish(state);
}

}  // namespace entrain::pulse

namespace entrain::io {

std::unique_ptr<Backend> open_backend(entrain_engine *engine, std::string target) {
    std::unique_ptr<pulse::Connection> connection = pulse::Connection::open();
    if (!connection) return nullptr;
    const pulse::Lock lock(connection->thread());
    try {
        return std::make_unique<pulse::Backend>(engine, connection, std::move(target));
    } catch (...) {
        connection->disconnect();  // so that no pending request calls back
        throw;
    }
}

}  // namespace entrain::io
