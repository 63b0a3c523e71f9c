#include "io/pipewire/latency.h"

#include "io/pipewire/client/param_builder.h"

namespace entrain::pipewire {

Latency::Latency(pw_filter *filter, const std::array<void *, 2> &in,
                 const std::array<void *, 2> &out, void *awake)
    : filter_(filter), to_{{{in[0], in[1], awake}, {out[0], out[1]}}}, from_{out, in} {
    static_assert(SPA_DIRECTION_INPUT == 0 && SPA_DIRECTION_OUTPUT == 1, "index of the arrays");
    for (std::size_t direction = 0; direction < 2; ++direction)
        received_[direction].fill(no_latency(direction));
}

void Latency::received(void *port, const spa_pod *param) noexcept {
    spa_latency_info info{};
    if (param == nullptr || spa_latency_parse(param, &info) < 0) return;
    const std::size_t direction = info.direction;
    for (std::size_t c = 0; c < 2; ++c)
        if (from_[direction][c] == port) {
            received_[direction][c] = info;
            tell(direction);
        }
}

void Latency::set_own(std::uint32_t frames) noexcept {
    own_ = process_latency(frames);
    std::array<std::uint8_t, kParamBytes> memory;
    const spa_pod *params[] = {process_latency_param(own_, memory)};
    pw_filter_update_params(filter_, nullptr, params, 1);
    for (std::size_t direction = 0; direction < 2; ++direction) tell(direction);
}

void Latency::tell(std::size_t direction) noexcept {
    spa_latency_info info = combined(direction, received_[direction]);
    spa_process_latency_info_add(&own_, &info);
    for (void *port : to_[direction]) {
        std::array<std::uint8_t, kParamBytes> memory;
        const spa_pod *params[] = {latency_param(info, memory)};
        pw_filter_update_params(filter_, port, params, 1);
    }
}

}  // namespace entrain::pipewire
