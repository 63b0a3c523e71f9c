// Replaces functions of the C library in this program; works with any compiler.

#include "trap.h"

#include <dlfcn.h>
#include <pthread.h>

#include <cstdlib>

namespace {
thread_local bool armed = false;
thread_local long caught = 0;

void note() {
    if (armed) ++caught;
}

template <class Function> Function next(const char *name) {
    return reinterpret_cast<Function>(dlsym(RTLD_NEXT, name));
}
}  // namespace

namespace trap {
const bool counts = true;
void enter() {
    caught = 0;
    armed = true;
}
long leave() {
    armed = false;
    return caught;
}
}  // namespace trap

extern "C" {
void *__libc_malloc(std::size_t);
void *__libc_calloc(std::size_t, std::size_t);
void *__libc_realloc(void *, std::size_t);
void __libc_free(void *);

void *malloc(std::size_t size) {
    note();
    return __libc_malloc(size);
}
void *calloc(std::size_t count, std::size_t size) {
    note();
    return __libc_calloc(count, size);
}
void *realloc(void *memory, std::size_t size) {
    note();
    return __libc_realloc(memory, size);
}
void free(void *memory) {
    if (memory) note();
    __libc_free(memory);
}
int pthread_mutex_lock(pthread_mutex_t *mutex) {
    static const auto real = next<int (*)(pthread_mutex_t *)>("pthread_mutex_lock");
    note();
    return real(mutex);
}
int pthread_cond_wait(pthread_cond_t *condition, pthread_mutex_t *mutex) {
    static const auto real =
        next<int (*)(pthread_cond_t *, pthread_mutex_t *)>("pthread_cond_wait");
    note();
    return real(condition, mutex);
}
}
