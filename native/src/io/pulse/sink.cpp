#include "io/pulse/sink.h"

#include <chrono>
#include <csignal>
#include <cstdlib>
#include <cstring>
#include <utility>

#include <unistd.h>

namespace entrain::pulse {

namespace {

constexpr const char *kModule = "module-null-sink";
constexpr int kMostLooks = 50;
constexpr auto kLookAgain = std::chrono::milliseconds(5);
constexpr const char *kOwner = "entrain.pid=";

// The process that loaded this module as an Entrain sink; 0 for other modules.
pid_t owner(const pa_module_info &info) {
    if (std::strcmp(info.name, kModule) != 0 || info.argument == nullptr) return 0;
    if (std::strstr(info.argument, "sink_name=entrain ") != info.argument) return 0;
    const char *pid = std::strstr(info.argument, kOwner);
    return pid != nullptr ? static_cast<pid_t>(std::strtol(pid + std::strlen(kOwner), nullptr, 10))
                          : 0;
}

bool lives(pid_t process) { return process != getpid() && kill(process, 0) == 0; }

}  // namespace

Sink::Sink(pa_context *context, pa_mainloop_api *api, std::uint32_t rate_hz,
           io::Notify changed)
    : context_(context),
      rate_hz_(rate_hz),
      changed_(std::move(changed)),
      look_again_(context, api, changed_.calling([this] { look_for_name(); })) {
    look_for_others();
}

void Sink::look_for_others() {
    forget(pa_context_get_module_info_list(
        context_,
        [](pa_context *, const pa_module_info *info, int, void *data) noexcept {
            auto &self = *static_cast<Sink *>(data);
            io::guarded(self.changed_, [&] {
                if (info != nullptr) return self.seen(*info);
                for (const std::uint32_t module : self.left_behind_)
                    forget(pa_context_unload_module(self.context_, module, nullptr, nullptr));
                self.look_for_name();
            });
        },
        this));
}

void Sink::seen(const pa_module_info &info) {
    const pid_t process = owner(info);
    if (process == 0) return;
    if (lives(process))
        error_ = "another Entrain (process " + std::to_string(process) + ") uses this sound server";
    else
        left_behind_.push_back(info.index);
}

// If the name is taken, the server would give our sink another name.  The server reports a module
// as unloaded before its sink is gone, so look again for a while.
void Sink::look_for_name() {
    if (!error_.empty()) return changed_();
    is_taken_ = false;
    forget(pa_context_get_sink_info_by_name(
        context_, kSinkName,
        [](pa_context *, const pa_sink_info *info, int, void *data) noexcept {
            auto &self = *static_cast<Sink *>(data);
            io::guarded(self.changed_, [&] { self.named(info); });
        },
        this));
}

void Sink::named(const pa_sink_info *info) {
    if (info != nullptr) {
        is_taken_ = true;
        return;
    }
    if (!is_taken_) return load();
    if (++looks_ < kMostLooks) return look_again_.in(kLookAgain);
    error_ = "another device on this sound server has the name \"entrain\"; rename or remove it";
    changed_();
}

void Sink::load() {
    // Without `norewinds`, a null sink renders up to 2 s ahead.  Older servers do not know this
    // option.  Float samples keep their precision at low volumes and do not clip above 100 %.
    const std::string arguments =
        std::string("sink_name=") + kSinkName + " format=float32le channels=2 " +
        "channel_map=front-left,front-right rate=" + std::to_string(rate_hz_) +
        (no_rewinds_ ? " norewinds=1" : "") +
        " sink_properties='device.description=Entrain device.icon_name=entrain " + kOwner +
        std::to_string(getpid()) + "'";
    forget(pa_context_load_module(
        context_, kModule, arguments.c_str(),
        [](pa_context *, std::uint32_t module, void *data) noexcept {
            auto &self = *static_cast<Sink *>(data);
            io::guarded(self.changed_, [&] { self.loaded(module); });
        },
        this));
}

void Sink::loaded(std::uint32_t module) {
    module_ = module;
    const int error = pa_context_errno(context_);
    if (module == PA_INVALID_INDEX && error == PA_ERR_MODINITFAILED && no_rewinds_) {
        no_rewinds_ = false;
        return load();
    }
    if (module == PA_INVALID_INDEX)
        error_ = error == PA_ERR_ACCESS
                     ? "the sound server does not allow programs to add a device"
                     : std::string("the sound server cannot add a device: ") + pa_strerror(error);
    changed_();
}

void Sink::unload() {
    if (module_ == PA_INVALID_INDEX) {
        unloaded_ = true;
        return;
    }
    forget(pa_context_unload_module(
        context_, std::exchange(module_, PA_INVALID_INDEX),
        [](pa_context *, int, void *data) noexcept {
            auto &self = *static_cast<Sink *>(data);
            io::guarded(self.changed_, [&] {
                self.unloaded_ = true;
                self.changed_();
            });
        },
        this));
}

}  // namespace entrain::pulse
