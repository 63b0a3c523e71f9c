#include "io/pipewire/default_sink.h"

namespace entrain::pipewire {

void DefaultSink::came(pw_proxy *registry, Id id) {
    static const pw_metadata_events kEvents = [] {
        pw_metadata_events table{};
        table.version = PW_VERSION_METADATA_EVENTS;
        table.property = [](void *self, std::uint32_t subject, const char *key, const char *,
                            const char *value) noexcept {
            static_cast<DefaultSink *>(self)->set(subject, key, value);
            return 0;
        };
        return table;
    }();
    watch_.reset();
    configured_.clear();
    effective_.clear();
    auto watch = std::make_unique<Watch>();
    watch->proxy = bind(registry, id, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA);
    if (!watch->proxy) return;
    listen(watch->proxy.get(), watch->hook, &kEvents, this);
    watch_ = std::move(watch);
    id_ = id;
    changed_();
}

void DefaultSink::gone(Id id) {
    if (id == kNoId || id != id_) return;
    watch_.reset();
    id_ = kNoId;
    configured_.clear();
    effective_.clear();
    changed_();
}

void DefaultSink::ask_again(pw_proxy *registry) {
    if (watch_ != nullptr && configured_.empty() && effective_.empty()) came(registry, id_);
}

void DefaultSink::set(Id subject, const char *key, const char *value) {
    if (subject != 0) return;
    const std::string name = value != nullptr ? json_text(value, "name") : "";
    const std::string what = key != nullptr ? key : "";  // no key: everything is cleared
    if (what.empty() || what == "default.configured.audio.sink") configured_ = name;
    if (what.empty() || what == "default.audio.sink") effective_ = name;
    changed_();
}

}  // namespace entrain::pipewire
