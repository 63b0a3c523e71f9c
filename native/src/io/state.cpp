#include "io/state.h"

#include <cstring>

namespace entrain::io {

void State::publish(entrain_io_state next) noexcept {
    {
        const std::lock_guard<std::mutex> guard(mutex_);
        if (state_.phase == ENTRAIN_IO_LOST) return;
        next.generation = state_.generation;
        if (std::memcmp(&next, &state_, sizeof next) == 0) return;
        ++next.generation;
        state_ = next;
    }
    news_.announce();
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
    news_.announce();
}

bool State::is_lost() const noexcept {
    const std::lock_guard<std::mutex> guard(mutex_);
    return state_.phase == ENTRAIN_IO_LOST;
}

void State::read(entrain_io_state *state) const noexcept {
    const std::lock_guard<std::mutex> guard(mutex_);
    *state = state_;
}

}  // namespace entrain::io
