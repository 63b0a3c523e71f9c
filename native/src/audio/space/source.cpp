#include "audio/space/source.h"

#include <algorithm>
#include <cmath>

namespace entrain::space {

namespace {

constexpr double kJumpCosine = 0.99939082701909573;  // of 2 degrees
constexpr double kFadeSeconds = 0.02;
constexpr double kLongestDelaySeconds = 0.0024;      // with the largest head

int up_to_group(int frames) noexcept { return (frames + kGroup - 1) / kGroup * kGroup; }

std::size_t index(int value) noexcept { return static_cast<std::size_t>(value); }

}  // namespace

Sums::Sums(int partition) {
    for (std::size_t i = 0; i < 2; ++i) {
        spectra[i].resize(index(pair_floats(partition)));
        for (auto &ear : sound[i]) ear.resize(index(partition));
    }
}

void Sums::clear_spectra() noexcept {
    for (auto &each : spectra) std::fill(each.begin(), each.end(), 0.0F);
}

void Sums::clear_sound(int first, int frames) noexcept {
    for (auto &each : sound)
        for (auto &ear : each) std::fill_n(ear.data() + first, frames, 0.0F);
}

Source::Source(std::uint32_t rate_hz, int partition, const Kernels &kernels)
    : partition_(partition),
      kernels_(kernels),
      history_(up_to_group(static_cast<int>(kLongestDelaySeconds * rate_hz) + 2 * kKernel)),
      fade_frames_(static_cast<int>(std::lround(kFadeSeconds * rate_hz))),
      faded_out_(fade_frames_ + kParts * partition),
      faded_(faded_out_),
      raw_(index(history_ + partition + 2 * kGroup)),
      voices_{Voice(rate_hz, partition), Voice(rate_hz, partition)} {}

Source::Voice::Voice(std::uint32_t rate_hz, int partition) : near_field(rate_hz, partition) {
    for (auto &each : filter) each.resize(index(filter_floats(partition)));
    for (auto &ear : wet) ear.resize(index(2 * partition + kGroup));
    for (auto &pair : spectra) pair.resize(index(pair_floats(partition)));
}

void Source::reset() noexcept {
    on_ = false;
    head_ = 0;
    std::fill(raw_.begin(), raw_.end(), 0.0F);
    for (Voice &voice : voices_) voice.on = false;
}

// Begin a new place, in the voice that is not in front.
void Source::start(const Head &head, const Aim &aim) noexcept {
    front_ = 1 - front_;
    head_ = head.serial;
    Voice &voice = voices_[front_];
    voice.on = true;
    for (auto &ear : voice.wet) std::fill(ear.begin(), ear.end(), 0.0F);
    for (auto &pair : voice.spectra) std::fill(pair.begin(), pair.end(), 0.0F);
    blend(voice, head, aim);
    voice.near_field.aim(aim.direction, aim.distance_m, aim.head_scale);
    voice.near_field.clear();
    rest(voice);
}

void Source::blend(Voice &voice, const Head &head, const Aim &aim) noexcept {
    voice.now = 1 - voice.now;
    head.blend(aim.direction, kernels_, voice.filter[voice.now].data(), voice.delay);
    for (double &delay : voice.delay) delay *= aim.head_scale;
    voice.aim = aim;
    voice.has_tap = false;
}

void Source::rest(Voice &voice) noexcept {
    voice.moves = false;
    voice.near_field.rest();
    voice.from_delay = voice.delay;
    voice.from_gain = voice.aim.gain;
}

void Source::aim(const Head *head, const Aim &aim, bool fades_in) noexcept {
    Voice &front = voices_[front_];
    if (!fades()) voices_[1 - front_].on = false;
    for (Voice &voice : voices_) rest(voice);
    if (!head) return;
    if (!on_) {
        on_ = true;
        faded_ = fades_in ? 0 : faded_out_;
        start(*head, aim);
    } else if (head->serial != head_ || dot(front.aim.direction, aim.direction) < kJumpCosine) {
        if (fades()) return;  // the next jump waits for the end of this fade
        faded_ = 0;
        start(*head, aim);
    } else if (!(front.aim.direction == aim.direction) ||
               front.aim.head_scale != aim.head_scale) {
        blend(front, *head, aim);
        front.moves = true;
        front.near_field.aim(aim.direction, aim.distance_m, aim.head_scale);
    } else {
        front.aim.gain = aim.gain;
        front.near_field.aim(aim.direction, aim.distance_m, aim.head_scale);
    }
}

void Source::add_spectra(Sums &sums, int newest) const noexcept {
    for (const Voice &voice : voices_) {
        if (!voice.on) continue;
        for (std::size_t i = sums.moves ? 0 : 1; i < 2; ++i) {
            const float *filter = voice.filter_of(i).data();
            for (int part = 0; part < kParts - 1; ++part)
                kernels_.multiply(voice.spectra[index((newest + part) % (kParts - 1))].data(),
                                  filter + 2 * partition_ + part * pair_floats(partition_),
                                  sums.spectra[i].data());
        }
    }
}

void Source::hear(const float *sound, int first, int frames) noexcept {
    float *to = raw_.data() + history_ + first;
    if (sound)
        std::copy_n(sound, frames, to);
    else
        std::fill_n(to, frames, 0.0F);
}

Source::Tap Source::tap_at(const Voice &voice, std::size_t ear, int frames) const noexcept {
    const double part = static_cast<double>(frames) / partition_;
    const double delay =
        kLead + voice.from_delay[ear] + part * (voice.delay[ear] - voice.from_delay[ear]);
    const double gain = voice.from_gain + part * (voice.aim.gain - voice.from_gain);
    const double whole = std::floor(delay);
    Tap tap;
    delay_kernel(delay - whole, static_cast<float>(gain), tap.kernel.data());
    tap.before = static_cast<int>(whole) + kKernel - 1 - kLead;
    return tap;
}

void Source::wet(Voice &voice, int first, int groups) noexcept {
    const bool glides = voice.from_delay != voice.delay || voice.from_gain != voice.aim.gain;
    const float *now = raw_.data() + history_;
    for (std::size_t ear = 0; ear < 2; ++ear) {
        float *to = voice.wet[ear].data() + partition_;
        if (!glides) {
            if (!voice.has_tap) voice.tap[ear] = tap_at(voice, ear, 0);
            const Tap &tap = voice.tap[ear];
            kernels_.delay(now + first - tap.before, tap.kernel.data(), to + first, groups);
            continue;
        }
        Tap from = tap_at(voice, ear, first);
        for (int begin = first; begin < first + groups * kGroup; begin += kGroup) {
            const Tap next = tap_at(voice, ear, begin + kGroup);
            kernels_.glide(now + begin - from.before, from.kernel.data(),
                           now + begin - next.before, next.kernel.data(), to + begin);
            from = next;
        }
    }
    voice.has_tap = !glides;
    if (voice.near_field.is_on())
        voice.near_field.pass(voice.wet[0].data() + partition_, voice.wet[1].data() + partition_,
                              first, groups);
}

// Fading the sound before the filters is as good as fading after them, and needs no history.
void Source::fade(Voice &voice, bool comes, int first, int groups) noexcept {
    for (int m = 0; m < groups * kGroup; ++m) {
        const float part = std::min(static_cast<float>(faded_ + first + m + 1) /
                                        static_cast<float>(fade_frames_), 1.0F);
        const float share = part * part * (3.0F - 2.0F * part);
        const float gain = comes ? share : 1.0F - share;
        for (auto &ear : voice.wet) ear[index(partition_ + first + m)] *= gain;
    }
}

void Source::add_sound(Sums &sums, int first, int frames) noexcept {
    const int begin = first / kGroup * kGroup;
    const int groups = (first + frames - begin + kGroup - 1) / kGroup;
    for (std::size_t v = 0; v < 2; ++v) {
        Voice &voice = voices_[v];
        if (!voice.on) continue;
        wet(voice, begin, groups);
        if (fades()) fade(voice, v == front_, begin, groups);
        for (std::size_t i = sums.moves ? 0 : 1; i < 2; ++i)
            kernels_.direct(voice.filter_of(i).data(), voice.wet[0].data() + partition_ + begin,
                            voice.wet[1].data() + partition_ + begin,
                            sums.sound[i][0].data() + begin, sums.sound[i][1].data() + begin,
                            groups);
    }
}

void Source::finish(int slot) noexcept {
    // Also before the source is on: its first frames are history then.
    std::copy_n(raw_.data() + partition_, history_, raw_.data());
    for (Voice &voice : voices_) {
        if (!voice.on) continue;
        kernels_.transform(voice.wet[0].data(), voice.wet[1].data(),
                           voice.spectra[index(slot)].data());
        for (auto &ear : voice.wet) std::copy_n(ear.data() + partition_, partition_, ear.data());
        voice.near_field.finish();
    }
    if (fades()) faded_ += partition_;
}

}  // namespace entrain::space
