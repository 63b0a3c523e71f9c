#include "audio/process.h"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>

namespace entrain {

namespace {

constexpr double kBypassSeconds = 0.02;
constexpr double kInputStartsSeconds = 0.01;
constexpr double kInputEndsSeconds = 0.08;
constexpr double kInputFallsSilentSeconds = 2.0;
constexpr double kSilenceSeconds = 2.0;      // longer than a pause between two movements
constexpr float kSilence = 3.1623e-4F;       // -70 dBFS
constexpr std::uint32_t kSilent = 1U << 30;  // frames; stands for any longer silence
constexpr double kMatchedLowestDb = -6.0;
constexpr float kDoor = 16.0F;  // highest magnitude that the engine accepts, times full scale

using Clock = std::chrono::steady_clock;

void add(std::atomic<std::uint64_t> &counter, std::uint64_t amount) noexcept {
    // Only the callback writes its counters, so a load and a store replace a locked increment.
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

std::uint64_t nanoseconds(Clock::duration duration) noexcept {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(duration).count());
}

}  // namespace

void Process::run(const float *const *in, float *const *out,
                  std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    if (frames == 0) return;
    const FlushDenormals flush;
    const Clock::time_point start = Clock::now();

    if (const Route *route = offered_.exchange(nullptr, std::memory_order_acq_rel)) take(*route);
    if (session.take(route_->rate_hz)) land();
    for (std::uint32_t done = 0; done < frames;) {
        // Pieces end on multiples of kChunkFrames of the engine's count, whatever the block size.
        const auto phase = static_cast<std::uint32_t>(frame_ % kChunkFrames);
        const std::uint32_t span = std::min(frames - done, kChunkFrames - phase);
        chunk(in, out, done, span);
        done += span;
    }
    input_meter.publish(frames, route_->rate_hz);
    output_meter.publish(frames, route_->rate_hz);

    const Clock::time_point end = Clock::now();
    const std::uint64_t spent = nanoseconds(end - start);
    add(counters.frames, frames);
    add(counters.cycles, 1);
    counters.seconds.store(counters.seconds.load(std::memory_order_relaxed) +
                               static_cast<double>(frames) / route_->rate_hz,
                           std::memory_order_relaxed);
    add(counters.busy_ns, spent);
    durations.add(spent, std::uint64_t{frames} * 1'000'000'000 / route_->rate_hz,
                  nanoseconds(end.time_since_epoch()));
}

void Process::take(const Route &route) noexcept {
    const bool restarts = route.restart != restart_;
    restart_ = route.restart;
    if (restarts)
        session.restart();
    else if (route_ && route_->rate_hz != route.rate_hz)
        session.rescale(route_->rate_hz, route.rate_hz);
    const bool rebuilt = route_ && route_->rebuilds != route.rebuilds;
    for (const auto *entries : {&route.processors, &route.space, &route.generators})
        for (const Route::Entry &entry : *entries) {
            const Layer *before = rebuilt ? former(*entry.layer) : nullptr;
            if (before)
                entry.layer->resume(*before, entry.automation.get());
            else
                entry.layer->follow(entry.automation.get());
        }
    if (rebuilt) {
        route.input->resume(*route_->input, nullptr);
        route.output->resume(*route_->output, nullptr);
    }
    if (!route_ || route_->rate_hz != route.rate_hz) {
        input_loudness.set_rate(route.rate_hz);
        output_loudness.set_rate(route.rate_hz);
        pace_.store(frame_ << kRateBits | route.rate_hz, std::memory_order_release);
        if (route_ && silent_frames_ < kSilent)
            silent_frames_ = static_cast<std::uint32_t>(
                std::min(std::uint64_t{silent_frames_} * route.rate_hz / route_->rate_hz,
                         std::uint64_t{kSilent}));
    }
    route_ = &route;
    arriving_ = processors_arrive();
    space.take(route);
    if (restarts) land();
    in_use_.store(route.serial, std::memory_order_release);
}

// The instance of this layer in the present route, before all layers were rebuilt; null if none.
const Layer *Process::former(const Layer &layer) const noexcept {
    for (const auto *entries : {&route_->processors, &route_->space, &route_->generators})
        for (const Route::Entry &entry : *entries)
            if (entry.layer->number == layer.number) return entry.layer.get();
    return nullptr;
}

// While true, processors that leave stay.  If a processor that softens the input left before its
// successor arrived, the input would be louder in between than before and after.
bool Process::processors_arrive() const noexcept {
    return std::any_of(route_->processors.begin(), route_->processors.end(),
                       [](const Route::Entry &entry) {
                           return !entry.leaving && !entry.layer->is_whole();
                       });
}

void Process::land() noexcept {
    for (const auto *entries : {&route_->processors, &route_->space, &route_->generators})
        for (const Route::Entry &entry : *entries) entry.layer->land();
}

void Process::chunk(const float *const *in, float *const *out, std::uint32_t offset,
                    std::uint32_t frames) noexcept {
    if (frame_ == 0) {  // settings made before the first frame apply without a fade
        const Bypass wanted = bypass.load(std::memory_order_relaxed);
        playing_fade_ = Fade{playing.load(std::memory_order_relaxed) &&
                             standalone.load(std::memory_order_relaxed)};
        bypass_fade_ = Fade{wanted != Bypass::off};
        silent_frames_ = kSilent;
    }
    read(in, offset, frames);
    input_meter.add(input_, frames);

    const Moment moment{frame_, session.time()};
    // Checked only where pieces end for every block size.
    if (arriving_ && frame_ % kChunkFrames == 0) arriving_ = processors_arrive();
    copy(input_, processed_, frames);
    route_->input->compute(moment, processed_, frames);
    for (const Route::Entry &entry : route_->processors)
        entry.layer->process(moment, processed_, frames, entry.leaving, arriving_);
    GeneratorGains gains;
    fade_generators(gains, frames);
    space.run(*route_, moment, gains, processed_, frames);
    route_->output->compute(moment, processed_, frames);

    delay_input(frames);
    input_tap.write(late_, frames);
    switch_bypass(frames);
    output_meter.add(processed_, frames);
    Loudness::add(input_loudness, input_, output_loudness, processed_, frames);
    output_tap.write(processed_, frames);
    for (std::size_t c = 0; c < 2; ++c)
        if (out[c]) std::copy_n(processed_[c].data(), frames, out[c] + offset);
    frame_ += frames;
    session.advance(frames, route_->rate_hz);
}

void Process::switch_bypass(std::uint32_t frames) noexcept {
    const Bypass wanted = bypass.load(std::memory_order_relaxed);
    const bool bypassed = wanted != Bypass::off;
    const bool matched = wanted == Bypass::matched;
    if (bypassed && bypass_fade_.is_closed()) {
        prepare_matched();
        matched_fade_ = Fade{matched};
        matched_share_ = matched ? 1.0F : 0.0F;
    }
    const bool fading = !bypass_fade_.is_at(bypassed);
    // On the way back, the input keeps its gain.
    const bool adjusting = bypassed && !matched_fade_.is_at(matched);
    if (!bypassed && !fading) {  // nearly always
        const float gain = 1.0F + matched_share_ * (matched_gain_ - 1.0F);
        for (std::size_t c = 0; c < 2; ++c)
            for (std::uint32_t i = 0; i < frames; ++i) {
                const float wet = processed_[c][i];
                const float dry = gain * late_[c][i];
                processed_[c][i] = std::fabs(wet) <= FLT_MAX ? wet : dry;
            }
        return;
    }
    const double step = 1.0 / (kBypassSeconds * route_->rate_hz);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float share = fading ? bypass_fade_.next(bypassed, step) : (bypassed ? 1.0F : 0.0F);
        if (adjusting) matched_share_ = matched_fade_.next(matched, step);
        const float gain = 1.0F + matched_share_ * (matched_gain_ - 1.0F);
        for (std::size_t c = 0; c < 2; ++c) {
            const float dry = gain * late_[c][i];
            float &wet = processed_[c][i];
            // If a block produces NaN or infinity, play the input instead.
            if (share >= 1.0F || !std::isfinite(wet))
                wet = dry;
            else if (share > 0.0F)
                wet += share * (dry - wet);
        }
    }
}

