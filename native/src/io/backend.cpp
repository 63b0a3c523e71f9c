#include "io/backend.h"

#include <chrono>
#include <thread>

namespace entrain::io {

void Backend::wait_until_quiet(const entrain_engine *engine) noexcept {
    using namespace std::chrono_literals;
    const auto end = std::chrono::steady_clock::now() + 100ms;
    while (entrain_is_quiet(engine) == 0 && std::chrono::steady_clock::now() < end)
        std::this_thread::sleep_for(2ms);
}

std::string Backend::adopt_rate(entrain_engine *engine, std::uint32_t rate_hz) {
    const entrain_status status = entrain_set_rate(engine, rate_hz);
    if (status == ENTRAIN_OK) return "";
    if (status != ENTRAIN_E_ARGUMENT) return entrain_status_text(status);
    return "the device runs at " + std::to_string(rate_hz) + " Hz, but Entrain supports only " +
           std::to_string(ENTRAIN_LOWEST_HZ) + " to " + std::to_string(ENTRAIN_HIGHEST_HZ) +
           " Hz: your music passes unchanged; "
           "choose another sample rate for the device";
}

}  // namespace entrain::io
