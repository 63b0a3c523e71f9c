// Which sink the session manager has been told to use, and which one it uses.
#pragma once

#include "io/pipewire/graph.h"
#include "io/pipewire/pw.h"

#include <functional>
#include <memory>
#include <string>

namespace entrain::pipewire {

// The metadata object belongs to the session manager: it goes when that one dies and comes back,
// under another number, when it is started again.
class DefaultSink {
public:
    explicit DefaultSink(std::function<void()> changed) : changed_(std::move(changed)) {}

    void came(pw_proxy *registry, Id id);
    void gone(Id id);
    // Bind anew if nothing has been heard yet: WirePlumber 0.4 sometimes tells one that binds
    // while it starts nothing at all.
    void ask_again(pw_proxy *registry);

    const std::string &configured() const noexcept { return configured_; }
    const std::string &effective() const noexcept { return effective_; }

private:
    struct Watch {
        Proxy proxy;
        Hook hook;
    };
    void set(Id subject, const char *key, const char *value);

    std::function<void()> changed_;
    Id id_ = kNoId;
    std::unique_ptr<Watch> watch_;
    std::string configured_;
    std::string effective_;
};

}  // namespace entrain::pipewire
