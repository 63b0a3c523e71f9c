#include "io/pipewire/tail.h"

#include <cstdint>
#include <utility>

namespace entrain::pipewire {

namespace {

constexpr long kLookEveryNs = 20'000'000;
constexpr int kLooks = 100;  // 2 s, longer than any fade

}  // namespace

Tail::Tail(pw_loop *loop, entrain_engine *engine, io::Notify changed)
    : engine_(engine),
      changed_(std::move(changed)),
      timer_(loop, Source::timer(loop, [](void *self, std::uint64_t) noexcept {
                 auto &tail = *static_cast<Tail *>(self);
                 io::guarded(tail.changed_, [&] { tail.look(); });
             }, this)) {
    entrain_set_playing(engine_, 0);
}

void Tail::update(bool playing, bool graph_runs) {
    if (playing == playing_) return;
    // While the server changes its rate, the graph and all players stop.  A player that stops by
    // itself leaves the graph running.
    if (!playing && !graph_runs) return;
    playing_ = playing;
    entrain_set_playing(engine_, playing ? 1 : 0);
    fading_ = !playing;
    looks_left_ = kLooks;
    timer_.every(fading_ ? kLookEveryNs : 0);
}

void Tail::look() {
    if (!fading_) return;
    if (entrain_is_quiet(engine_) == 0 && --looks_left_ > 0) return;
    fading_ = false;
    timer_.stop();
    changed_();
}

}  // namespace entrain::pipewire
