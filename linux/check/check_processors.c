/* SPDX-License-Identifier: MIT */
/* Several processors, in order: threads on each; all there; timers; clocks; futexes; signals; unplugged and plugged. */
#include <errno.h>
#include <limits.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define TICKS            100
#define PATIENCE_SECONDS 60.0

unsigned check_processors(void)
{
    long count = sysconf(_SC_NPROCESSORS_ONLN);

    NEED(count >= 1 && count <= PROCESSORS_MAX, "%ld processors", count);
    return (unsigned)count;
}

void check_move_to(unsigned processor)
{
    cpu_set_t set;

    CPU_ZERO(&set);
    CPU_SET(processor, &set);
    NEED(!sched_setaffinity(0, sizeof(set), &set), "processor %u: %s", processor, strerror(errno));
}

static pthread_barrier_t barrier;
static check_thread *each_runs;

static void *run_one(void *number)
{
    unsigned me = (unsigned)(uintptr_t)number;

    check_move_to(me);
    pthread_barrier_wait(&barrier);
    each_runs(me);
    return NULL;
}

void check_on_each(check_thread *run)
{
    unsigned count = check_processors();
    pthread_t threads[PROCESSORS_MAX];

    each_runs = run;
    pthread_barrier_init(&barrier, NULL, count);
    for (unsigned i = 0; i < count; i++)
        NEED(!pthread_create(&threads[i], NULL, run_one, (void *)(uintptr_t)i), "pthread_create");
    for (unsigned i = 0; i < count; i++)
        NEED(!pthread_join(threads[i], NULL), "pthread_join");
    pthread_barrier_destroy(&barrier);
}

/*
 * ---- All are there, and each runs.
 */

static atomic_uint nr_there;

static void be_there(unsigned me)
{
    int here = sched_getcpu();

    NEED(here == (int)me, "a thread of processor %u is on %d", me, here);
    nr_there++;
}

void check_all_online(void)
{
    char possible[64], online[64];

    snprintf(possible, sizeof(possible), "%s", check_read_file("/sys/devices/system/cpu/possible"));
    snprintf(online, sizeof(online), "%s", check_read_file("/sys/devices/system/cpu/online"));
    NEED(!strcmp(possible, online), "possible are %s, and online %s", possible, online);
    check_on_each(be_there);
    NEED(nr_there == check_processors(), "%u of them run", nr_there);
    check_remark("%u of them", nr_there);
}

/*
 * ---- Timers.
 */

/* The count of "timerN", which is in the column of processor N: all columns are added. */
static unsigned long timer_count(unsigned processor)
{
    char name[32], *text = check_read_file("/proc/interrupts"), *line;
    unsigned long sum = 0;
    int length;

    snprintf(name, sizeof(name), " timer%u\n", processor);
    line = strstr(text, name);
    NEED(line, "no%s in /proc/interrupts", name);
    while (line > text && line[-1] != '\n')
        line--;
    line = strchr(line, ':');
    NEED(line, "an odd line in /proc/interrupts");
    for (unsigned long count; sscanf(++line, "%lu%n", &count, &length) == 1; line += length)
        sum += count;
    return sum;
}

/*
 * While a process runs, the timer ticks: CONFIG_HZ is 250 in Debian.  A loaded host lets the machine run only now and
 * then, and ticks get lost: time is given, but not for ever.
 */
void check_timer_interrupts(void)
{
    unsigned long count = 0, least = ULONG_MAX;

    for (unsigned i = 0; i < check_processors(); i++) {
        unsigned long before;
        double begin, took = 0;

        check_move_to(i);
        count = 0;
        before = timer_count(i);
        begin = check_seconds();
        while (count < TICKS && took < PATIENCE_SECONDS) {
            count = timer_count(i) - before;
            took = check_seconds() - begin;
        }
        NEED(count >= TICKS, "processor %u: %lu in %.1f s", i, count, took);
        NEED((double)count < 5000 * took, "processor %u: %lu in %.3f s", i, count, took);
        least = count < least ? count : least;
    }
    check_remark("%lu at least on each of %u", least, check_processors());
}

/*
 * ---- The clock is one clock.
 */

static _Atomic int64_t latest;

static int64_t read_ns(void)
{
    struct timespec time;

    NEED(!clock_gettime(CLOCK_MONOTONIC, &time), "clock_gettime: %s", strerror(errno));
    return time.tv_sec * INT64_C(1000000000) + time.tv_nsec;
}

/* Whoever has seen a time, sees none before it: not even where another has seen it. */
static void read_clocks(unsigned me)
{
    unsigned rounds = check_is_short ? 20000 : 100000;

    for (unsigned i = 0; i < rounds; i++) {
        int64_t seen = latest, now = read_ns();

        NEED(now >= seen, "processor %u is %lld ns behind another", me, (long long)(seen - now));
        while (now > seen && !atomic_compare_exchange_weak(&latest, &seen, now))
            ;
    }
}

