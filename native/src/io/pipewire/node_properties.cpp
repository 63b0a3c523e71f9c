#include "io/pipewire/node_properties.h"

#include <iterator>
#include <utility>

namespace entrain::pipewire {

struct NodeProperties::Question {
    NodeProperties *asks;
    Id id;
    bool answered = false;
    Proxy proxy;
    Hook hook;
};

NodeProperties::NodeProperties(io::Notify changed,
                               std::function<void(Id, const spa_dict *)> answered)
    : changed_(std::move(changed)), answered_(std::move(answered)) {}

NodeProperties::~NodeProperties() = default;

void NodeProperties::ask(pw_proxy *registry, Id id) {
    static const pw_node_events kEvents = [] {
        pw_node_events table{};
        table.version = PW_VERSION_NODE_EVENTS;
        table.info = [](void *self, const pw_node_info *info) noexcept {
            auto &question = *static_cast<Question *>(self);
            io::guarded(question.asks->changed_, [&] {
                if (question.answered || info->props == nullptr) return;
                question.answered = true;
                question.asks->answered_(question.id, info->props);
            });
        };
        return table;
    }();

    // Remove answered questions, which would go on to report each change of their nodes.  The
    // answer itself cannot remove its question, because its callback still uses it.
    for (auto old = questions_.begin(); old != questions_.end();)
        old = old->second->answered ? questions_.erase(old) : std::next(old);
    auto question = std::make_unique<Question>();
    question->asks = this;
    question->id = id;
    question->proxy = bind(registry, id, PW_TYPE_INTERFACE_Node, PW_VERSION_NODE);
    if (!question->proxy) return;
    listen(question->proxy.get(), question->hook, &kEvents, question.get());
    questions_[id] = std::move(question);
}

void NodeProperties::gone(Id id) { questions_.erase(id); }

}  // namespace entrain::pipewire
