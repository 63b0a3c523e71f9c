// What a sound system is to the rest of the program; one class for each, in its own library.
#pragma once

#include "io/state.h"

#include "entrain/engine.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrain::io {

// All functions are called from [control] threads.
class Backend {
public:
    virtual ~Backend() = default;
    Backend(const Backend &) = delete;
    Backend &operator=(const Backend &) = delete;

    // Silence what the engine adds, within 100 ms; the destructor follows.
    virtual void fade_out() noexcept = 0;
    virtual void set_target(std::string target) = 0;
    // Only where there are two clocks.
    virtual void set_latency(double /*added_s*/) {}
    // Only where a session manager may have smart filters.
    virtual void set_smart(bool /*smart*/) {}
    // Let what the engine adds be heard without a programme; only where a device may fall asleep.
    virtual void set_alone(bool /*alone*/) {}
    // Whether it is possible here, and the server has got it.  "" configures nothing.
    virtual bool set_default(const std::string & /*name*/) { return false; }
    // Only where the server does not find back to the former default by itself.
    virtual void set_former(std::string /*name*/) {}

    // Where other programs carry on what is played to their sinks, as entrain_io_read_ways() says.
    // Only where sound that is played to a device may come back by itself.
    virtual std::string ways() { return {}; }
    virtual void pin(std::uint32_t /*outlet*/, const std::string & /*device*/) {}

    State &state() noexcept { return state_; }

protected:
    Backend() = default;

    // After entrain_set_playing(engine, 0): for 100 ms at most.
    static void wait_until_quiet(const entrain_engine *engine) noexcept;

    // Let the engine work at the device's rate.  Returns what to tell the user where it cannot.
    static std::string adopt_rate(entrain_engine *engine, std::uint32_t rate_hz);

    State state_;
};

// Defined once in each library.  Null when the server does not answer or refuses.
std::unique_ptr<Backend> open_backend(entrain_engine *engine, std::string target);

}  // namespace entrain::io
