// Fuzzes heads.
#pragma once

#include "entrain/engine.h"
#include "fuzz_input.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <vector>

inline void require(bool holds, const char *claim) {
    if (holds) return;
    std::fprintf(stderr, "== broken: %s\n", claim);
    std::abort();
}

inline bool is_rate(std::uint32_t rate_hz) {
    return rate_hz >= ENTRAIN_LOWEST_HZ && rate_hz <= ENTRAIN_HIGHEST_HZ;
}

inline std::uint32_t any_rate(Bytes &bytes) {
    constexpr std::uint32_t rates[] = {48000, 44100, 8000, 192000, 96000, 22050, 7999, 192001};
    const std::uint8_t which = bytes.byte();
    return which < 200 ? rates[which % 8] : 8000 + bytes.raw<std::uint16_t>() * 3U;
}

// A small head with any numbers, mostly valid ones; null where the engine refuses it.
inline entrain_head *any_head(Bytes &bytes) {
    if (bytes.byte() < 64) return nullptr;
    entrain_head_data data{};
    data.rate_hz = any_rate(bytes);
    data.taps = 15 + bytes.byte() * 2U;
    data.azimuths = 3 + bytes.below(8);
    data.elevations = 2 + bytes.below(6);
    data.widths = 1 + bytes.below(6);
    data.order = bytes.below(5);
    data.decoder_taps = 15 + bytes.byte();
    data.first_order_taps = bytes.byte();
    const std::size_t ears = std::size_t{2} * data.azimuths * data.elevations;
    const std::size_t channels = std::size_t{data.order + 1} * (data.order + 1);
    bool good = true;
    const auto filled = [&](std::size_t count, double low, double high) {
        std::vector<float> numbers(count);
        for (std::size_t i = 0; i < count; ++i)
            numbers[i] = static_cast<float>(low + (high - low) * static_cast<double>(i % 7) / 6.0);
        // A few numbers are arbitrary.
        for (std::uint32_t left = bytes.below(3); left > 0; --left)
            numbers[bytes.raw<std::uint16_t>() % count] = bytes.number<float>(low, high);
        return numbers;
    };
    const auto check = [&](const std::vector<float> &numbers, float low, float high) {
        for (const float each : numbers) good = good && each >= low && each <= high;
    };
    const std::vector<float> responses = filled(ears * data.taps, -64.0, 64.0);
    const std::vector<float> delays = filled(ears, 0.0, 0.002);
    const std::vector<float> gains = filled(std::size_t{3} * data.widths, -60.0, 20.0);
    const std::vector<float> decoder = filled(2 * channels * data.decoder_taps, -64.0, 64.0);
    const std::vector<float> first = filled(8 * data.first_order_taps + std::size_t{1}, -64.0, 64.0);
    check(responses, -64.0F, 64.0F);
    check(delays, 0.0F, 0.002F);
    check(gains, -60.0F, 20.0F);
    if (data.order > 0) check(decoder, -64.0F, 64.0F);
    if (data.first_order_taps > 0)
        check({first.begin(), first.end() - 1}, -64.0F, 64.0F);
    data.responses = responses.data();
    data.delays_s = delays.data();
    data.gain_db = gains.data();
    data.decoder = decoder.data();
    data.first_order_decoder = first.data();
    const bool counts = is_rate(data.rate_hz) && data.taps >= 16 && data.azimuths >= 4 &&
                        data.elevations >= 3 && data.widths >= 2 && data.order <= 3 &&
                        (data.order == 0 || data.decoder_taps >= 16) &&
                        (data.first_order_taps == 0 || data.first_order_taps >= 16);
    entrain_head *head = nullptr;
    require(entrain_head_create(&data, &head) == (!counts ? ENTRAIN_E_ARGUMENT
                                                  : good  ? ENTRAIN_OK
                                                          : ENTRAIN_E_RANGE),
            "head_create's status");
    require((head != nullptr) == (counts && good), "a refused head is not made");
    return head;
}

// Turns the head to any side, or tells no turn at all.
inline void any_turn(Bytes &bytes, entrain_engine *engine) {
    float turn[4], square = 0.0F;
    for (float &each : turn) each = bytes.number<float>(-1.0, 1.0);
    for (const float each : turn) square += each * each;
    const entrain_status status = entrain_turn_head(engine, turn);
    require(std::isfinite(square) || status == ENTRAIN_E_RANGE, "a turn is finite");
    entrain_space space;
    entrain_read_space(engine, &space);
    float length = 0.0F;
    for (const float each : space.turn) length += each * each;
    require(std::fabs(length - 1.0F) < 1e-4F, "the turn of the ears is a rotation");
    require(space.age_s >= 0.0F && space.sources <= 16, "the space can be read");
}
