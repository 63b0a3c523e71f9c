// entrain-guardian: cleans up a PulseAudio server after Entrain has died.
//
// On PulseAudio the device Entrain is a module, which outlives the program that loaded it.  So the
// program starts this small process, which connects to the server and sleeps.  Its standard input
// is a SOCK_SEQPACKET socket to the program, with one message in a packet:
//
//   in   "module <index>"   index of the program's null sink; "none" without a null sink; "loading"
//                           while the server may be loading it
//        "default <name>"   the sink to make the default again; without a name the server chooses
//   out  "ready"            once the guardian is connected to the server
//
// When the program ends for any reason, the socket closes.  The guardian then waits until the server
// has noticed the end, too, and has dropped what the program still plays: a player that moves to the
// device earlier would sound twice there.  It sets the default first and unloads the module
// afterwards, so that players move only once.
//
// Single-threaded, without the C++ library, which would need more memory than everything else.
#include <pulse/pulseaudio.h>

#include <cctype>
#include <cerrno>
#include <csignal>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <initializer_list>

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

namespace {

constexpr std::size_t kPacketBytes = 600;
// The program may have died before the server read its request to load the module.
constexpr int kLooks = 5;
constexpr pa_usec_t kLookAgainUs = 100'000;
// The kernel closes the program's connections one after the other, sometimes over several ms.  A
// program that lives on and only gave up its device is waited for in vain.
constexpr pa_usec_t kLongestWaitUs = 500'000;
constexpr pa_usec_t kWaitUs = 2'000;

struct Guardian {
    pa_mainloop *loop = nullptr;
    pa_mainloop_api *api = nullptr;
    pa_context *context = nullptr;
    long owner = 0;  // the program's process id
    bool ready = false;

    // Messages from the program.
    bool may_have_module = true;
    std::uint32_t told = PA_INVALID_INDEX;
    char fallback[kPacketBytes + 1] = "";

