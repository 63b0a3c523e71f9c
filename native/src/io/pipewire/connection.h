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
    // Null when there is no server.  Its thread waits for start().
    static std::unique_ptr<Connection> open();

    ~Connection();
    Connection(const Connection &) = delete;
    Connection &operator=(const Connection &) = delete;

    // Whom to tell when the server has said its version, and when it is gone.
    void on_news(io::Notify back_end);

    // The server's version, all 0 before it has said that.
    const Version &version() const noexcept { return version_; }

    pw_thread_loop *thread() const noexcept { return thread_.get(); }
    pw_loop *loop() const noexcept { return pw_thread_loop_get_loop(thread_.get()); }
    pw_core *core() const noexcept { return core_.get(); }

    // Wait until the server has got all that was sent, a second at most; with the thread's lock.
    bool round_trip() noexcept;

    // Lose the connection unless the server answers within a few seconds from now.
    void demand_answer() noexcept;

    // Whether the data thread has real-time priority; waits for it to look, a cycle at most.
    bool realtime() const noexcept;

    // Let the loop run; until then nothing is sent or received.
    bool start() noexcept { return pw_thread_loop_start(thread_.get()) >= 0; }
    // Wait for the loop's thread to end: then its objects may be destroyed from here.
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
