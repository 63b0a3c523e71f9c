// The block "speakers": the music comes from two loudspeakers, and placed generators from theirs,
// each by the filters of a head.
#pragma once

#include "audio/faust_base.h"

#include <memory>

namespace entrain {

std::unique_ptr<dsp> make_speakers();
// Without instructions that only some processors have (tests).
std::unique_ptr<dsp> make_plain_speakers();

}  // namespace entrain
