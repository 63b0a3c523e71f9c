// A library to preload into a program.  It makes one C++ allocation fail, in a back end's thread or
// in any thread.

#include <atomic>
#include <cstdlib>
#include <cstring>
#include <new>

#include <pthread.h>

namespace {

std::atomic<long> left{-1};  // allocations until one fails; below 0, none fails
std::atomic<bool> in_any_thread{false};

bool is_due() {
    if (left.load() < 0) return false;
    char name[16] = "";
    pthread_getname_np(pthread_self(), name, sizeof name);
    const bool counts = in_any_thread || std::strncmp(name, "entrain-pw", 10) == 0 ||
                        std::strncmp(name, "entrain-pulse", 13) == 0;
    return counts && left.fetch_sub(1) == 0;
}

}  // namespace

// Let the nth allocation from now fail, counted from 0.
extern "C" void fail_at(long nth, int any_thread) {
    in_any_thread = any_thread != 0;
    left = nth;
}
extern "C" long allocations_left() { return left; }

void *operator new(std::size_t size) {
    void *memory = is_due() ? nullptr : std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }
