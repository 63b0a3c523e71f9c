// The client library's objects as C++ owners.
#pragma once

#include "io/deleter.h"

#include <pulse/pulseaudio.h>

#include <memory>

namespace entrain::pulse {

constexpr const char *kSinkName = "entrain";

using io::Deleter;

using Loop = std::unique_ptr<pa_threaded_mainloop, Deleter<pa_threaded_mainloop_free>>;
using Context = std::unique_ptr<pa_context, Deleter<pa_context_unref>>;
using Properties = std::unique_ptr<pa_proplist, Deleter<pa_proplist_free>>;
using Request = std::unique_ptr<pa_operation, Deleter<pa_operation_unref>>;

// Let a request run without waiting for it.  A request cannot be sent only if the connection is
// lost, and Connection handles this.
inline void forget(pa_operation *request) noexcept { Request(request).reset(); }

// Locks the loop while a [control] thread uses its objects.
class Lock {
public:
    explicit Lock(pa_threaded_mainloop *loop) noexcept : loop_(loop) {
        pa_threaded_mainloop_lock(loop_);
    }
    ~Lock() { pa_threaded_mainloop_unlock(loop_); }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

private:
    pa_threaded_mainloop *loop_;
};

}  // namespace entrain::pulse
