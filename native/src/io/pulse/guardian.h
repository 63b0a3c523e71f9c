// The program's side of the guardian process, which cleans up when the program dies; see
// guardian/main.cpp for what the two say to each other.
#pragma once

#include "io/notify.h"
#include "io/pulse/timer.h"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include <sys/types.h>

namespace entrain::pulse {

// Keeps one guardian running.  Make it before the module is loaded, one for each connection to
// the server: the guardian ends when the server does.
//
// Until protect() is called the guardian looks for a null sink "entrain" whose argument has the
// word `entrain.pid=<our process>`: give the module that mark, as a property of its sink.
//
// Everything on the loop's thread, or with its lock.  No signal handlers are used; children of
// others are not waited for.
class Guardian {
public:
    // `changed` comes when watching() or error() may have changed: from the loop, or out of
    // protect().  It must not destroy this object.
    Guardian(pa_context *context, pa_mainloop_api *api, io::Notify changed,
             std::string executable = default_executable());
    // What protect() has told last is cleaned up; with no module, nothing.  Blocks until the
    // guardian has ended: some milliseconds, 3 s at most with a server that does not answer.
    ~Guardian();
    Guardian(const Guardian &) = delete;
    Guardian &operator=(const Guardian &) = delete;

    // The module to unload, or that there is none any more, and the name of the sink that is to be
    // the default again (empty: the server chooses).
    void protect(std::optional<std::uint32_t> module, const std::string &fallback);
    // The module is about to be loaded again after protect() has said that there is none.
    void loading();

    bool watching() const noexcept { return watching_; }
    // One line, why it does not watch; empty if it does or nothing is known yet.
    const std::string &error() const noexcept { return error_; }

    // Beside the library that this code is in.
    static std::string default_executable();

private:
    using Clock = std::chrono::steady_clock;

    void spawn();
    bool start_process();
    void heard(pa_io_event_flags_t flags);
    void tell_module(std::string message);
    void send(const std::string &message);
    void lost(std::string why);
    void close_socket() noexcept;
    void reap();
    void spawn_later();

    pa_mainloop_api *api_;
    io::Notify changed_;
    std::string executable_;

    std::string module_message_;   // empty before anything was told
    std::string default_message_;  // likewise

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
