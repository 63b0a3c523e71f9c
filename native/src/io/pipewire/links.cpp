#include "io/pipewire/links.h"

#include <algorithm>

namespace entrain::pipewire {

namespace {

bool same(const WantedLink &a, const WantedLink &b) {
    return a.output_port == b.output_port && a.input_port == b.input_port;
}

}  // namespace

struct LinkSet::Made {
    LinkSet *set;
    WantedLink wanted;
    bool bound = false;
    bool up = false;      // buffers are agreed on
    bool gone = false;    // the server has removed it
    bool failed = false;  // the server does not want it
    std::string error;
    Proxy proxy;
    Hook proxy_hook;
    Hook link_hook;

    void fail(const char *message) {
        failed = true;
        error = message != nullptr ? message : "";
        set->changed_();
    }
};

LinkSet::LinkSet(pw_core *core, std::function<void()> changed)
    : core_(core), changed_(std::move(changed)) {}

LinkSet::~LinkSet() = default;

std::unique_ptr<LinkSet::Made> LinkSet::make(const WantedLink &link) {
    static const pw_proxy_events kProxyEvents = [] {
        pw_proxy_events table{};
        table.version = PW_VERSION_PROXY_EVENTS;
        table.bound = [](void *self, std::uint32_t) noexcept {
            auto &made = *static_cast<Made *>(self);
            made.bound = true;
            made.set->changed_();
        };
        table.removed = [](void *self) noexcept {
            auto &made = *static_cast<Made *>(self);
            // Removed before it worked: making it anew at once would go on for ever.
            if (!made.up) made.failed = true;
            made.gone = true;
            made.set->changed_();
        };
        table.error = [](void *self, int, int, const char *message) noexcept {
            static_cast<Made *>(self)->fail(message);
        };
        return table;
    }();
    static const pw_link_events kLinkEvents = [] {
        pw_link_events table{};
        table.version = PW_VERSION_LINK_EVENTS;
        table.info = [](void *self, const pw_link_info *info) noexcept {
            auto &made = *static_cast<Made *>(self);
            if (info->state == PW_LINK_STATE_ERROR) {
                made.fail(info->error);
            } else if (!made.up && info->state >= PW_LINK_STATE_PAUSED) {
                made.up = true;
                made.set->changed_();
            }
        };
        return table;
    }();

    auto made = std::make_unique<Made>();
    made->set = this;
    made->wanted = link;
    made->proxy = create_object(core_, "link-factory", PW_TYPE_INTERFACE_Link, PW_VERSION_LINK,
                                {{PW_KEY_LINK_OUTPUT_NODE, std::to_string(link.output_node)},
                                 {PW_KEY_LINK_OUTPUT_PORT, std::to_string(link.output_port)},
                                 {PW_KEY_LINK_INPUT_NODE, std::to_string(link.input_node)},
                                 {PW_KEY_LINK_INPUT_PORT, std::to_string(link.input_port)},
                                 {PW_KEY_LINK_PASSIVE, link.passive ? "true" : "false"},
                                 {PW_KEY_OBJECT_LINGER, "false"}});
    if (!made->proxy) {
        made->failed = true;
        return made;
    }
    listen(made->proxy.get(), made->proxy_hook, &kProxyEvents, made.get());
    listen(made->proxy.get(), made->link_hook, &kLinkEvents, made.get());
    return made;
}

const LinkSet::Made *LinkSet::find(const WantedLink &link) const {
    const auto found = std::find_if(links_.begin(), links_.end(), [&](const auto &made) {
        return same(made->wanted, link);
    });
    return found != links_.end() ? found->get() : nullptr;
}

void LinkSet::apply(const std::vector<WantedLink> &wanted, bool running) {
    const auto drop = [this](const auto &condition) {
        links_.erase(std::remove_if(links_.begin(), links_.end(), condition), links_.end());
    };
    drop([](const auto &made) { return made->gone && !made->failed; });
    const auto awaited = [&](const std::unique_ptr<Made> &old) {
        return running && old->up &&
               std::any_of(wanted.begin(), wanted.end(), [&](const WantedLink &link) {
                   const Made *made = find(link);
                   return link.output_port == old->wanted.output_port &&
                          (made == nullptr || (!made->up && !made->failed));
               });
    };
    drop([&](const auto &made) {
        const bool still_wanted =
            std::any_of(wanted.begin(), wanted.end(),
                        [&](const WantedLink &link) { return same(made->wanted, link); });
        return !still_wanted && !awaited(made);
    });
    // After that: a device that is linked now need not wake for a holder that goes.
    for (const WantedLink &link : wanted)
        if (find(link) == nullptr) links_.push_back(make(link));
}

void LinkSet::forget_failures() {
    links_.erase(std::remove_if(links_.begin(), links_.end(),
                                [](const auto &made) { return made->failed; }),
                 links_.end());
}

bool LinkSet::made(const std::vector<WantedLink> &wanted) const {
    return std::all_of(wanted.begin(), wanted.end(), [this](const WantedLink &link) {
        const Made *made = find(link);
        return made != nullptr && made->bound && !made->failed;
    });
}

bool LinkSet::up(const std::vector<WantedLink> &wanted) const {
    return std::all_of(wanted.begin(), wanted.end(), [this](const WantedLink &link) {
        const Made *made = find(link);
        return made != nullptr && made->up && !made->failed && !made->gone;
    });
}

std::string LinkSet::error() const {
    for (const auto &made : links_)
        if (made->failed && !made->error.empty()) return made->error;
    return "";
}

}  // namespace entrain::pipewire
