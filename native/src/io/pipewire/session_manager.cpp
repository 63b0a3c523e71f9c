#include "io/pipewire/session_manager.h"

#include "io/pipewire/client/properties.h"

#include <cstdlib>

namespace entrain::pipewire {

namespace {

// WirePlumber has smart filters since 0.5, and reports its version since then.
bool has_filters(const std::string &version) {
    char *rest = nullptr;
    const long major = std::strtol(version.c_str(), &rest, 10);
    const long minor = *rest == '.' ? std::strtol(rest + 1, nullptr, 10) : 0;
    return major > 0 || minor >= 5;
}

}  // namespace

void SessionManager::came(pw_proxy *registry, Id client) {
    static const pw_client_events kEvents = [] {
        pw_client_events table{};
        table.version = PW_VERSION_CLIENT_EVENTS;
        table.info = [](void *self, const pw_client_info *info) noexcept {
            auto &manager = *static_cast<SessionManager *>(self);
            io::guarded(manager.changed_, [&] { manager.introduce(info->props); });
        };
        return table;
    }();
    gone(client_id_);
    client_ = bind(registry, client, PW_TYPE_INTERFACE_Client, PW_VERSION_CLIENT);
    if (!client_) return;
    client_id_ = client;
    listen(client_.get(), client_hook_, &kEvents, this);
}

void SessionManager::filters_came(pw_proxy *registry, Id metadata) {
    filters_ = bind(registry, metadata, PW_TYPE_INTERFACE_Metadata, PW_VERSION_METADATA);
    filters_id_ = metadata;
    set_for_ = kNoId;
    changed_();
}

void SessionManager::gone(Id id) {
    if (id == kNoId) return;
    if (id == client_id_) {
        client_id_ = kNoId;
        client_hook_.remove();
        client_.reset();
        name_.clear();
        known_ = false;
    }
    if (id == filters_id_) {
        filters_id_ = set_for_ = kNoId;
        filters_.reset();
    }
    if (id == set_for_) set_for_ = kNoId;
}

std::int32_t SessionManager::has_smart_filters() const noexcept {
    if (filters_) return 1;
    return known_ && !can_ ? 0 : -1;
}

void SessionManager::set_smart(Id sink, bool smart) {
    if (!filters_ || sink == kNoId) return;
    if (is_smart(sink) == smart) return;
    set_metadata(filters_.get(), sink, "filter.smart", "Spa:String:JSON",
                 smart ? "true" : "false");
    set_for_ = sink;
    smart_ = smart;
}

void SessionManager::introduce(const spa_dict *properties) {
    if (properties == nullptr) return;
    const std::string name = text(properties, PW_KEY_APP_NAME);
    const std::string version = text(properties, PW_KEY_APP_VERSION);
    const bool is_wireplumber = name.rfind("WirePlumber", 0) == 0;
    if (!version.empty())
        name_ = name + " " + version;
    else
        name_ = is_wireplumber ? name + " (before 0.5)" : name;
    can_ = is_wireplumber && has_filters(version);
    known_ = true;
    changed_();
}

}  // namespace entrain::pipewire
