// Keeps PulseAudio's volumes between our sink and the device at 100 %: the volumes of our two
// streams and of the sink's monitor.  Only the device's volume should change the sound.  The server
// remembers these volumes and restores them when Entrain starts.
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
    // Calls `changed` when trouble() has changed.
    InnerVolumes(pa_context *context, pa_mainloop_api *api, io::Notify changed);

    // Read all volumes and set back the changed ones.  `playback` and `capture` are the numbers of
    // our streams; PA_INVALID_INDEX if the stream does not exist.
    void look(std::uint32_t playback, const Device &device, std::uint32_t capture);

    // A message about a volume that another app keeps changing, with advice after a semicolon; or
    // "".
    const std::string &trouble() const noexcept { return trouble_; }

private:
    enum Place : std::size_t { kMonitor, kCapture, kPlayback, kPlaces };

    struct Found {
        bool known = false;
        bool muted = false;
        bool flat = false;  // a stream's volume here also sets the volume of its device
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
