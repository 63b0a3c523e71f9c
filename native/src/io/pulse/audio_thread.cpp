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

constexpr int kPriority = 5;  // as the server's own threads have

// A real-time thread that runs so long without a pause gets SIGXCPU; at the hard limit, which
// RealtimeKit wants at 200 ms or less, the kernel kills the process.
constexpr rlim_t kMostUs = 200'000;

// All threads that are to lose their priority then.  0: a free place.
std::array<std::atomic<pid_t>, 8> threads{};
static_assert(std::atomic<pid_t>::is_always_lock_free);

struct sigaction before {};

bool set_ordinary(pid_t thread) noexcept {
    const sched_param none{};
    // Without the flag that would need a permission.
    return sched_setscheduler(thread, SCHED_OTHER | SCHED_RESET_ON_FORK, &none) == 0;
}

// Any thread may be the one that is interrupted.  Calls nothing but the kernel.
void too_long(int signal) {
    const int error = errno;
    bool found = false;
    for (const std::atomic<pid_t> &place : threads) {
        const pid_t thread = place;
        if (thread != 0 && is_realtime(thread)) found = set_ordinary(thread) || found;
    }
    if (!found) {  // it means something else, such as the limit on all of the processor's time
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

// The hard limit only ever falls: to raise it would need a permission.  The kernel raises the soft
// one after each signal, so it is set for each thread.
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
    // Never undone: a signal may be on its way.
    static std::once_flag once;
    std::call_once(once, catch_signal);
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGXCPU);
    pthread_sigmask(SIG_UNBLOCK, &signals, nullptr);  // the loop's thread blocks all of them
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
