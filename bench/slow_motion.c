// Slower clocks for all programs that are started with this library preloaded.
//
// Every time that a program reads is divided by SLOW_MOTION, counted from SLOW_MOTION_FROM (seconds
// since 1970) or, for clocks other than the calendar, from their own zero.  Every time that it
// waits is multiplied.  All programs of a run agree, so none of them notices.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <time.h>

#define SECOND INT64_C(1000000000)

static int64_t slower = 0;
static int64_t from_ns = 0;

// The original function that ours replaces.
#define COVERED(name) ((__typeof__(&name))covered(&name##_, #name))
static void *covered(void **place, const char *name) {
    void *found = __atomic_load_n(place, __ATOMIC_RELAXED);
    if (found == NULL) {
        found = dlsym(RTLD_NEXT, name);
        __atomic_store_n(place, found, __ATOMIC_RELAXED);
    }
    return found;
}

static int64_t factor(void) {
    if (slower == 0) {
        const char *from = getenv("SLOW_MOTION_FROM");
        const char *by = getenv("SLOW_MOTION");
        from_ns = from != NULL ? atoll(from) * SECOND : 0;
        slower = by != NULL && atoll(by) > 0 ? atoll(by) : 1;
    }
    return slower;
}

static int64_t ns_of(const struct timespec *time) { return time->tv_sec * SECOND + time->tv_nsec; }
static struct timespec of_ns(int64_t ns) { return (struct timespec){ns / SECOND, ns % SECOND}; }
static int goes_slower(clockid_t clock) {
    return clock != CLOCK_PROCESS_CPUTIME_ID && clock != CLOCK_THREAD_CPUTIME_ID && clock >= 0;
}
static int64_t origin(clockid_t clock) {
    return clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE ? from_ns : 0;
}

// Guesses the clock of a time given to a timer or condition: no machine has been up since 1972.
static clockid_t clock_of(const struct timespec *moment) {
    return moment->tv_sec > 100000000 ? CLOCK_REALTIME : CLOCK_MONOTONIC;
}

// Converts a duration, and a time, of the program to the kernel's.
static struct timespec longer(const struct timespec *length) {
    return of_ns(ns_of(length) * factor());
}
static struct timespec later(clockid_t clock, const struct timespec *moment) {
    const int64_t by = factor();
    if (!goes_slower(clock)) return *moment;
    return of_ns(origin(clock) + (ns_of(moment) - origin(clock)) * by);
}
static int longer_ms(int ms) { return ms > 0 ? (int)(ms * factor()) : ms; }

// ---- reading the time ------------------------------------------------------------------------

static void *clock_gettime_;
int clock_gettime(clockid_t clock, struct timespec *time) {
    const int result = COVERED(clock_gettime)(clock, time);
    const int64_t by = factor();
    if (result == 0 && goes_slower(clock))
        *time = of_ns(origin(clock) + (ns_of(time) - origin(clock)) / by);
    return result;
}

int gettimeofday(struct timeval *restrict time, void *restrict zone) {
    struct timespec now;
    (void)zone;
    clock_gettime(CLOCK_REALTIME, &now);
    *time = (struct timeval){now.tv_sec, now.tv_nsec / 1000};
    return 0;
}

time_t time(time_t *place) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    if (place != NULL) *place = now.tv_sec;
    return now.tv_sec;
}

// ---- waiting for a duration ------------------------------------------------------------------

static void *nanosleep_;
int nanosleep(const struct timespec *length, struct timespec *left) {
    const struct timespec true_length = longer(length);
    const int result = COVERED(nanosleep)(&true_length, left);
    if (result != 0 && left != NULL) *left = of_ns(ns_of(left) / factor());
    return result;
}

int usleep(useconds_t us) {
    const struct timespec length = of_ns((int64_t)us * 1000);
    return nanosleep(&length, NULL);
}

static void *ppoll_;
int ppoll(struct pollfd *files, nfds_t count, const struct timespec *length, const sigset_t *mask) {
    if (length == NULL) return COVERED(ppoll)(files, count, NULL, mask);
    const struct timespec true_length = longer(length);
    return COVERED(ppoll)(files, count, &true_length, mask);
}

static void *poll_;
int poll(struct pollfd *files, nfds_t count, int ms) {
    return COVERED(poll)(files, count, longer_ms(ms));
}

static void *select_;
int select(int count, fd_set *restrict readable, fd_set *restrict writable,
           fd_set *restrict broken, struct timeval *restrict length) {
    if (length == NULL) return COVERED(select)(count, readable, writable, broken, NULL);
    const int64_t us = (length->tv_sec * INT64_C(1000000) + length->tv_usec) * factor();
    struct timeval true_length = {us / 1000000, us % 1000000};
    return COVERED(select)(count, readable, writable, broken, &true_length);
}

static void *epoll_wait_;
int epoll_wait(int queue, struct epoll_event *events, int count, int ms) {
    return COVERED(epoll_wait)(queue, events, count, longer_ms(ms));
}

// ---- waiting until a time --------------------------------------------------------------------

static void *clock_nanosleep_;
int clock_nanosleep(clockid_t clock, int flags, const struct timespec *until,
                    struct timespec *left) {
    const struct timespec truly = flags & TIMER_ABSTIME ? later(clock, until) : longer(until);
    const int result = COVERED(clock_nanosleep)(clock, flags, &truly, left);
    if (result != 0 && left != NULL) *left = of_ns(ns_of(left) / factor());
    return result;
}

static void *timerfd_settime_;
int timerfd_settime(int timer, int flags, const struct itimerspec *when, struct itimerspec *old) {
    const struct timespec *first = &when->it_value;
    const int is_moment = flags & TFD_TIMER_ABSTIME;
    const struct itimerspec truly = {
        longer(&when->it_interval),
        is_moment ? later(clock_of(first), first) : longer(first),
    };
    const int result = COVERED(timerfd_settime)(timer, flags, &truly, old);
    if (result == 0 && old != NULL) {
        old->it_interval = of_ns(ns_of(&old->it_interval) / factor());
        old->it_value = of_ns(ns_of(&old->it_value) / factor());
    }
    return result;
}

static void *sem_timedwait_;
int sem_timedwait(sem_t *restrict semaphore, const struct timespec *restrict until) {
    const struct timespec truly = later(CLOCK_REALTIME, until);
    return COVERED(sem_timedwait)(semaphore, &truly);
}

static void *sem_clockwait_;
int sem_clockwait(sem_t *restrict semaphore, clockid_t clock,
                  const struct timespec *restrict until) {
    const struct timespec truly = later(clock, until);
    return COVERED(sem_clockwait)(semaphore, clock, &truly);
}

static void *pthread_cond_clockwait_;
int pthread_cond_clockwait(pthread_cond_t *condition, pthread_mutex_t *mutex, clockid_t clock,
                           const struct timespec *until) {
    const struct timespec truly = later(clock, until);
    return COVERED(pthread_cond_clockwait)(condition, mutex, clock, &truly);
}

static void *pthread_cond_timedwait_;
int pthread_cond_timedwait(pthread_cond_t *condition, pthread_mutex_t *mutex,
                           const struct timespec *until) {
    const struct timespec truly = later(clock_of(until), until);
    return COVERED(pthread_cond_timedwait)(condition, mutex, &truly);
}
