// Makes links in the server.
#pragma once

#include "io/notify.h"
#include "io/pipewire/client/objects.h"
#include "io/pipewire/links.h"

#include <memory>

namespace entrain::pipewire {

// Ask the server for a link.  Calls `changed` whenever the link's state changes.
std::unique_ptr<MadeLink> make_server_link(pw_core *core, const WantedLink &link,
                                           const io::Notify &changed);

}  // namespace entrain::pipewire
