// Runs the guardian process, which cleans up when the program dies.  guardian/main.cpp describes
// the messages between the two.
#pragma once

#include "io/notify.h"
#include "io/pulse/timer.h"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

namespace entrain::pulse {

// Keeps one guardian process running.  Create one object for each connection to the server, before
// the module is loaded: the guardian process ends when the server ends.
//
// Until protect() is called, the guardian process looks for a null sink "entrain" whose argument
// contains the word `entrain.pid=<our process>`.  The caller must load the module with this mark as
// a property of its sink.
//
// All functions run on the loop's thread, or with its lock held.  This class installs no signal
// handlers and waits only for its own child.
class Guardian {
public:
    // Calls `changed` when watching() or error() may have changed, from the loop or from protect().
    // `changed` must not destroy this object.
    Guardian(pa_context *context, pa_mainloop_api *api, io::Notify changed,
             std::string executable = default_executable());
    // The guardian process cleans up the module of the last protect(), if any, and ends.  Blocks
    // until then: usually some milliseconds, at most 3 s if the server does not answer.
    ~Guardian();
    Guardian(const Guardian &) = delete;
    Guardian &operator=(const Guardian &) = delete;

    // module:    the module to unload when we die; nullopt after it has been unloaded
    // fallback:  the sink to make the default again; "" lets the server choose
    void protect(std::optional<std::uint32_t> module, const std::string &fallback);
    // Call this before the module is loaded again after protect(nullopt, ...).
    void loading();

    // The guardian's process number, or 0 while it does not run.
    pid_t process() const noexcept { return std::max<pid_t>(process_, 0); }
    bool watching() const noexcept { return watching_; }
    // The reason why the guardian does not watch, as one line; empty if it watches, or while the
    // reason is not known.
    const std::string &error() const noexcept { return error_; }

    // The path of entrain-guardian in the folder of the library that contains this code.
    static std::string default_executable();

private:
    using Clock = std::chrono::steady_clock;

    void spawn();
    bool start_process();
    void receive(pa_io_event_flags_t flags);
    void send_module(std::string message);
    void send(const std::string &message);
    void lost(std::string why);
    void close_socket() noexcept;
    void reap();
    void spawn_later();

    pa_mainloop_api *api_;
    io::Notify changed_;
    std::string executable_;

    std::string module_message_;   // the last message of this kind, or ""
    std::string default_message_;  // the last message of this kind, or ""

    pid_t process_ = -1;
    int socket_ = -1;
    pa_io_event *event_ = nullptr;
    bool watching_ = false;
    std::string error_;

    Clock::time_point started_;
    std::chrono::milliseconds pause_{0};  // before the next start
    Timer reap_again_;
    Timer spawn_again_;
};

}  // namespace entrain::pulse
