#include "io/pipewire/default_sink.h"

#include "io/pipewire/client/json.h"
#include "io/pipewire/sink.h"

#include <algorithm>
#include <utility>

namespace entrain::pipewire {

namespace {

constexpr const char *kConfigured = "default.configured.audio.sink";
constexpr const char *kTarget = "target.object";
constexpr const char *kOlderTarget = "target.node";
constexpr const char *kPin = "entrain.pin";
constexpr const char *kBy = "by";

}  // namespace

DefaultSink::DefaultSink(pw_loop *loop, io::Notify changed)
    : changed_(std::move(changed)),
      timer_(loop, Source::timer(loop, [](void *self, std::uint64_t) noexcept {
                 auto &defaults = *static_cast<DefaultSink *>(self);
                 io::guarded(defaults.changed_, [&] { defaults.look(); });
             }, this)) {}

void DefaultSink::look_again() noexcept {
    looks_left_ = kLooks;
    ask_soon();
}

void DefaultSink::ask_soon() noexcept {
    if (!is_due_) timer_.after(kPatienceNs);
    asked_since_ = std::exchange(is_due_, true);
}

void DefaultSink::look() {
    is_due_ = false;
    bind_anew();
    if (asked_since_) ask_soon();
}

void DefaultSink::came(pw_proxy *registry, Id id) {
    gone(id_);
    registry_ = registry;
    id_ = id;
    ++session_managers_;
    bind_anew();
    // A new session manager's values count as they arrive: it may take long to send all of them.
    watch_ = std::move(coming_);
    changed_();
}

void DefaultSink::gone(Id id) {
    if (id == kNoId || id != id_) return;
    id_ = kNoId;
    watch_.reset();
    coming_.reset();
    values_ = {};
    aims_.clear();
    changed_();
}

void DefaultSink::bind_anew() {
    static const pw_metadata_events kMetadata = [] {
        pw_metadata_events table{};
        table.version = PW_VERSION_METADATA_EVENTS;
        table.property = [](void *data, std::uint32_t subject, const char *key, const char *,
                            const char *value) noexcept {
            auto &watch = *static_cast<Watch *>(data);
            io::guarded(watch.owner->changed_,
                        [&] { watch.owner->set(watch, subject, key, value); });
            return 0;
        };
        return table;
    }();
    static const pw_proxy_events kDone = [] {
        pw_proxy_events table{};
        table.version = PW_VERSION_PROXY_EVENTS;
        table.done = [](void *data, int) noexcept {
            auto &watch = *static_cast<Watch *>(data);
            io::guarded(watch.owner->changed_, [&] { watch.owner->complete(watch); });
        };
        return table;
    }();
    if (id_ == kNoId) return;
    auto watch = std::make_unique<Watch>();
    watch->owner = this;
    watch->proxy = bind(registry_, id_, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA);
    if (!watch->proxy) return;
    listen(watch->proxy.get(), watch->metadata, &kMetadata, watch.get());
    listen(watch->proxy.get(), watch->done, &kDone, watch.get());
    pw_proxy_sync(watch->proxy.get(), 0);  // the server answers after it has sent all values
    coming_ = std::move(watch);
}

bool DefaultSink::configure(const std::string &name) {
    const Watch *watch = watch_ ? watch_.get() : coming_.get();
    if (watch == nullptr) return false;
    // A server does not report a value that equals the former one.  With this mark the values
    // differ, so we notice when the user chooses the sink that we have configured.
    const std::string value = "{ \"name\": " + json_string(name) + ", \"" + kBy +
                              "\": " + json_string(kSinkName) + " }";
    set_metadata(watch->proxy.get(), 0, kConfigured, name.empty() ? nullptr : "Spa:String:JSON",
                 name.empty() ? nullptr : value.c_str());
    return true;
}

void DefaultSink::set(Watch &watch, Id subject, const char *key, const char *value) {
    if (subject != 0) {
        set_aim(subject, key != nullptr ? key : "", value != nullptr ? value : "");
        return;
    }
    const std::string name = value != nullptr ? json_text(value, "name") : "";
    const std::string what = key != nullptr ? key : "";  // no key: all values are cleared
    if (what.empty() || what == kConfigured) {
        watch.values.configured = name;
        watch.values.is_ours = value != nullptr && json_text(value, kBy) == kSinkName;
    }
    if (what.empty() || what == "default.audio.sink") watch.values.effective = name;
    if (&watch != watch_.get()) return;
    values_ = watch.values;
    changed_();
}

void DefaultSink::set_aim(Id stream, const std::string &key, const std::string &value) {
    const auto found = aims_.find(stream);
    Aim aim = found != aims_.end() ? found->second : Aim{};
    if (key.empty()) aim = {};
    else if (key == kTarget) aim.target_object = value;
    else if (key == kOlderTarget) aim.target_node = value;
    else if (key == kPin) aim.pin = value;
    else return;
    if (aim.target_object.empty() && aim.target_node.empty() && aim.pin.empty())
        aims_.erase(stream);
    else
        aims_[stream] = aim;
    changed_();
}

void DefaultSink::write(Id stream, const char *key, const char *value) {
    set_metadata(watch_->proxy.get(), stream, key, value != nullptr ? "Spa:String" : nullptr,
                 value);
}

// The target is a name, not a number: WirePlumber stores only numbers for an app's next stream.
void DefaultSink::pin(Id stream, const std::string &device) {
    if (!watch_ || !watch_->proxy) return;
    if (!device.empty()) {
        write(stream, kPin, device.c_str());
        write(stream, kTarget, device.c_str());
        return;
    }
    const auto found = aims_.find(stream);
    if (found == aims_.end() || found->second.pin.empty()) return;
    // The user may have moved the stream since.
    const bool ours = found->second.target_object == found->second.pin;
    if (ours) write(stream, kTarget, nullptr);
    write(stream, kPin, nullptr);
}

void DefaultSink::unpin_all() {
    const Aims aims = aims_;
    for (const auto &[stream, aim] : aims)
        if (!aim.pin.empty()) pin(stream, "");
}

bool DefaultSink::has_pins() const noexcept {
    return std::any_of(aims_.begin(), aims_.end(),
                       [](const auto &item) { return !item.second.pin.empty(); });
}

void DefaultSink::complete(Watch &watch) {
    if (&watch != coming_.get()) return;
    watch_ = std::move(coming_);
    values_ = watch_->values;
    // At least our own sink exists, so the session manager has a default and will report it.
    if (values_.effective.empty() && looks_left_-- > 0) ask_soon();
    changed_();
}

}  // namespace entrain::pipewire