    // Answers of the server after the program's end.
    bool alone = false;
    pa_usec_t end_of_wait = 0;
    bool is_connected = false;  // the program, to the server
    int looks = 0;
    std::uint32_t module = PA_INVALID_INDEX;
    char default_name[kPacketBytes + 1] = "";
    bool is_default = false;
};

// ---- text -------------------------------------------------------------------------------------

bool in_word(char c) {
    return std::isalnum(static_cast<unsigned char>(c)) != 0 || std::strchr("._-", c) != nullptr;
}

// Whether a module's argument contains this text, but not as part of a longer word.
bool has(const char *argument, const char *text) {
    const std::size_t size = std::strlen(text);
    for (const char *at = argument; (at = std::strstr(at, text)) != nullptr; ++at) {
        const bool begins = at == argument || !in_word(at[-1]);
        const bool ends = at[size] == '\0' || !in_word(at[size]);
        if (begins && ends) return true;
    }
    return false;
}

bool is_name(const char *text) {
    if (*text == '\0') return false;
    for (; *text != '\0'; ++text)
        if (!in_word(*text)) return false;
    return true;
}

// Parses a text of digits only; PA_INVALID_INDEX for any other text.
std::uint32_t parse_index(const char *text) {
    if (*text == '\0' || std::strspn(text, "0123456789") != std::strlen(text))
        return PA_INVALID_INDEX;
    errno = 0;
    const unsigned long value = std::strtoul(text, nullptr, 10);
    return errno == 0 && value < PA_INVALID_INDEX ? static_cast<std::uint32_t>(value)
                                                  : PA_INVALID_INDEX;
}

// The rest of a message that begins with `word`, or null.
const char *after(const char *message, const char *word) {
    const std::size_t size = std::strlen(word);
    return std::strncmp(message, word, size) == 0 ? message + size : nullptr;
}

// Handles a message; ignores unknown ones.
void understand(Guardian &self, const char *message) {
    if (const char *name = after(message, "default ")) {
        if (*name == '\0' || is_name(name)) std::strcpy(self.fallback, name);
    } else if (const char *module = after(message, "module ")) {
        const std::uint32_t index = parse_index(module);
        const bool none = std::strcmp(module, "none") == 0;
        if (index == PA_INVALID_INDEX && !none && std::strcmp(module, "loading") != 0) return;
        self.may_have_module = !none;
        self.told = index;
    }
}

// ---- cleaning ---------------------------------------------------------------------------------

void clean(Guardian &self);

// Leaves an operation to its callback.  If the answer never comes, the connection is lost, and that
// ends the guardian.
void forget(pa_operation *operation) {
    if (operation != nullptr) pa_operation_unref(operation);
}

void done(pa_context *, int, void *data) {
    pa_mainloop_quit(static_cast<Guardian *>(data)->loop, EXIT_SUCCESS);
}

void heard_default(pa_context *, const pa_server_info *info, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    if (info == nullptr || info->default_sink_name == nullptr) return;
    std::snprintf(self.default_name, sizeof self.default_name, "%s", info->default_sink_name);
}

void heard_module(pa_context *, const pa_module_info *info, int, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    if (info == nullptr || info->argument == nullptr) return;
    // A restarted server uses the indices for other modules.
    if (std::strcmp(info->name, "module-null-sink") != 0) return;
    if (!has(info->argument, "sink_name=entrain")) return;
    char mark[40];
    std::snprintf(mark, sizeof mark, "entrain.pid=%ld", self.owner);
    if (info->index == self.told) self.module = info->index;
    if (self.module == PA_INVALID_INDEX && has(info->argument, mark)) self.module = info->index;
}

void clean_again(pa_mainloop_api *api, pa_time_event *timer, const timeval *, void *data) {
    api->time_free(timer);
    clean(*static_cast<Guardian *>(data));
}

void clean_later(Guardian &self, pa_usec_t pause_us) {
    pa_context_rttime_new(self.context, pa_rtclock_now() + pause_us, clean_again, &self);
}

void heard_sink(pa_context *context, const pa_sink_info *info, int end, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    if (end == 0) {
        self.is_default |= self.module != PA_INVALID_INDEX && info->owner_module == self.module &&
                           std::strcmp(info->name, self.default_name) == 0;
        return;
    }
    if (self.module != PA_INVALID_INDEX) {
        // If the fallback does not exist (any more), the server refuses it and chooses a default.
        if (self.is_default && self.fallback[0] != '\0')
            forget(pa_context_set_default_sink(context, self.fallback, nullptr, nullptr));
        forget(pa_context_unload_module(context, self.module, done, &self));
    } else if (self.told == PA_INVALID_INDEX && ++self.looks < kLooks) {
        clean_later(self, kLookAgainUs);
    } else {
        pa_mainloop_quit(self.loop, EXIT_SUCCESS);
    }
}

void heard_client(pa_context *context, const pa_client_info *info, int end, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    if (end == 0) {
        const char *process = pa_proplist_gets(info->proplist, PA_PROP_APPLICATION_PROCESS_ID);
        self.is_connected |= process != nullptr && std::strtol(process, nullptr, 10) == self.owner;
        return;
    }
    if (self.is_connected && pa_rtclock_now() < self.end_of_wait) {
        clean_later(self, kWaitUs);
        return;
    }
    // The server answers in this order.
    forget(pa_context_get_server_info(context, heard_default, &self));
    forget(pa_context_get_module_info_list(context, heard_module, &self));
    forget(pa_context_get_sink_info_list(context, heard_sink, &self));
}

void clean(Guardian &self) {
    self.is_connected = false;
    forget(pa_context_get_client_info_list(self.context, heard_client, &self));
}

// ---- events -----------------------------------------------------------------------------------

void heard_program(pa_mainloop_api *api, pa_io_event *event, int socket,
                   pa_io_event_flags_t flags, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    char message[kPacketBytes + 1];
    const ssize_t size = recv(socket, message, kPacketBytes, MSG_DONTWAIT | MSG_TRUNC);
    // ECONNRESET: the program died with unread messages.  Its own messages are still to come.
    if (size < 0 && (errno == EAGAIN || errno == EINTR || errno == ECONNRESET)) return;
    if (size > 0 || (size == 0 && (flags & PA_IO_EVENT_HANGUP) == 0)) {
        const auto bytes = static_cast<std::size_t>(size);
        if (bytes > kPacketBytes) return;
        message[bytes] = '\0';
        if (std::strlen(message) == bytes) understand(self, message);
        return;
    }
    api->io_free(event);
    self.alone = true;
    self.end_of_wait = pa_rtclock_now() + kLongestWaitUs;
    if (!self.may_have_module) {
        pa_mainloop_quit(self.loop, EXIT_SUCCESS);
        return;
    }
    if (pa_context_get_state(self.context) == PA_CONTEXT_READY) clean(self);
}

void heard_server(pa_context *context, void *data) {
    auto &self = *static_cast<Guardian *>(data);
    switch (pa_context_get_state(context)) {
        case PA_CONTEXT_READY:
            self.ready = true;
            send(STDIN_FILENO, "ready", 5, MSG_NOSIGNAL | MSG_DONTWAIT);
            if (self.alone) clean(self);
            break;
        case PA_CONTEXT_FAILED:
        case PA_CONTEXT_TERMINATED:
            // A server that ends takes the module with it.
            pa_mainloop_quit(self.loop, self.ready ? EXIT_SUCCESS : EXIT_FAILURE);
            break;
        default:
            break;
    }
}

// ---- start ------------------------------------------------------------------------------------

int fail(const char *what, const char *why) {
    std::fprintf(stderr, "entrain-guardian: %s: %s\n", what, why);
    return EXIT_FAILURE;
}

// Ignore all signals; only the program's end ends the guardian.  Release inherited resources.
void detach() {
    for (const int number : {SIGINT, SIGTERM, SIGHUP, SIGPIPE}) std::signal(number, SIG_IGN);
    const int nowhere = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (nowhere >= 0) dup2(nowhere, STDOUT_FILENO);
#ifdef SYS_close_range
    syscall(SYS_close_range, STDERR_FILENO + 1, ~0U, 0);
#endif
    if (chdir("/") != 0) return;  // at worst, a folder stays in use
}

}  // namespace

int main() {
    // The process that created the socket; unlike getppid(), this holds even after its death.
    ucred program{};
    socklen_t size = sizeof program;
    if (getsockopt(STDIN_FILENO, SOL_SOCKET, SO_PEERCRED, &program, &size) != 0)
        return fail("start Entrain instead of the guardian", std::strerror(errno));
    detach();

    Guardian self;
    self.owner = program.pid;
    self.loop = pa_mainloop_new();
    if (self.loop == nullptr) return fail("cannot start", "out of memory");
    self.api = pa_mainloop_get_api(self.loop);
    self.context = pa_context_new(self.api, "Entrain guardian");
    if (self.context == nullptr) return fail("cannot start", "out of memory");
    self.api->io_new(self.api, STDIN_FILENO, PA_IO_EVENT_INPUT, heard_program, &self);
    pa_context_set_state_callback(self.context, heard_server, &self);
    if (pa_context_connect(self.context, nullptr, PA_CONTEXT_NOAUTOSPAWN, nullptr) < 0)
        return fail("no sound server", pa_strerror(pa_context_errno(self.context)));

    int result = EXIT_FAILURE;
    pa_mainloop_run(self.loop, &result);
    if (result != EXIT_SUCCESS)
        fail("no sound server", pa_strerror(pa_context_errno(self.context)));
    return result;
}
