// How the links that stand become those that are wanted, with no server; also run with
// AddressSanitizer.

#include "io/pipewire/links.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <vector>

namespace {

using entrain::pipewire::Id;
using entrain::pipewire::LinkSet;
using entrain::pipewire::MadeLink;
using entrain::pipewire::WantedLink;

WantedLink link(Id output_port, Id input_port) { return {1, output_port, 2, input_port, true}; }

// Stands for the server: knows which links there are, in the order in which they were made.
struct Links {
    struct Link final : MadeLink {
        Link(Links &links, const WantedLink &link) : MadeLink(link), all(links) {
            all.there.push_back(this);
        }
        ~Link() override { all.there.erase(std::find(all.there.begin(), all.there.end(), this)); }
        Links &all;
    };

    // Ask for these links, all of which the server makes at once.
    void stand(const std::vector<WantedLink> &wanted, bool up) {
        set.apply(wanted, false);
        for (Link *made : there) {
            made->bound = true;
            made->up = up;
        }
    }
    Link &of(const WantedLink &wanted) {
        return **std::find_if(there.begin(), there.end(), [&](const Link *made) {
            return made->wanted.output_port == wanted.output_port &&
                   made->wanted.input_port == wanted.input_port;
        });
    }
    // The input ports that are linked.
    std::vector<Id> inputs() const {
        std::vector<Id> ports;
        for (const Link *made : there) ports.push_back(made->wanted.input_port);
        return ports;
    }

    std::vector<Link *> there;
    LinkSet set{[this](const WantedLink &wanted) { return std::make_unique<Link>(*this, wanted); }};
};

using Inputs = std::vector<Id>;

}  // namespace

TEST_CASE("one goes, one stays, and one waits for its successor") {
    Links links;
    links.stand({link(10, 20), link(11, 21), link(12, 22)}, false);
    links.of(link(12, 22)).up = true;
    links.set.apply({link(11, 21), link(12, 23)}, true);
    CHECK(links.inputs() == Inputs{21, 22, 23});
}

TEST_CASE("any choice of links, in any state, becomes any other") {
    const std::vector<WantedLink> choices{link(10, 20), link(10, 21), link(11, 20), link(11, 21)};
    const auto chosen = [&](unsigned bits) {
        std::vector<WantedLink> some;
        for (std::size_t i = 0; i < choices.size(); ++i)
            if ((bits >> i & 1U) != 0) some.push_back(choices[i]);
        return some;
    };
    for (unsigned before = 0; before < 16; ++before)
        for (unsigned up = 0; up < 16; ++up)
            for (unsigned after = 0; after < 16; ++after) {
                Links links;
                links.stand(chosen(before), false);
                for (const WantedLink &one : chosen(before & up)) links.of(one).up = true;
                links.set.apply(chosen(after), true);
                // When sound has arrived on the new ones, no other one is left.
                for (Links::Link *made : links.there) made->bound = made->up = true;
                CHECK(links.set.up(chosen(after)));
                links.set.apply(chosen(after), true);
                CHECK(links.there.size() == chosen(after).size());
            }
}

TEST_CASE("a link that carries sound stays until its successor does") {
    Links links;
    links.stand({link(10, 20)}, true);
    links.set.apply({link(10, 30)}, true);
    CHECK(links.inputs() == Inputs{20, 30});
    links.of(link(10, 30)).up = true;
    links.set.apply({link(10, 30)}, true);
    CHECK(links.inputs() == Inputs{30});
}

TEST_CASE("what keeps the graph awake carries no sound: it goes at once, and replaces nothing") {
    const WantedLink awake{1, 10, 2, 22, false};
    Links links;
    links.stand({awake}, true);
    links.set.apply({link(10, 20)}, true);
    CHECK(links.inputs() == Inputs{20});
    links.of(link(10, 20)).up = true;
    links.set.apply({awake}, true);
    CHECK(links.inputs() == Inputs{22});
}

TEST_CASE("where nothing runs, or no successor comes, it goes at once") {
    Links links;
    links.stand({link(10, 20)}, true);
    SUBCASE("nothing runs") { links.set.apply({link(10, 30)}, false); }
    SUBCASE("another port is wanted") { links.set.apply({link(11, 30)}, true); }
    SUBCASE("the server has refused the successor") {
        links.set.apply({link(10, 30)}, true);
        links.of(link(10, 30)).failed = true;
        links.set.apply({link(10, 30)}, true);
    }
    CHECK(links.inputs() == Inputs{30});
}

TEST_CASE("what the server has removed is made again, what it has refused is not") {
    Links links;
    links.stand({link(10, 20), link(11, 21)}, true);
    links.of(link(10, 20)).gone = true;
    links.of(link(11, 21)).failed = true;
    links.of(link(11, 21)).error = "no";
    links.set.apply({link(10, 20), link(11, 21)}, true);
    CHECK(!links.of(link(10, 20)).up);
    CHECK(links.of(link(11, 21)).failed);
    CHECK(!links.set.made({link(11, 21)}));
    CHECK(links.set.error() == "no");
    links.set.forget_failures();
    links.set.apply({link(10, 20), link(11, 21)}, true);
    CHECK(!links.of(link(11, 21)).failed);
    CHECK(links.set.error().empty());
}
