#include "io/pipewire/filter.h"

#include "io/pipewire/client/properties.h"
#include "io/pipewire/sink.h"

#include <array>
#include <cstdint>
#include <string>
#include <utility>

namespace entrain::pipewire {

namespace {

constexpr std::array<const char *, 2> kChannels{"FL", "FR"};

// The holder's flags.  Before 0.3.71 the library ignores INACTIVE; RT_PROCESS then at least keeps
// the holder's cycles off the loop's thread.
constexpr auto kIdle =
    static_cast<pw_filter_flags>(PW_FILTER_FLAG_INACTIVE | PW_FILTER_FLAG_RT_PROCESS);

}  // namespace

Filter::Filter(pw_core *core, const char *name, pw_properties *props, io::Notify changed)
    : changed_(std::move(changed)), filter_(pw_filter_new(core, name, props)) {
    static const pw_filter_events kEvents = [] {
        pw_filter_events table{};
        table.version = PW_VERSION_FILTER_EVENTS;
        table.state_changed = [](void *self, pw_filter_state, pw_filter_state state,
                                 const char *) noexcept {
            auto &filter = *static_cast<Filter *>(self);
            io::guarded(filter.changed_, [&] {
                filter.state_ = state;
                // This event precedes the first cycle after a pause: this thread handles both
                // stopping and starting.
                if (filter.fresh_ != nullptr && state != PW_FILTER_STATE_STREAMING)
                    filter.fresh_->store(true, std::memory_order_relaxed);
                filter.changed_();
            });
        };
        table.param_changed = [](void *self, void *port, std::uint32_t id,
                                 const spa_pod *param) noexcept {
            auto &filter = *static_cast<Filter *>(self);
            io::guarded(filter.changed_, [&] {
                if (id == SPA_PARAM_Latency && filter.latency_)
                    filter.latency_->received(port, param);
            });
        };
        return table;
    }();
    if (filter_ != nullptr) pw_filter_add_listener(filter_, &state_hook_.hook, &kEvents, this);
}

Filter::~Filter() {
    // The filter's list points to our hooks, so they leave it before the filter is destroyed.  The
    // callback reads the process hook; pw_filter_disconnect() waits until the callback has ended.
    if (filter_ == nullptr) return;
    pw_filter_disconnect(filter_);
    state_hook_.remove();
    process_hook_.remove();
    pw_filter_destroy(filter_);
}

std::unique_ptr<Filter> Filter::engine(pw_core *core, Cycle &cycle, io::Notify changed) {
    static const pw_filter_events kEvents = [] {
        pw_filter_events table{};
        table.version = PW_VERSION_FILTER_EVENTS;
        table.process = process;
        return table;
    }();
    // Passive and in the sink's group: the filter runs whenever the sink runs, never by itself.
    std::unique_ptr<Filter> filter(new Filter(core, "entrain-engine",
                                              properties({{PW_KEY_NODE_NAME, "entrain-engine"},
                                                          {PW_KEY_NODE_DESCRIPTION,
                                                           "Entrain engine"},
                                                          {PW_KEY_MEDIA_TYPE, "Audio"},
                                                          {PW_KEY_MEDIA_CATEGORY, "Filter"},
                                                          {PW_KEY_MEDIA_ROLE, "DSP"},
                                                          {PW_KEY_NODE_PASSIVE, "true"},
                                                          {PW_KEY_NODE_GROUP, group_name()},
                                                          {PW_KEY_NODE_LINK_GROUP,
                                                           group_name()}}),
                                              std::move(changed)));
    if (filter->filter_ == nullptr) return nullptr;
    filter->fresh_ = &cycle.fresh;
    for (std::size_t c = 0; c < 2; ++c) {
        const std::string channel = kChannels[c];
        cycle.in[c] = filter->add_port(PW_DIRECTION_INPUT, ("input_" + channel).c_str(),
                                       {{PW_KEY_AUDIO_CHANNEL, channel}});
        cycle.out[c] = filter->add_port(PW_DIRECTION_OUTPUT, ("output_" + channel).c_str(),
                                        {{PW_KEY_AUDIO_CHANNEL, channel}});
        if (cycle.in[c] == nullptr || cycle.out[c] == nullptr) return nullptr;
    }
    // Since 0.3.67 a link is passive if its node or port is, whatever the link's own property.
    void *awake = filter->add_port(PW_DIRECTION_INPUT, kAwakePort, {{"port.passive", "false"}});
    if (awake == nullptr) return nullptr;
    filter->latency_.emplace(filter->filter_, cycle.in, cycle.out, awake);
    pw_filter_add_listener(filter->filter_, &filter->process_hook_.hook, &kEvents, &cycle);
    return filter->connect(PW_FILTER_FLAG_RT_PROCESS) ? std::move(filter) : nullptr;
}

std::unique_ptr<Filter> Filter::holder(pw_core *core, io::Notify changed) {
    std::unique_ptr<Filter> filter(new Filter(
        core, "entrain-holder",
        properties({{PW_KEY_NODE_NAME, "entrain-holder"},
                    {PW_KEY_NODE_DESCRIPTION, "Entrain holder"},
                    {PW_KEY_MEDIA_TYPE, "Audio"},
                    {PW_KEY_MEDIA_CATEGORY, "Playback"},
                    {PW_KEY_MEDIA_ROLE, "DSP"},
                    {PW_KEY_NODE_PASSIVE, "true"}}),
        std::move(changed)));
    if (filter->filter_ == nullptr) return nullptr;
    if (filter->add_port(PW_DIRECTION_OUTPUT, "output", {}) == nullptr) return nullptr;
    return filter->connect(kIdle) ? std::move(filter) : nullptr;
}

void *Filter::add_port(pw_direction direction, const char *name, const Properties &more) noexcept {
    pw_properties *props = properties({{PW_KEY_FORMAT_DSP, "32 bit float mono audio"},
                                       {PW_KEY_PORT_NAME, name}});
    if (props != nullptr)
        for (const auto &[key, value] : more) pw_properties_set(props, key, value.c_str());
    return pw_filter_add_port(filter_, direction, PW_FILTER_PORT_FLAG_MAP_BUFFERS,
                              sizeof(void *), props, nullptr, 0);
}

bool Filter::connect(pw_filter_flags flags) noexcept {
    flags = static_cast<pw_filter_flags>(flags | PW_FILTER_FLAG_CUSTOM_LATENCY);
    return pw_filter_connect(filter_, flags, nullptr, 0) >= 0;
}

Id Filter::id() const noexcept { return pw_filter_get_node_id(filter_); }

void Filter::set_latency(std::uint32_t frames) noexcept { latency_->set_own(frames); }

}  // namespace entrain::pipewire
