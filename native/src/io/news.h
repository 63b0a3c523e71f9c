// Wakes an event loop when a back end has news.
#pragma once

namespace entrain::io {

// A flag with a file descriptor.  Several announcements before a take() count as one.
//
// thread:   [control] or the back end's own; no function waits
class News {
public:
    News() noexcept;
    ~News();
    News(const News &) = delete;
    News &operator=(const News &) = delete;

    bool valid() const noexcept { return descriptor_ >= 0; }
    // Readable while there is news.
    int descriptor() const noexcept { return descriptor_; }

    void announce() noexcept;
    void take() noexcept;

private:
    int descriptor_;
};

}  // namespace entrain::io
