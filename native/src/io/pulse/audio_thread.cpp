#include "io/pulse/audio_thread.h"

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <mutex>

#include <pthread.h>
#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace entrain::pulse {

bool is_realtime(pid_t thread) noexcept {
    const int policy = sched_getscheduler(thread) & ~SCHED_RESET_ON_FORK;
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

namespace {

constexpr int kPriority = 5;  // the server's threads have the same

// The hard limit for a real-time thread that runs without a pause; RealtimeKit demands at most
// 200 ms.  At the soft limit the kernel sends SIGXCPU, at the hard limit it kills the process.
constexpr rlim_t kMostUs = 200'000;

// The threads that lose their priority at SIGXCPU.  0 marks a free place.
std::array<std::atomic<pid_t>, 8> threads{};
static_assert(std::atomic<pid_t>::is_always_lock_free);

struct sigaction before {};

bool set_ordinary(pid_t thread) noexcept {
    const sched_param none{};
    // Keep the flag, because clearing it would need a privilege.
    return sched_setscheduler(thread, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0;
}

// Handles SIGXCPU, which may interrupt any thread.  Makes only system calls.
void too_long(int signal) {
    const int error = errno;
    bool found = false;
    for (const std::atomic<pid_t> &place : threads) {
        const pid_t thread = place;
        if (thread != 0 && is_realtime(thread)) found = set_ordinary(thread) || found;
    }
    if (!found) {  // the signal has another cause, such as a limit on total processor time
        sigaction(SIGXCPU, &before, nullptr);
        raise(signal);
    }
    errno = error;
}

void catch_signal() {
    struct sigaction action {};
    action.sa_handler = too_long;
    action.sa_flags = SA_RESTART | SA_ONSTACK;
    sigemptyset(&action.sa_mask);
    sigaction(SIGXCPU, &action, &before);
}

// Only lowers the hard limit, because raising it would need a privilege.  The kernel raises the
// soft limit after each signal, so each thread sets it again.
void limit_time() noexcept {
    rlimit limit{};
    getrlimit(RLIMIT_RTTIME, &limit);
    limit.rlim_max = std::min(limit.rlim_max, kMostUs);
    limit.rlim_cur = std::min(limit.rlim_cur, limit.rlim_max / 2);
    setrlimit(RLIMIT_RTTIME, &limit);
}

}  // namespace

void AudioThread::start() noexcept {
    id_ = static_cast<pid_t>(syscall(SYS_gettid));
    for (std::atomic<pid_t> &place : threads) {
        pid_t none = 0;
        if (place.compare_exchange_strong(none, id_)) break;
    }
    // The handler stays for ever, because a signal may still be pending.
    static std::once_flag once;
    std::call_once(once, catch_signal);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGXCPU);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // the loop's thread blocks all signals
    limit_time();

    sched_param priority{};
    priority.sched_priority = kPriority;
    if (sched_setscheduler(0, SCHED_RR | SCHED_RESET_ON_FORK, &priority) != 0) set_ordinary(0);
}

AudioThread::~AudioThread() {
    for (std::atomic<pid_t> &place : threads) {
        pid_t ours = id_;
        if (ours != 0) place.compare_exchange_strong(ours, 0);
    }
}

}  // namespace entrain::pulse
