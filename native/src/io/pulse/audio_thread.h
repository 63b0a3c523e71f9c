// The thread that the sound passes: its real-time priority, and what takes that away again before
// the system would end the program.
#pragma once

#include <atomic>

#include <sys/types.h>

namespace entrain::pulse {

// Whether a thread of this machine has real-time priority now; 0: the calling one.  Calls nothing
// but the kernel.
bool is_realtime(pid_t thread) noexcept;

// Make it before the thread, and end it after the thread has ended.
class AudioThread {
public:
    AudioThread() = default;
    ~AudioThread();
    AudioThread(const AudioThread &) = delete;
    AudioThread &operator=(const AudioThread &) = delete;

    // Ask for real-time priority.  Where the system refuses, all is prepared for RealtimeKit to
    // give it: the thread's number is known, and the process keeps the limit that it demands.
    //
    // thread:   [audio], before there is sound
    void start() noexcept;

    // As the kernel counts threads; 0 before start().
    //
    // thread:   [any]
    pid_t id() const noexcept { return id_; }

private:
    std::atomic<pid_t> id_{0};
};

}  // namespace entrain::pulse
