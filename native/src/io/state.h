// The back end's state for [control] threads, with an announcement of its changes.
#pragma once

#include "io/news.h"

#include "entrain/engine.h"

#include <cstddef>
#include <mutex>
#include <string_view>

namespace entrain::io {

class State {
public:
    News &news() noexcept { return news_; }

    // Store all fields except `generation`, which is counted here; announce it if a field differs.
    // Does nothing once the back end is lost.
    void publish(entrain_io_state next) noexcept;
    // Set the phase to LOST for good; nothing plays any more.  Allocates nothing; the first reason
    // stays.
    void lose(const char *why) noexcept;
    bool is_lost() const noexcept;
    void read(entrain_io_state *state) const noexcept;

private:
    News news_;
    mutable std::mutex mutex_;
    entrain_io_state state_{};
};

// Copies a text into one of the state's arrays, truncated to its length.
template <std::size_t size>
void put(char (&array)[size], std::string_view text) noexcept {
    const std::size_t length = text.copy(array, size - 1);
    array[length] = '\0';
}

}  // namespace entrain::io
