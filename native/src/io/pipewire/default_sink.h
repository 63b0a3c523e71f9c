// Which sink the session manager has been told to use, and which one it uses; and where it has
// been told to link streams.
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

// The metadata object belongs to the session manager: it goes when that one dies and comes back,
// under another number, when it is started again.
class DefaultSink {
public:
    DefaultSink(pw_loop *loop, io::Notify changed);

    void came(pw_proxy *registry, Id id);
    void gone(Id id);
    // Whether it is the metadata object.
    bool owns(Id id) const noexcept { return id != kNoId && id == id_; }
    // Ask once more, half a second from now.  PipeWire 0.3 keeps a change from all that are there
    // while it tells a newcomer what there is; and WirePlumber 0.4 sometimes tells one that binds
    // while it starts nothing at all: then more looks follow.
    void look_again() noexcept;

    // Configure a default, or with "" none.  False where there is no session manager to do it.
    bool configure(const std::string &name);

    const std::string &configured() const noexcept { return values_.configured; }
    const std::string &effective() const noexcept { return values_.effective; }
    // Whether it was us who configured it: else also where somebody has chosen what it was already.
    bool is_ours() const noexcept { return values_.is_ours; }
    // How many have come; who looks late may never see that there was none in between.
    std::uint32_t session_managers() const noexcept { return session_managers_; }

    const Aims &aims() const noexcept { return aims_; }
    // Send a stream to a device, or, with "", take that back.  It is written down beside it, so
    // that whoever comes after us can tell it from a choice of the user's.
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
    // One binding.  A later one takes the place of the former when it has been told everything.
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
    // Put off by nobody who asks again: where programs come and go all the time, it still fires.
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
