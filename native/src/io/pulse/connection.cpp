#include "io/pulse/connection.h"

#include <chrono>
#include <thread>

namespace entrain::pulse {

using namespace std::chrono_literals;

namespace {

constexpr auto kConnect = 3s;

}  // namespace

std::unique_ptr<Connection> Connection::open() {
    std::unique_ptr<Connection> self(new Connection);
    self->loop_.reset(pa_threaded_mainloop_new());
    if (!self->loop_) return nullptr;
    pa_threaded_mainloop_set_name(self->thread(), "entrain-pulse");
    const Properties properties(pa_proplist_new());
    pa_proplist_sets(properties.get(), PA_PROP_APPLICATION_NAME, "Entrain");
    pa_proplist_sets(properties.get(), PA_PROP_APPLICATION_ICON_NAME, "entrain");
    self->context_.reset(pa_context_new_with_proplist(self->api(), nullptr, properties.get()));
    return self->context_ && self->connect() ? std::move(self) : nullptr;
}

Connection::~Connection() {
    if (!loop_) return;
    stop();
    if (context_) disconnect();
}

void Connection::disconnect() noexcept {
    pa_context_set_state_callback(context(), nullptr, nullptr);
    pa_context_disconnect(context());
}

bool Connection::connect() {
    pa_context_set_state_callback(
        context(),
        [](pa_context *, void *self) noexcept { static_cast<Connection *>(self)->state_changed(); },
        this);
    if (pa_context_connect(context(), nullptr, PA_CONTEXT_NOAUTOSPAWN, nullptr) < 0) return false;
    pa_mainloop_api_once(
        api(),
        [](pa_mainloop_api *, void *self) noexcept { static_cast<AudioThread *>(self)->start(); },
        &audio_thread_);
    if (pa_threaded_mainloop_start(thread()) < 0) return false;

    const auto end = std::chrono::steady_clock::now() + kConnect;
    do {
        std::this_thread::sleep_for(1ms);
        const Lock lock(thread());
        if (!alive()) return false;
        if (pa_context_get_state(context()) == PA_CONTEXT_READY) return true;
    } while (std::chrono::steady_clock::now() < end);
    return false;
}

void Connection::state_changed() noexcept {
    if (!alive() && back_end_) back_end_->lost("the sound server is gone");
}

}  // namespace entrain::pulse
