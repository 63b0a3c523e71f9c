#include "audio/space_stage.h"

#include <algorithm>

namespace entrain {

void GeneratorGains::apply(Chunk &sound, std::uint32_t frames) const noexcept {
    if (same && gain >= 1.0F) return;
    for (auto &channel : sound)
        for (std::uint32_t i = 0; i < frames; ++i) channel[i] *= same ? gain : gains[i];
}

bool SpaceStage::arrives(const Route &route) noexcept {
    return std::any_of(route.space.begin(), route.space.end(), [](const Route::Entry &entry) {
        return !entry.leaving && !entry.layer->is_whole();
    });
}

void SpaceStage::run(const Route &route, const Moment &moment, const GeneratorGains &gains,
                     Chunk &sound, std::uint32_t frames) noexcept {
    if (route.space.empty())  // nearly always
        add(route, moment, gains, sound, frames);
    else
        surround(route, moment, gains, sound, frames);
}

void SpaceStage::add(const Route &route, const Moment &moment, const GeneratorGains &gains,
                     Chunk &sound, std::uint32_t frames) noexcept {
    Chunk sum, made;
    for (std::size_t c = 0; c < 2; ++c) std::fill_n(sum[c].data(), frames, 0.0F);
    for (const Route::Entry &entry : route.generators) {
        entry.layer->place_at_once(entry.placed);
        if (!entry.layer->generate(moment, sound, made, frames, entry.leaving, entry.placed))
            continue;
        for (std::size_t c = 0; c < 2; ++c)
            for (std::uint32_t i = 0; i < frames; ++i) sum[c][i] += made[c][i];
    }
    sources_.store(0, std::memory_order_relaxed);
    if (gains.same && gains.gain <= 0.0F) return;
    gains.apply(sum, frames);
    for (std::size_t c = 0; c < 2; ++c)
        for (std::uint32_t i = 0; i < frames; ++i) sound[c][i] += sum[c][i];
}

void SpaceStage::surround(const Route &route, const Moment &moment, const GeneratorGains &gains,
                          Chunk &sound, std::uint32_t frames) noexcept {
    // Checked only where pieces end for every block size.
    if (arriving_ && moment.frame % kChunkFrames == 0) arriving_ = arrives(route);
    surroundings_.head = route.head.get();
    surroundings_.since_step = static_cast<std::uint32_t>(moment.frame % kStepFrames);
    head_turn.follow(surroundings_.turns, moment.frame, frames, route.rate_hz);
    surroundings_.sources = 0;

    // All generators listen to the music as it is without the space.
    Chunk sum, made, heard;
    copy(sound, heard, frames);
    for (std::size_t c = 0; c < 2; ++c) std::fill_n(sum[c].data(), frames, 0.0F);
    for (const Route::Entry &entry : route.generators) {
        if (!entry.layer->generate(moment, sound, made, frames, entry.leaving, entry.placed))
            continue;
        gains.apply(made, frames);
        place(entry, made, sum, heard, frames);
    }
    sources_.store(surroundings_.sources, std::memory_order_relaxed);

    for (const Route::Entry &entry : route.space)
        entry.layer->surround(moment, surroundings_, sound, heard, frames, entry.leaving,
                              arriving_);
    for (std::size_t c = 0; c < 2; ++c)
        for (std::uint32_t i = 0; i < frames; ++i) sound[c][i] = heard[c][i] + sum[c][i];
}

// Give a generator's sound to its place, to the sum of the others, or a share to each.
void SpaceStage::place(const Route::Entry &entry, Chunk &made, Chunk &sum, Chunk &heard,
                       std::uint32_t frames) noexcept {
    std::array<float, kChunkFrames> shares;
    const bool fades = entry.layer->share_of_place(entry.placed, shares.data(), frames);
    const bool placed = (entry.placed || fades) && surroundings_.sources < kMostSources;
    if (!placed) {
        for (std::size_t c = 0; c < 2; ++c)
            for (std::uint32_t i = 0; i < frames; ++i) sum[c][i] += made[c][i];
        return;
    }
    if (fades)
        for (std::size_t c = 0; c < 2; ++c)
            for (std::uint32_t i = 0; i < frames; ++i) {
                sum[c][i] += (1.0F - shares[i]) * made[c][i];
                made[c][i] *= shares[i];
            }
    const std::uint32_t slot = surroundings_.sources++;
    surroundings_.source[slot] = {entry.layer->number, mono_[slot].data(),
                                  &entry.layer->whereabouts()};
    for (std::uint32_t i = 0; i < frames; ++i)
        mono_[slot][i] = 0.5F * (made[0][i] + made[1][i]);
    for (std::size_t c = 0; c < 2; ++c)
        for (std::uint32_t i = 0; i < frames; ++i) heard[c][i] += made[c][i];
}

}  // namespace entrain
