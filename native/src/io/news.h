// What wakes an event loop that waits for news of a back end.
#pragma once

namespace entrain::io {

// Any number of news are one until somebody takes it.
//
// thread:   [control] or the back end's own; neither waits
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
