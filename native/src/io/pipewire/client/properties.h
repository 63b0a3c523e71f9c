// Properties of the server and its objects: pairs of a key and a text.
#pragma once

#include "io/pipewire/client/library.h"

#include <cstdint>
#include <initializer_list>
#include <string>
#include <utility>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

// A new set of properties, owned by the caller.
inline pw_properties *properties(
    std::initializer_list<std::pair<const char *, std::string>> items) noexcept {
    pw_properties *set = pw_properties_new(nullptr, nullptr);
    if (set != nullptr)
        for (const auto &[key, value] : items) pw_properties_set(set, key, value.c_str());
    return set;
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

ENTRAIN_C_END

}  // namespace entrain::pipewire
