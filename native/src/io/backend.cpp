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

}  // namespace entrain::io
