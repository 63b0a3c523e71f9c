// RealtimeSanitizer itself watches every function marked [[clang::nonblocking]].

#include "trap.h"

namespace trap {
const bool counts = false;
void enter() {}
long leave() { return 0; }
}  // namespace trap
