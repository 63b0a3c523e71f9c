// Tables of the Fourier transforms, for vectors of a number of lanes.  Computed when the library is
// loaded, by code for every processor.
#pragma once

#include <cmath>

namespace entrain::space {

// A transform of `Points` points is `Lanes` transforms of Points / Lanes points, twiddle factors,
// and transforms of `Lanes` points.
template <int Points, int Lanes> struct TransformTable {
    static constexpr int kRows = Points / Lanes;

    struct Twiddle {
        float cosine, sine;
    };
    Twiddle rows[kRows];        // e^(-2 pi i k / kRows)
    Twiddle columns[Lanes];     // e^(-2 pi i k / Lanes)
    float cosines[kRows][Lanes];
    float sines[kRows][Lanes];  // of the negative angle

    TransformTable() noexcept {
        constexpr double kTurn = 2.0 * 3.14159265358979323846;
        for (int k = 0; k < kRows; ++k) rows[k] = twiddle(kTurn * k / kRows);
        for (int k = 0; k < Lanes; ++k) columns[k] = twiddle(kTurn * k / Lanes);
        for (int k = 0; k < kRows; ++k)
            for (int lane = 0; lane < Lanes; ++lane) {
                const Twiddle at = twiddle(kTurn * k * lane / Points);
                cosines[k][lane] = at.cosine;
                sines[k][lane] = at.sine;
            }
    }

private:
    static Twiddle twiddle(double angle) noexcept {
        return {static_cast<float>(std::cos(angle)), static_cast<float>(-std::sin(angle))};
    }
};

template <int Points, int Lanes> inline const TransformTable<Points, Lanes> transform_table;

}  // namespace entrain::space
