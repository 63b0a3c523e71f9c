// The real-time rule of this folder, and how it is enforced.
#pragma once

#include <cstdint>

#if defined(__SSE__)
#include <xmmintrin.h>
#endif

// Marks a function that may run in the device's callback: RealtimeSanitizer stops the program
// where such a function allocates, locks or waits.
#if defined(ENTRAIN_RTSAN)
#define ENTRAIN_NONBLOCKING [[clang::nonblocking]]
#else
#define ENTRAIN_NONBLOCKING
#endif

namespace entrain {

// Treats denormal numbers as zero during its lifetime: otherwise decaying filters take twice as
// long when the input falls silent.
class FlushDenormals {
public:
    FlushDenormals() noexcept : saved_(read()) { write(saved_ | kFlush); }
    ~FlushDenormals() { write(saved_); }
    FlushDenormals(const FlushDenormals &) = delete;
    FlushDenormals &operator=(const FlushDenormals &) = delete;

private:
#if defined(__SSE__)
    using Word = unsigned int;
    static constexpr Word kFlush = 0x8040;  // FTZ and DAZ
    static Word read() noexcept { return _mm_getcsr(); }
    static void write(Word word) noexcept { _mm_setcsr(word); }
#elif defined(__aarch64__)
    using Word = std::uint64_t;
    static constexpr Word kFlush = 1u << 24;  // FZ
    static Word read() noexcept {
        Word word;
        asm volatile("mrs %0, fpcr" : "=r"(word));
        return word;
    }
    static void write(Word word) noexcept { asm volatile("msr fpcr, %0" ::"r"(word)); }
#else
    using Word = int;
    static constexpr Word kFlush = 0;
    static Word read() noexcept { return 0; }
    static void write(Word) noexcept {}
#endif
    Word saved_;
};

}  // namespace entrain
