// An Ambisonic scene (ACN, SN3D): sources encoded into channels, and the channels decoded for two
// ears by the filters of a head.
#pragma once

#include "audio/direction.h"
#include "audio/space/head.h"
#include "audio/space/kernels.h"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace entrain::space {

constexpr int kMostChannels = 16;  // of the third order

// Gains of a source from this direction.  A turned scene is a scene of turned directions, so the
// space turns directions, and needs no matrix for scenes.
std::array<float, kMostChannels> harmonics(const Direction &direction) noexcept;

// A source at the end of a partition, relative to the head.
struct Target {
    Direction direction;
    double gain = 1.0;
    double distance_m = 1.0;
};

// A source in the scene: its gains move within a partition, or within a cross-fade after a jump.
class Encoded {
public:
    bool is_on() const noexcept { return on_; }
    void stop() noexcept { on_ = false; }

    // At the beginning of a partition.  If `fades_in`, a source that comes fades in.
    void aim(const Target &target, bool fades_in, int fade_frames) noexcept;
    // At the end of a partition.
    void finish(int partition) noexcept { faded_ += partition; }

private:
    friend class Ambisonics;

    bool on_ = false;
    Target target_;
    std::array<float, kMostChannels> from_{}, to_{};
    bool fades_ = false;
    int faded_ = 0;  // frames of the cross-fade before this partition
};

class Ambisonics {
public:
    Ambisonics(std::uint32_t rate_hz, int partition, int most_channels, const Kernels &kernels);

    // False until there is a decoder.
    bool is_on() const noexcept { return ears_[now_].channels > 0; }
    int fade_frames() const noexcept { return fade_frames_; }

    // At the beginning of a partition: use the decoder of this head from now on, cross-faded.
    void use(const Head &head, int order) noexcept;
    void step() noexcept;

    // Within a partition, for whole groups: silence all channels, add sources (`sound` begins with
    // the partition), and decode.
    void clear(int begin, int groups) noexcept;
    void add(const Encoded &source, const float *sound, int begin, int groups) noexcept;
    void decode(int begin, int groups) noexcept;
    // The decoded sound of a frame of the partition.
    float sound(std::size_t ear, int frame) const noexcept;

    // At the end of a partition.
    void finish() noexcept;

private:
    // A decoder, its directly filtered sound, and the sound of former partitions.
    struct Ears {
        int channels = 0;  // 0: not used
        std::vector<float> filters;
        std::array<std::vector<float>, 2> tail, sound;
    };

    float *channel(int c) noexcept;
    int channels() const noexcept;
    void forget(int c) noexcept;
    void decode(Ears &ears, int begin, int groups) noexcept;
    void add_tail(Ears &ears) noexcept;

    const int partition_;
    const Kernels &kernels_;
    const int fade_frames_;
    std::vector<std::vector<float>> channels_;  // two partitions, and a group
    std::array<std::vector<std::vector<float>>, kParts - 1> spectra_;  // of pairs of channels
    std::array<Ears, 2> ears_;
    std::size_t now_ = 0;
    int faded_ = 0;  // frames of the cross-fade of decoders before this partition
    std::uint64_t head_ = 0;
    int order_ = 0;
    int newest_ = 0;
    std::vector<float> even_, ramp_, sum_;
};

}  // namespace entrain::space
