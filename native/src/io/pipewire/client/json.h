// The JSON dialect of the server's metadata.
#pragma once

#include "io/pipewire/client/library.h"

#include <string>

namespace entrain::pipewire {

ENTRAIN_C_BEGIN

// Encodes a text as a JSON string, with quotation marks.
inline std::string json_string(const std::string &text) {
    // In the worst case each byte becomes \uXXXX.
    std::string result(6 * text.size() + 3, '\0');
    const int size =
        spa_json_encode_string(result.data(), static_cast<int>(result.size()), text.c_str());
    result.resize(static_cast<std::size_t>(size));
    return result;
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

ENTRAIN_C_END

}  // namespace entrain::pipewire
