// Who decides what is linked to what, and whether it has smart filters: sinks that stand, unseen,
// between a device and those who play to it.
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

    // The owner of the defaults; the metadata object by which filters are steered; any object.
    void came(pw_proxy *registry, Id client);
    void filters_came(pw_proxy *registry, Id metadata);
    void gone(Id id);
    // Whether it is the metadata object by which filters are steered.
    bool owns(Id id) const noexcept { return id != kNoId && id == filters_id_; }

    // "WirePlumber 0.5.8", or "".
    const std::string &name() const noexcept { return name_; }
    // 1, 0, or -1 before it is known.
    std::int32_t has_smart_filters() const noexcept;

    // Make the sink a smart filter, or an ordinary sink again.  The server forgets it with the
    // sink, however we end.
    void set_smart(Id sink, bool smart);
    bool is_smart(Id sink) const noexcept { return smart_ && sink != kNoId && sink == told_of_; }

private:
    void introduce(const spa_dict *properties);

    io::Notify changed_;
    Id client_id_ = kNoId;
    Proxy client_;
    Hook client_hook_;
    std::string name_;
    bool known_ = false;
    bool can_ = false;  // by its version
    Id filters_id_ = kNoId;
    Proxy filters_;
    Id told_of_ = kNoId;
    bool smart_ = false;
};

}  // namespace entrain::pipewire
