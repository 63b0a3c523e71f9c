#include "io/pipewire/connection.h"

#include "io/pipewire/client/properties.h"

#include <cerrno>
#include <cstdint>
#include <cstdlib>
#include <mutex>
#include <utility>

#include <sched.h>

namespace entrain::pipewire {

namespace {

constexpr long kLongestAnswerNs = 1'500'000'000;

// The three numbers of a version such as "1.4.2"; missing numbers are 0.
Version parsed(const char *text) noexcept {
    Version version{};
    for (long &part : version) {
        char *rest = nullptr;
        part = std::strtol(text, &rest, 10);
        if (*rest != '.') break;
        text = rest + 1;
    }
    return version;
}

// The configuration with which the data thread asks for real-time priority: a separate file before
// 1.3.81, the default file since.  Without permission, the thread keeps its ordinary priority.
const char *realtime_config() noexcept {
    return parsed(pw_get_library_version()) >= Version{1, 3, 0} ? "client.conf" : "client-rt.conf";
}

}  // namespace

std::unique_ptr<Connection> Connection::open() {
    // pw_deinit() is never called: other code in this process may use the library too.
    static std::once_flag once;
    std::call_once(once, [] { pw_init(nullptr, nullptr); });

    std::unique_ptr<Connection> self(new Connection);
    self->thread_.reset(pw_thread_loop_new("entrain-pw", nullptr));
    if (!self->thread_) return nullptr;
    self->context_.reset(
        pw_context_new(self->loop(), properties({{PW_KEY_CONFIG_NAME, realtime_config()}}), 0));
    if (!self->context_) return nullptr;
    self->core_.reset(pw_context_connect(
        self->context_.get(),
        properties({{PW_KEY_APP_NAME, "Entrain"}, {PW_KEY_APP_ICON_NAME, "entrain"}}), 0));
    return self->core_ ? std::move(self) : nullptr;
}

Connection::~Connection() {
    if (thread_) stop();
}

void Connection::on_news(io::Notify back_end) {
    static const pw_core_events kEvents = [] {
        pw_core_events table{};
        table.version = PW_VERSION_CORE_EVENTS;
        table.info = [](void *self, const pw_core_info *info) noexcept {
            auto &connection = *static_cast<Connection *>(self);
            io::guarded(*connection.back_end_, [&] {
                if (info->version == nullptr) return;
                connection.version_ = parsed(info->version);
                (*connection.back_end_)();
            });
        };
        table.error = [](void *self, std::uint32_t id, int, int result, const char *) noexcept {
            auto &connection = *static_cast<Connection *>(self);
            if (id == PW_ID_CORE && result == -EPIPE) connection.lost("the sound server is gone");
        };
        table.done = [](void *self, std::uint32_t id, int sequence) noexcept {
            auto &connection = *static_cast<Connection *>(self);
            io::guarded(*connection.back_end_, [&] {
                if (id != PW_ID_CORE) return;
                connection.answered_ = sequence;
                if (sequence == connection.demanded_) connection.deadline_->stop();
                pw_thread_loop_signal(connection.thread(), false);
            });
        };
        return table;
    }();
    back_end_.emplace(std::move(back_end));
    deadline_.emplace(loop(), Source::timer(loop(), [](void *self, std::uint64_t) noexcept {
                          auto &connection = *static_cast<Connection *>(self);
                          // If this thread itself was stopped, the answer may still be unread.  So
                          // ask once more before giving up.
                          if (!std::exchange(connection.demanded_again_, true))
                              return connection.ask_for_answer();
                          connection.lost("the sound server no longer answers");
                      }, this));
    listen(core_.get(), hook_, &kEvents, this);
}

void Connection::lost(const char *why) noexcept {
    is_lost_ = true;
    pw_thread_loop_signal(thread(), false);
    back_end_->lost(why);
}

void Connection::demand_answer() noexcept {
    demanded_again_ = false;
    ask_for_answer();
}

void Connection::ask_for_answer() noexcept {
    demanded_ = pw_core_sync(core_.get(), PW_ID_CORE, 0);
    deadline_->after(kLongestAnswerNs);
}

bool Connection::round_trip() noexcept {
    asked_ = pw_core_sync(core_.get(), PW_ID_CORE, 0);
    while (!is_lost_ && answered_ != asked_)
        if (pw_thread_loop_timed_wait(thread(), 1) != 0) return false;
    return !is_lost_;
}

bool Connection::realtime() const noexcept {
    // Runs on the data thread between two cycles.  pthread_getschedparam() from this thread would
    // not see the priority that rtkit, another process, has set.
    const auto look = [](spa_loop *, bool, std::uint32_t, const void *, std::size_t,
                         void *) noexcept { return sched_getscheduler(0) & ~SCHED_RESET_ON_FORK; };
    pw_data_loop *data = pw_context_get_data_loop(context_.get());
    if (data == nullptr) return false;  // cycles run on the loop's ordinary thread
    const int policy = pw_data_loop_invoke(data, look, 0, nullptr, 0, true, nullptr);
    return policy == SCHED_FIFO || policy == SCHED_RR;
}

}  // namespace entrain::pipewire
