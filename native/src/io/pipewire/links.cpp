#include "io/pipewire/links.h"

#include <algorithm>

namespace entrain::pipewire {

namespace {

bool same(const WantedLink &a, const WantedLink &b) {
    return a.output_port == b.output_port && a.input_port == b.input_port;
}

bool is_among(const std::vector<WantedLink> &wanted, const WantedLink &link) {
    return std::any_of(wanted.begin(), wanted.end(),
                       [&](const WantedLink &other) { return same(other, link); });
}

}  // namespace

const MadeLink *LinkSet::find(const WantedLink &link) const {
    const auto found = std::find_if(links_.begin(), links_.end(), [&](const auto &made) {
        return same(made->wanted, link) && (made->failed || !made->gone);
    });
    return found != links_.end() ? found->get() : nullptr;
}

bool LinkSet::is_kept(const MadeLink &link, const std::vector<WantedLink> &wanted,
                      bool running) const {
    if (link.gone && !link.failed) return false;
    if (is_among(wanted, link.wanted)) return true;
    // The link carries sound until its successor does.  Links that are not passive carry no sound.
    return running && link.up && link.wanted.passive &&
           std::any_of(wanted.begin(), wanted.end(), [&](const WantedLink &successor) {
               const MadeLink *made = find(successor);
               return successor.passive && successor.output_port == link.wanted.output_port &&
                      (made == nullptr || (!made->up && !made->failed));
           });
}

void LinkSet::apply(const std::vector<WantedLink> &wanted, bool running) {
    // Whether one link stays depends on others, so decide about all links before removing any.
    std::vector<bool> keeps;
    for (const auto &link : links_) keeps.push_back(is_kept(*link, wanted, running));
    Links kept;
    for (std::size_t i = 0; i < links_.size(); ++i)
        if (keeps[i]) kept.push_back(std::move(links_[i]));
    links_ = std::move(kept);
    // Add links after the removal: when the wake link has gone, a newly linked device can stay
    // asleep.
    for (const WantedLink &link : wanted)
        if (find(link) == nullptr) links_.push_back(make_(link));
}

void LinkSet::forget_failures() {
    links_.erase(std::remove_if(links_.begin(), links_.end(),
                                [](const auto &link) { return link->failed; }),
                 links_.end());
}

bool LinkSet::made(const std::vector<WantedLink> &wanted) const {
    return std::all_of(wanted.begin(), wanted.end(), [this](const WantedLink &link) {
        const MadeLink *made = find(link);
        return made != nullptr && made->bound && !made->failed;
    });
}

bool LinkSet::up(const std::vector<WantedLink> &wanted) const {
    return std::all_of(wanted.begin(), wanted.end(), [this](const WantedLink &link) {
        const MadeLink *made = find(link);
        return made != nullptr && made->up && !made->failed && !made->gone;
    });
}

std::string LinkSet::error() const {
    for (const auto &link : links_)
        if (link->failed && !link->error.empty()) return link->error;
    return "";
}

}  // namespace entrain::pipewire
