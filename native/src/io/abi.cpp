// ABI functions of the back ends.  No exception leaves this file.

#include "io/backend.h"

#include <memory>
#include <new>
#include <string>
#include <utility>

struct entrain_io {
    std::unique_ptr<entrain::io::Backend> backend;
};

entrain_status entrain_io_open(entrain_engine *engine, const char *target, entrain_io **io) {
    if (engine == nullptr || target == nullptr || io == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        auto opened = std::make_unique<entrain_io>();
        opened->backend = entrain::io::open_backend(engine, target);
        if (!opened->backend || !opened->backend->state().news().valid()) return ENTRAIN_E_SERVER;
        *io = opened.release();
        return ENTRAIN_OK;
    } catch (const std::bad_alloc &) {
        return ENTRAIN_E_MEMORY;
    } catch (...) {
        return ENTRAIN_E_SERVER;
    }
}

void entrain_io_close(entrain_io *io) {
    if (io == nullptr) return;
    io->backend->fade_out();
    delete io;
}

entrain_status entrain_io_set_target(entrain_io *io, const char *target) {
    if (io == nullptr || target == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend->set_target(target);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_set_latency(entrain_io *io, double added_ms) {
    if (io == nullptr) return ENTRAIN_E_ARGUMENT;
    const double least_ms = static_cast<int>(ENTRAIN_LEAST_ADDED_MS);
    const double most_ms = static_cast<int>(ENTRAIN_MOST_ADDED_MS);
    if (!(added_ms >= least_ms && added_ms <= most_ms)) return ENTRAIN_E_RANGE;
    try {
        io->backend->set_latency(added_ms / 1000.0);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_set_smart(entrain_io *io, int smart) {
    if (io == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend->set_smart(smart != 0);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_set_alone(entrain_io *io, int alone) {
    if (io == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend->set_alone(alone != 0);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_set_default(entrain_io *io, const char *name) {
    if (io == nullptr || name == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        return io->backend->set_default(name) ? ENTRAIN_OK : ENTRAIN_E_SERVER;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_read_ways(entrain_io *io, char *text, uint32_t size, uint32_t *needed) {
    if (io == nullptr || needed == nullptr || (text == nullptr && size != 0))
        return ENTRAIN_E_ARGUMENT;
    try {
        const std::string ways = io->backend->ways();
        *needed = static_cast<uint32_t>(ways.size()) + 1;
        if (size < *needed) return ENTRAIN_E_RANGE;
        ways.copy(text, ways.size());
        text[ways.size()] = '\0';
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_pin(entrain_io *io, uint32_t outlet, const char *device) {
    if (io == nullptr || device == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend->pin(outlet, device);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

entrain_status entrain_io_set_former(entrain_io *io, const char *name) {
    if (io == nullptr || name == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend->set_former(name);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

void entrain_io_read_state(entrain_io *io, entrain_io_state *state) {
    if (state == nullptr) return;
    *state = {};
    if (io != nullptr) io->backend->read_state(state);
}

int entrain_io_fd(entrain_io *io) {
    return io != nullptr ? io->backend->state().news().descriptor() : -1;
}

void entrain_io_take_news(entrain_io *io) {
    if (io != nullptr) io->backend->state().news().take();
}
