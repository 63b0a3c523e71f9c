// Our device: a null sink, which exists on the server until its module is unloaded.
#pragma once

#include "io/notify.h"
#include "io/pulse/client/pulse.h"
#include "io/pulse/timer.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrain::pulse {

class Sink {
public:
    // Remove sinks that a crashed Entrain has left behind, then create our sink.  Calls `changed`
    // when this is done or has failed.
    Sink(pa_context *context, pa_mainloop_api *api, std::uint32_t rate_hz, io::Notify changed);

    // The sink's module, or PA_INVALID_INDEX.
    std::uint32_t module() const noexcept { return module_; }
    // The reason why the sink cannot be created, as one line; or "".
    const std::string &error() const noexcept { return error_; }

    // Remove the sink.  Calls `changed` when it is gone.
    void unload();
    bool unloaded() const noexcept { return unloaded_; }

private:
    void look_for_others();
    void seen(const pa_module_info &info);
    void look_for_name();
    void named(const pa_sink_info *info);
    void load();
    void loaded(std::uint32_t module);

    pa_context *context_;
    std::uint32_t rate_hz_;
    io::Notify changed_;
    Timer look_again_;
    bool no_rewinds_ = true;
    bool unloaded_ = false;
    std::uint32_t module_ = PA_INVALID_INDEX;
    std::string error_;
    std::vector<std::uint32_t> left_behind_;
    int looks_ = 0;
    bool is_taken_ = false;
};

}  // namespace entrain::pulse
