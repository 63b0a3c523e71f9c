// Catches what must not happen in the device's callback: allocation, freeing, locks.
#pragma once

namespace trap {

void enter();      // from here on, on this thread
long leave();      // how many calls were caught; RealtimeSanitizer ends the program instead
extern const bool counts;  // false where the program is ended

struct Guard {
    Guard() { enter(); }
    ~Guard() { leave(); }
};

}  // namespace trap
