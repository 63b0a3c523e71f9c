// Parses the engine's description of its blocks, and fuzzes single blocks.
#pragma once

#include "entrain/engine.h"
#include "fuzz_input.h"
#include "fuzz_space.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

struct Described {
    std::string symbol;
    float minimum, maximum, initial;
    bool is_added = false;  // by the engine, to every layer of its group
    bool accepts(double value) const {
        const auto rounded = static_cast<float>(value);
        return std::isfinite(rounded) && rounded >= minimum && rounded <= maximum;
    }
};

struct Kind {
    std::string name;
    bool layer;  // it can be routed
    bool generator, space, dichotic;
    std::vector<Described> parameters;
};

// In the JSON, the description of each parameter begins with its symbol.
inline std::vector<Described> parameters_of(const std::string &json) {
    std::vector<Described> found;
    const std::string key = "\"symbol\":\"";
    for (std::size_t at = json.find(key); at != std::string::npos; at = json.find(key, at + 1)) {
        const auto number = [&](std::size_t where, std::size_t length) {
            return std::strtof(json.c_str() + where + length, nullptr);
        };
        const std::size_t begin = at + key.size();
        found.push_back({json.substr(begin, json.find('"', begin) - begin),
                         number(json.find("\"minimum\":", at), 10),
                         number(json.find("\"maximum\":", at), 10),
                         number(json.find("\"initial\":", at), 10)});
        found.back().is_added = found.back().symbol == "amount";
    }
    return found;
}

// Parameters of a generator's place; its description does not list them.
inline const std::vector<Described> &place_parameters() {
    static const std::vector<Described> all{
        {"azimuth_deg", -360.0F, 360.0F, 0.0F, true}, {"elevation_deg", -90.0F, 90.0F, 0.0F, true},
        {"distance_m", 0.3F, 20.0F, 1.0F, true},      {"path", 0.0F, 5.0F, 0.0F, true},
        {"path_hz", 0.0F, 4.0F, 0.05F, true},         {"path_deg", -360.0F, 360.0F, 90.0F, true}};
    return all;
}

inline const std::vector<Kind> &kinds() {
    static const std::vector<Kind> all = [] {
        std::vector<Kind> made;
        for (std::uint32_t i = 0; i < entrain_block_count(); ++i) {
            const std::string json = entrain_block_json(i);
            const std::string key = "\"kind\":\"";
            const std::size_t begin = json.find(key) + key.size();
            const auto says = [&json](const char *text) {
                return json.find(text) != std::string::npos;
            };
            const bool generator = says("\"group\":\"generator\"");
            const bool space = says("\"group\":\"space\"");
            made.push_back({json.substr(begin, json.find('"', begin) - begin),
                            generator || space || says("\"group\":\"processor\""), generator, space,
                            says("\"dichotic\":true"), parameters_of(json)});
            if (!generator) continue;
            for (const Described &each : place_parameters()) made.back().parameters.push_back(each);
        }
        return made;
    }();
    return all;
}

inline const Kind &kind_named(const char *name) {
    for (const Kind &kind : kinds())
        if (kind.name == name) return kind;
    std::abort();
}

// A symbol and its range; sometimes a symbol that the block does not have.
struct Place {
    std::size_t index;
    Described parameter;
};
inline Place pick_symbol(Bytes &bytes, const std::vector<Described> &parameters) {
    const std::uint8_t which = bytes.byte();
    if (which > 240 || parameters.empty())
        return {parameters.size(), {which % 2 ? "" : "no_such_symbol", 0.0F, 1.0F, 0.0F}};
    const std::size_t index = which % parameters.size();
    return {index, parameters[index]};
}

// Runs a single block with input that the engine would accept.  Returns the amount of work.
inline std::uint64_t run_block(Bytes &bytes) {
    const Kind &kind = kinds()[bytes.byte() % kinds().size()];
    const std::uint32_t rate_hz = any_rate(bytes);
    entrain_block *block = nullptr;
    const entrain_status status = entrain_block_create(kind.name.c_str(), rate_hz, &block);
    require(status == (is_rate(rate_hz) ? ENTRAIN_OK : ENTRAIN_E_ARGUMENT), "create's status");
    if (status != ENTRAIN_OK) return 0;
    std::uint64_t work = 0;
    entrain_head *head = any_head(bytes);
    require(entrain_block_use_head(block, head) == ENTRAIN_OK, "a block takes a head or none");
    entrain_head_destroy(head);
    for (std::uint32_t turn = 1 + bytes.below(4); turn > 0; --turn) {
        for (std::uint32_t left = bytes.below(4); left > 0; --left) {
            const Place place = pick_symbol(bytes, kind.parameters);
            const auto value = bytes.number<float>(double{place.parameter.minimum},
                                                    double{place.parameter.maximum});
            const bool known = place.index < kind.parameters.size() &&
                               !place.parameter.is_added;
            require(entrain_block_set(block, place.parameter.symbol.c_str(), value) ==
                        (!known                                   ? ENTRAIN_E_PARAMETER
                         : place.parameter.accepts(double{value}) ? ENTRAIN_OK
                                                                  : ENTRAIN_E_RANGE),
                    "block_set's status");
        }
        std::vector<float> left(bytes.byte() * 8U), right(left.size());
        Signal(bytes.byte() % Signal::kTame, turn).fill(left);
        Signal(bytes.byte() % Signal::kTame, turn + 7).fill(right);
        const float *const in[2] = {left.data(), right.data()};
        float *const out[2] = {left.data(), right.data()};
        entrain_block_process(block, in, out, static_cast<std::uint32_t>(left.size()));
        work += 2 * left.size();
        for (std::size_t i = 0; i < left.size(); ++i)
            if (!std::isfinite(left[i]) || !std::isfinite(right[i])) {
                std::fprintf(stderr, "== block %s at %u Hz\n", kind.name.c_str(), rate_hz);
                require(false, "a block's sound is finite");
            }
    }
    entrain_block_destroy(block);
    return work;
}
