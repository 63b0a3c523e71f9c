// One source of sound as two ears hear it: a history, and the place from which it is heard.
//
// A place that moves by a small step within a partition is blended from one filter to the next, and
// its delays glide.  A larger step is a jump: the old and the new place are both heard, at rest,
// and cross-faded; so a jump makes no sound of its own.
#pragma once

#include "audio/direction.h"
#include "audio/space/head.h"
#include "audio/space/kernels.h"
#include "audio/space/near_field.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain::space {

// Where a source is heard from, relative to the head.
struct Aim {
    Direction direction;
    double gain = 1.0;
    double distance_m = kNearFieldMetres;
    double head_scale = 1.0;  // the larger the head, the longer are the ears' delays
};

// Sums over all sources in one partition: directly filtered sound, and spectra.  While a source
// moves, there is one sum with the filters before the step, and one with the filters after it.
struct Sums {
    explicit Sums(int partition);
    void clear_spectra() noexcept;
    void clear_sound(int first, int frames) noexcept;

    bool moves = false;  // whether the two differ
    std::array<std::vector<float>, 2> spectra;               // before, after
    std::array<std::array<std::vector<float>, 2>, 2> sound;  // before, after; ear
};

class Source {
public:
    Source(std::uint32_t rate_hz, int partition, const Kernels &kernels);

    // Forget all sound and the place.
    void reset() noexcept;
    bool is_on() const noexcept { return on_; }

    // At the beginning of a partition: where the source is heard from at its end.  `head` may be
    // null: then it stays where it is.  If `fades_in`, a source that comes fades in.
    void aim(const Head *head, const Aim &aim, bool fades_in) noexcept;
    bool moves() const noexcept { return voices_[0].moves || voices_[1].moves; }
    // Add what former partitions contribute; `newest` is the slot of the latest spectra.
    void add_spectra(Sums &sums, int newest) const noexcept;

    // Within a partition: frames `first` to `first + frames` of its sound; null: silence.
    void hear(const float *sound, int first, int frames) noexcept;
    void add_sound(Sums &sums, int first, int frames) noexcept;

    // At the end of a partition: keep its spectra in the slot.
    void finish(int slot) noexcept;

private:
    // A fractional delay: its kernel, and how many frames before the present one it begins.
    struct Tap {
        std::array<float, kKernel> kernel;
        int before;
    };

    struct Voice {
        Voice(std::uint32_t rate_hz, int partition);

        bool on = false;
        bool moves = false;
        std::size_t now = 0;  // of the filters
        std::array<std::vector<float>, 2> filter;
        Aim aim;
        std::array<double, 2> from_delay{}, delay{};
        double from_gain = 0.0;
        std::array<Tap, 2> tap;  // while neither delay nor gain changes
        bool has_tap = false;
        NearField near_field;
        std::array<std::vector<float>, 2> wet;        // two partitions, and a group
        std::array<std::vector<float>, kParts - 1> spectra;

        // The filter before the step (0) or after it (1).
        const std::vector<float> &filter_of(std::size_t side) const noexcept {
            return filter[moves && side == 0 ? 1 - now : now];
        }
    };

    void start(const Head &head, const Aim &aim) noexcept;
    void blend(Voice &voice, const Head &head, const Aim &aim) noexcept;
    static void rest(Voice &voice) noexcept;
    // The delay of an ear, a number of frames into the partition.
    Tap tap_at(const Voice &voice, std::size_t ear, int frames) const noexcept;
    void wet(Voice &voice, int first, int groups) noexcept;
    void fade(Voice &voice, bool comes, int first, int groups) noexcept;
    bool fades() const noexcept { return faded_ < faded_out_; }

    const int partition_;
    const Kernels &kernels_;
    const int history_;      // frames kept before the partition
    const int fade_frames_;
    const int faded_out_;    // frames until the former place is silent
    bool on_ = false;
    std::uint64_t head_ = 0;  // serial number; the filters in use are copies
    std::size_t front_ = 0;
    int faded_;              // frames of the cross-fade before this partition
    std::vector<float> raw_;
    std::array<Voice, 2> voices_;
};

}  // namespace entrain::space
