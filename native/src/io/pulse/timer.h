// A timer on the loop's thread.
#pragma once

#include "io/notify.h"
#include "io/pulse/client/pulse.h"

#include <chrono>

namespace entrain::pulse {

class Timer {
public:
    Timer(pa_context *context, pa_mainloop_api *api, io::Notify fire);
    ~Timer();
    Timer(const Timer &) = delete;
    Timer &operator=(const Timer &) = delete;

    // Fire once after this time.  Restarts a running timer.
    void in(std::chrono::microseconds delay);
    void stop();

private:
    pa_context *context_;
    pa_mainloop_api *api_;
    io::Notify fire_;
    pa_time_event *event_;
};

}  // namespace entrain::pulse
