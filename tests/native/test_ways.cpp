// Finds nodes of other programs that carry sound from sink to sink, in graphs without a server.

#include "io/pipewire/ways.h"

#include <doctest/doctest.h>

using namespace entrain::pipewire;

namespace {

constexpr Id kOurs = 1;
const std::set<Id> kOwn{kOurs, 2};

// A graph with two devices, our sink and our filter.
struct Server {
    Graph graph;
    Aims aims;
    Id next = 100;

    Server() {
        node(kOurs, "entrain", "Audio/Sink");
        node(2, "entrain-engine", "");
        node(3, "speakers", "Audio/Sink").hardware = true;
        node(4, "headphones", "Audio/Sink");
    }

    Node &node(Id id, const char *name, const char *media_class, Id client = kNoId,
               const char *group = "") {
        Node &node = graph.nodes[id];
        node.name = name;
        node.media_class = media_class;
        node.client = client;
        node.link_group = group;
        return node;
    }
    // Add a sink, and a stream that the session manager links.
    void filter(Id sink, Id output, const char *name, const char *group) {
        node(sink, name, "Audio/Sink", 50, group);
        node(output, (std::string(name) + "-out").c_str(), "Stream/Output/Audio", 50, group)
            .managed = true;
    }
    void link(Id from, Id to, Id client = 9) { graph.links[next++] = {from, to, client}; }

    std::vector<Way> all() const { return ways(graph, kOwn, aims); }
    bool loops(const char *target) const { return leads_to(all(), target, "entrain"); }
};

}  // namespace

TEST_CASE("devices lead nowhere, and recording their sound is not a way") {
    Server server;
    server.node(20, "recorder", "Stream/Input/Audio", 60);
    server.node(21, "call", "Stream/Output/Audio", 60);
    server.link(3, 20);
    server.link(21, kOurs);
    server.link(2, 3);
    CHECK(server.all().empty());
}

TEST_CASE("a program that records a device and plays, linked by hand, is not a way") {
    Server server;  // like a JACK program: one node with inputs and outputs
    server.node(20, "meter", "", 60);
    server.link(3, 20);
    server.link(4, 20);
    server.link(20, kOurs);
    CHECK(server.all().empty());
}

TEST_CASE("the halves of a filter are matched by their link group") {
    Server server;
    server.filter(10, 11, "eq", "g");
    server.link(11, 3);
    const std::vector<Way> ways = server.all();
    REQUIRE(ways.size() == 1);
    CHECK(as_text(ways) == "eq\tspeakers\t11\teq-out\tfm\t\n");
    CHECK_FALSE(server.loops("eq"));
    server.graph.links.clear();
    CHECK(as_text(server.all()) == "eq\t\t11\teq-out\tfm\t\n");
    server.link(11, kOurs);
    CHECK(server.loops("eq"));
    CHECK_FALSE(server.loops("speakers"));
}

TEST_CASE("circles of any length are found, and the search of circles without our sink ends") {
    for (Id length = 1; length <= 4; ++length) {
        CAPTURE(length);
        Server server;
        for (Id n = 0; n < length; ++n)
            server.filter(10 + 2 * n, 11 + 2 * n, ("f" + std::to_string(n)).c_str(),
                          ("g" + std::to_string(n)).c_str());
        for (Id n = 0; n + 1 < length; ++n) server.link(11 + 2 * n, 12 + 2 * n);
        const Id last = 9 + 2 * length;
        server.link(last, 3);
        CHECK_FALSE(server.loops("f0"));
        server.link(last, kOurs);
        CHECK(server.loops("f0"));
        server.graph.links.erase(server.next - 1);
        server.link(last, 10);
        CHECK_FALSE(server.loops("f0"));
    }
}

TEST_CASE("a stream's target and its origin decide whether the stream follows the default") {
    Server server;
    server.filter(10, 11, "eq", "g");
    server.link(11, 3);
    const auto way = [&] { return server.all().at(0); };
    CHECK(way().follows);

    server.graph.nodes[11].aimed = true;
    CHECK_FALSE(way().follows);
    CHECK_FALSE(way().movable);

    server.aims[11] = {"-1", "", ""};  // told to follow nevertheless
    CHECK(way().follows);

    server.aims[11] = {"77", "", ""};
    CHECK_FALSE(way().follows);
    server.aims[11] = {"", "77", ""};
    CHECK_FALSE(way().follows);

    server.aims[11] = {"speakers", "", "speakers"};  // pinned by us
    CHECK(way().follows);
    CHECK(way().pin == "speakers");
    server.aims[11] = {"77", "", "speakers"};  // changed by another program afterwards
    CHECK_FALSE(way().movable);
    CHECK(way().pin.empty());
}

TEST_CASE("a program that links its own filters follows the default by itself") {
    Server server;
    constexpr Id kProgram = 70;
    server.node(10, "easyeffects_sink", "Audio/Sink", kProgram);
    server.node(11, "ee_equalizer", "", kProgram);
    server.node(12, "ee_output_level", "", kProgram);
    server.link(10, 11, kProgram);
    server.link(11, 12, kProgram);
    server.link(12, 3, kProgram);
    CHECK(as_text(server.all()) == "easyeffects_sink\tspeakers\t12\tee_output_level\tf\t\n");
    server.link(12, kOurs, kProgram);
    CHECK(server.loops("easyeffects_sink"));

    server.graph.links.clear();  // while nothing plays
    CHECK(server.all().at(0).to.empty());
    CHECK(server.all().at(0).follows);
}

TEST_CASE("a stream linked by hand does not follow") {
    Server server;
    server.node(10, "mix", "Audio/Sink", 70);
    server.link(10, 3, 71);
    CHECK(as_text(server.all()) == "mix\tspeakers\t10\tmix\t\t\n");
    server.link(10, 4, 71);
    CHECK(server.all().size() == 2);
}

TEST_CASE("a program that records a user's sink and plays is a way") {
    Server server;
    server.node(10, "mix", "Audio/Sink");
    server.node(20, "camilla-in", "Stream/Input/Audio", 60);
    server.node(21, "camilla-out", "Stream/Output/Audio", 60).managed = true;
    server.link(10, 20);
    server.link(21, kOurs);
    CHECK(server.loops("mix"));
}

TEST_CASE("a virtual source is not followed") {
    Server server;
    server.filter(10, 11, "echo-cancel", "g");
    server.node(12, "echo-cancel-source", "Audio/Source", 50, "g");
    server.node(20, "call-in", "Stream/Input/Audio", 60);
    server.node(21, "call-out", "Stream/Output/Audio", 60);
    server.link(12, 20);
    server.link(21, kOurs);
    server.link(11, 3);
    CHECK_FALSE(server.loops("echo-cancel"));
}

TEST_CASE("names are reduced to one line") {
    Server server;
    server.filter(10, 11, "a\tb\n", "g");
    CHECK(as_text(server.all()) == "a b \t\t11\ta b -out\tfm\t\n");
}
