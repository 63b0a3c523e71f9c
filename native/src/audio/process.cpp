#include "audio/process.h"

#include <algorithm>
#include <cfloat>
#include <chrono>
#include <cmath>

namespace entrain {

namespace {

constexpr double kBypassSeconds = 0.02;
constexpr double kProgrammeStartsSeconds = 0.01;
constexpr double kProgrammeEndsSeconds = 0.08;
constexpr float kDoor = 16.0F;  // full scale times 16: nothing sensible is louder

using Clock = std::chrono::steady_clock;

void add(std::atomic<std::uint64_t> &counter, std::uint64_t amount) noexcept {
    // Only the callback writes its counters, so there is nothing to lock the bus for.
    counter.store(counter.load(std::memory_order_relaxed) + amount, std::memory_order_relaxed);
}

}  // namespace

void Process::run(const float *const *in, float *const *out,
                  std::uint32_t frames) noexcept ENTRAIN_NONBLOCKING {
    if (frames == 0) return;
    const FlushDenormals flush;
    const Clock::time_point start = Clock::now();

    if (const Route *route = offered_.exchange(nullptr, std::memory_order_acq_rel)) {
        route_ = route;
        in_use_.store(route->serial, std::memory_order_release);
    }
    for (std::uint32_t done = 0; done < frames;) {
        // Pieces end on multiples of kChunkFrames of the engine's count, whatever the blocks are.
        const auto phase = static_cast<std::uint32_t>(frame_ % kChunkFrames);
        const std::uint32_t span = std::min(frames - done, kChunkFrames - phase);
        chunk(in, out, done, span);
        done += span;
    }
    input_meter.publish(frames, route_->rate_hz);
    output_meter.publish(frames, route_->rate_hz);

    const auto spent = static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(Clock::now() - start).count());
    add(counters.frames, frames);
    add(counters.cycles, 1);
    add(counters.busy_ns, spent);
    if (spent > counters.worst_ns.load(std::memory_order_relaxed))
        counters.worst_ns.store(spent, std::memory_order_relaxed);
}

void Process::chunk(const float *const *in, float *const *out, std::uint32_t offset,
                    std::uint32_t frames) noexcept {
    if (frame_ == 0) {  // what was said before the first frame is no change
        playing_fade_ = Fade{playing.load(std::memory_order_relaxed)};
        bypass_fade_ = Fade{bypass.load(std::memory_order_relaxed)};
    }
    read(in, offset, frames);
    input_meter.add(programme_, frames);

    processed_ = programme_;
    for (const Route::Entry &entry : route_->processors)
        entry.layer->process(frame_, processed_, frames, entry.leaving);
    add_generators(frames);
    route_->output->compute(frame_, processed_, frames);

    delay_programme(frames);
    const bool bypassed = bypass.load(std::memory_order_relaxed);
    const bool fading = !bypass_fade_.is_at(bypassed);
    const double step = 1.0 / (kBypassSeconds * route_->rate_hz);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float share = fading ? bypass_fade_.next(bypassed, step) : (bypassed ? 1.0F : 0.0F);
        for (std::size_t c = 0; c < 2; ++c) {
            const float dry = programme_[c][i];
            float &wet = processed_[c][i];
            // A block gone wrong must not take the programme with it.
            if (share >= 1.0F || !std::isfinite(wet))
                wet = dry;
            else if (share > 0.0F)
                wet += share * (dry - wet);
        }
    }
    output_meter.add(processed_, frames);
    tap.write(processed_, frames);
    for (std::size_t c = 0; c < 2; ++c)
        if (out[c]) std::copy_n(processed_[c].data(), frames, out[c] + offset);
    frame_ += frames;
}

void Process::read(const float *const *in, std::uint32_t offset, std::uint32_t frames) noexcept {
    std::uint64_t nonfinite = 0;
    for (std::size_t c = 0; c < 2; ++c) {
        if (!in[c]) {
            std::fill_n(programme_[c].data(), frames, 0.0F);
            continue;
        }
        for (std::uint32_t i = 0; i < frames; ++i) {
            float sample = in[c][offset + i];
            if (!(std::fabs(sample) <= FLT_MAX)) {
                sample = 0.0F;
                ++nonfinite;
            }
            programme_[c][i] = std::clamp(sample, -kDoor, kDoor);
        }
    }
    if (nonfinite) add(counters.nonfinite, nonfinite);
}

void Process::add_generators(std::uint32_t frames) noexcept {
    Chunk sum{};
    for (const Route::Entry &entry : route_->generators)
        entry.layer->generate(frame_, processed_, sum, frames, entry.leaving);

    const bool plays = playing.load(std::memory_order_relaxed);
    const double seconds = plays ? kProgrammeStartsSeconds : kProgrammeEndsSeconds;
    const double step = 1.0 / (seconds * route_->rate_hz);
    const bool fading = !playing_fade_.is_at(plays);
    for (std::uint32_t i = 0; i < frames; ++i) {
        const float gain = fading ? playing_fade_.next(plays, step) : (plays ? 1.0F : 0.0F);
        for (std::size_t c = 0; c < 2; ++c) processed_[c][i] += gain * sum[c][i];
    }
    // Quiet means: nothing is generated, and the limiter's delay holds none of it either.
    quiet_frames_ = playing_fade_.is_closed() && !plays
                        ? std::min(quiet_frames_ + frames, kDelayFrames)
                        : 0;
    quiet.store(quiet_frames_ > route_->latency_frames + kChunkFrames, std::memory_order_relaxed);
}

void Process::delay_programme(std::uint32_t frames) noexcept {
    for (std::size_t c = 0; c < 2; ++c) {
        for (std::uint32_t i = 0; i < frames; ++i) {
            const std::uint64_t now = frame_ + i;
            delay_[c][now % kDelayFrames] = programme_[c][i];
            programme_[c][i] = delay_[c][(now - route_->latency_frames) % kDelayFrames];
        }
    }
}

}  // namespace entrain
