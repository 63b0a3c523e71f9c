#include "io/state.h"

#include <cstdint>
#include <cstring>

#include <sched.h>
#include <sys/eventfd.h>
#include <unistd.h>

namespace entrain::io {

bool is_realtime(pid_t thread) noexcept {
    const int policy = sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK;
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

State::State() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

State::~State() {
    if (fd_ >= 0) close(fd_);
}

void State::publish(entrain_io_state next) noexcept {
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        if (state_.phase == ENTRAIN_IO_LOST) return;
        next.generation = state_.generation;
        if (std::memcmp(&next, &state_, sizeof next) == 0) return;
        ++next.generation;
        state_ = next;
    }
    announce();
}

void State::lose(const char *why) noexcept {
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        if (state_.phase == ENTRAIN_IO_LOST) return;
        state_.phase = ENTRAIN_IO_LOST;
        state_.playing = 0;
        state_.running = 0;
        state_.smart = 0;
        put(state_.effective_default, "");
        put(state_.error, why != nullptr ? why : "");
        ++state_.generation;
    }
    announce();
}

bool State::is_lost() const noexcept {
    const std::lock_guard<std::mutex> guard(mutex_);
    return state_.phase == ENTRAIN_IO_LOST;
}

void State::announce() noexcept {
    // Fails only when the count is full: then there is news already.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(fd_, &one, sizeof one);
}

void State::read(entrain_io_state *state) const noexcept {
    const std::lock_guard<std::mutex> guard(mutex_);
    *state = state_;
    if (state->audio_thread != 0) state->realtime = is_realtime(state->audio_thread) ? 1 : 0;
}

}  // namespace entrain::io
