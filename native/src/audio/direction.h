// Directions and turns: x is front, y is left, z is up; azimuths count counterclockwise, in degrees.
#pragma once

#include <algorithm>
#include <cmath>

namespace entrain {

constexpr double kDegree = 3.14159265358979323846 / 180.0;

struct Direction {
    double x = 1.0, y = 0.0, z = 0.0;  // of length 1
};

inline Direction direction_of(double azimuth_deg, double elevation_deg) noexcept {
    const double level = std::cos(elevation_deg * kDegree);
    return {level * std::cos(azimuth_deg * kDegree), level * std::sin(azimuth_deg * kDegree),
            std::sin(elevation_deg * kDegree)};
}

inline double azimuth_deg(const Direction &of) noexcept { return std::atan2(of.y, of.x) / kDegree; }
inline double elevation_deg(const Direction &of) noexcept {
    return std::asin(std::clamp(of.z, -1.0, 1.0)) / kDegree;
}
inline double dot(const Direction &a, const Direction &b) noexcept {
    return a.x * b.x + a.y * b.y + a.z * b.z;
}
inline bool operator==(const Direction &a, const Direction &b) noexcept {
    return a.x == b.x && a.y == b.y && a.z == b.z;
}

// A rotation as a quaternion of length 1.
struct Turn {
    double w = 1.0, x = 0.0, y = 0.0, z = 0.0;
};

inline bool operator==(const Turn &a, const Turn &b) noexcept {
    return a.w == b.w && a.x == b.x && a.y == b.y && a.z == b.z;
}

// First `b`, then `a`.
inline Turn operator*(const Turn &a, const Turn &b) noexcept {
    return {a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z,
            a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
            a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x,
            a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}

inline double dot(const Turn &a, const Turn &b) noexcept {
    return a.w * b.w + a.x * b.x + a.y * b.y + a.z * b.z;
}

inline Direction turned(const Direction &d, const Turn &by) noexcept {
    const double tx = 2.0 * (by.y * d.z - by.z * d.y);
    const double ty = 2.0 * (by.z * d.x - by.x * d.z);
    const double tz = 2.0 * (by.x * d.y - by.y * d.x);
    return {d.x + by.w * tx + by.y * tz - by.z * ty, d.y + by.w * ty + by.z * tx - by.x * tz,
            d.z + by.w * tz + by.x * ty - by.y * tx};
}

// The turn of `part` of the way from `a` to `b`, at constant speed along the shortest way.
inline Turn between(const Turn &a, const Turn &b, double part) noexcept {
    const double cosine = dot(a, b);
    const double sign = cosine < 0.0 ? -1.0 : 1.0;
    double from = 1.0 - part, to = part;
    if (sign * cosine < 0.999999) {  // otherwise a straight line is as good
        const double angle = std::acos(std::min(sign * cosine, 1.0));
        from = std::sin(from * angle) / std::sin(angle);
        to = std::sin(to * angle) / std::sin(angle);
    }
    to *= sign;
    const Turn mixed{from * a.w + to * b.w, from * a.x + to * b.x, from * a.y + to * b.y,
                     from * a.z + to * b.z};
    const double length = std::sqrt(mixed.w * mixed.w + mixed.x * mixed.x + mixed.y * mixed.y +
                                    mixed.z * mixed.z);
    return {mixed.w / length, mixed.x / length, mixed.y / length, mixed.z / length};
}

// From the room to a head that is turned to the left (yaw), then looks up (pitch), then is tilted to
// its right shoulder (roll).
inline Turn turn_of_head(double yaw_deg, double pitch_deg, double roll_deg) noexcept {
    const auto half = [](double degrees) { return degrees * kDegree / 2.0; };
    const Turn yaw{std::cos(half(yaw_deg)), 0.0, 0.0, -std::sin(half(yaw_deg))};
    const Turn pitch{std::cos(half(pitch_deg)), 0.0, std::sin(half(pitch_deg)), 0.0};
    const Turn roll{std::cos(half(roll_deg)), -std::sin(half(roll_deg)), 0.0, 0.0};
    return roll * pitch * yaw;
}

}  // namespace entrain
