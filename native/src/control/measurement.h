// Measures tones, beats and modulation in the output, near the promised frequencies.
//
// These are plain functions of copied frames, for the control thread.  They allocate nothing, use
// less than 256 KiB of stack and take about half a millisecond each.  `frames` are interleaved
// stereo, full scale = 1.0; ears are 0 = left, 1 = right.  If the measurement finds nothing, if
// there are too few frames (less than 0.1 s), or if a frequency cannot be measured, `present` is
// false and the figures are 0, never NaN.  Only the last 2 s of longer sound are used.
#pragma once

#include <complex>
#include <cstdint>

namespace entrain {

// A frequency found near the promised one.  The promise only tells where to look; it does not
// influence the result.
struct Line {
    bool present = false;             // stands out of the noise around it by kMinSnrDb
    double hz = 0.0;
    double error_hz = 0.0;            // standard error, estimated from the noise around the line
    double snr_db = 0.0;              // relative to the noise in the measurement's bandwidth
    std::complex<double> amplitude;   // at the promised frequency, in the middle of the frames
};

constexpr double kMinSnrDb = 13.0;
constexpr double kSearchHz = 1.0;  // to both sides of the promised frequency

struct Tones {
    Line ear[2];             // Line::amplitude: phase of a cosine at the promised hz at frame 0
    double level_db[2]{};    // RMS, full scale = 1.0; a sine from -1 to 1 has -3.01 dB
    double beat_hz = 0.0;    // left - right; 0 unless both tones are present
    double error_hz = 0.0;   // standard error of the beat
    double promised_hz[2]{};
    double middle_s = 0.0;   // middle of the frames, since frame 0
    bool measured = false;   // true if there were enough frames, with or without a tone
};

// Measure one tone in each ear of `after`, in spite of the rest of the input `before` (nullptr: not
// known; then the input counts as noise).  `first` is the number of the first frame since the
// stream began.  `modulation_hz` is the rate at which the input was promised to be modulated, or 0.
// For two tones in the same ear (a monaural beat), measure twice.
Tones measure_tones(const float *before, const float *after, std::uint32_t count,
                    std::uint32_t rate_hz, double left_hz, double right_hz,
                    std::uint64_t first = 0, double modulation_hz = 0.0);

struct Modulation {
    bool present[2]{};       // the input was loud enough to measure, modulated or not
    double index[2]{};       // m of the gain 1 + m*sin; for other shapes, of the first harmonic
    double floor[2]{};       // index that the input shows by itself, from neighbouring rates
    double phase[2]{};       // of that sine in the middle of the frames, in cycles, 0...1
    double rate_hz = 0.0;    // as measured; the promised rate if index < 3 * floor in both ears
    double error_hz = 0.0;   // standard error of rate_hz
};

// Measure the gain of each ear at the promised rate, above `corner_hz`: the envelope of `after`
// divided by the envelope of `before`, so that the input's own rhythm does not count.  Without
// `before` (nullptr), the envelope of `after`.  The frames must hold 1.5 periods; rates up to 100
// Hz.
Modulation measure_modulation(const float *before, const float *after, std::uint32_t count,
                              std::uint32_t rate_hz, double promised_rate_hz, double corner_hz);

struct InterauralPhase {
    Line slope;              // hz: turns per second of the left ear's phase against the right ear's
    double coherence = 0.0;  // share of the band that turns, 0...1
};

// Measure, from 150 to 1300 Hz, how the phase turns between ears that are shifted in frequency.
InterauralPhase measure_interaural_phase(const float *frames, std::uint32_t count,
                                         std::uint32_t rate_hz, double promised_beat_hz);

// Measures beats over up to a minute, from the phases of successive measurements, and so finds
// beats that a single measurement cannot find below the input.  Add one about once a second (0.4 to
// 1.2 s apart).
class BeatTracker {
public:
    // Starts anew if the promise has changed, or if the phases are ambiguous after a longer gap.
    void add(const Tones &tones);
    void reset() { size_ = 0; }

    // Both functions need four measurements.
    Line ear(int channel) const;  // Line::amplitude: relative to the promise, in the middle
    // The beat left - right; present only if both ears are.
    struct Beat {
        bool present = false;
        double hz = 0.0;
        double error_hz = 0.0;
    };
    Beat beat() const;
    double seconds() const;  // duration covered so far

private:
    static constexpr std::uint32_t kMost = 64;

    std::uint32_t size_ = 0;  // measurements, the oldest one first
    double time_s_[kMost]{};
    std::complex<double> amplitude_[2][kMost];
    double promised_hz_[2]{};
};

}  // namespace entrain
