// A head for tests: small, with ears that differ.
#pragma once

#include "entrain/engine.h"

#include <cmath>
#include <cstdint>
#include <stdexcept>
#include <vector>

struct MadeUpHead {
    explicit MadeUpHead(std::uint32_t rate_hz = 48000, std::uint32_t taps = 128,
                        std::uint32_t azimuths = 12, std::uint32_t elevations = 5) {
        const std::uint32_t ears = 2 * azimuths * elevations, channels = 16;
        responses.resize(std::size_t{ears} * taps);
        for (std::size_t i = 0; i < responses.size(); ++i)
            responses[i] = 0.5F * std::exp(-0.1F * static_cast<float>(i % taps)) *
                           (1.0F - 0.01F * static_cast<float>(i / taps % 37));
        for (std::uint32_t i = 0; i < ears; ++i)
            delays_s.push_back(0.0007F * static_cast<float>(i % 5) / 4.0F);
        gain_db = {0.0F, -3.0F, -6.0F, 0.0F, -2.0F, -4.0F, 0.0F, -1.0F, -2.0F};
        decoder.assign(std::size_t{2} * channels * taps, 0.0F);
        for (std::size_t i = 0; i < decoder.size(); i += taps) decoder[i + 8] = 0.2F;
        first.assign(decoder.begin(), decoder.begin() + std::ptrdiff_t{8} * taps);
        data = {rate_hz,          taps, azimuths, elevations,     responses.data(),
                delays_s.data(),  3,    gain_db.data(), 3,        taps,
                decoder.data(),   taps, first.data()};
        if (entrain_head_create(&data, &head_) != ENTRAIN_OK) throw std::runtime_error("head");
    }
    ~MadeUpHead() { entrain_head_destroy(head_); }
    MadeUpHead(const MadeUpHead &) = delete;
    MadeUpHead &operator=(const MadeUpHead &) = delete;
    operator const entrain_head *() const { return head_; }
    const entrain_head *head() const { return head_; }

    std::vector<float> responses, delays_s, gain_db, decoder, first;
    entrain_head_data data{};

private:
    entrain_head *head_ = nullptr;
};
