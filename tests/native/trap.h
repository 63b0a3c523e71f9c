// Catches operations that are forbidden in the device's callback: allocating, freeing, locking.
#pragma once

namespace trap {

void enter();      // starts catching, on this thread
long leave();      // returns the number of caught calls; RealtimeSanitizer ends the program instead
extern const bool counts;  // false if the program is ended instead

struct Guard {
    Guard() { enter(); }
    ~Guard() { leave(); }
};

}  // namespace trap
