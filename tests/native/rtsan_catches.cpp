// RealtimeSanitizer must stop this program, which proves that the other tests can fail.

#include "audio/realtime.h"

#include <cstdlib>

static void callback() noexcept ENTRAIN_NONBLOCKING {
    void *volatile memory = std::malloc(100);
    std::free(memory);
}

int main() { callback(); }
