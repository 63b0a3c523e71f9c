// The default sink: the configured one and the one in effect; and the targets that streams have in
// the session manager's metadata.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/loop.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"
#include "io/pipewire/ways.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrain::pipewire {

// The metadata object belongs to the session manager.  It vanishes when the session manager dies,
// and comes back under another number when the session manager is restarted.
class DefaultSink {
public:
    DefaultSink(pw_loop *loop, io::Notify changed);

    void came(pw_proxy *registry, Id id);
    void gone(Id id);
    // Whether `id` is the metadata object.
    bool owns(Id id) const noexcept { return id != kNoId && id == id_; }
    // Read the metadata once more, in half a second.  PipeWire 0.3 does not report a change to
    // existing clients if it happens while a new client reads the metadata.  WirePlumber 0.4
    // sometimes reports nothing to a client that binds during its start; then more reads follow.
    void look_again() noexcept;

    // Configure a default; "" removes the configured one.  Returns false without a session manager.
    bool configure(const std::string &name);

    const std::string &configured() const noexcept { return values_.configured; }
    const std::string &effective() const noexcept { return values_.effective; }
    // Whether Entrain configured the default.  False as well when the user has chosen the same sink
    // after Entrain did.
    bool is_ours() const noexcept { return values_.is_ours; }
    // Counts the session managers that have appeared, so that a caller notices a restart between
    // two readings.
    std::uint32_t session_managers() const noexcept { return session_managers_; }

    const Aims &aims() const noexcept { return aims_; }
    // Send a stream to a device; "" takes this back.  A second metadata key records the pin, so
    // that a later Entrain can tell it from the user's own choice.
    void pin(Id stream, const std::string &device);
    void unpin_all();
    bool has_pins() const noexcept;

private:
    static constexpr long kPatienceNs = 500'000'000;
    static constexpr int kLooks = 20;

    struct Values {
        std::string configured;
        std::string effective;
        bool is_ours = false;
    };
    // One binding to the metadata.  A new binding replaces the former once it has all values.
    struct Watch {
        DefaultSink *owner;
        Proxy proxy;
        Hook metadata;
        Hook done;
        Values values;
    };
    void ask_soon() noexcept;
    void look();
    void bind_anew();
    void set(Watch &watch, Id subject, const char *key, const char *value);
    void set_aim(Id stream, const std::string &key, const std::string &value);
    void write(Id stream, const char *key, const char *value);
    void complete(Watch &watch);

    io::Notify changed_;
    Source timer_;
    // Further requests do not postpone the timer: it fires even if apps come and go all the time.
    bool is_due_ = false;
    bool asked_since_ = false;
    int looks_left_ = 0;
    std::uint32_t session_managers_ = 0;
    pw_proxy *registry_ = nullptr;
    Id id_ = kNoId;
    std::unique_ptr<Watch> watch_;
    std::unique_ptr<Watch> coming_;
    Values values_;
    Aims aims_;
};

}  // namespace entrain::pipewire
