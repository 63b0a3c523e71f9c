// The audio thread gets real-time priority, and its limits do not end the program.

#include "io/pulse/audio_thread.h"

#include <doctest/doctest.h>

#include <chrono>
#include <csignal>
#include <thread>

#include <sched.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

namespace {

using entrain::pulse::is_realtime;
using entrain::pulse::AudioThread;
using std::chrono::steady_clock;

// Runs a function on an audio thread, and waits for its end.
template <typename Work>
void on_audio_thread(Work work) {
    AudioThread audio_thread;
    std::thread([&] {
        sigset_t all;  // as the loop of the client library does
        sigfillset(&all);
        pthread_sigmask(SIG_BLOCK, &all, nullptr);
        audio_thread.start();
        work(audio_thread.id());
    }).join();
}

// Runs without a pause while a condition holds.  Returns the elapsed milliseconds; on a busy
// machine the kernel does not count all of them.
template <typename Condition>
long run_ms(Condition holds) {
    const auto begin = steady_clock::now();
    const auto end = begin + std::chrono::seconds(10);
    while (holds() && steady_clock::now() < end) {
    }
    return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - begin)
        .count();
}

// Runs a function in a child process; returns its wait status.
template <typename Work>
int in_process(Work work) {
    const pid_t child = fork();
    if (child == 0) {
        const rlimit none{0, 0};
        setrlimit(RLIMIT_CORE, &none);
        work();
        _exit(0);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

}  // namespace

TEST_CASE("RealtimeKit's conditions are met, whether the priority is given or not") {
    on_audio_thread([](pid_t thread) {
        CHECK(thread == gettid());
        CHECK((sched_getscheduler(0) & SCHED_RESET_ON_FORK) != 0);
        rlimit limit{};
        getrlimit(RLIMIT_RTTIME, &limit);
        CHECK(limit.rlim_max <= 200'000);
        CHECK(limit.rlim_cur < limit.rlim_max);  // otherwise the kernel kills without a signal
    });
}

TEST_CASE("threads started by a real-time thread have an ordinary priority") {
    on_audio_thread([](pid_t thread) {
        const int status = in_process([] { _exit(is_realtime(0) ? 1 : 0); });
        CHECK(status == 0);
        MESSAGE("real-time: ", is_realtime(thread));
    });
}

TEST_CASE("a thread that runs away loses its priority, and the program lives") {
    // Twice in one process: the kernel raises the soft limit after each signal.
    for (int round = 0; round < 2; ++round)
        on_audio_thread([](pid_t thread) {
            if (!is_realtime(thread)) {
                MESSAGE("skipped: this machine does not grant real-time priority");
                return;
            }
            // Drop the permission, as RealtimeKit's clients have none; only for this thread.
            constexpr uid_t kNobody = 65534;
            if (geteuid() == 0) syscall(SYS_setresuid, kNobody, kNobody, kNobody);
            const long ms = run_ms([&] { return is_realtime(thread); });
            CHECK(ms >= 50);
            CHECK_FALSE(is_realtime(thread));
            CHECK((sched_getscheduler(0) & SCHED_RESET_ON_FORK) != 0);
        });
}

TEST_CASE("without the handler the kernel would end the program") {
    const int status = in_process([] {
        signal(SIGXCPU, SIG_DFL);
        const sched_param priority{5};
        const rlimit limit{100'000, 200'000};
        setrlimit(RLIMIT_RTTIME, &limit);
        if (sched_setscheduler(0, SCHED_RR, &priority) != 0) raise(SIGXCPU);
        run_ms([] { return true; });
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXCPU);
}

TEST_CASE("the signal of the limit on all processor time still ends the program") {
    const int status = in_process([] {
        on_audio_thread([](pid_t) {
            const sched_param none{};
            sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &none);
            kill(getpid(), SIGXCPU);
            std::this_thread::sleep_for(std::chrono::seconds(5));
        });
    });
    CHECK(WIFSIGNALED(status));
    CHECK(WTERMSIG(status) == SIGXCPU);
}
