// The distribution of the callback's durations.
#include "audio/durations.h"

#include <doctest/doctest.h>

#include <limits>

using entrain::Durations;

namespace {

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 1000 * kSecond;

std::uint64_t in_all(const Durations &durations) {
    std::uint64_t calls = 0;
    for (std::uint32_t i = 0; i < Durations::kBuckets; ++i) calls += durations.count(i);
    return calls;
}

}  // namespace

TEST_CASE("buckets follow each other without a gap, and resolve a duration to an eighth") {
    CHECK(Durations::shortest_ns(0) == 256);
    for (std::uint32_t i = 0; i < Durations::kBuckets; ++i) {
        const std::uint64_t ns = Durations::shortest_ns(i);
        CHECK(Durations::bucket_of(ns) == i);
        if (i == 0) continue;
        CHECK(Durations::bucket_of(ns - 1) == i - 1);
        const auto before = static_cast<double>(Durations::shortest_ns(i - 1));
        CHECK(static_cast<double>(ns) / before <= 1.125);
    }
    CHECK(Durations::bucket_of(0) == 0);
    CHECK(Durations::bucket_of(std::numeric_limits<std::uint64_t>::max()) ==
          Durations::kBuckets - 1);
}

TEST_CASE("each call is counted once") {
    Durations durations;
    constexpr std::uint64_t kCalls[] = {0, 100, 1'000, 1'000, 50'000};
    for (const std::uint64_t ns : kCalls) durations.add(ns, kSecond, kStart);
    CHECK(in_all(durations) == 5);
    CHECK(durations.count(Durations::bucket_of(1'000)) == 2);
    CHECK(durations.count(0) == 2);
}

TEST_CASE("the longest duration is forgotten after a minute") {
    Durations durations;
    CHECK(durations.lately(kStart).ns == 0);
    durations.add(7'000, 14'000, kStart);
    durations.add(3'000, 4'000, kStart + 30 * kSecond);
    CHECK(durations.lately(kStart + 60 * kSecond).ns == 7'000);
    CHECK(durations.lately(kStart + 60 * kSecond).share == doctest::Approx(0.75));
    CHECK(durations.lately(kStart + 80 * kSecond).ns == 3'000);
    CHECK(durations.lately(kStart + 101 * kSecond).ns == 0);
    // After hours, a new duration replaces the old slot.
    durations.add(1'000, 2'000, kStart + 70'000 * kSecond);
    CHECK(durations.lately(kStart + 70'000 * kSecond).ns == 1'000);
    CHECK(durations.lately(kStart + 70'000 * kSecond).share == doctest::Approx(0.5));
}
