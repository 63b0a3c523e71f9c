// The state of the server: its default device, its devices and their players.
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
    std::uint32_t module;  // the module that created it, or PA_INVALID_INDEX
    std::uint32_t rate_hz;
    pa_cvolume volume;
    pa_channel_map map;
    bool flat;  // its volume is the volume of its loudest stream
};

struct Player {
    std::uint32_t device;  // the device's index
    bool corked;
};

class Server {
public:
    // Reads the server's state now and after each change, then calls `changed`.
    Server(pa_context *context, io::Notify changed);

    bool seen() const noexcept { return seen_; }  // the state has been read
    const std::string &default_device() const noexcept { return default_; }
    // The device with this name, or null.
    const Device *find(const std::string &name) const noexcept;
    // The number of players that play on a device and are not corked.
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
