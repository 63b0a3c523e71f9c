// Converts a fuzzer's bytes to numbers that are likely to do harm, and to sound.
#pragma once

#include <cfloat>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

// Reads bytes from front to back; all bytes after the end are zero.
class Bytes {
public:
    Bytes(const std::uint8_t *data, std::size_t size) : data_(data), size_(size) {}

    bool empty() const { return size_ == 0; }
    std::uint8_t byte() {
        if (size_ == 0) return 0;
        --size_;
        return *data_++;
    }
    template <class Number> Number raw() {
        std::uint8_t bytes[sizeof(Number)];
        for (std::uint8_t &each : bytes) each = byte();
        Number number;
        std::memcpy(&number, bytes, sizeof number);
        return number;
    }
    std::uint32_t below(std::uint32_t count) { return byte() % count; }

    // Usually a number from low to high; otherwise just outside, not finite, tiny, or arbitrary.
    template <class Number> Number number(double low, double high) {
        using Limits = std::numeric_limits<Number>;
        switch (const std::uint8_t how = byte()) {
            case 0: return static_cast<Number>(low);
            case 1: return static_cast<Number>(high);
            case 2: return Limits::quiet_NaN();
            case 3: return Limits::infinity();
            case 4: return -Limits::infinity();
            case 5: return Limits::denorm_min();
            case 6: return -Limits::denorm_min();
            case 7: return std::nextafter(static_cast<Number>(low), -Limits::infinity());
            case 8: return std::nextafter(static_cast<Number>(high), Limits::infinity());
            case 9: return raw<Number>();
            case 10: return Number{0};
            default: {
                // Takes one byte for a coarse number, or two for a fine one.
                const double part = how < 128 ? how / 127.0 : raw<std::uint16_t>() / 65535.0;
                return static_cast<Number>(low + (high - low) * part);
            }
        }
    }

private:
    const std::uint8_t *data_;
    std::size_t size_;
};

// One channel of sound; hostile kinds have NaN and infinity.
class Signal {
public:
    static constexpr std::uint32_t kTame = 9, kKinds = 15;

    Signal(std::uint32_t kind, std::uint32_t seed) : kind_(kind), random_(seed * 2654435761U + 1) {}

    float next() {
        const std::uint32_t at = count_++;
        random_ = random_ * 1664525U + 1013904223U;
        const float noise = static_cast<float>(random_ >> 8) / 8388608.0F - 1.0F;
        const bool now = random_ >> 26 == 0;  // once in 64 samples
        switch (kind_) {
            case 0: return 0.0F;
            case 1: return 0.5F * std::sin(0.05F * static_cast<float>(at));
            case 2: return 0.1F * noise;
            case 3: return noise;
            case 4: return at / 50 % 2 ? 1.0F : -1.0F;
            case 5: return 1.0F;
            case 6: return at % 997 == 0 ? 16.0F : 0.0F;
            case 7: return 16.0F * noise;
            case 8: return FLT_MIN * noise;  // denormal
            case 9: return now ? std::numeric_limits<float>::quiet_NaN() : noise;
            case 10: return now ? std::numeric_limits<float>::infinity() : noise;
            case 11: return -std::numeric_limits<float>::infinity();
            case 12: return at % 2 ? 1e30F : -1e30F;
            case 13: return now ? FLT_MAX : 0.0F;
            default: {  // any bits at all
                float value;
                std::memcpy(&value, &random_, sizeof value);
                return value;
            }
        }
    }
    void fill(std::vector<float> &samples) {
        for (float &sample : samples) sample = next();
    }

private:
    std::uint32_t kind_, random_, count_ = 0;
};
