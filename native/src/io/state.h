// The back end's state as [control] threads see it, and the descriptor that announces changes.
#pragma once

#include "entrain/engine.h"

#include <mutex>
#include <string_view>

#include <sys/types.h>

namespace entrain::io {

// Whether a thread of this machine has real-time priority now.  Calls nothing but the kernel.
bool is_realtime(pid_t thread) noexcept;

class State {
public:
    State();
    ~State();
    State(const State &) = delete;
    State &operator=(const State &) = delete;

    bool valid() const noexcept { return fd_ >= 0; }
    int fd() const noexcept { return fd_; }

    // Store everything but `generation`, which is counted here; announced if anything differs.
    // Does nothing once the back end is lost.
    void publish(entrain_io_state next) noexcept;
    // The phase is LOST from now on, and nothing plays.  Allocates nothing; the first reason stays.
    void lose(const char *why) noexcept;
    bool is_lost() const noexcept;
    // Where the audio thread is known, `realtime` is as it is now: others may change it.
    void read(entrain_io_state *state) const noexcept;

private:
    void announce() noexcept;

    int fd_;
    mutable std::mutex mutex_;
    entrain_io_state state_{};
};

// Put a text into one of the state's arrays, cut to its length.
template <std::size_t size>
void put(char (&array)[size], std::string_view text) noexcept {
    const std::size_t length = text.copy(array, size - 1);
    array[length] = '\0';
}

}  // namespace entrain::io
