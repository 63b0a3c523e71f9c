// Finds the left and the right port of a device.

#include "io/pipewire/graph.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <random>
#include <string>
#include <vector>

namespace {

using entrain::pipewire::Graph;
using entrain::pipewire::Id;
using entrain::pipewire::Port;
using entrain::pipewire::Side;

constexpr Id kDevice = 30;

Port port(std::uint32_t number, const std::string &channel, bool input, bool monitor) {
    Port made;
    made.node = kDevice;
    made.input = input;
    made.monitor = monitor;
    made.channel = channel;
    made.number = number;
    return made;
}

}  // namespace

TEST_CASE("ports without a position are ordered by their port numbers") {
    std::mt19937 random(1);
    for (const std::uint32_t channels : {2U, 4U, 18U})
        for (int plugged = 0; plugged < 100; ++plugged) {
            // The server assigns any free object numbers.
            std::vector<Id> ids(2 * channels);
            for (std::size_t i = 0; i < ids.size(); ++i) ids[i] = static_cast<Id>(40 + 3 * i);
            std::shuffle(ids.begin(), ids.end(), random);
            Graph graph;
            for (std::uint32_t n = 0; n < channels; ++n) {
                const std::string channel = "AUX" + std::to_string(n);
                graph.ports[ids[n]] = port(n, channel, true, false);
                graph.ports[ids[channels + n]] = port(n, channel, false, true);
            }
            const auto playback = graph.pair(kDevice, Side::playback);
            REQUIRE(playback);
            CHECK(playback->ports == std::array<Id, 2>{ids[0], ids[1]});
            const auto monitor = graph.pair(kDevice, Side::monitor);
            REQUIRE(monitor);
            CHECK(monitor->ports == std::array<Id, 2>{ids[channels], ids[channels + 1]});
        }
}

TEST_CASE("a port's position takes precedence over its number") {
    Graph graph;
    graph.ports[50] = port(0, "FC", true, false);
    graph.ports[51] = port(1, "FR", true, false);
    graph.ports[52] = port(2, "FL", true, false);
    CHECK(graph.pair(kDevice, Side::playback)->ports == std::array<Id, 2>{52, 51});
}

TEST_CASE("a single port is both sides; without a port number the object's number counts") {
    Graph graph;
    CHECK(!graph.pair(kDevice, Side::playback));
    graph.ports[60] = port(entrain::pipewire::kNoId, "MONO", true, false);
    CHECK(graph.pair(kDevice, Side::playback)->mono());
    graph.ports[50] = port(entrain::pipewire::kNoId, "", true, false);
    CHECK(graph.pair(kDevice, Side::playback)->ports == std::array<Id, 2>{50, 60});
}
