// Keeps the last frames of a signal for readers on other threads.
#pragma once

#include "audio/layer.h"

#include <atomic>
#include <cstdint>
#include <memory>

namespace entrain {

// One writer that never waits; any number of readers, which detect that they were too slow.
class Tap {
public:
    static constexpr std::uint64_t kFrames = 65536;

    // [audio]
    void write(const Chunk &chunk, std::uint32_t frames) noexcept {
        const std::uint64_t start = end_.load(std::memory_order_relaxed);
        // Announce the overwrite before it happens, for the readers.
        claimed_.store(start + frames, std::memory_order_relaxed);
        std::atomic_thread_fence(std::memory_order_release);
        for (std::uint32_t i = 0; i < frames; ++i) {
            const Pair pair{chunk[0][i], chunk[1][i]};
            pairs_[(start + i) % kFrames].store(pair, std::memory_order_relaxed);
        }
        end_.store(start + frames, std::memory_order_release);
    }

    // [control] False if some of the frames are not written yet or overwritten already.
    bool read(std::uint64_t first, float *samples, std::uint32_t frames) const noexcept {
        const std::uint64_t end = end_.load(std::memory_order_acquire);
        if (frames > end || first > end - frames) return false;
        if (end - first > kFrames) return false;
        for (std::uint32_t i = 0; i < frames; ++i) {
            const Pair pair = pairs_[(first + i) % kFrames].load(std::memory_order_relaxed);
            samples[2 * i] = pair.left;
            samples[2 * i + 1] = pair.right;
        }
        std::atomic_thread_fence(std::memory_order_acquire);
        return claimed_.load(std::memory_order_relaxed) - first <= kFrames;
    }

private:
    struct alignas(8) Pair {
        float left, right;
    };
    static_assert(std::atomic<Pair>::is_always_lock_free);
    const std::unique_ptr<std::atomic<Pair>[]> pairs_ =
        std::make_unique<std::atomic<Pair>[]>(kFrames);
    std::atomic<std::uint64_t> claimed_{0};
    std::atomic<std::uint64_t> end_{0};
};

}  // namespace entrain
