// The near field: as a source comes nearer than 1 m, the ear on its side gets louder than 1/r, at
// low frequencies too, and the other ear gets softer.
//
// A rigid sphere as large as the head, with the ears at its sides, has the same difference to a
// source at 1 m (Kan, Jin and van Schaik 2009).  Each ear has a shelving filter of the first order
// for it (Spagnol, Tavazzi and Avanzini 2017).
#pragma once

#include "audio/direction.h"

#include <array>
#include <cstdint>
#include <vector>

namespace entrain::space {

constexpr double kNearFieldMetres = 1.0;  // from here on there is no difference
constexpr double kNearestMetres = 0.3;    // nothing changes below
// Circumference of the heads that files were measured on, and their radius.
constexpr double kMeasuredHeadCm = 57.0;
constexpr double kHeadMetres = kMeasuredHeadCm / 100.0 / (360.0 * kDegree);

// Of one ear, at one sample rate.
struct Shelf {
    float low = 1.0F, high = 1.0F;  // gains
    float coefficient = 0.0F;       // of the low-pass between them

    bool is_flat() const noexcept { return low == 1.0F && high == 1.0F; }
};

// For an ear that sees the source at this angle from its own axis.  `scale` is the head's
// size as a multiple of the measured ones'.
Shelf shelf_of(double cosine, double metres, double scale, std::uint32_t rate_hz) noexcept;

// Both ears of one source.
class NearField {
public:
    NearField(std::uint32_t rate_hz, int partition);

    bool is_on() const noexcept { return on_; }

    // At the beginning of a partition: stay where the source is; then, if it moves, its place at the
    // end of the partition.
    void rest() noexcept;
    void aim(const Direction &direction, double metres, double scale) noexcept;
    // Begin at the present place, with silence.
    void clear() noexcept;

    // Within a partition, for whole groups, in place.
    void pass(float *left, float *right, int first, int groups) noexcept;
    // At the end of a partition.
    void finish() noexcept;

private:
    struct Place {
        Direction direction;
        double metres = kNearFieldMetres, scale = 1.0;
    };

    const std::uint32_t rate_hz_;
    const int partition_;
    bool on_ = false;
    bool is_fresh_ = false;  // the filters have been off, and begin with sound
    Place place_;
    std::array<Shelf, 2> from_, to_;
    // The low-passes' states at the beginning of each group, since a group is computed more than
    // once if the callback's blocks end within it.
    std::vector<std::array<float, 2>> states_;
};

}  // namespace entrain::space
