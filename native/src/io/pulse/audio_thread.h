// Gives the audio thread real-time priority, and takes it away if the thread runs so long that the
// kernel would kill the program.
#pragma once

#include <atomic>

#include <sys/types.h>

namespace entrain::pulse {

// Whether a thread has real-time priority now; 0 stands for the calling thread.  Makes only system
// calls.
bool is_realtime(pid_t thread) noexcept;

// Create this object before the thread, and destroy it after the thread has ended.
class AudioThread {
public:
    AudioThread() = default;
    ~AudioThread();
    AudioThread(const AudioThread &) = delete;
    AudioThread &operator=(const AudioThread &) = delete;

    // Ask the kernel for real-time priority.  If it refuses, RealtimeKit may grant it later: id()
    // returns the thread's number, and the process has the time limit that RealtimeKit demands.
    //
    // thread:   [audio], before sound plays
    void start() noexcept;

    // The kernel's number of the thread; 0 before start().
    //
    // thread:   [any]
    pid_t id() const noexcept { return id_; }

private:
    std::atomic<pid_t> id_{0};
};

}  // namespace entrain::pulse
