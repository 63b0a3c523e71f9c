#include "io/pulse/guardian.h"

#include <algorithm>
#include <cerrno>
#include <csignal>
#include <cstring>
#include <thread>
#include <utility>

#include <dlfcn.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

namespace entrain::pulse {

namespace {

using std::chrono::milliseconds;

constexpr const char *kName = "entrain-guardian";
constexpr std::size_t kPacketBytes = 600;  // as in guardian/main.cpp
constexpr milliseconds kFirstPause{500};
constexpr milliseconds kLongestPause{30'000};
constexpr milliseconds kShortLife{10'000};
constexpr milliseconds kReapEvery{5};
constexpr milliseconds kFarewell{3'000};  // if the server does not answer

// Whether the child has ended.  Also true if other code has waited for it.
bool has_ended(pid_t process) noexcept { return waitpid(process, nullptr, WNOHANG) != 0; }

}  // namespace

std::string Guardian::default_executable() {
    Dl_info library{};
    const auto here = reinterpret_cast<const void *>(&Guardian::default_executable);
    if (dladdr(here, &library) == 0 || library.dli_fname == nullptr) return kName;
    const std::string path = library.dli_fname;
    return path.substr(0, path.rfind('/') + 1) + kName;
}

Guardian::Guardian(pa_context *context, pa_mainloop_api *api, io::Notify changed,
                   std::string executable)
    : api_(api),
      changed_(std::move(changed)),
      executable_(std::move(executable)),
      reap_again_(context, api, changed_.calling([this] { reap(); })),
      spawn_again_(context, api, changed_.calling([this] {
          spawn();
          changed_();
      })) {
    spawn();
}

Guardian::~Guardian() {
    close_socket();
    if (process_ < 0) return;
    const auto deadline = Clock::now() + kFarewell;
    while (!has_ended(process_)) {
        if (Clock::now() > deadline) {
            kill(process_, SIGKILL);
            waitpid(process_, nullptr, 0);
            return;
        }
        std::this_thread::sleep_for(milliseconds(1));
    }
}

void Guardian::protect(std::optional<std::uint32_t> module, const std::string &fallback) {
    // Send the default first, because the guardian may clean up as soon as it knows the module.  A
    // new guardian has an empty fallback, so an empty one need not be sent.
    const std::string message = "default " + fallback;
    if (default_message_ != message && !(default_message_.empty() && fallback.empty())) {
        default_message_ = message;
        send(default_message_);
    }
    send_module(module ? "module " + std::to_string(*module) : "module none");
}

void Guardian::loading() { send_module("module loading"); }

void Guardian::send_module(std::string message) {
    if (module_message_ == message) return;
    module_message_ = std::move(message);
    send(module_message_);
}

void Guardian::send(const std::string &message) {
    // Without a socket, spawn() sends the last messages later.
    if (socket_ < 0 || message.empty() || message.size() > kPacketBytes) return;
    // The guardian reads messages at once.  A full queue means that it no longer works.
    if (::send(socket_, message.data(), message.size(), MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
        lost(std::strerror(errno));
}

void Guardian::spawn() {
    started_ = Clock::now();
    if (!start_process()) {
        pause_ = std::max(pause_, kFirstPause);
        spawn_later();
        return;
    }
    event_ = api_->io_new(
        api_, socket_, PA_IO_EVENT_INPUT,
        [](pa_mainloop_api *, pa_io_event *, int, pa_io_event_flags_t flags, void *data) noexcept {
            auto &guardian = *static_cast<Guardian *>(data);
            io::guarded(guardian.changed_, [&] { guardian.receive(flags); });
        },
        this);
    // If the guardian has already died, the first send() closes the socket and calls reap().
    send(default_message_);
    send(module_message_);
}

bool Guardian::start_process() {
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) != 0) {
        error_ = std::string("no socket for ") + kName + ": " + std::strerror(errno);
        return false;
    }
    posix_spawn_file_actions_t files;
    posix_spawnattr_t how;
    posix_spawn_file_actions_init(&files);
    posix_spawnattr_init(&how);
    // The socket becomes the guardian's standard input, which stays open after exec.
    posix_spawn_file_actions_adddup2(&files, ends[1], STDIN_FILENO);
    sigset_t none;
    sigemptyset(&none);
    posix_spawnattr_setsigmask(&how, &none);
    // In a session of its own, the guardian gets no signals from the program's terminal or shell.
    posix_spawnattr_setflags(&how, POSIX_SPAWN_SETSID | POSIX_SPAWN_SETSIGMASK);

    std::string name = kName;
    char *arguments[] = {name.data(), nullptr};
    pid_t process = -1;
    const int failure =
        posix_spawn(&process, executable_.c_str(), &files, &how, arguments, environ);
    posix_spawnattr_destroy(&how);
    posix_spawn_file_actions_destroy(&files);
    close(ends[1]);
    if (failure != 0) {
        close(ends[0]);
        error_ = "cannot start " + executable_ + ": " + std::strerror(failure);
        return false;
    }
    process_ = process;
    socket_ = ends[0];
    return true;
}

void Guardian::receive(pa_io_event_flags_t flags) {
    char message[kPacketBytes];
    const ssize_t size = recv(socket_, message, sizeof message, MSG_DONTWAIT);
    if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET)) return;
    if (size <= 0) {
        if (size < 0 || (flags & PA_IO_EVENT_HANGUP) != 0) lost("it has ended");
        return;
    }
    if (watching_ || std::string(message, static_cast<std::size_t>(size)) != "ready") return;
    watching_ = true;
    error_.clear();
    changed_();
}

void Guardian::lost(std::string why) {
    // Kill it before its socket closes.  A guardian that hangs might otherwise wake up later and
    // unload the module that we still use.
    kill(process_, SIGKILL);
    close_socket();
    watching_ = false;
    error_ = std::string(kName) + ": " + std::move(why);
    reap();
    changed_();
}

void Guardian::close_socket() noexcept {
    if (event_ != nullptr) api_->io_free(event_);
    event_ = nullptr;
    if (socket_ >= 0) close(socket_);
    socket_ = -1;
}

void Guardian::reap() {
    if (!has_ended(process_)) {
        reap_again_.in(kReapEvery);
        return;
    }
    process_ = -1;
    if (Clock::now() - started_ >= kShortLife) pause_ = milliseconds(0);
    spawn_later();
}

void Guardian::spawn_later() {
    spawn_again_.in(pause_);
    pause_ = std::clamp(2 * pause_, kFirstPause, kLongestPause);
}

}  // namespace entrain::pulse
