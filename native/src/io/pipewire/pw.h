// The client library, its C dialect kept away from our warnings, and its objects as C++ owners.
//
// Everything that is a macro there is a function here, so that no other file needs the pragmas.
#pragma once

#include "io/deleter.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wpedantic"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#pragma GCC diagnostic ignored "-Wmissing-field-initializers"
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"

#include <pipewire/extensions/metadata.h>
#include <pipewire/filter.h>
#include <pipewire/pipewire.h>
#include <spa/param/latency-utils.h>
#include <spa/param/props.h>
#include <spa/pod/builder.h>
#include <spa/pod/iter.h>
#include <spa/pod/parser.h>
#include <spa/utils/json.h>

#include <array>
#include <cstdint>
#include <cstring>
#include <initializer_list>
#include <memory>
#include <string>
#include <utility>

namespace entrain::pipewire {

using io::Deleter;

using ThreadLoop = std::unique_ptr<pw_thread_loop, Deleter<pw_thread_loop_destroy>>;
using Context = std::unique_ptr<pw_context, Deleter<pw_context_destroy>>;
using Core = std::unique_ptr<pw_core, Deleter<pw_core_disconnect>>;
using Proxy = std::unique_ptr<pw_proxy, Deleter<pw_proxy_destroy>>;

// A callback slot.  Taken off its list when it goes, if it ever was on one.
class Hook {
public:
    Hook() noexcept = default;
    ~Hook() { remove(); }
    Hook(const Hook &) = delete;
    Hook &operator=(const Hook &) = delete;

    void remove() noexcept {
        if (hook.link.prev != nullptr) spa_hook_remove(&hook);
        hook = spa_hook{};
    }

    spa_hook hook{};
};

// May be called from any thread, the callback too: one write to an eventfd.
inline void signal(pw_loop *loop, spa_source *event) noexcept {
    pw_loop_signal_event(loop, event);
}

// An event source or timer of a loop.
class Source {
public:
    Source(pw_loop *loop, spa_source *source) noexcept : loop_(loop), source_(source) {}
    ~Source() {
        if (source_ != nullptr) pw_loop_destroy_source(loop_, source_);
    }
    Source(const Source &) = delete;
    Source &operator=(const Source &) = delete;

    spa_source *get() const noexcept { return source_; }
    void signal() noexcept { pipewire::signal(loop_, source_); }
    // Fire every `period_ns`; 0 stops it.
    void every(long period_ns) noexcept {
        if (source_ == nullptr) return;
        timespec period{0, period_ns};
        pw_loop_update_timer(loop_, source_, &period, &period, false);
    }

    // Fire once, after this time; a time that runs already begins anew.
    void after(long delay_ns) noexcept {
        if (source_ == nullptr) return;
        constexpr long kSecond = 1'000'000'000;
        timespec delay{delay_ns / kSecond, delay_ns % kSecond};
        pw_loop_update_timer(loop_, source_, &delay, nullptr, false);
    }

