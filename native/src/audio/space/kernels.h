// The arithmetic of the space, compiled for several processors, and the layout of its numbers.
//
// Sound is processed in partitions of B frames.  A filter is split into parts of B taps: the first
// part is applied in direct form, so that no sound is late; the other parts are applied to the
// spectra of former partitions, once for each partition.  A spectrum has bins_of(B) real parts,
// then as many imaginary parts.
//
// Functions work on groups of 16 frames, wherever the callback's blocks end; the caller uses only
// the frames that it has input for.  So samples do not depend on block sizes.
#pragma once

#include <cstddef>

namespace entrain::space {

constexpr int kGroup = 16;     // frames
constexpr int kParts = 4;      // longest filter, in partitions
constexpr int kKernel = 16;    // points of a fractional delay
constexpr int kLead = 7;       // frames by which a fractional delay looks ahead

// Bins of a spectrum of 2 B points, padded to whole vectors.
constexpr int bins_of(int partition) noexcept { return partition + 8; }
// Floats of a filter of one sound for two ears: taps of the first part by turns, then the spectra.
constexpr int filter_floats(int partition) noexcept {
    return 2 * partition + (kParts - 1) * 4 * bins_of(partition);
}
// Floats of the spectra of two sounds.
constexpr int pair_floats(int partition) noexcept { return 4 * bins_of(partition); }

struct Kernels {
    // y(m) = sum of k(j) x(m + j), j < kKernel.
    void (*delay)(const float *x, const float *k, float *y, int groups);
    // One group, moving linearly from one kernel and place to the other.
    void (*glide)(const float *x0, const float *k0, const float *x1, const float *k1, float *y);
    // Adds the first part of a filter: one sound for each ear, with B - 1 frames before it.
    void (*direct)(const float *filter, const float *left, const float *right, float *y_left,
                   float *y_right, int groups);
    // The same for one sound that both ears hear.
    void (*direct_mono)(const float *filter, const float *x, float *y_left, float *y_right,
                        int groups);
    // Spectra of two sounds, 2 B frames each.
    void (*transform)(const float *a, const float *b, float *spectra);
    // Adds one part of a filter to the spectra of the ears: one sound for each ear.
    void (*multiply)(const float *spectra, const float *filter, float *sum);
    // The same for one sound that both ears hear.
    void (*multiply_mono)(const float *spectrum, const float *filter, float *sum);
    // The second half of the sounds with these spectra.
    void (*invert)(const float *sum, float *left, float *right);
    // Adds a sound to channels; its gains move along `ramp`, from 0 to 1.
    void (*encode)(const float *x, const float *from, const float *to, const float *ramp,
                   float *const *channels, int count, int groups);
    // y = the weighted sum of up to four filters.
    void (*blend)(const float *const *filters, const float *weights, int count, float *y);
};

// For partitions of 64, 128 or 256 frames, in the variant that is fastest on this processor.
const Kernels &kernels_for(int partition) noexcept;
// The variant for every processor of this architecture (tests, benchmarks).
const Kernels &plain_kernels_for(int partition) noexcept;

// Kernel of a fractional delay of kLead + `fraction` frames, 0 <= fraction <= 1.
void delay_kernel(double fraction, float gain, float *kernel) noexcept;

}  // namespace entrain::space
