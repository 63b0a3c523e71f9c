// What there is on the server: its default, its devices, and who plays to ours.
#pragma once

#include "io/notify.h"
#include "io/pulse/client/pulse.h"

#include <cstdint>
#include <string>
#include <vector>

namespace entrain::pulse {

struct Device {
    std::string name;
    std::string description;
    std::uint32_t index;
    std::uint32_t module;  // that made it, or PA_INVALID_INDEX
    std::uint32_t rate_hz;
    pa_cvolume volume;
    pa_channel_map map;
    bool flat;  // its volume is the loudest of its streams'
};

struct Player {
    std::uint32_t device;  // that it plays to
    bool corked;
};

class Server {
public:
    // `changed` comes after every look at the server that was made because of news.
    Server(pa_context *context, io::Notify changed);

    bool seen() const noexcept { return seen_; }  // there has been a look
    const std::string &default_device() const noexcept { return default_; }
    // Null when there is none of that name.
    const Device *find(const std::string &name) const noexcept;
    // How many players run (not corked) into a device.
    std::uint32_t playing(std::uint32_t device) const noexcept;

private:
    void look();
    void looked();

    pa_context *context_;
    io::Notify changed_;
    bool looking_ = false;
    bool again_ = false;
    bool seen_ = false;
    std::string default_;
    std::string next_default_;
    std::vector<Device> devices_, next_devices_;
    std::vector<Player> players_, next_players_;
};

}  // namespace entrain::pulse
