// Asks nodes once for those of their properties that the registry does not tell.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/graph.h"

#include <functional>
#include <map>
#include <memory>

namespace entrain::pipewire {

class NodeProperties {
public:
    // thread of the callback: the loop's
    NodeProperties(io::Notify changed, std::function<void(Id, const spa_dict *)> told);
    ~NodeProperties();

    void ask(pw_proxy *registry, Id id);
    void gone(Id id);

private:
    struct Question;

    io::Notify changed_;
    std::function<void(Id, const spa_dict *)> told_;
    std::map<Id, std::unique_ptr<Question>> questions_;
};

}  // namespace entrain::pipewire
