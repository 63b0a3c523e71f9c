// Null back end: a clock calls the engine with silence.  For tests, and for machines without sound
// hardware.

#include "io/backend.h"

#include <array>
#include <atomic>
#include <chrono>
#include <mutex>
#include <thread>
#include <utility>

namespace entrain::io {

namespace {

constexpr std::uint32_t kQuantumFrames = 256;

class Null : public Backend {
public:
    Null(entrain_engine *engine, std::string target) : engine_(engine) {
        entrain_set_playing(engine, 1);
        Null::set_target(std::move(target));
        clock_ = std::thread([this] { run(); });
    }
    ~Null() override {
        stop_ = true;
        clock_.join();
    }
    Null(const Null &) = delete;
    Null &operator=(const Null &) = delete;

    void fade_out() noexcept override {}

    void set_target(std::string target) override {
        entrain_io_state state{};
        state.phase = ENTRAIN_IO_READY;
        state.playing = 1;
        state.rate_hz = entrain_rate(engine_);
        state.quantum_frames = kQuantumFrames;
        state.running = 1;
        state.realtime = 0;
        state.default_is_ours = -1;
        put(state.target, target.empty() ? "null" : target);
        state_.publish(state);
    }

private:
    void run() noexcept {
        std::array<float, kQuantumFrames> left{};
        std::array<float, kQuantumFrames> right{};
        const float *const silence[2] = {nullptr, nullptr};
        float *const out[2] = {left.data(), right.data()};
        const std::chrono::duration<double> period(double{kQuantumFrames} / entrain_rate(engine_));
        auto next = std::chrono::steady_clock::now();
        while (!stop_) {
            entrain_process(engine_, silence, out, kQuantumFrames);
            next += std::chrono::duration_cast<std::chrono::steady_clock::duration>(period);
            std::this_thread::sleep_until(next);
        }
    }

    entrain_engine *engine_;
    std::atomic<bool> stop_{false};
    std::thread clock_;
};

}  // namespace

std::unique_ptr<Backend> open_backend(entrain_engine *engine, std::string target) {
    return std::make_unique<Null>(engine, std::move(target));
}

}  // namespace entrain::io
