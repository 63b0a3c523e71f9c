// All variants of a block give the same sound.

#include "control/blocks.h"
#include "sound.h"

#include <doctest/doctest.h>

#include <algorithm>

namespace {

Sound processed(std::unique_ptr<dsp> block, const Sound &in) {
    Sound out = in;
    block->init(static_cast<int>(kRate));
    float *channels[2] = {out.left.data(), out.right.data()};
    block->compute(static_cast<int>(out.left.size()), channels, channels);
    return out;
}

double largest_difference(const std::vector<float> &a, const std::vector<float> &b) {
    double largest = 0.0;
    for (std::size_t i = 0; i < a.size(); ++i)
        largest = std::max(largest, std::fabs(double{a[i]} - double{b[i]}));
    return largest;
}

}  // namespace

TEST_CASE("fused multiply-adds change only the last bits") {
    const Sound in = noise(kRate);
    REQUIRE(entrain::block_count() > 1);
    for (std::size_t i = 0; i < entrain::block_count(); ++i) {
        const entrain::BlockKind &kind = *entrain::block_at(i);
        if (!kind.make_fma || entrain::make_block(kind) == nullptr) continue;
#if defined(__x86_64__)
        if (!__builtin_cpu_supports("fma") || !__builtin_cpu_supports("avx2")) continue;
#endif
        CAPTURE(kind.name);
        const Sound plain = processed(kind.make(), in);
        const Sound fused = processed(kind.make_fma(), in);
        CHECK(largest_difference(plain.left, fused.left) < 1e-6);
        CHECK(largest_difference(plain.right, fused.right) < 1e-6);
    }
}
