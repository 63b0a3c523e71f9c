// The program's side of the guardian, with shell scripts as guardians and no server.

#include "io/pulse/guardian.h"

#include <doctest/doctest.h>
#include <pulse/mainloop.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <thread>

namespace {

using entrain::pulse::Guardian;
using std::chrono::steady_clock;

// Reports that it is ready, and records the messages.
constexpr const char *kGood = R"(#!/bin/sh
echo $$ > "$0.pid"
printf ready >&0
exec cat >> "$0.log"
)";
constexpr const char *kDiesAtOnce = R"(#!/bin/sh
echo $$ >> "$0.log"
exit 1
)";

struct Stage {
    Stage() {
        std::string name = std::filesystem::temp_directory_path() / "guardian-XXXXXX";
        REQUIRE(mkdtemp(name.data()) != nullptr);
        folder = name;
        loop = pa_mainloop_new();
        context = pa_context_new(api(), "test");  // not connected; only its timers are used
    }
    ~Stage() {
        pa_context_unref(context);
        pa_mainloop_free(loop);
        std::filesystem::remove_all(folder);
    }

    pa_mainloop_api *api() const { return pa_mainloop_get_api(loop); }
    std::string executable() const { return folder / "guardian"; }

    void install(const char *script) const {
        std::ofstream(folder / "new") << script;
        std::filesystem::permissions(folder / "new", std::filesystem::perms::owner_all);
        std::filesystem::rename(folder / "new", executable());
    }

    std::string read(const char *suffix) const {
        std::ostringstream text;
        std::ifstream file(executable() + suffix);
        if (file) text << file.rdbuf();
        return text.str();
    }
    std::string heard() const { return read(".log"); }
    pid_t process() const { return std::atoi(read(".pid").c_str()); }

    // Runs the loop until a condition holds.
    template <typename Condition>
    void wait_for(Condition condition) const {
        const auto deadline = steady_clock::now() + std::chrono::seconds(20);
        while (!condition()) {
            REQUIRE(steady_clock::now() < deadline);
            pa_mainloop_iterate(loop, 0, nullptr);
            std::this_thread::sleep_for(std::chrono::milliseconds(2));
        }
    }

    std::filesystem::path folder;
    pa_mainloop *loop;
    pa_context *context;
};

bool ends_with(const std::string &text, const std::string &end) {
    return text.size() >= end.size() &&
           text.compare(text.size() - end.size(), end.size(), end) == 0;
}

}  // namespace

TEST_CASE("a guardian that is killed is replaced and told everything again") {
    const Stage stage;
    stage.install(kGood);
    int changes = 0;
    pid_t last = 0;
    {
        Guardian guardian(stage.context, stage.api(), [&] { ++changes; }, stage.executable());
        guardian.protect(7, "speakers");
        stage.wait_for([&] { return guardian.watching(); });
        stage.wait_for([&] { return stage.heard() == "default speakersmodule 7"; });
        guardian.protect(7, "speakers");  // unchanged, so not sent
        guardian.protect(7, "");
        guardian.protect(7, "headphones");
        stage.wait_for([&] { return ends_with(stage.heard(), "7default default headphones"); });

        const pid_t first = stage.process();
        changes = 0;
        kill(first, SIGKILL);
        stage.wait_for([&] { return !guardian.watching(); });
        CHECK(changes > 0);
        CHECK(!guardian.error().empty());
        stage.wait_for([&] { return guardian.watching(); });
        CHECK(guardian.error().empty());
        stage.wait_for(
            [&] { return ends_with(stage.heard(), "headphonesdefault headphonesmodule 7"); });
        last = stage.process();
        CHECK(last != first);

        guardian.protect(std::nullopt, "headphones");
        guardian.loading();
        stage.wait_for([&] { return ends_with(stage.heard(), "module nonemodule loading"); });
    }
    CHECK(kill(last, 0) != 0);  // ended, and no zombie
}

TEST_CASE("a hanging guardian is replaced when it no longer reads") {
    const Stage stage;
    stage.install(kGood);
    Guardian guardian(stage.context, stage.api(), [] {}, stage.executable());
    stage.wait_for([&] { return guardian.watching(); });
    const pid_t first = stage.process();
    kill(first, SIGSTOP);

    std::uint32_t module = 0;
    stage.wait_for([&] {
        if (guardian.watching()) guardian.protect(++module, "speakers");
        return !guardian.watching();
    });
    stage.wait_for([&] { return guardian.watching(); });

    CHECK(kill(first, 0) != 0);
    stage.wait_for([&] {
        return ends_with(stage.heard(), "default speakersmodule " + std::to_string(module));
    });
}

TEST_CASE("a guardian that cannot be started is tried again") {
    const Stage stage;
    bool said = false;
    Guardian guardian(stage.context, stage.api(), [&] { said = true; }, stage.executable());
    CHECK(!said);  // not known to the constructor's caller yet
    CHECK(guardian.error().find("No such file") != std::string::npos);
    guardian.protect(3, "speakers");

    stage.install(kGood);
    stage.wait_for([&] { return guardian.watching(); });

    CHECK(said);
    CHECK(guardian.error().empty());
    stage.wait_for([&] { return stage.heard() == "default speakersmodule 3"; });
}

TEST_CASE("a guardian that dies at once is restarted with pauses") {
    const Stage stage;
    stage.install(kDiesAtOnce);
    const auto starts = [&] {
        const std::string lines = stage.heard();
        return std::count(lines.begin(), lines.end(), '\n');
    };
    const auto begin = steady_clock::now();
    Guardian guardian(stage.context, stage.api(), [] {}, stage.executable());
    stage.wait_for([&] { return starts() >= 4; });

    CHECK(steady_clock::now() - begin >= std::chrono::milliseconds(1400));  // 0 + 0.5 + 1 s
    CHECK(!guardian.watching());
    CHECK(!guardian.error().empty());
}
