// A timer on the loop's thread.
#pragma once

#include "io/pulse/pulse.h"

#include <functional>

namespace entrain::pulse {

class OneShot {
public:
    OneShot(pa_context *context, pa_mainloop_api *api, std::function<void()> fire);
    ~OneShot();
    OneShot(const OneShot &) = delete;
    OneShot &operator=(const OneShot &) = delete;

    // Fire once from now; a time that was set before no longer counts.
    void in(pa_usec_t delay_us);
    void stop();

private:
    pa_context *context_;
    pa_mainloop_api *api_;
    std::function<void()> fire_;
    pa_time_event *event_;
};

}  // namespace entrain::pulse
