// The back end's part of the ABI.  No exception leaves this file.

#include "io/pipewire/backend.h"

#include <memory>
#include <new>
#include <utility>

using entrain::pipewire::Backend;
using entrain::pipewire::Connection;

struct entrain_io {
    Backend backend;
};

entrain_status entrain_io_open(entrain_engine *engine, const char *target, entrain_io **io) {
    if (engine == nullptr || target == nullptr || io == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        std::unique_ptr<Connection> connection = Connection::open();
        if (!connection) return ENTRAIN_E_SERVER;
        std::unique_ptr<entrain_io> opened(
            new entrain_io{{engine, std::move(connection), target}});
        if (!opened->backend.start()) return ENTRAIN_E_SERVER;
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
    io->backend.fade_out();
    delete io;
}

entrain_status entrain_io_set_target(entrain_io *io, const char *target) {
    if (io == nullptr || target == nullptr) return ENTRAIN_E_ARGUMENT;
    try {
        io->backend.set_target(target);
        return ENTRAIN_OK;
    } catch (...) {
        return ENTRAIN_E_MEMORY;
    }
}

void entrain_io_read_state(entrain_io *io, entrain_io_state *state) {
    io->backend.state().read(state);
}

int entrain_io_fd(entrain_io *io) { return io->backend.state().fd(); }
