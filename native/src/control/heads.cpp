#include "control/heads.h"

#include "audio/space/sound_stage.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <complex>
#include <cstddef>
#include <vector>

namespace entrain {
namespace {

using space::bins_of;
using space::filter_floats;
using space::kParts;
using Complex = std::complex<double>;
using Taps = std::vector<double>;

constexpr double kPi = 3.14159265358979323846;
constexpr double kTailSeconds = 0.012;

std::uint64_t next_serial() noexcept {
    static std::atomic<std::uint64_t> last{0};
    return ++last;
}

std::size_t size(int count) noexcept { return static_cast<std::size_t>(count); }

// ---- Fourier transform -------------------------------------------------------------------------

class Transform {
public:
    explicit Transform(int points) : twiddles_(size(points / 2)), place_(size(points)) {
        for (std::size_t k = 0; k < twiddles_.size(); ++k)
            twiddles_[k] = std::polar(1.0, -2.0 * kPi * static_cast<double>(k) / points);
        for (std::size_t i = 1; i < place_.size(); ++i)
            place_[i] = place_[i / 2] / 2 + (i % 2 ? place_.size() / 2 : 0);
    }

    void run(std::vector<Complex> &values) const {
        const std::size_t points = values.size();
        for (std::size_t i = 0; i < points; ++i)
            if (i < place_[i]) std::swap(values[i], values[place_[i]]);
        for (std::size_t half = 1; half < points; half *= 2)
            for (std::size_t begin = 0; begin < points; begin += 2 * half)
                for (std::size_t k = 0; k < half; ++k) {
                    Complex &a = values[begin + k], &b = values[begin + half + k];
                    const Complex turn = twiddles_[k * (points / 2 / half)];
                    // Not `*`, which checks for infinity.
                    const Complex turned{b.real() * turn.real() - b.imag() * turn.imag(),
                                         b.real() * turn.imag() + b.imag() * turn.real()};
                    b = a - turned;
                    a += turned;
                }
    }

private:
    std::vector<Complex> twiddles_;
    std::vector<std::size_t> place_;  // in reversed order of bits
};

// ---- filters as the callback needs them --------------------------------------------------------

// Writes and reads filters of one sound for two ears; see audio/space/kernels.h.
class FilterCase {
public:
    explicit FilterCase(int partition)
        : partition_(partition), transform_(2 * partition), values_(size(2 * partition)) {}

    // Longest filter.
    std::size_t taps() const noexcept { return size(kParts * partition_); }

    void write(const Taps &left, const Taps &right, float *to) {
        const auto at = [](const Taps &taps, std::size_t i) {
            return i < taps.size() ? taps[i] : 0.0;
        };
        const std::size_t part_taps = size(partition_), bins = size(bins_of(partition_));
        for (std::size_t k = 0; k < part_taps; ++k) {
            to[2 * k] = static_cast<float>(at(left, k));
            to[2 * k + 1] = static_cast<float>(at(right, k));
        }
        to += 2 * part_taps;
        for (std::size_t part = 1; part < size(kParts); ++part, to += 4 * bins) {
            std::fill(values_.begin(), values_.end(), Complex{});
            for (std::size_t k = 0; k < part_taps; ++k)
                values_[k] = {at(left, part * part_taps + k), at(right, part * part_taps + k)};
            transform_.run(values_);
            std::fill_n(to, 4 * bins, 0.0F);
            for (std::size_t k = 0; k <= part_taps; ++k) {
                const Complex z = values_[k];
                const Complex mirrored = std::conj(values_[(values_.size() - k) % values_.size()]);
                // The inverse transform does not divide by its length.
                const double scale = 0.5 / static_cast<double>(values_.size());
                const Complex l = scale * (z + mirrored), r = scale * (z - mirrored);
                to[k] = static_cast<float>(l.real());
                to[bins + k] = static_cast<float>(l.imag());
                to[2 * bins + k] = static_cast<float>(r.imag());
                to[3 * bins + k] = static_cast<float>(-r.real());
            }
        }
    }

