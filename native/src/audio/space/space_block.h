// The common part of all blocks of the group "space": the pair of speakers that plays the music,
// placed generators in their slots, the head's turn, and the cutting of sound into partitions.
#pragma once

#include "audio/faust_base.h"
#include "audio/space/air.h"
#include "audio/space/ambisonics.h"
#include "audio/space/head.h"
#include "audio/space/near_field.h"
#include "audio/space/room.h"
#include "audio/space/slots.h"
#include "audio/surroundings.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

namespace entrain::space {

// The music is the first two sources, left and right; the others are in slots.
constexpr std::size_t kPair = 2;
constexpr std::size_t kSources = kPair + kMostSources;

// Frames of a partition at a sample rate.
constexpr int partition_of(std::uint32_t rate_hz) noexcept {
    return rate_hz <= 50'000 ? 64 : rate_hz <= 100'000 ? 128 : 256;
}

// Longest time for which delays and filters sound on, without a room.
constexpr double kTailSeconds = 0.012;

using KernelsFor = const Kernels &(*)(int partition) noexcept;

// Memory for one sample rate, and the sound in it; made anew for another rate.
class Renderer {
public:
    explicit Renderer(std::uint32_t rate_hz) : room(rate_hz, partition_of(rate_hz)) {}
    virtual ~Renderer() = default;

    Room room;

