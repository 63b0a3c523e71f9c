// A connection to the server with a thread of its own.
#pragma once

#include "io/pulse/audio_thread.h"
#include "io/pulse/pulse.h"

#include <functional>
#include <memory>

namespace entrain::pulse {

class Connection {
public:
    // Null when there is no server, or it does not answer within three seconds.
    //
    // thread:   [control]
    static std::unique_ptr<Connection> open();

    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // `lost` comes on the loop's thread.
    void on_lost(std::function<void()> lost) { lost_ = std::move(lost); }

    pa_threaded_mainloop *thread() const noexcept { return loop_.get(); }
    pa_mainloop_api *api() const noexcept { return pa_threaded_mainloop_get_api(loop_.get()); }
    pa_context *context() const noexcept { return context_.get(); }
    pid_t audio_thread() const noexcept { return audio_thread_.id(); }
    bool alive() const noexcept { return PA_CONTEXT_IS_GOOD(pa_context_get_state(context())); }

    // Wait for the loop's thread to end: then its objects may be destroyed from here.
    void stop() noexcept { pa_threaded_mainloop_stop(thread()); }

private:
    Connection() = default;
    bool connect();
    void state_changed();

    std::function<void()> lost_;
    AudioThread audio_thread_;
    Loop loop_;
    Context context_;
};

}  // namespace entrain::pulse
