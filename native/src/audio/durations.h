// How long the callback takes: a distribution since the engine was created, and the recent maximum.
#pragma once

#include "audio/realtime.h"

#include <atomic>
#include <cstdint>

namespace entrain {

class Durations {
public:
    // Buckets as in HdrHistogram: eight to an octave, so a duration is known within 12.5 %.
    static constexpr std::uint32_t kBuckets = 192;

    // Lower end of a bucket in nanoseconds.  The first bucket also holds all shorter durations, the
    // last one all longer ones.
    static constexpr std::uint64_t shortest_ns(std::uint32_t bucket) noexcept {
        return std::uint64_t{8 + bucket % 8} << (kFirstShift + bucket / 8);
    }

    static constexpr std::uint32_t bucket_of(std::uint64_t ns) noexcept {
        if (ns < shortest_ns(0)) return 0;
        std::uint32_t shift = 0;
        while (shift < 60 && ns >> (shift + 4) != 0) ++shift;
        const auto place = static_cast<std::uint32_t>(ns >> shift) - 8;
        const std::uint32_t bucket = (shift - kFirstShift) * 8 + place;
        return bucket < kBuckets ? bucket : kBuckets - 1;
    }

    // [audio] Count a call that took `spent_ns` for frames that last `lasting_ns`.  `now_ns` is the
    // time of a monotonic clock.
    void add(std::uint64_t spent_ns, std::uint64_t lasting_ns,
             std::uint64_t now_ns) noexcept ENTRAIN_NONBLOCKING {
        std::atomic<std::uint64_t> &count = counts_[bucket_of(spent_ns)];
        // Only the callback writes, so a load and a store replace a locked increment.
        count.store(count.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed);
        const float share =
            lasting_ns > 0 ? static_cast<float>(spent_ns) / static_cast<float>(lasting_ns) : 0.0F;
        const std::uint64_t number = now_ns / kSlotNs;
        Slot &slot = slots_[number % kSlots];
        if (slot.number.load(std::memory_order_relaxed) != number) {
            slot.longest_ns.store(0, std::memory_order_relaxed);
            slot.share.store(0.0F, std::memory_order_relaxed);
            slot.number.store(number, std::memory_order_relaxed);
        }
        if (spent_ns > slot.longest_ns.load(std::memory_order_relaxed))
            slot.longest_ns.store(spent_ns, std::memory_order_relaxed);
        if (share > slot.share.load(std::memory_order_relaxed))
            slot.share.store(share, std::memory_order_relaxed);
    }

    struct Longest {
        std::uint64_t ns = 0;
        float share = 0.0F;  // spent time divided by the duration of the call's frames
    };

    // [any] The maximum of the last 60 s, and of up to 10 s before.
    Longest lately(std::uint64_t now_ns) const noexcept {
        Longest longest;
        for (const Slot &slot : slots_) {
            const std::uint64_t number = slot.number.load(std::memory_order_relaxed);
            if (number + kSlots <= now_ns / kSlotNs) continue;
            const std::uint64_t ns = slot.longest_ns.load(std::memory_order_relaxed);
            const float share = slot.share.load(std::memory_order_relaxed);
            if (ns > longest.ns) longest.ns = ns;
            if (share > longest.share) longest.share = share;
        }
        return longest;
    }

    // [any]
    std::uint64_t count(std::uint32_t bucket) const noexcept {
        return counts_[bucket].load(std::memory_order_relaxed);
    }

private:
    static constexpr std::uint32_t kFirstShift = 5;  // of the first bucket: 256 ns
    static constexpr std::uint64_t kSlotNs = 10'000'000'000;
    static constexpr std::uint64_t kSlots = 7;

    struct Slot {
        std::atomic<std::uint64_t> number{0};
        std::atomic<std::uint64_t> longest_ns{0};
        std::atomic<float> share{0.0F};
    };

    std::atomic<std::uint64_t> counts_[kBuckets]{};
    Slot slots_[kSlots];
};

}  // namespace entrain
