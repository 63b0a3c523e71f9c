// The blocks of the group "space", for control/blocks.cpp.
#pragma once

#include "audio/faust_base.h"

#include <memory>

namespace entrain {

// The music comes from two loudspeakers, and placed generators from theirs, each by the filters of
// a head.
std::unique_ptr<dsp> make_speakers();
// All of them are encoded in an Ambisonic scene, which is decoded for a head.
std::unique_ptr<dsp> make_scene();

// The same without instructions that only some processors have (tests, benchmarks).
std::unique_ptr<dsp> make_plain_speakers();
std::unique_ptr<dsp> make_plain_scene();

}  // namespace entrain
