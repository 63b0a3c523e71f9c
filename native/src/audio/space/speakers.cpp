#include "audio/space/speakers.h"

#include "audio/space/sound_stage.h"

#include <algorithm>
#include <cmath>
#include <deque>
#include <vector>

namespace entrain {
namespace {

using namespace space;

constexpr double kReferenceMetres = 2.0;  // where the pair has its own level
constexpr double kNearestMetres = 0.3;
constexpr double kMeasuredHeadCm = 57.0;  // circumference of the head that a file was measured on
constexpr double kLongestSeconds = 0.012;  // of delays and filters

// The block's parameters, in the order of its description.
struct Parameters {
#define PARAMETER(symbol, name, initial, minimum, maximum, step, period, at_once) \
    float symbol = initial;
#include "block_speakers_parameters.hpp"
#undef PARAMETER

    bool operator==(const Parameters &other) const noexcept {
        bool same = true;
#define PARAMETER(symbol, name, initial, minimum, maximum, step, period, at_once) \
    same = same && symbol == other.symbol;
#include "block_speakers_parameters.hpp"
#undef PARAMETER
        return same;
    }
};

// Everything that depends on the sample rate.
struct Renderer {
    Renderer(std::uint32_t rate, const Kernels &all)
        : rate_hz(rate),
          partition(partition_of(rate)),
          kernels(all),
          slots(static_cast<int>(kLongestSeconds * rate) + partition),
          sums(partition) {
        for (std::size_t i = 0; i < 2 + kMostSources; ++i)
            sources.emplace_back(rate, partition, kernels);
        for (auto &side : tail)
            for (auto &ear : side) ear.resize(static_cast<std::size_t>(partition));
    }

    const std::uint32_t rate_hz;
    const int partition;
    const Kernels &kernels;
    Slots slots;
    std::deque<Source> sources;  // left, right, then one for each slot
    Sums sums;
    std::array<std::array<std::vector<float>, 2>, 2> tail;  // before and after the step; ear
    int done = 0;    // frames of the present partition
    int newest = 0;  // slot of the latest spectra
};

class Speakers final : public dsp {
public:
    explicit Speakers(const Kernels &(*kernels)(int) noexcept) noexcept : kernels_(kernels) {}

    int getNumInputs() override { return 2; }
    int getNumOutputs() override { return 2; }
    int getSampleRate() override { return static_cast<int>(renderer_->rate_hz); }
    void metadata(Meta *) override {}
    dsp *clone() override { return new Speakers(kernels_); }
    void init(int rate_hz) override { instanceInit(rate_hz); }
    void instanceInit(int rate_hz) override {
        instanceResetUserInterface();
        instanceConstants(rate_hz);
    }
    void instanceConstants(int rate_hz) override {
        const auto rate = static_cast<std::uint32_t>(rate_hz);
        renderer_ = std::make_unique<Renderer>(rate, kernels_(partition_of(rate)));
    }
    void instanceResetUserInterface() override { now_ = {}; }
    void instanceClear() override { instanceConstants(getSampleRate()); }

