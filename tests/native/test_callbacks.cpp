// A failing callback of the client library passes on no exception, and the back end is lost with
// the reason.  Also runs with AddressSanitizer.

#include "io/notify.h"
#include "io/pipewire/registry.h"
#include "io/state.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <iterator>
#include <new>
#include <stdexcept>
#include <string>

namespace {

thread_local long left = -1;  // allocations until one fails; negative: none fails

}  // namespace

void *operator new(std::size_t size) {
    if (left >= 0 && left-- == 0) throw std::bad_alloc();
    void *memory = std::malloc(size);
    if (memory == nullptr) throw std::bad_alloc();
    return memory;
}
void operator delete(void *memory) noexcept { std::free(memory); }
void operator delete(void *memory, std::size_t) noexcept { std::free(memory); }

// Functions of the client library that the registry calls by name.
extern "C" void pw_proxy_destroy(pw_proxy *) {}

namespace {

using entrain::io::guarded;
using entrain::io::Notify;
using entrain::io::State;
using entrain::pipewire::Registry;

// A fake connection with a fake registry; both only accept listeners.
struct Server {
    Server() {
        registry_methods.version = PW_VERSION_REGISTRY_METHODS;
        registry_methods.add_listener = [](void *self, spa_hook *, const pw_registry_events *table,
                                           void *data) {
            static_cast<Server *>(self)->events = table;
            static_cast<Server *>(self)->listener = data;
            return 0;
        };
        registry.cb.funcs = &registry_methods;
        registry.cb.data = this;
        core_methods.version = PW_VERSION_CORE_METHODS;
        core_methods.get_registry = [](void *self, std::uint32_t, std::size_t) {
            return reinterpret_cast<pw_registry *>(&static_cast<Server *>(self)->registry);
        };
        core.cb.funcs = &core_methods;
        core.cb.data = this;
    }
    void came(std::uint32_t id, const char *type, const spa_dict &dict) const {
        events->global(listener, id, 0, type, 0, &dict);
    }

    pw_registry_methods registry_methods{};
    pw_core_methods core_methods{};
    spa_interface registry{};
    spa_interface core{};
    const pw_registry_events *events = nullptr;
    void *listener = nullptr;
};

struct Told {
    int changes = 0;
    std::string lost;
    Notify notify() {
        return {[this] { ++changes; }, [this](const char *why) { lost = why; }};
    }
};

constexpr const char *kLong = "a name that is too long to lie in the string itself";

}  // namespace

TEST_CASE("a callback catches exceptions and reports them") {
    Told told;
    const Notify notify = told.notify();
    guarded(notify, [&] { notify(); });
    CHECK(told.changes == 1);
    CHECK(told.lost.empty());
    guarded(notify, [] { throw std::bad_alloc(); });
    CHECK(told.lost == "out of memory");
    guarded(notify, [] { throw std::runtime_error("this one"); });
    CHECK(told.lost == "this one");
    guarded(notify, [] { throw 5; });
    CHECK(told.lost == "an unknown error");
    guarded(notify.calling([] { throw std::bad_alloc(); }), [&] { told.lost.clear(); });
    CHECK(told.lost.empty());
}

TEST_CASE("any allocation may fail while the server announces its objects") {
    const spa_dict_item items[] = {{PW_KEY_NODE_NAME, kLong},  {PW_KEY_MEDIA_CLASS, kLong},
                                   {PW_KEY_PORT_NAME, kLong},  {PW_KEY_AUDIO_CHANNEL, "FL"},
                                   {PW_KEY_NODE_ID, "30"},     {PW_KEY_PORT_DIRECTION, "in"},
                                   {PW_KEY_METADATA_NAME, kLong}};
    spa_dict dict{};
    dict.n_items = static_cast<std::uint32_t>(std::size(items));
    dict.items = items;
    bool failed = true;
    int failures = 0;
    for (long nth = 0; failed; ++nth) {
        Server server;
        Told told;
        const auto ignore = [](auto...) {};
        Registry registry(reinterpret_cast<pw_core *>(&server.core),
                          {told.notify(), ignore, ignore, ignore});
        left = nth;
        server.came(30, PW_TYPE_INTERFACE_Node, dict);
        server.came(31, PW_TYPE_INTERFACE_Port, dict);
        server.came(32, PW_TYPE_INTERFACE_Link, dict);
        server.came(33, PW_TYPE_INTERFACE_Metadata, dict);
        server.events->global_remove(server.listener, 31);
        failed = left < 0;
        left = -1;
        CHECK(told.lost == (failed ? "out of memory" : ""));
        if (failed) ++failures;
    }
    CHECK(failures > 5);
}

TEST_CASE("a lost back end stays lost, which needs no memory") {
    State state;
    entrain_io_state plays{};
    plays.phase = ENTRAIN_IO_READY;
    plays.playing = plays.running = plays.smart = 1;
    entrain::io::put(plays.target, "speakers");
    entrain::io::put(plays.effective_default, "entrain");
    state.publish(plays);
    CHECK(!state.is_lost());

    left = 0;
    state.lose("out of memory");
    const bool needed_memory = left < 0;
    left = -1;
    CHECK(!needed_memory);

    state.lose("later");
    state.publish(plays);
    entrain_io_state now{};
    state.read(&now);
    CHECK(state.is_lost());
    CHECK(now.phase == ENTRAIN_IO_LOST);
    CHECK(std::string(now.error) == "out of memory");
    CHECK(std::string(now.target) == "speakers");
    CHECK(std::string(now.effective_default).empty());
    CHECK(now.playing + now.running + now.smart == 0);
    CHECK(now.generation == 2);
}
