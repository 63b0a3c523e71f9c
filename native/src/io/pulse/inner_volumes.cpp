#include "io/pulse/inner_volumes.h"

#include <algorithm>
#include <chrono>
#include <utility>

namespace entrain::pulse {

namespace {

constexpr pa_volume_t kTolerance = 66;  // 0.1 %: servers round
constexpr const char *kMonitorName = "entrain.monitor";

constexpr std::array<const char *, 3> kTrouble{
    "another app keeps changing the volume of \"Monitor of Entrain\"; in a mixer "
    "(pavucontrol), under Input Devices, set it to 100 %, not muted",
    "another app keeps changing the volume at which Entrain records; in a mixer "
    "(pavucontrol), under Recording, set \"Entrain\" to 100 %, not muted",
    "another app keeps changing the volume of Entrain's own stream; in a mixer "
    "(pavucontrol), under Playback, set \"Entrain\" to 100 %, not muted",
};

double now_s() noexcept { return static_cast<double>(pa_rtclock_now()) * 1e-6; }

bool is_close(const pa_cvolume &one, const pa_cvolume &other) noexcept {
    if (one.channels != other.channels) return false;
    for (std::size_t c = 0; c < one.channels; ++c) {
        const pa_volume_t lower = std::min(one.values[c], other.values[c]);
        if (std::max(one.values[c], other.values[c]) - lower > kTolerance) return false;
    }
    return true;
}

// A number that differs for different settings.
double as_number(bool muted, const pa_cvolume &volume) noexcept {
    double number = muted ? 1.0 : 0.0;
    for (std::size_t c = 0; c < volume.channels; ++c) number = 1.7 * number + volume.values[c];
    return number;
}

pa_cvolume full(std::uint8_t channels) noexcept {
    pa_cvolume volume{};
    if (channels > 0) pa_cvolume_set(&volume, channels, PA_VOLUME_NORM);
    return volume;
}

}  // namespace

InnerVolumes::InnerVolumes(pa_context *context, pa_mainloop_api *api,
                           io::Notify changed)
    : context_(context),
      changed_(std::move(changed)),
      look_again_(context, api, changed_.calling([this] { ask(); })) {}

void InnerVolumes::look(std::uint32_t playback, const Device &device, std::uint32_t capture) {
    playback_ = playback;
    capture_ = capture;
    device_ = device;
    ask();
}

// All requests are sent at once.  The server answers them in this order.
void InnerVolumes::ask() {
    if (looking_) {
        again_ = true;
        return;
    }
    looking_ = true;
    found_ = {};
    if (playback_ != PA_INVALID_INDEX)
        forget(pa_context_get_sink_input_info(
            context_, playback_,
            [](pa_context *, const pa_sink_input_info *info, int, void *self) noexcept {
                auto &volumes = *static_cast<InnerVolumes *>(self);
                io::guarded(volumes.changed_, [&] {
                    if (info != nullptr)
                        volumes.found_[kPlayback] = {true, info->mute != 0, false, info->volume};
                });
            },
            this));
    if (capture_ != PA_INVALID_INDEX)
        forget(pa_context_get_source_output_info(
            context_, capture_,
            [](pa_context *, const pa_source_output_info *info, int, void *self) noexcept {
                auto &volumes = *static_cast<InnerVolumes *>(self);
                io::guarded(volumes.changed_, [&] {
                    if (info != nullptr)
                        volumes.found_[kCapture] = {true, info->mute != 0, false, info->volume};
                });
            },
            this));
    forget(pa_context_get_source_info_by_name(
        context_, kMonitorName,
        [](pa_context *, const pa_source_info *info, int, void *data) noexcept {
            auto &self = *static_cast<InnerVolumes *>(data);
            io::guarded(self.changed_, [&] {
                if (info == nullptr) return self.judge();  // this was the last answer
                self.found_[kMonitor] = {true, info->mute != 0,
                                         (info->flags & PA_SOURCE_FLAT_VOLUME) != 0, info->volume};
            });
        },
        this));
}

void InnerVolumes::judge() {
    looking_ = false;
    const Found &monitor = found_[kMonitor];
    judge(kMonitor, full(monitor.volume.channels));
    // With flat volumes, a change of the stream's volume also changes the monitor's.  Then the
    // monitor is set back first.
    if (!monitor.flat || is_close(monitor.volume, full(monitor.volume.channels)))
        judge(kCapture, full(found_[kCapture].volume.channels));
    // With flat volumes, the playback stream has the device's volume, which belongs to the user.
    pa_cvolume wanted = full(found_[kPlayback].volume.channels);
    if (device_.flat) {
        pa_channel_map stereo;
        pa_channel_map_init_stereo(&stereo);
        wanted = device_.volume;
        pa_cvolume_remap(&wanted, &device_.map, &stereo);
    }
    judge(kPlayback, wanted);

    std::string trouble;
    for (std::size_t place = 0; place < kPlaces && trouble.empty(); ++place)
        if (undo_[place].insists()) trouble = kTrouble[place];
    if (std::exchange(trouble_, trouble) != trouble) changed_();
    if (std::exchange(again_, false)) ask();
}

void InnerVolumes::judge(Place place, const pa_cvolume &wanted) {
    const Found &found = found_[place];
    if (!found.known) return;
    const bool is_changed = found.muted || !is_close(found.volume, wanted);
    switch (undo_[place].look(is_changed, as_number(found.muted, found.volume), now_s())) {
        case io::Undo::Next::nothing:
            break;
        case io::Undo::Next::set_back:
            set_back(place, wanted);
            [[fallthrough]];  // another app may change it again at once
        case io::Undo::Next::look_again:
            look_again_.in(
                std::chrono::microseconds(static_cast<std::int64_t>(1.1e6 * io::Undo::kRestS)));
            break;
    }
}

void InnerVolumes::set_back(Place place, const pa_cvolume &wanted) {
    switch (place) {
        case kMonitor:
            forget(pa_context_set_source_volume_by_name(context_, kMonitorName, &wanted, nullptr,
                                                        nullptr));
            forget(pa_context_set_source_mute_by_name(context_, kMonitorName, 0, nullptr, nullptr));
            break;
        case kCapture:
            forget(pa_context_set_source_output_volume(context_, capture_, &wanted, nullptr,
                                                       nullptr));
            forget(pa_context_set_source_output_mute(context_, capture_, 0, nullptr, nullptr));
            break;
        case kPlayback:
            forget(pa_context_set_sink_input_volume(context_, playback_, &wanted, nullptr,
                                                    nullptr));
            forget(pa_context_set_sink_input_mute(context_, playback_, 0, nullptr, nullptr));
            break;
        case kPlaces:
            break;
    }
}

}  // namespace entrain::pulse