    virtual bool is_on() const noexcept = 0;  // false until there is a head
    virtual void reset(std::size_t source) noexcept = 0;
    // At the beginning of a partition.  `head` may be null: then all sources stay where they are.
    // Sources without a target are not heard.
    virtual void step(const Head *head,
                      const std::array<const Target *, kSources> &targets) noexcept = 0;
    // `frames` frames of the partition, from `first` on; null: silence.
    virtual void hear(std::size_t source, const float *sound, int first, int frames) noexcept = 0;
    virtual void sound(float *left, float *right, int first, int frames) noexcept = 0;
    // At the end of a partition; `used` says which sources have been heard.
    virtual void finish(const std::array<bool, kSources> &used) noexcept = 0;
};

template <class Parameters> class SpaceBlock : public dsp {
public:
    explicit SpaceBlock(KernelsFor kernels) noexcept : kernels_(kernels) {}

    int getNumInputs() override { return 2; }
    int getNumOutputs() override { return 2; }
    int getSampleRate() override { return static_cast<int>(rate_hz_); }
    void metadata(Meta *) override {}
    void init(int rate_hz) override { instanceInit(rate_hz); }
    void instanceInit(int rate_hz) override {
        instanceResetUserInterface();
        instanceConstants(rate_hz);
    }
    void instanceConstants(int rate_hz) override {
        rate_hz_ = static_cast<std::uint32_t>(rate_hz);
        partition_ = partition_of(rate_hz_);
        slots_ = std::make_unique<Slots>(static_cast<int>(kTailSeconds * rate_hz) + partition_);
        renderer_ = make_renderer(rate_hz_, kernels_(partition_));
        for (auto &side : sides_) side.resize(static_cast<std::size_t>(partition_));
        through_.resize(static_cast<std::size_t>(partition_));
        done_ = 0;
    }
    void instanceResetUserInterface() override { now_ = {}; }
    void instanceClear() override { instanceConstants(getSampleRate()); }

    void buildUserInterface(UI *ui) override {
        now_.each([ui](float *zone, const char *symbol, const char *name, float initial,
                       float minimum, float maximum, float step, const char *period,
                       const char *at_once) {
            ui->declare(zone, "symbol", symbol);
            ui->declare(zone, "period", period);
            ui->declare(zone, "at_once", at_once);
            ui->addHorizontalSlider(name, zone, initial, minimum, maximum, step);
        });
    }

    // The sound on its way is at another rate, and cannot be taken over.
    void resume(const dsp &former, int) noexcept override {
        phase_ = static_cast<const SpaceBlock &>(former).phase_;
    }

    void surround(const Surroundings &piece) noexcept override {
        piece_ = &piece;
        offset_ = 0;
        slots_->take(piece, [this](std::size_t slot) {
            renderer_->reset(kPair + slot);
            air_[kPair + slot].clear();
        });
    }

    void compute(int frames, float **in, float **out) override {
        for (int at = 0; at < frames;) {
            if (done_ == 0) step();
            const int some = std::min(frames - at, partition_ - done_);
            hear(in, at, some);
            if (renderer_->is_on())
                renderer_->sound(out[0] + at, out[1] + at, done_, some);
            else
                for (std::size_t c = 0; c < 2; ++c)
                    if (in[c] != out[c]) std::copy_n(in[c] + at, some, out[c] + at);
            at += some;
            offset_ += static_cast<std::uint32_t>(some);
            done_ += some;
            if (done_ == partition_) finish();
        }
    }

protected:
    virtual std::unique_ptr<Renderer> make_renderer(std::uint32_t rate_hz,
                                                    const Kernels &kernels) = 0;
    // The parameters of one kind of space, for its renderer.
    virtual void prepare(Renderer &, const Parameters &) noexcept {}
    virtual Hearing hearing(const Head &, const Parameters &) const noexcept {
        return Hearing::directions;
    }

    const KernelsFor kernels_;

private:
    static constexpr double kPairMetres = 2.0;    // where the pair has its own level
    static constexpr double kPlacedMetres = 1.0;  // where a generator has its own level

    static double gain_of(double own_metres, double metres) noexcept {
        return own_metres / std::max(metres, kNearestMetres);
    }

    void hear(float **in, int at, int frames) noexcept {
        for (std::size_t i = 0; i < kPair; ++i)
            renderer_->hear(i, air_[i].pass(in[i] + at, frames, through_.data()), done_, frames);
        for (std::size_t i = 0; i < kMostSources; ++i) {
            const Slot &slot = (*slots_)[i];
            if (slot.number == 0) continue;
            const float *sound = slot.sound ? slot.sound + offset_ : nullptr;
            renderer_->hear(kPair + i, air_[kPair + i].pass(sound, frames, through_.data()), done_,
                            frames);
        }
        if (!renderer_->room.is_on()) return;
        // In the room all sources are as loud as they are by themselves.
        for (std::size_t c = 0; c < 2; ++c) std::copy_n(in[c] + at, frames, sides_[c].data());
        for (std::size_t i = 0; i < kMostSources; ++i) {
            const Slot &slot = (*slots_)[i];
            if (slot.number == 0 || !slot.sound) continue;
            for (auto &side : sides_)
                for (int k = 0; k < frames; ++k)
                    side[static_cast<std::size_t>(k)] +=
                        0.7F * slot.sound[offset_ + static_cast<std::uint32_t>(k)];
        }
        renderer_->room.hear(sides_[0].data(), sides_[1].data(), done_, frames);
    }

    void step() noexcept {
        const Head *head =
            piece_ && piece_->head && piece_->head->rate_hz == rate_hz_ ? piece_->head : nullptr;
        const std::uint32_t at = piece_ ? piece_->step_of(offset_) : 0;
        const bool turns = turn_head(piece_ ? piece_->turns[at] : Turn{});
        const bool moves = move_pair(head);
        for (std::size_t i = 0; i < kPair && (turns || moves); ++i)
            target_[i] = {turned(direction_[i], turn_), gain_, distance_m_};
        std::array<const Target *, kSources> targets{&target_[0], &target_[1]};
        for (std::size_t i = 0; i < kMostSources; ++i) {
            Slot &slot = (*slots_)[i];
            if (slot.number == 0) continue;
            if (slot.whereabouts) slot.move((*slot.whereabouts)[at]);
            target_[kPair + i] = {turned(slot.direction, turn_),
                                  gain_of(kPlacedMetres, slot.distance_m) *
                                      Room::direct_gain(double{now_.room}),
                                  slot.distance_m};
            targets[kPair + i] = &target_[kPair + i];
            air_[kPair + i].set_distance(slot.distance_m - kPlacedMetres, rate_hz_);
        }
        prepare(*renderer_, now_);
        renderer_->room.step(double{now_.room}, turn_);
        renderer_->step(head, targets);
    }

    // The tracked head and the parameters of the head together; returns whether it has turned.
    bool turn_head(const Turn &tracked) noexcept {
        const std::array<float, 4> head{now_.follow, now_.yaw_deg, now_.pitch_deg, now_.roll_deg};
        if (head == head_ && tracked == tracked_) return false;
        head_ = head;
        tracked_ = tracked;
        const Turn whole =
            turn_of_head(double{now_.yaw_deg}, double{now_.pitch_deg}, double{now_.roll_deg}) *
            tracked;
        turn_ = between(Turn{}, whole, double{now_.follow});
        return true;
    }

    // The pair in the room, at the end of this partition; returns whether it has moved.
    bool move_pair(const Head *head) noexcept {
        phase_ = now_.path < 0.5F ? 0.0 : phase_ + double{now_.path_hz} * partition_ / rate_hz_;
        phase_ -= std::floor(phase_);
        if (!head || (seen_ == now_ && seen_phase_ == phase_ && seen_head_ == head->serial))
            return false;
        seen_ = now_;
        seen_phase_ = phase_;
        seen_head_ = head->serial;
        const Place place{now_.azimuth_deg, now_.elevation_deg, now_.distance_m,
                          now_.path,        now_.path_hz,       now_.path_deg};
        const Position at = position_of(place, phase_);
        const double half = double{now_.width_deg} / 2.0;
        direction_ = {direction_of(at.azimuth_deg + half, at.elevation_deg),
                      direction_of(at.azimuth_deg - half, at.elevation_deg)};
        for (std::size_t i = 0; i < kPair; ++i)
            air_[i].set_distance(at.distance_m - kPairMetres, rate_hz_);
        distance_m_ = at.distance_m;
        gain_ = gain_of(kPairMetres, at.distance_m) *
                head->gain_of_width(double{now_.width_deg}, hearing(*head, now_)) *
                Room::direct_gain(double{now_.room});
        return true;
    }

    void finish() noexcept {
        done_ = 0;
        std::array<bool, kSources> used{true, true};
        for (std::size_t i = 0; i < kMostSources; ++i) used[kPair + i] = (*slots_)[i].number != 0;
        renderer_->finish(used);
        slots_->pass(partition_, [this](std::size_t slot) { renderer_->reset(kPair + slot); });
    }

    Parameters now_;
    std::uint32_t rate_hz_ = 0;
    int partition_ = 0;
    int done_ = 0;  // frames of the present partition
    std::unique_ptr<Slots> slots_;
    std::unique_ptr<Renderer> renderer_;
    std::array<std::vector<float>, 2> sides_;  // the input of the room
    std::array<Air, kSources> air_;
    std::vector<float> through_;  // the air
    const Surroundings *piece_ = nullptr;
    std::uint32_t offset_ = 0;  // frames of the piece that have been computed
    std::array<Target, kSources> target_;
    // The head's turn, and the values that it was computed from.
    Turn turn_, tracked_;
    std::array<float, 4> head_{1.0F, 0.0F, 0.0F, 0.0F};
    // The pair's place, and the values that it was computed from.
    double phase_ = 0.0;  // of the path, in cycles
    std::array<Direction, kPair> direction_;
    double gain_ = 1.0;
    double distance_m_ = kPairMetres;
    Parameters seen_;
    double seen_phase_ = 0.0;
    std::uint64_t seen_head_ = 0;
};

}  // namespace entrain::space
