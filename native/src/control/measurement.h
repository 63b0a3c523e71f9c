// What is measurably in the sound that went out: tones, beats and modulation near the promised.
//
// Plain functions of copied frames, on the control thread.  They allocate nothing, use less than
// 256 KiB of stack and take about half a millisecond each.  `frames` are interleaved stereo, full
// scale = 1.0; ears are 0 = left, 1 = right.  Nothing there, too few frames (less than 0.1 s) or
// frequencies that cannot be measured: `present` is false and the figures are 0, never NaN.
// Of more than 2 s of sound the last two are looked at.
#pragma once

#include <complex>
#include <cstdint>

namespace entrain {

// A frequency found near the promised one.  It owes nothing to the promise but where to look.
struct Line {
    bool present = false;             // stands out of what is around it by kMinSnrDb
    double hz = 0.0;
    double error_hz = 0.0;            // standard deviation to expect, from the noise around it
    double snr_db = 0.0;              // against the noise in the measurement's own bandwidth
    std::complex<double> amplitude;   // at the promised frequency, in the middle of the frames
};

constexpr double kMinSnrDb = 13.0;
constexpr double kSearchHz = 1.0;  // to both sides of the promise

struct Tones {
    Line ear[2];             // Line::amplitude: phase of a cosine of the promised hz at frame 0
    double level_db[2]{};    // RMS, full scale = 1.0; a sine from -1 to 1 has -3.01 dB
    double beat_hz = 0.0;    // left - right, 0 unless both are present
    double error_hz = 0.0;   // of the beat
    double promised_hz[2]{};
    double middle_s = 0.0;   // since frame 0
    bool measured = false;   // there was enough to look at, whether or not a tone was in it
};

// One tone in each ear of `after`, beside what is left there of the input `before` (nullptr:
// not known, so all is tone or noise).  `first` is the number of the first frame since the stream
// began.  `modulation_hz` is the rate at which the input was promised to be modulated, or 0.
// For two tones in the same ear (a monaural beat) ask twice.
Tones measure_tones(const float *before, const float *after, std::uint32_t count,
                    std::uint32_t rate_hz, double left_hz, double right_hz,
                    std::uint64_t first = 0, double modulation_hz = 0.0);

struct Modulation {
    bool present[2]{};       // there was an input to be modulated, not: it is modulated
    double index[2]{};       // m of a gain 1 + m*sin; the first harmonic for other shapes
    double floor[2]{};       // what the input alone pretends to, from neighbouring rates
    double phase[2]{};       // of that sine in the middle of the frames, in cycles, 0...1
    double rate_hz = 0.0;    // as measured; the promised one where index < 3 * floor in both ears
    double error_hz = 0.0;   // standard deviation to expect of rate_hz
};

// The gain of each ear at the promised rate, above `corner_hz`: the envelope of `after` over that
// of `before`, so that the input's own rhythm is not counted.  Without `before` (nullptr) the
// envelope of `after` itself.  The frames must hold 1.5 periods; rates up to 100 Hz.
Modulation measure_modulation(const float *before, const float *after, std::uint32_t count,
                              std::uint32_t rate_hz, double promised_rate_hz, double corner_hz);

struct InterauralPhase {
    Line slope;              // hz: turns per second of the left ear's phase against the right's
    double coherence = 0.0;  // share of the band that turns so, 0...1
};

// From 150 to 1300 Hz, for an input whose ears are shifted apart.
InterauralPhase measure_interaural_phase(const float *frames, std::uint32_t count,
                                         std::uint32_t rate_hz, double promised_beat_hz);

// Beats over up to a minute, from the phases of successive measurements: what one of them cannot
// tell below the input, many can.  Feed it about once a second (0.4 to 1.2 s apart).
class BeatTracker {
public:
    // Starts anew when the promise moved or the time between makes phases ambiguous.
    void add(const Tones &tones);
    void reset() { size_ = 0; }

    // Both need four measurements.
    Line ear(int channel) const;  // Line::amplitude against the promise, in the middle of them
    // left - right; not present unless both ears are.
    struct Beat {
        bool present = false;
        double hz = 0.0;
        double error_hz = 0.0;
    };
    Beat beat() const;
    double seconds() const;  // covered so far

private:
    static constexpr std::uint32_t kMost = 64;

    std::uint32_t size_ = 0;  // oldest first
    double time_s_[kMost]{};
    std::complex<double> amplitude_[2][kMost];
    double promised_hz_[2]{};
};

}  // namespace entrain
