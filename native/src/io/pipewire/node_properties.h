// Asks each node once for the properties that the registry does not report.
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
    // thread of `answered`: the loop's
    NodeProperties(io::Notify changed, std::function<void(Id, const spa_dict *)> answered);
    ~NodeProperties();

    void ask(pw_proxy *registry, Id id);
    void gone(Id id);

private:
    struct Question;

    io::Notify changed_;
    std::function<void(Id, const spa_dict *)> answered_;
    std::map<Id, std::unique_ptr<Question>> questions_;
};

}  // namespace entrain::pipewire
