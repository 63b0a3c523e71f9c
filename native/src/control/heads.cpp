#include "control/heads.h"

#include "audio/space/space_block.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <cstddef>
#include <vector>
#ifdef __GLIBC__
#include <malloc.h>
#endif

namespace entrain {
namespace {

using space::filter_floats;
using space::kParts;
using Taps = std::vector<float>;

constexpr double kPi = 3.14159265358979323846;

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

// The C library would keep the memory of freed heads, up to 40 MB, for itself.
void free_head(const Head *head) noexcept {
    delete head;
#ifdef __GLIBC__
    malloc_trim(0);
#endif
}

std::shared_ptr<Head> new_head() { return {new Head, free_head}; }

std::size_t size(int count) noexcept { return static_cast<std::size_t>(count); }

// ---- filters as the callback needs them --------------------------------------------------------

// Writes and reads filters of one sound for two ears; see audio/space/kernels.h.
class FilterCodec {
public:
    explicit FilterCodec(int partition)
        : partition_(size(partition)),
          spectra_(size(space::pair_floats(partition))),
          kernels_(space::kernels_for(partition)),
          left_(2 * partition_),
          right_(2 * partition_),
          changed_(spectra_) {}

    // Longest filter.
    std::size_t taps() const noexcept { return size(kParts) * partition_; }

    // Filters of up to taps() taps.
    void write(const Taps &left, const Taps &right, float *to) {
        const auto at = [](const Taps &taps, std::size_t i) {
            return i < taps.size() ? taps[i] : 0.0F;
        };
        for (std::size_t k = 0; k < partition_; ++k, to += 2) {
            to[0] = at(left, k);
            to[1] = at(right, k);
        }
        // The inverse transform does not divide by its length.
        const float scale = 0.5F / static_cast<float>(partition_);
        for (std::size_t part = 1; part < size(kParts); ++part, to += spectra_) {
            for (std::size_t k = 0; k < partition_; ++k) {
                left_[k] = scale * at(left, part * partition_ + k);
                right_[k] = scale * at(right, part * partition_ + k);
            }
            std::fill_n(to, spectra_, 0.0F);
            kernels_.transform(left_.data(), right_.data(), to);
        }
        std::fill(left_.begin(), left_.end(), 0.0F);
        std::fill(right_.begin(), right_.end(), 0.0F);
    }

    void read(const float *from, Taps &left, Taps &right) {
        left.resize(taps());
        right.resize(taps());
        for (std::size_t k = 0; k < partition_; ++k, from += 2) {
            left[k] = from[0];
            right[k] = from[1];
        }
        for (std::size_t part = 1; part < size(kParts); ++part, from += spectra_) {
            // The inverse transform gives the second half.  Its taps are in the first one, and a
            // change of every other sign exchanges the halves.
            for (std::size_t bin = 0; bin < spectra_; ++bin)
                changed_[bin] = bin % (spectra_ / 4) % 2 ? -from[bin] : from[bin];
            kernels_.invert(changed_.data(), left.data() + part * partition_,
                            right.data() + part * partition_);
        }
    }

private:
    const std::size_t partition_, spectra_;
    const space::Kernels &kernels_;
    Taps left_, right_, changed_;
};

// Fades the end of a filter that is longer than `taps`.
void shorten(Taps &filter, std::size_t taps) {
    if (filter.size() <= taps) return;
    filter.resize(taps);
    const std::size_t fade = taps / 8;
    for (std::size_t i = 0; i < fade; ++i)
        filter[taps - fade + i] *= static_cast<float>(
            0.5 + 0.5 * std::cos(kPi * (static_cast<double>(i) + 1.0) / static_cast<double>(fade)));
}

// ---- another sample rate -----------------------------------------------------------------------

// Resamples filters of one length.
class Resampler {
public:
    Resampler(std::uint32_t from_hz, std::uint32_t to_hz, std::size_t taps) : taps_(taps) {
        const double ratio = static_cast<double>(from_hz) / to_hz;
        const double cutoff = std::min(1.0, 1.0 / ratio) * kPassBand;
        const double half = kHalfPoints / cutoff;
        const double lead = std::round(kLeadFrames * std::max(1.0, 1.0 / ratio));
        length_ = static_cast<std::size_t>(std::ceil(static_cast<double>(taps) / ratio) + lead);
        points_ = size(static_cast<int>(2.0 * half) + 2);
        weights_.resize(length_ * points_);
        first_.resize(length_);
        for (std::size_t m = 0; m < length_; ++m) {
            const double at = (static_cast<double>(m) - lead) * ratio;
            first_[m] = static_cast<std::ptrdiff_t>(std::ceil(at - half));
            for (std::size_t i = 0; i < points_; ++i) {
                const double x = static_cast<double>(first_[m]) + static_cast<double>(i) - at;
                if (std::fabs(x) >= half) continue;
                const double y = kPi * cutoff * x;
                weights_[m * points_ + i] = static_cast<float>(
                    ratio * cutoff * (std::fabs(y) < 1e-9 ? 1.0 : std::sin(y) / y) *
                    (0.5 + 0.5 * std::cos(kPi * x / half)));
            }
        }
        // So that no point lies outside.
        padded_.resize(taps + 2 * points_ + 8);
    }

