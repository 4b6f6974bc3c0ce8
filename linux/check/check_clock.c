/* SPDX-License-Identifier: MIT */
/*
 * The clock: never backwards, read without the kernel, sleeps of the right length, and marks by which the host compares
 * it with its own.
 */
#include <errno.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define MARK_SECONDS 10
#define NR_MARKS     20 /* at either end: the quickest of them tells the time best */

static const clockid_t clocks[] = {CLOCK_MONOTONIC, CLOCK_MONOTONIC_RAW, CLOCK_REALTIME, CLOCK_BOOTTIME};

static double read_clock(clockid_t clock)
{
    struct timespec time;

    NEED(!clock_gettime(clock, &time), "clock_gettime: %s", strerror(errno));
    return (double)time.tv_sec + (double)time.tv_nsec * 1e-9;
}

double check_seconds(void)
{
    return read_clock(CLOCK_MONOTONIC);
}

void check_monotonic(void)
{
    double last[NR_OF(clocks)] = {0}, now;
    unsigned rounds = check_is_short ? 20000 : 100000;

    for (unsigned round = 0; round < rounds; round++) {
        for (size_t i = 0; i < NR_OF(clocks); i++) {
            now = read_clock(clocks[i]);
            NEED(now >= last[i], "clock %d went back by %.9f s", clocks[i], last[i] - now);
            last[i] = now;
        }
    }
    NEED(last[2] > 1.7e9, "the date is before 2023: %.0f", last[2]);
}

/* From now on the kernel answers no clock_gettime() of this process. */
static void forbid_call(void)
{
    struct sock_filter rules[] = {
        BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clock_gettime, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EACCES),
        BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
    };
    struct sock_fprog program = {NR_OF(rules), rules};

    NEED(!prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no_new_privs: %s", strerror(errno));
    NEED(!prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), "seccomp: %s", strerror(errno));
}

/* What the kernel shows of its clock is enough to tell the time. */
void check_clock_by_itself(void)
{
    struct timespec time;

    forbid_call();
    NEED(syscall(SYS_clock_gettime, CLOCK_MONOTONIC, &time) && errno == EACCES, "the call is not forbidden");
    for (size_t i = 0; i < NR_OF(clocks); i++)
        NEED(!clock_gettime(clocks[i], &time), "clock %d is read by a call: %s", clocks[i], strerror(errno));
}

/* Never too short; a loaded host may make one longer, but not all. */
void check_sleep(void)
{
    static const long lengths[] = {1000000, 10000000, 50000000};
    double best;

    for (size_t i = 0; i < NR_OF(lengths); i++) {
        best = 1e9;
        for (unsigned round = 0; round < 10; round++) {
            struct timespec length = {0, lengths[i]};
            double begin = check_seconds(), took;

            NEED(!nanosleep(&length, NULL), "nanosleep: %s", strerror(errno));
            took = check_seconds() - begin;
            NEED(took >= (double)lengths[i] * 1e-9, "%ld ns took only %.9f s", lengths[i], took);
            if (took < best)
                best = took;
        }
        NEED(best < (double)lengths[i] * 1e-9 + 0.05, "%ld ns took %.6f s at best", lengths[i], best);
    }
}

static void mark(void)
{
    for (unsigned i = 0; i < NR_MARKS; i++) {
        struct timespec pause = {0, 20000000};

        printf("clock-mark %.6f\n", check_seconds());
        fflush(stdout);
        nanosleep(&pause, NULL);
    }
}

/* Who starts the guest looks at its own clock when it sees a mark; the check here is only that the marks went out. */
void check_host_clock(void)
{
    mark();
    sleep(MARK_SECONDS);
    mark();
}
