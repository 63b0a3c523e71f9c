// A connection to the server with a thread of its own.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/loop.h"
#include "io/pipewire/client/objects.h"

#include <array>
#include <memory>
#include <optional>
#include <string>

namespace entrain::pipewire {

using Version = std::array<long, 3>;

class Connection {
public:
    // Returns null if the server does not answer.  The connection's thread waits for start().
    static std::unique_ptr<Connection> open();

    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // Set the object that hears when the server's version is known and when the server is gone.
    void on_news(io::Notify back_end);

    // The server's version; all 0 until the server has reported it.
    const Version &version() const noexcept { return version_; }

    pw_thread_loop *thread() const noexcept { return thread_.get(); }
    pw_loop *loop() const noexcept { return pw_thread_loop_get_loop(thread_.get()); }
    pw_core *core() const noexcept { return core_.get(); }

    // Wait until the server has received all requests, for at most a second.  Returns whether it
    // has.  The caller holds the thread's lock.
    bool round_trip() noexcept;

    // Ask the server for an answer.  The connection is lost if none arrives within 3 s.
    void demand_answer() noexcept;

    // Whether the data thread has real-time priority.  Waits up to one cycle, because the data
    // thread itself looks.
    bool realtime() const noexcept;

    // Start the loop's thread.  Before that, no message is sent or received.
    bool start() noexcept { return pw_thread_loop_start(thread_.get()) >= 0; }
    // Wait until the loop's thread has ended.  After that, any thread may destroy its objects.
    void stop() noexcept { pw_thread_loop_stop(thread_.get()); }

private:
    Connection() = default;
    void lost(const char *why) noexcept;
    void ask_for_answer() noexcept;

    std::optional<io::Notify> back_end_;
    bool is_lost_ = false;
    Version version_{};
    int asked_ = 0;
    int answered_ = 0;
    int demanded_ = 0;
    bool demanded_again_ = false;
    ThreadLoop thread_;
    Context context_;
    Core core_;
    Hook hook_;
    std::optional<Source> deadline_;
};

}  // namespace entrain::pipewire
