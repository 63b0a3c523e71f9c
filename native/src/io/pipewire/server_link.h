// A link as the server has it.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/links.h"

#include <memory>

namespace entrain::pipewire {

// Ask the server for a link; `changed` comes with each step that it takes.
std::unique_ptr<MadeLink> make_server_link(pw_core *core, const WantedLink &link,
                                           const io::Notify &changed);

}  // namespace entrain::pipewire
