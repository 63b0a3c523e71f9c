// Interface of a back end.  Each sound system has one class, in a library of its own.
#pragma once

#include "io/state.h"

#include "entrain/engine.h"

#include <cstdint>
#include <memory>
#include <string>

namespace entrain::io {

// All functions are called from [control] threads.  The defaults are for sound systems that do not
// need the function.
class Backend {
public:
    virtual ~Backend() = default;
    Backend(const Backend &) = delete;
    Backend &operator=(const Backend &) = delete;

    // Fade out the generators within 100 ms; the destructor follows.
    virtual void fade_out() noexcept = 0;
    virtual void set_target(std::string target) = 0;
    // For sound systems with two clocks.
    virtual void set_latency(double /*added_s*/) {}
    // For sound systems whose session manager may have smart filters.
    virtual void set_smart(bool /*smart*/) {}
    // Keep the device awake while no player runs; for sound systems whose devices may fall asleep.
    virtual void set_alone(bool /*alone*/) {}
    // Returns whether the server has confirmed the default.  "" configures none.
    virtual bool set_default(const std::string & /*name*/) { return false; }
    // For servers that do not restore the former default themselves.
    virtual void set_former(std::string /*name*/) {}

    // See entrain_io_read_ways() and entrain_io_pin().  For sound systems where other programs may
    // lead sound from the device back to the sink.
    virtual std::string ways() { return {}; }
    virtual void pin(std::uint32_t /*outlet*/, const std::string & /*device*/) {}

    State &state() noexcept { return state_; }
    // Copies the state; an override refreshes fields that change without the back end.
    virtual void read_state(entrain_io_state *state) const noexcept { state_.read(state); }

protected:
    Backend() = default;

    // Waits for at most 100 ms; call entrain_set_playing(engine, 0) before.
    static void wait_until_quiet(const entrain_engine *engine) noexcept;

    // Run the engine at the device's rate.  Returns a message to the user if it cannot.
    static std::string adopt_rate(entrain_engine *engine, std::uint32_t rate_hz);

    State state_;
};

// Defined once in each library.  Returns null if the server does not answer or refuses.
std::unique_ptr<Backend> open_backend(entrain_engine *engine, std::string target);

}  // namespace entrain::io