    void operator()(const Taps &from, Taps &to) {
        to.resize(length_);
        std::copy(from.begin(), from.end(), padded_.begin() + static_cast<std::ptrdiff_t>(points_));
        for (std::size_t m = 0; m < length_; ++m) {
            // Behind the last tap there are only zeros.
            const std::ptrdiff_t first =
                std::min(first_[m], static_cast<std::ptrdiff_t>(taps_)) +
                static_cast<std::ptrdiff_t>(points_);
            const float *x = padded_.data() + first, *weight = weights_.data() + m * points_;
            float sum = 0.0F;
            for (std::size_t i = 0; i < points_; ++i) sum += weight[i] * x[i];
            to[m] = sum;
        }
    }

private:
    // Minimum phase begins with its strongest taps, so the filter for a new rate needs some frames
    // (of the slower rate) before them.
    static constexpr double kLeadFrames = 3.0;
    static constexpr double kPassBand = 0.95;
    static constexpr double kHalfPoints = 12.0;  // of the slower rate

    const std::size_t taps_;
    std::size_t length_ = 0, points_ = 0;
    std::vector<float> weights_;         // [frame][point]
    std::vector<std::ptrdiff_t> first_;  // point of a frame
    Taps padded_;
};

// ---- from outside ------------------------------------------------------------------------------

bool are_within(const float *numbers, std::size_t count, float low, float high) noexcept {
    return std::all_of(numbers, numbers + count,
                       [low, high](float each) { return each >= low && each <= high; });
}

bool is_between(std::uint32_t count, std::uint32_t low, std::uint32_t high) noexcept {
    return count >= low && count <= high;
}

// Taps of `ears` as [ear][channel][tap].
Decoder make_decoder(const float *taps, std::uint32_t length, std::uint32_t channels,
                     FilterCodec &filters, int partition) {
    Decoder decoder;
    decoder.channels = static_cast<int>(channels);
    const auto floats = size(filter_floats(partition));
    decoder.filters.resize(channels * floats);
    for (std::size_t channel = 0; channel < channels; ++channel) {
        const float *left = taps + channel * length, *right = left + channels * length;
        Taps l(left, left + length), r(right, right + length);
        shorten(l, filters.taps());
        shorten(r, filters.taps());
        filters.write(l, r, decoder.filters.data() + channel * floats);
    }
    return decoder;
}

// Fills in the filters at another rate.
void resample(const std::vector<float> &from, std::size_t count, Resampler &resampler,
              FilterCodec &reads, FilterCodec &writes, int from_partition, int to_partition,
              std::vector<float> &to) {
    const auto from_floats = size(filter_floats(from_partition));
    const auto to_floats = size(filter_floats(to_partition));
    to.resize(count * to_floats);
    Taps left, right, l, r;
    for (std::size_t i = 0; i < count; ++i) {
        reads.read(from.data() + i * from_floats, left, right);
        resampler(left, l);
        resampler(right, r);
        shorten(l, writes.taps());
        shorten(r, writes.taps());
        writes.write(l, r, to.data() + i * to_floats);
    }
}

}  // namespace

entrain_status check_head(const entrain_head_data &data) noexcept {
    const bool has_decoder = data.order > 0, has_first = data.first_order_taps > 0;
    if (!is_between(data.rate_hz, ENTRAIN_LOWEST_HZ, ENTRAIN_HIGHEST_HZ) ||
        !is_between(data.taps, 16, 4096) || !is_between(data.azimuths, 4, 720) ||
        !is_between(data.elevations, 3, 361) || !is_between(data.widths, 2, 721) ||
        data.azimuths * data.elevations > ENTRAIN_MOST_DIRECTIONS || data.order > 3 ||
        (has_decoder && !is_between(data.decoder_taps, 16, 4096)) ||
        (has_first && !is_between(data.first_order_taps, 16, 4096)))
        return ENTRAIN_E_ARGUMENT;
    if (!data.responses || !data.delays_s || !data.gain_db || (has_decoder && !data.decoder) ||
        (has_first && !data.first_order_decoder))
        return ENTRAIN_E_ARGUMENT;
    const std::size_t ears = std::size_t{2} * data.azimuths * data.elevations;
    const std::size_t channels = std::size_t{data.order + 1} * (data.order + 1);
    constexpr float kMost = 64.0F;
    const bool good =
        are_within(data.responses, ears * data.taps, -kMost, kMost) &&
        are_within(data.delays_s, ears, 0.0F, 0.002F) &&
        are_within(data.gain_db, kGainRows * data.widths, -60.0F, 20.0F) &&
        (!has_decoder ||
         are_within(data.decoder, 2 * channels * data.decoder_taps, -kMost, kMost)) &&
        (!has_first || are_within(data.first_order_decoder, std::size_t{8} * data.first_order_taps,
                                  -kMost, kMost));
    return good ? ENTRAIN_OK : ENTRAIN_E_RANGE;
}

std::shared_ptr<const Head> make_head(const entrain_head_data &data) {
    const auto head = new_head();
    head->serial = next_serial();
    head->rate_hz = data.rate_hz;
    head->partition = space::partition_of(data.rate_hz);
    head->azimuths = static_cast<int>(data.azimuths);
    head->elevations = static_cast<int>(data.elevations);
    const std::size_t places = std::size_t{data.azimuths} * data.elevations;
    FilterCodec filters(head->partition);
    const auto floats = size(filter_floats(head->partition));
    head->filters.resize(places * floats);
    head->delays.resize(2 * places);
    for (std::size_t i = 0; i < places; ++i) {
        const float *left = data.responses + 2 * i * data.taps, *right = left + data.taps;
        Taps l(left, left + data.taps), r(right, right + data.taps);
        shorten(l, filters.taps());
        shorten(r, filters.taps());
        filters.write(l, r, head->filters.data() + i * floats);
        const float *delays = data.delays_s + 2 * i;
        for (std::size_t ear = 0; ear < 2; ++ear)
            head->delays[2 * i + ear] = (delays[ear] - std::min(delays[0], delays[1])) *
                                        static_cast<float>(data.rate_hz);
    }
    head->gains.resize(kGainRows * data.widths);
    for (std::size_t i = 0; i < head->gains.size(); ++i)
        head->gains[i] = static_cast<float>(std::pow(10.0, double{data.gain_db[i]} / 20.0));
    if (data.order > 0)
        head->high_order = make_decoder(data.decoder, data.decoder_taps,
                                        (data.order + 1) * (data.order + 1), filters,
                                        head->partition);
    if (data.first_order_taps > 0)
        head->first_order = make_decoder(data.first_order_decoder, data.first_order_taps, 4,
                                         filters, head->partition);
    return head;
}

std::shared_ptr<const Head> head_at_rate(const std::shared_ptr<const Head> &head,
                                         std::uint32_t rate_hz) {
    if (!head || head->rate_hz == rate_hz) return head;
    const auto other = new_head();
    other->serial = next_serial();
    other->rate_hz = rate_hz;
    other->partition = space::partition_of(rate_hz);
    other->azimuths = head->azimuths;
    other->elevations = head->elevations;
    other->gains = head->gains;
    other->delays = head->delays;
    for (float &delay : other->delays)
        delay *= static_cast<float>(rate_hz) / static_cast<float>(head->rate_hz);
    FilterCodec reads(head->partition), writes(other->partition);
    Resampler resampler(head->rate_hz, rate_hz, reads.taps());
    const auto convert = [&](const std::vector<float> &from, std::size_t count,
                             std::vector<float> &to) {
        resample(from, count, resampler, reads, writes, head->partition, other->partition, to);
    };
    convert(head->filters, size(head->azimuths) * size(head->elevations), other->filters);
    other->high_order.channels = head->high_order.channels;
    convert(head->high_order.filters, size(head->high_order.channels), other->high_order.filters);
    other->first_order.channels = head->first_order.channels;
    convert(head->first_order.filters, size(head->first_order.channels),
            other->first_order.filters);
    return other;
}

std::uint32_t tail_frames(std::uint32_t rate_hz) noexcept {
    return static_cast<std::uint32_t>(std::ceil(
               (space::kTailSeconds + space::kRoomSeconds) * rate_hz)) +
           static_cast<std::uint32_t>(space::partition_of(rate_hz));
}

}  // namespace entrain
