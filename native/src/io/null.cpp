// A sound system without sound: a clock that calls the engine with silence.  For tests, and for
// machines where only the program's other parts are looked at.

#include "entrain/engine.h"

#include <sys/eventfd.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <new>
#include <thread>

struct entrain_io {
    explicit entrain_io(entrain_engine *engine_) : engine(engine_) {}

    entrain_engine *const engine;
    const int news = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    std::atomic<bool> stop{false};
    std::mutex mutex;
    entrain_io_state state{};
    std::thread clock;
};

namespace {

constexpr uint32_t kQuantumFrames = 256;

void tell(entrain_io &io) {
    ++io.state.generation;
    const uint64_t one = 1;
    // The descriptor counts; it can only be full if nobody has read it for ages.
    if (write(io.news, &one, sizeof one) < 0) return;
}

void run(entrain_io &io) {
    std::array<float, kQuantumFrames> left{};
    std::array<float, kQuantumFrames> right{};
    const float *const silence[2] = {nullptr, nullptr};
    float *const out[2] = {left.data(), right.data()};
    const std::chrono::duration<double> period(double{kQuantumFrames} / entrain_rate(io.engine));
    auto next = std::chrono::steady_clock::now();
    while (!io.stop) {
        entrain_process(io.engine, silence, out, kQuantumFrames);
        next += std::chrono::duration_cast<std::chrono::steady_clock::duration>(period);
        std::this_thread::sleep_until(next);
    }
}

}  // namespace

entrain_status entrain_io_open(entrain_engine *engine, const char *target, entrain_io **io) {
    if (!engine || !target || !io) return ENTRAIN_E_ARGUMENT;
    try {
        auto *opened = new entrain_io(engine);
        *io = opened;
        opened->state.rate_hz = entrain_rate(engine);
        opened->state.quantum_frames = kQuantumFrames;
        opened->state.running = 1;
        opened->state.playing = 1;
        entrain_set_playing(engine, 1);
        entrain_io_set_target(opened, target);
        opened->clock = std::thread([opened] { run(*opened); });
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

void entrain_io_close(entrain_io *io) {
    if (!io) return;
    io->stop = true;
    if (io->clock.joinable()) io->clock.join();
    close(io->news);
    delete io;
}

entrain_status entrain_io_set_target(entrain_io *io, const char *target) {
    const std::lock_guard<std::mutex> lock(io->mutex);
    std::snprintf(io->state.target, sizeof io->state.target, "%s", *target ? target : "null");
    io->state.phase = ENTRAIN_IO_READY;
    tell(*io);
    return ENTRAIN_OK;
}

void entrain_io_read_state(entrain_io *io, entrain_io_state *state) {
    const std::lock_guard<std::mutex> lock(io->mutex);
    *state = io->state;
}

int entrain_io_fd(entrain_io *io) { return io->news; }