void Process::prepare_matched() noexcept {
    const double difference_lu =
        double{output_loudness.short_term_lufs()} - double{input_loudness.short_term_lufs()};
    // Never louder than the input; unknown loudness is not matched.
    matched_gain_ = std::isfinite(difference_lu)
                        ? static_cast<float>(std::pow(
                              10.0, std::clamp(difference_lu, kMatchedLowestDb, 0.0) / 20.0))
                        : 1.0F;
}

void Process::read(const float *const *in, std::uint32_t offset, std::uint32_t frames) noexcept {
    std::uint32_t nonfinite = 0;
    for (std::size_t c = 0; c < 2; ++c) {
        if (!in[c]) {
            std::fill_n(input_[c].data(), frames, 0.0F);
            continue;
        }
        const float *samples = in[c] + offset;
        if (highest_magnitude(samples, frames) <= kDoor) {  // nearly always
            std::copy_n(samples, frames, input_[c].data());
            continue;
        }
        for (std::uint32_t i = 0; i < frames; ++i) {
            const bool good = std::fabs(samples[i]) <= FLT_MAX;
            nonfinite += good ? 0 : 1;
            input_[c][i] = std::clamp(good ? samples[i] : 0.0F, -kDoor, kDoor);
        }
    }
    if (nonfinite) add(counters.nonfinite, nonfinite);
}

