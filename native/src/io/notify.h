// How the parts of a back end report changes and failures to it.
#pragma once

#include <exception>
#include <functional>
#include <new>
#include <utility>

namespace entrain::io {

// A part of a back end calls this object when something has changed, and lost() when the back end
// cannot go on.
//
// thread:   the thread of the sound system's loop, or a thread that holds its lock
class Notify {
public:
    // `lost` must not throw.  Only tests omit it; then a failing callback ends the program.
    template <typename Changed>
    Notify(Changed changed, std::function<void(const char *)> lost = nullptr)
        : changed_(std::move(changed)), lost_(std::move(lost)) {}

    // A copy that calls another function, such as a timer's, and reports a loss the same way.
    Notify calling(std::function<void()> other) const { return {std::move(other), lost_}; }

    void operator()() const { changed_(); }
    // The back end cannot go on; `why` is one line.
    void lost(const char *why) const noexcept { lost_(why); }

private:
    std::function<void()> changed_;
    std::function<void(const char *)> lost_;
};

// Runs the body of a callback from a C library.  An exception that passed through C code would end
// the program, so it is caught here and the back end is lost; Python then opens another one.
template <typename Body>
void guarded(const Notify &notify, Body &&body) noexcept {
    try {
        body();
    } catch (const std::bad_alloc &) {
        notify.lost("out of memory");
    } catch (const std::exception &error) {
        notify.lost(error.what());
    } catch (...) {
        notify.lost("an unknown error");
    }
}

}  // namespace entrain::io