void check_clock_everywhere(void)
{
    unsigned count = check_processors();
    int64_t last = 0;

    check_on_each(read_clocks);
    for (unsigned i = 0; i < 50 * count; i++) {
        int64_t now;

        check_move_to(i % count);
        now = read_ns();
        NEED(now >= last, "it went back by %lld ns on the way to processor %u", (long long)(last - now), i % count);
        last = now;
    }
}

/*
 * ---- Futexes: a token goes round.
 */

#define ROUNDS_OF_TOKEN 300u

static _Atomic uint32_t token;
static unsigned long passed_on;

static void pass_token(unsigned me)
{
    unsigned count = check_processors();

    for (unsigned i = 0; i < ROUNDS_OF_TOKEN;) {
        uint32_t seen = token;

        if (seen % count != me) {
            syscall(SYS_futex, &token, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
            continue;
        }
        passed_on++; /* no two have the token */
        token++;
        syscall(SYS_futex, &token, FUTEX_WAKE_PRIVATE, PROCESSORS_MAX, NULL, NULL, 0);
        i++;
    }
}

void check_futexes(void)
{
    check_on_each(pass_token);
    NEED(passed_on == (unsigned long)ROUNDS_OF_TOKEN * check_processors(), "%lu rounds", passed_on);
}

/*
 * ---- Signals: each thread sends to the next one's.
 */

#define SIGNALS 200u

static struct {
    atomic_int tid;
    atomic_uint received;
} targets[PROCESSORS_MAX];
static _Thread_local unsigned own_target;

static void receive(int signal)
{
    (void)signal;
    targets[own_target].received++;
}

static void send_signals(unsigned me)
{
    unsigned next = (me + 1) % check_processors();

    own_target = me;
    targets[me].tid = (int)syscall(SYS_gettid);
    while (!targets[next].tid)
        sched_yield();
    for (unsigned i = 1; i <= SIGNALS; i++) {
        NEED(!syscall(SYS_tgkill, getpid(), targets[next].tid, SIGUSR1), "tgkill: %s", strerror(errno));
        while (targets[next].received < i)
            sched_yield();
    }
    while (targets[me].received < SIGNALS)
        sched_yield();
}

void check_signals_everywhere(void)
{
    NEED(signal(SIGUSR1, receive) != SIG_ERR, "signal: %s", strerror(errno));
    check_on_each(send_signals);
    for (unsigned i = 0; i < check_processors(); i++)
        NEED(targets[i].received == SIGNALS, "thread %u has got %u", i, targets[i].received);
}

/*
 * ---- Taken away and brought back, under load.
 */

static atomic_bool enough;

static void *keep_busy(void *nothing)
{
    (void)nothing;
    while (!enough) {
        char *pages = mmap(NULL, 8 * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

        NEED(pages != MAP_FAILED, "mmap: %s", strerror(errno));
        for (unsigned i = 0; i < 8; i++)
            pages[i * PAGE] = (char)i;
        for (unsigned i = 0; i < 8; i++)
            NEED(pages[i * PAGE] == (char)i, "a page of a busy thread has %d", pages[i * PAGE]);
        NEED(!munmap(pages, 8 * PAGE), "munmap: %s", strerror(errno));
    }
    return NULL;
}

static void switch_processor(unsigned processor, char to)
{
    char path[80];
    FILE *file;

    snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", processor);
    file = fopen(path, "w");
    NEED(file, "%s: %s", path, strerror(errno));
    fputc(to, file);
    NEED(!fclose(file), "%s: %c: %s", path, to, strerror(errno));
    NEED(*check_read_file(path) == to, "processor %u stays as it was", processor);
}

void check_hotplug(void)
{
    unsigned count = check_processors(), rounds = check_is_short ? 2 : 5;
    pthread_t threads[2 * PROCESSORS_MAX];

    for (unsigned i = 0; i < 2 * count; i++)
        NEED(!pthread_create(&threads[i], NULL, keep_busy, NULL), "pthread_create");
    for (unsigned round = 0; round < rounds; round++) {
        for (unsigned i = 1; i < count; i++)
            switch_processor(i, '0');
        NEED(check_processors() == 1, "%u are left", check_processors());
        for (unsigned i = 1; i < count; i++)
            switch_processor(i, '1');
        NEED(check_processors() == count, "%u have come back", check_processors());
    }
    enough = true;
    for (unsigned i = 0; i < 2 * count; i++)
        NEED(!pthread_join(threads[i], NULL), "pthread_join");
    check_on_each(be_there);
    NEED(nr_there == count, "%u run again", nr_there);
}
