// Linux implementation, with an eventfd.
#include "io/news.h"

#include <cstdint>

#include <sys/eventfd.h>
#include <unistd.h>

namespace entrain::io {

News::News() noexcept : descriptor_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

News::~News() {
    if (descriptor_ >= 0) close(descriptor_);
}

void News::announce() noexcept {
    // Fails only if the counter is full; then there is news already.
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = write(descriptor_, &one, sizeof one);
}

void News::take() noexcept {
    // Fails only if there is no news.
    std::uint64_t all = 0;
    [[maybe_unused]] const ssize_t got = read(descriptor_, &all, sizeof all);
}

}  // namespace entrain::io
