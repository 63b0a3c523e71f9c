// A loop with its own thread, and the loop's events and timers.
#pragma once

#include "io/deleter.h"
#include "io/pipewire/client/library.h"

#include <memory>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

using io::Deleter;

using ThreadLoop = std::unique_ptr<pw_thread_loop, Deleter<pw_thread_loop_destroy>>;

// One write to an eventfd.
//
// thread:   any, also the audio callback
inline void signal(pw_loop *loop, spa_source *event) noexcept {
    pw_loop_signal_event(loop, event);
}

// An event source or timer of a loop.
class Source {
public:
    Source(pw_loop *loop, spa_source *source) noexcept : loop_(loop), source_(source) {}
    ~Source() {
        if (source_ != nullptr) pw_loop_destroy_source(loop_, source_);
    }
    Source(const Source &) = delete;
    Source &operator=(const Source &) = delete;

    spa_source *get() const noexcept { return source_; }
    void signal() noexcept { pipewire::signal(loop_, source_); }
    // Fire every `period_ns`.
    void every(long period_ns) noexcept {
        if (source_ == nullptr) return;
        timespec period{0, period_ns};
        pw_loop_update_timer(loop_, source_, &period, &period, false);
    }

    void stop() noexcept { every(0); }

    // Fire once after this time.  Restarts a running timer.
    void after(long delay_ns) noexcept {
        if (source_ == nullptr) return;
        constexpr long kSecond = 1'000'000'000;
        timespec delay{delay_ns / kSecond, delay_ns % kSecond};
        pw_loop_update_timer(loop_, source_, &delay, nullptr, false);
    }

    static spa_source *event(pw_loop *loop, spa_source_event_func_t call, void *data) noexcept {
        return pw_loop_add_event(loop, call, data);
    }
    static spa_source *timer(pw_loop *loop, spa_source_timer_func_t call, void *data) noexcept {
        return pw_loop_add_timer(loop, call, data);
    }

private:
    pw_loop *loop_;
    spa_source *source_;
};

// Locks a thread loop while a [control] thread uses its objects.
class Lock {
public:
    explicit Lock(pw_thread_loop *loop) noexcept : loop_(loop) { pw_thread_loop_lock(loop_); }
    ~Lock() { pw_thread_loop_unlock(loop_); }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

private:
    pw_thread_loop *loop_;
};

ENTRAIN_C_END

}  // namespace entrain::pipewire
