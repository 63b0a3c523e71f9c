// A connection to the server with a thread of its own.
#pragma once

#include "io/notify.h"
#include "io/pulse/audio_thread.h"
#include "io/pulse/client/pulse.h"

#include <memory>
#include <optional>

namespace entrain::pulse {

class Connection {
public:
    // Returns null if there is no server, or if it does not answer within 3 s.
    //
    // thread:   [control]
    static std::unique_ptr<Connection> open();

    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // Set the object that hears when the server is gone.
    void on_lost(io::Notify back_end) { back_end_.emplace(std::move(back_end)); }

    pa_threaded_mainloop *thread() const noexcept { return loop_.get(); }
    pa_mainloop_api *api() const noexcept { return pa_threaded_mainloop_get_api(loop_.get()); }
    pa_context *context() const noexcept { return context_.get(); }
    pid_t audio_thread() const noexcept { return audio_thread_.id(); }
    bool alive() const noexcept { return PA_CONTEXT_IS_GOOD(pa_context_get_state(context())); }

    // Close the connection.  No more answers or callbacks arrive.  The caller holds the lock.
    void disconnect() noexcept;
    // Wait until the loop's thread has ended.  After that, any thread may destroy its objects.
    void stop() noexcept { pa_threaded_mainloop_stop(thread()); }

private:
    Connection() = default;
    bool connect();
    void state_changed() noexcept;

    std::optional<io::Notify> back_end_;
    AudioThread audio_thread_;
    Loop loop_;
    Context context_;
};

}  // namespace entrain::pulse
