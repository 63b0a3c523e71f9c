// Where a source of sound is, and how it moves by itself.
#pragma once

#include "audio/direction.h"

#include <cmath>

namespace entrain {

// Numbers of the menu "path".
enum class Path { still, orbit, arc, eight, swing, breathe };

// Parameters of a place; a placed generator and the pair of speakers have them.
struct Place {
    float azimuth_deg = 0.0F;
    float elevation_deg = 0.0F;
    float distance_m = 1.0F;
    float path = 0.0F;
    float path_hz = 0.05F;
    float path_deg = 90.0F;

    bool operator==(const Place &other) const noexcept {
        return azimuth_deg == other.azimuth_deg && elevation_deg == other.elevation_deg &&
               distance_m == other.distance_m && path == other.path && path_hz == other.path_hz &&
               path_deg == other.path_deg;
    }
    Path kind() const noexcept { return static_cast<Path>(static_cast<int>(path + 0.5F)); }
};

// Position of a placed source, as parameters, and the phase of its path in cycles.
struct Whereabouts {
    Place place;
    double phase = 0.0;

    bool operator==(const Whereabouts &other) const noexcept {
        return place == other.place && phase == other.phase;
    }
    // Go on along the path.
    void advance(double seconds) noexcept {
        phase = place.path < 0.5F ? 0.0 : phase + double{place.path_hz} * seconds;
        phase -= std::floor(phase);
    }
};

struct Position {
    double azimuth_deg, elevation_deg, distance_m;
};

// The position at a phase of the path, in cycles.
//
// orbit:    around the head; path_deg gives only the sense of rotation
// arc:      to and fro at constant speed, over path_deg
// eight:    a lying eight, path_deg wide and half as high
// swing:    a pendulum, over path_deg
// breathe:  nearer and farther; at 180 degrees by a factor of two
inline Position position_of(const Place &place, double phase) noexcept {
    Position at{double{place.azimuth_deg}, double{place.elevation_deg}, double{place.distance_m}};
    const double width = double{place.path_deg};
    const double sine = std::sin(360.0 * kDegree * phase);
    switch (place.kind()) {
        case Path::still: break;
        case Path::orbit: at.azimuth_deg += std::copysign(360.0 * phase, width); break;
        case Path::arc: {
            const double quarter = phase + 0.25 - std::floor(phase + 0.25);
            at.azimuth_deg += width * (0.5 - std::fabs(2.0 * quarter - 1.0));
            break;
        }
        case Path::eight:
            at.azimuth_deg += width / 2.0 * sine;
            at.elevation_deg += width / 4.0 * std::sin(720.0 * kDegree * phase);
            break;
        case Path::swing: at.azimuth_deg += width / 2.0 * sine; break;
        case Path::breathe: at.distance_m *= std::exp2(width / 180.0 * sine); break;
    }
    at.elevation_deg = std::fmin(std::fmax(at.elevation_deg, -90.0), 90.0);
    return at;
}

}  // namespace entrain
