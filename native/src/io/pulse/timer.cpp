#include "io/pulse/timer.h"

#include <utility>

namespace entrain::pulse {

Timer::Timer(pa_context *context, pa_mainloop_api *api, io::Notify fire)
    : context_(context),
      api_(api),
      fire_(std::move(fire)),
      event_(pa_context_rttime_new(
          context, PA_USEC_INVALID,
          [](pa_mainloop_api *, pa_time_event *, const timeval *, void *self) noexcept {
              auto &timer = *static_cast<Timer *>(self);
              io::guarded(timer.fire_, [&] { timer.fire_(); });
          },
          this)) {}

Timer::~Timer() {
    if (event_ != nullptr) api_->time_free(event_);
}

void Timer::in(std::chrono::microseconds delay) {
    const auto delay_us = static_cast<pa_usec_t>(delay.count());
    if (event_ != nullptr) pa_context_rttime_restart(context_, event_, pa_rtclock_now() + delay_us);
}

void Timer::stop() {
    if (event_ != nullptr) pa_context_rttime_restart(context_, event_, PA_USEC_INVALID);
}

}  // namespace entrain::pulse