    void read(const float *from, Taps &left, Taps &right) {
        const std::size_t part_taps = size(partition_), bins = size(bins_of(partition_));
        left.assign(taps(), 0.0);
        right.assign(taps(), 0.0);
        for (std::size_t k = 0; k < part_taps; ++k) {
            left[k] = double{from[2 * k]};
            right[k] = double{from[2 * k + 1]};
        }
        from += 2 * part_taps;
        for (std::size_t part = 1; part < size(kParts); ++part, from += 4 * bins) {
            for (std::size_t k = 0; k <= part_taps; ++k) {
                const Complex l{double{from[k]}, double{from[bins + k]}};
                const Complex r{double{from[2 * bins + k]}, double{from[3 * bins + k]}};
                const Complex i{0.0, 1.0};
                // The inverse transform as a forward transform of the mirrored spectrum.
                values_[(values_.size() - k) % values_.size()] = l + i * r;
                values_[k] = std::conj(l) + i * std::conj(r);
            }
            transform_.run(values_);
            for (std::size_t k = 0; k < part_taps; ++k) {
                left[part * part_taps + k] = values_[k].real();
                right[part * part_taps + k] = values_[k].imag();
            }
        }
    }

private:
    const int partition_;
    const Transform transform_;
    std::vector<Complex> values_;
};

// Fades the end of a filter that is longer than `taps`.
void shorten(Taps &filter, std::size_t taps) {
    if (filter.size() <= taps) return;
    filter.resize(taps);
    const std::size_t fade = taps / 8;
    for (std::size_t i = 0; i < fade; ++i)
        filter[taps - fade + i] *=
            0.5 + 0.5 * std::cos(kPi * (static_cast<double>(i) + 1.0) / static_cast<double>(fade));
}

// ---- another sample rate -----------------------------------------------------------------------

class Resampler {
public:
    // Minimum phase begins with its strongest taps, so the filter for a new rate needs some frames
    // before them.
    static constexpr int kLeadFrames = 3;

    Resampler(std::uint32_t from_hz, std::uint32_t to_hz)
        : ratio_(static_cast<double>(from_hz) / to_hz),
          cutoff_(std::min(1.0, 1.0 / ratio_) * kPassBand) {}

    Taps operator()(const Taps &from) const {
        const auto length = static_cast<int>(std::ceil(static_cast<double>(from.size()) / ratio_));
        Taps to(size(length + kLeadFrames));
        for (int m = 0; m < static_cast<int>(to.size()); ++m) {
            const double at = (m - kLeadFrames) * ratio_;
            const int first = std::max(0, static_cast<int>(std::ceil(at - half())));
            const int last = std::min(static_cast<int>(from.size()) - 1,
                                      static_cast<int>(std::floor(at + half())));
            double sum = 0.0;
            for (int k = first; k <= last; ++k) sum += from[size(k)] * kernel(k - at);
            to[size(m)] = sum * ratio_;
        }
        return to;
    }

private:
    static constexpr double kPassBand = 0.95;
    static constexpr double kHalfPoints = 12.0;  // of the slower rate

    double half() const noexcept { return kHalfPoints / cutoff_; }
    double kernel(double x) const noexcept {
        const double y = kPi * cutoff_ * x;
        const double window = 0.5 + 0.5 * std::cos(kPi * x / half());
        return cutoff_ * (std::fabs(y) < 1e-9 ? 1.0 : std::sin(y) / y) * window;
    }

    const double ratio_, cutoff_;
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
                     FilterCase &filters, int partition) {
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
void resample(const std::vector<float> &from, std::size_t count, const Resampler &resampler,
              FilterCase &reads, FilterCase &writes, int from_partition, int to_partition,
              std::vector<float> &to) {
    const auto from_floats = size(filter_floats(from_partition));
    const auto to_floats = size(filter_floats(to_partition));
    to.resize(count * to_floats);
    Taps left, right;
    for (std::size_t i = 0; i < count; ++i) {
        reads.read(from.data() + i * from_floats, left, right);
        Taps l = resampler(left), r = resampler(right);
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
        are_within(data.gain_db, data.widths, -60.0F, 20.0F) &&
        (!has_decoder ||
         are_within(data.decoder, 2 * channels * data.decoder_taps, -kMost, kMost)) &&
        (!has_first || are_within(data.first_order_decoder, std::size_t{8} * data.first_order_taps,
                                  -kMost, kMost));
    return good ? ENTRAIN_OK : ENTRAIN_E_RANGE;
}

std::shared_ptr<const Head> make_head(const entrain_head_data &data) {
    const auto head = std::make_shared<Head>();
    head->serial = next_serial();
    head->rate_hz = data.rate_hz;
    head->partition = space::partition_of(data.rate_hz);
    head->azimuths = static_cast<int>(data.azimuths);
    head->elevations = static_cast<int>(data.elevations);
    const std::size_t places = std::size_t{data.azimuths} * data.elevations;
    FilterCase filters(head->partition);
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
    head->gains.resize(data.widths);
    for (std::size_t i = 0; i < data.widths; ++i)
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
    const auto other = std::make_shared<Head>();
    other->serial = next_serial();
    other->rate_hz = rate_hz;
    other->partition = space::partition_of(rate_hz);
    other->azimuths = head->azimuths;
    other->elevations = head->elevations;
    other->gains = head->gains;
    other->delays = head->delays;
    for (float &delay : other->delays)
        delay *= static_cast<float>(rate_hz) / static_cast<float>(head->rate_hz);
    const Resampler resampler(head->rate_hz, rate_hz);
    FilterCase reads(head->partition), writes(other->partition);
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
    return static_cast<std::uint32_t>(std::ceil(kTailSeconds * rate_hz)) +
           static_cast<std::uint32_t>(space::partition_of(rate_hz));
}

}  // namespace entrain