    void buildUserInterface(UI *ui) override {
#define PARAMETER(symbol, name, initial, minimum, maximum, step, period, at_once) \
    ui->declare(&now_.symbol, "symbol", #symbol);                                 \
    ui->declare(&now_.symbol, "period", period);                                  \
    ui->declare(&now_.symbol, "at_once", #at_once);                               \
    ui->addHorizontalSlider(name, &now_.symbol, initial, minimum, maximum, step);
#include "block_speakers_parameters.hpp"
#undef PARAMETER
    }

    // The sound on its way is at another rate, and cannot be taken over.
    void resume(const dsp &former, int) noexcept override {
        phase_ = static_cast<const Speakers &>(former).phase_;
    }

    void surround(const Surroundings &piece) noexcept override {
        piece_ = &piece;
        offset_ = 0;
        renderer_->slots.take(piece, [this](std::size_t slot) { source(slot).reset(); });
    }

    void compute(int frames, float **in, float **out) override {
        Renderer &r = *renderer_;
        for (int at = 0; at < frames;) {
            if (r.done == 0) step();
            const int some = std::min(frames - at, r.partition - r.done);
            hear(in, at, some);
            if (r.sources[0].is_on())
                sound(out, at, some);
            else  // without a head
                for (std::size_t c = 0; c < 2; ++c)
                    if (in[c] != out[c]) std::copy_n(in[c] + at, some, out[c] + at);
            at += some;
            offset_ += static_cast<std::uint32_t>(some);
            r.done += some;
            if (r.done == r.partition) finish();
        }
    }

private:
    Source &source(std::size_t slot) noexcept { return renderer_->sources[2 + slot]; }

    // Position of the pair, relative to the room.
    void move(const Head &head) noexcept {
        const Place place{now_.azimuth_deg, now_.elevation_deg, now_.distance_m,
                          now_.path,        now_.path_hz,       now_.path_deg};
        const Position at = position_of(place, phase_);
        const double half = double{now_.width_deg} / 2.0;
        const double gain = kReferenceMetres / std::max(at.distance_m, kNearestMetres) *
                            head.gain_of_width(double{now_.width_deg});
        for (std::size_t i = 0; i < 2; ++i) {
            const double azimuth = at.azimuth_deg + (i == 0 ? half : -half);
            direction_[i] = direction_of(azimuth, at.elevation_deg);
        }
        gain_ = gain;
    }

    void step() noexcept {
        Renderer &r = *renderer_;
        const Head *head = piece_ && piece_->head && piece_->head->rate_hz == r.rate_hz
                               ? piece_->head : nullptr;
        const Turn front;
        const Turn &tracked = piece_ ? piece_->turns[piece_->step_of(offset_)] : front;
        const Turn &turn = head_.turn(
            {now_.follow, now_.yaw_deg, now_.pitch_deg, now_.roll_deg}, tracked);
        const double delay_scale = double{now_.head_cm} / kMeasuredHeadCm;
        advance();
        if (head && (!(seen_ == now_) || seen_phase_ != phase_ || seen_head_ != head->serial)) {
            move(*head);
            seen_ = now_;
            seen_phase_ = phase_;
            seen_head_ = head->serial;
        }
        for (std::size_t i = 0; i < 2; ++i)
            r.sources[i].aim(head, {turned(direction_[i], turn), gain_, delay_scale}, false);
        for (std::size_t i = 0; i < kMostSources; ++i) aim_placed(i, head, turn, delay_scale);
        r.sums.moves = std::any_of(r.sources.begin(), r.sources.end(),
                                   [](const Source &each) { return each.is_on() && each.moves(); });
        r.sums.clear_spectra();
        for (const Source &each : r.sources)
            if (each.is_on()) each.add_spectra(r.sums, r.newest);
        for (std::size_t i = r.sums.moves ? 0 : 1; i < 2; ++i)
            r.kernels.invert(r.sums.spectra[i].data(), r.tail[i][0].data(), r.tail[i][1].data());
    }

    void advance() noexcept {
        if (now_.path < 0.5F) {
            phase_ = 0.0;
            return;
        }
        phase_ += double{now_.path_hz} * renderer_->partition / renderer_->rate_hz;
        phase_ -= std::floor(phase_);
    }

    void aim_placed(std::size_t i, const Head *head, const Turn &turn,
                    double delay_scale) noexcept {
        Slot &slot = renderer_->slots.all()[i];
        if (slot.number == 0) return;
        if (slot.whereabouts) {
            const Whereabouts &at = (*slot.whereabouts)[piece_->step_of(offset_)];
            if (slot.is_fresh || !(slot.seen == at)) {
                const Position position = position_of(at.place, at.phase);
                slot.direction = direction_of(position.azimuth_deg, position.elevation_deg);
                slot.distance_m = position.distance_m;
                slot.seen = at;
                slot.is_fresh = false;
            }
        }
        const double gain = 1.0 / std::max(slot.distance_m, kNearestMetres);
        source(i).aim(head, {turned(slot.direction, turn), gain, delay_scale}, true);
    }

    void hear(float **in, int at, int frames) noexcept {
        Renderer &r = *renderer_;
        for (std::size_t i = 0; i < 2; ++i) r.sources[i].hear(in[i] + at, r.done, frames);
        for (std::size_t i = 0; i < kMostSources; ++i) {
            const Slot &slot = r.slots.all()[i];
            if (slot.number != 0)
                source(i).hear(slot.sound ? slot.sound + offset_ : nullptr, r.done, frames);
        }
    }

    void sound(float **out, int at, int frames) noexcept {
        Renderer &r = *renderer_;
        const int first = r.done / kGroup * kGroup;
        const int end = (r.done + frames + kGroup - 1) / kGroup * kGroup;
        r.sums.clear_sound(first, end - first);
        for (Source &each : r.sources)
            if (each.is_on()) each.add_sound(r.sums, r.done, frames);
        const auto &before = r.sums.sound[0], &after = r.sums.sound[1];
        for (std::size_t c = 0; c < 2; ++c) {
            float *to = out[c] + at;
            if (!r.sums.moves) {
                for (int k = 0; k < frames; ++k)
                    to[k] = after[c][place(k)] + r.tail[1][c][place(k)];
                continue;
            }
            const float step = 1.0F / static_cast<float>(r.partition);
            for (int k = 0; k < frames; ++k) {
                const float from = before[c][place(k)] + r.tail[0][c][place(k)];
                const float going = after[c][place(k)] + r.tail[1][c][place(k)];
                to[k] = from + static_cast<float>(r.done + k + 1) * step * (going - from);
            }
        }
    }

    std::size_t place(int k) const noexcept { return static_cast<std::size_t>(renderer_->done + k); }

    void finish() noexcept {
        Renderer &r = *renderer_;
        r.done = 0;
        r.newest = (r.newest + kParts - 2) % (kParts - 1);
        for (std::size_t i = 0; i < r.sources.size(); ++i)
            if (i < 2 || r.slots.all()[i - 2].number != 0) r.sources[i].finish(r.newest);
        r.slots.pass(r.partition, [this](std::size_t slot) { source(slot).reset(); });
    }

    const Kernels &(*const kernels_)(int) noexcept;
    std::unique_ptr<Renderer> renderer_;
    Parameters now_;
    const Surroundings *piece_ = nullptr;
    std::uint32_t offset_ = 0;             // frames of it that have been computed
    HeadSum head_;
    double phase_ = 0.0;  // of the path, in cycles
    // The pair's directions, and what they were computed from.
    Parameters seen_;
    double seen_phase_ = 0.0;
    std::uint64_t seen_head_ = 0;
    std::array<Direction, 2> direction_;
    double gain_ = 1.0;
};

}  // namespace

std::unique_ptr<dsp> make_speakers() { return std::make_unique<Speakers>(&kernels_for); }
std::unique_ptr<dsp> make_plain_speakers() { return std::make_unique<Speakers>(&plain_kernels_for); }

}  // namespace entrain