bool Process::sounds(std::uint32_t frame) const noexcept {
    return std::fabs(input_[0][frame]) > kSilence || std::fabs(input_[1][frame]) > kSilence;
}

// Generators fade with the input.
void Process::fade_generators(GeneratorGains &gains, std::uint32_t frames) noexcept {
    const bool plays = playing.load(std::memory_order_relaxed);
    const bool alone = standalone.load(std::memory_order_relaxed);
    const double rate_hz = route_->rate_hz;
    const auto patience = static_cast<std::uint32_t>(kSilenceSeconds * rate_hz);
    // Nearly always true: no frame of this piece can open or close the fade.
    gains.same = (alone || !plays || silent_frames_ + frames < patience) &&
                 playing_fade_.is_at(plays);
    gains.gain = plays ? 1.0F : 0.0F;
    if (gains.same) {
        std::uint32_t silent = 0;  // at the end of this piece
        while (silent < frames && !sounds(frames - 1 - silent)) ++silent;
        silent_frames_ = silent < frames ? silent : std::min(silent_frames_ + frames, kSilent);
    } else {
        for (std::uint32_t i = 0; i < frames; ++i) {
            silent_frames_ = sounds(i) ? 0 : std::min(silent_frames_ + 1, kSilent);
            const bool wanted = plays && (alone || silent_frames_ < patience);
            const double seconds = wanted  ? kInputStartsSeconds
                                   : plays ? kInputFallsSilentSeconds
                                           : kInputEndsSeconds;
            gains.gains[i] = playing_fade_.next(wanted, 1.0 / (seconds * rate_hz));
        }
    }
    // Quiet means that no generator sounds, and that neither the space nor the limiter's delay holds
    // sound of one.
    quiet_frames_ = playing_fade_.is_closed() && !plays ? std::min(quiet_frames_ + frames, kSilent)
                                                        : 0;
    quiet.store(quiet_frames_ > route_->latency_frames + route_->tail_frames + kChunkFrames,
                std::memory_order_relaxed);
}

void Process::delay_input(std::uint32_t frames) noexcept {
    // Reads and writes are split where the ring ends.
    const auto to = static_cast<std::uint32_t>(frame_ % kDelayFrames);
    const auto from =
        static_cast<std::uint32_t>((frame_ - route_->latency_frames) % kDelayFrames);
    const std::uint32_t write = std::min(frames, kDelayFrames - to);
    const std::uint32_t read = std::min(frames, kDelayFrames - from);
    for (std::size_t c = 0; c < 2; ++c) {
        std::copy_n(input_[c].data(), write, delay_[c].data() + to);
        std::copy_n(input_[c].data() + write, frames - write, delay_[c].data());
        std::copy_n(delay_[c].data() + from, read, late_[c].data());
        std::copy_n(delay_[c].data(), frames - read, late_[c].data() + read);
    }
}

}  // namespace entrain