    static spa_source *event(pw_loop *loop, spa_source_event_func_t call, void *data) noexcept {
        return pw_loop_add_event(loop, call, data);
    }
    static spa_source *timer(pw_loop *loop, spa_source_timer_func_t call, void *data) noexcept {
        return pw_loop_add_timer(loop, call, data);
    }

private:
    pw_loop *loop_;
    spa_source *source_;
};

// Holds a thread loop still while a [control] thread works on its objects.
class Lock {
public:
    explicit Lock(pw_thread_loop *loop) noexcept : loop_(loop) { pw_thread_loop_lock(loop_); }
    ~Lock() { pw_thread_loop_unlock(loop_); }
    Lock(const Lock &) = delete;
    Lock &operator=(const Lock &) = delete;

private:
    pw_thread_loop *loop_;
};

// A set of properties; owned by whoever takes it over from get().
inline pw_properties *properties(
    std::initializer_list<std::pair<const char *, std::string>> items) noexcept {
    pw_properties *set = pw_properties_new(nullptr, nullptr);
    if (set != nullptr)
        for (const auto &[key, value] : items) pw_properties_set(set, key, value.c_str());
    return set;
}

// Make an object in the server.  It lives as long as the proxy, or the connection.
inline Proxy create_object(
    pw_core *core, const char *factory, const char *type, std::uint32_t version,
    std::initializer_list<std::pair<const char *, std::string>> items) noexcept {
    pw_properties *set = properties(items);
    if (set == nullptr) return nullptr;
    void *object = pw_core_create_object(core, factory, type, version, &set->dict, 0);
    pw_properties_free(set);
    return Proxy(static_cast<pw_proxy *>(object));
}

inline Proxy get_registry(pw_core *core) noexcept {
    return Proxy(reinterpret_cast<pw_proxy *>(pw_core_get_registry(core, PW_VERSION_REGISTRY, 0)));
}

inline Proxy bind(pw_proxy *registry, std::uint32_t id, const char *type,
                  std::uint32_t version) noexcept {
    return Proxy(static_cast<pw_proxy *>(
        pw_registry_bind(reinterpret_cast<pw_registry *>(registry), id, type, version, 0)));
}

inline void listen(pw_core *core, Hook &hook, const pw_core_events *events, void *data) noexcept {
    pw_core_add_listener(core, &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_proxy_events *events,
                   void *data) noexcept {
    pw_proxy_add_listener(proxy, &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_registry_events *events,
                   void *data) noexcept {
    pw_registry_add_listener(reinterpret_cast<pw_registry *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_node_events *events,
                   void *data) noexcept {
    pw_node_add_listener(reinterpret_cast<pw_node *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_link_events *events,
                   void *data) noexcept {
    pw_link_add_listener(reinterpret_cast<pw_link *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_client_events *events,
                   void *data) noexcept {
    pw_client_add_listener(reinterpret_cast<pw_client *>(proxy), &hook.hook, events, data);
}
inline void listen(pw_proxy *proxy, Hook &hook, const pw_metadata_events *events,
                   void *data) noexcept {
    pw_metadata_add_listener(reinterpret_cast<pw_metadata *>(proxy), &hook.hook, events, data);
}

inline void set_metadata(pw_proxy *metadata, std::uint32_t subject, const char *key,
                         const char *type, const char *value) noexcept {
    pw_metadata_set_property(reinterpret_cast<pw_metadata *>(metadata), subject, key, type, value);
}

// The text under `key`, or "".
inline std::string text(const spa_dict *dict, const char *key) {
    const char *value = dict != nullptr ? spa_dict_lookup(dict, key) : nullptr;
    return value != nullptr ? value : "";
}

// The number under `key`, or SPA_ID_INVALID.
inline std::uint32_t number(const spa_dict *dict, const char *key) noexcept {
    const char *value = dict != nullptr ? spa_dict_lookup(dict, key) : nullptr;
    std::uint32_t result = SPA_ID_INVALID;
    return value != nullptr && spa_atou32(value, &result, 10) ? result : SPA_ID_INVALID;
}

// ---- latencies: of what a port leads to (INPUT) or comes from (OUTPUT), and a node's own --------

constexpr std::size_t kParamBytes = 512;

inline spa_process_latency_info process_latency(std::uint32_t frames) noexcept {
    spa_process_latency_info latency{};
    latency.rate = frames;  // unsigned at first, signed since 1.2; the member's own type rules
    return latency;
}

inline spa_latency_info no_latency(std::size_t direction) noexcept {
    spa_latency_info info{};
    info.direction = static_cast<spa_direction>(direction);
    return info;
}

// The least and the most of all.
template <typename Infos>
spa_latency_info combined(std::size_t direction, const Infos &infos) noexcept {
    spa_latency_info info{};
    spa_latency_info_combine_start(&info, static_cast<spa_direction>(direction));
    for (const spa_latency_info &other : infos) spa_latency_info_combine(&info, &other);
    spa_latency_info_combine_finish(&info);
    return info;
}

// The parameters that say so; they lie in `memory`.
template <typename Memory>
spa_pod_builder builder_in(Memory &memory) noexcept {
    spa_pod_builder builder{};
    spa_pod_builder_init(&builder, memory.data(), static_cast<std::uint32_t>(memory.size()));
    return builder;
}
template <typename Memory>
const spa_pod *process_latency_param(const spa_process_latency_info &latency,
                                     Memory &memory) noexcept {
    spa_pod_builder builder = builder_in(memory);
    return spa_process_latency_build(&builder, SPA_PARAM_ProcessLatency, &latency);
}
template <typename Memory>
const spa_pod *latency_param(const spa_latency_info &latency, Memory &memory) noexcept {
    spa_pod_builder builder = builder_in(memory);
    return spa_latency_build(&builder, SPA_PARAM_Latency, &latency);
}

// A text as JSON has it, with its quotation marks.
inline std::string json_string(const std::string &text) {
    // At worst each character becomes \uXXXX.
    std::string result(6 * text.size() + 3, '\0');
    const int size =
        spa_json_encode_string(result.data(), static_cast<int>(result.size()), text.c_str());
    result.resize(static_cast<std::size_t>(size));
    return result;
}

// ---- volumes --------------------------------------------------------------------------------

// How a sink's monitor gives the sound away.
struct Monitor {
    bool muted = false;
    bool follows_sink = false;  // it has the sink's volume as well
    std::uint32_t channels = 0;
    std::array<float, 8> volumes{};
};

inline void subscribe_props(pw_proxy *node) noexcept {
    std::uint32_t ids[] = {SPA_PARAM_Props};
    pw_node_subscribe_params(reinterpret_cast<pw_node *>(node), ids, 1);
}

inline void set_props(pw_proxy *node, const spa_pod *param) noexcept {
    pw_node_set_param(reinterpret_cast<pw_node *>(node), SPA_PARAM_Props, 0, param);
}

constexpr const char *kFollowsSink = "monitor.channel-volumes";

// Take what is told of the monitor; what is not told stays.  Returns whether anything was.
inline bool read_monitor(const spa_pod *param, Monitor &monitor) noexcept {
    bool found = false;
    const auto *object = reinterpret_cast<const spa_pod_object *>(param);
    if (spa_pod_is_object(param) == 0) return false;
    const spa_pod_prop *prop;
    SPA_POD_OBJECT_FOREACH(object, prop) {
        if (prop->key == SPA_PROP_monitorMute) {
            found = spa_pod_get_bool(&prop->value, &monitor.muted) == 0 || found;
        } else if (prop->key == SPA_PROP_monitorVolumes) {
            monitor.channels = spa_pod_copy_array(&prop->value, SPA_TYPE_Float,
                                                  monitor.volumes.data(),
                                                  static_cast<std::uint32_t>(monitor.volumes.size()));
            found = true;
        } else if (prop->key == SPA_PROP_params && spa_pod_is_struct(&prop->value) != 0) {
            spa_pod_parser parser;
            spa_pod_parser_pod(&parser, &prop->value);
            spa_pod_frame frame;
            spa_pod_parser_push_struct(&parser, &frame);
            const char *name = nullptr;
            spa_pod *value = nullptr;
            while (spa_pod_parser_get_string(&parser, &name) >= 0 &&
                   spa_pod_parser_get_pod(&parser, &value) >= 0)
                if (std::strcmp(name, kFollowsSink) == 0)
                    found = spa_pod_get_bool(value, &monitor.follows_sink) == 0 || found;
        }
    }
    return found;
}

// The parameter that makes a monitor give the sound away as it is; it lies in `memory`.
template <typename Memory>
const spa_pod *unity_monitor_param(std::uint32_t channels, Memory &memory) noexcept {
    std::array<float, 8> ones;
    ones.fill(1.0F);
    spa_pod_builder builder = builder_in(memory);
    spa_pod_frame object;
    spa_pod_frame params;
    spa_pod_builder_push_object(&builder, &object, SPA_TYPE_OBJECT_Props, SPA_PARAM_Props);
    spa_pod_builder_prop(&builder, SPA_PROP_monitorMute, 0);
    spa_pod_builder_bool(&builder, false);
    if (channels > 0) {
        spa_pod_builder_prop(&builder, SPA_PROP_monitorVolumes, 0);
        spa_pod_builder_array(&builder, sizeof(float), SPA_TYPE_Float, channels, ones.data());
    }
    spa_pod_builder_prop(&builder, SPA_PROP_params, 0);
    spa_pod_builder_push_struct(&builder, &params);
    spa_pod_builder_string(&builder, kFollowsSink);
    spa_pod_builder_bool(&builder, false);
    spa_pod_builder_pop(&builder, &params);
    return static_cast<const spa_pod *>(spa_pod_builder_pop(&builder, &object));
}

// The text under `key` in a flat JSON object, or "".
inline std::string json_text(const char *json, const char *key) {
    char name[64];
    char value[256];
    spa_json whole;
    spa_json object;
    spa_json_init(&whole, json, std::char_traits<char>::length(json));
    if (spa_json_enter_object(&whole, &object) <= 0) return "";
    while (spa_json_get_string(&object, name, sizeof name) > 0) {
        if (std::string(name) == key)
            return spa_json_get_string(&object, value, sizeof value) > 0 ? value : "";
        const char *skipped;
        if (spa_json_next(&object, &skipped) <= 0) break;
    }
    return "";
}

}  // namespace entrain::pipewire

#pragma GCC diagnostic pop
