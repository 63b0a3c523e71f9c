// The session manager, which decides what is linked to what; and whether it supports smart filters:
// hidden sinks between a device and the players that play on it.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"

#include <cstdint>
#include <string>
#include <utility>

namespace entrain::pipewire {

class SessionManager {
public:
    explicit SessionManager(io::Notify changed) : changed_(std::move(changed)) {}

    // `client` owns the defaults, so it is the session manager.
    void came(pw_proxy *registry, Id client);
    // `metadata` controls the smart filters.
    void filters_came(pw_proxy *registry, Id metadata);
    // `id` is any object that the server has removed.
    void gone(Id id);
    // Whether `id` is the metadata object that controls the smart filters.
    bool owns(Id id) const noexcept { return id != kNoId && id == filters_id_; }

    // "WirePlumber 0.5.8", or "".
    const std::string &name() const noexcept { return name_; }
    // 1 if it has, 0 if it has not, -1 until this is known.
    std::int32_t has_smart_filters() const noexcept;

    // Make the sink a smart filter, or an ordinary sink again.  The server drops this setting
    // together with the sink, even if we crash.
    void set_smart(Id sink, bool smart);
    bool is_smart(Id sink) const noexcept { return smart_ && sink != kNoId && sink == set_for_; }

private:
    void introduce(const spa_dict *properties);

    io::Notify changed_;
    Id client_id_ = kNoId;
    Proxy client_;
    Hook client_hook_;
    std::string name_;
    bool known_ = false;
    bool can_ = false;  // its version supports smart filters
    Id filters_id_ = kNoId;
    Proxy filters_;
    Id set_for_ = kNoId;  // the sink for which `smart_` is set
    bool smart_ = false;
};

}  // namespace entrain::pipewire
