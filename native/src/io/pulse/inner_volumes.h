// The volumes that PulseAudio has between our sink and the device: those of our two streams and of
// the sink's monitor.  None of them is to act: the sound has the device's volume.  The server
// restores what somebody has set, at each start.
#pragma once

#include "io/notify.h"
#include "io/pulse/server.h"
#include "io/pulse/timer.h"
#include "io/undo.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

namespace entrain::pulse {

class InnerVolumes {
public:
    // `changed` comes when trouble() has changed.
    InnerVolumes(pa_context *context, pa_mainloop_api *api, io::Notify changed);

    // Look at all of them, and set back what is not as it should be.  The streams' numbers are
    // PA_INVALID_INDEX where there is none.
    void look(std::uint32_t playback, const Device &device, std::uint32_t capture);

    // Which of them somebody keeps changing, and after a semicolon what to do; or empty.
    const std::string &trouble() const noexcept { return trouble_; }

private:
    enum Place : std::size_t { kMonitor, kCapture, kPlayback, kPlaces };

    struct Found {
        bool known = false;
        bool muted = false;
        bool flat = false;  // the volume of a stream here is that of its device as well
        pa_cvolume volume{};
    };

    void ask();
    void judge();
    void judge(Place place, const pa_cvolume &wanted);
    void set_back(Place place, const pa_cvolume &wanted);

    pa_context *context_;
    io::Notify changed_;
    Timer look_again_;
    std::uint32_t playback_ = PA_INVALID_INDEX;
    std::uint32_t capture_ = PA_INVALID_INDEX;
    Device device_{};
    std::array<Found, kPlaces> found_{};
    std::array<io::Undo, kPlaces> undo_{};
    bool looking_ = false;
    bool again_ = false;
    std::string trouble_;
};

}  // namespace entrain::pulse
