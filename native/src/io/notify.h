// How the parts of a back end report to it, also when one of their callbacks has failed.
#pragma once

#include <exception>
#include <functional>
#include <new>
#include <utility>

namespace entrain::io {

// A part of a back end calls this object when something has changed, and lost() when the back end
// cannot go on.
//
// thread:   that of the sound system's loop, or one that has its lock
class Notify {
public:
    // `lost` must not throw.  Only a test leaves it out: then a failing callback ends the program.
    template <typename Changed>
    Notify(Changed changed, std::function<void(const char *)> lost = nullptr)
        : changed_(std::move(changed)), lost_(std::move(lost)) {}

    // Calls another function, a timer's for instance, and is lost in the same way.
    Notify calling(std::function<void()> other) const { return {std::move(other), lost_}; }

    void operator()() const { changed_(); }
    // The back end cannot go on, one line why.
    void lost(const char *why) const noexcept { lost_(why); }

private:
    std::function<void()> changed_;
    std::function<void(const char *)> lost_;
};

// The body of each callback that a C library calls.  An exception must not pass through its code:
// that would end the program.  So it ends here, and the back end is lost; Python opens another one.
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
