/* SPDX-License-Identifier: MIT */
/*
 * The self-check of a booted Linux: what the checks have in common.
 *
 * Each check runs in a process of its own, so that none can spoil the next.  It returns if all is well; NEED() ends it
 * otherwise, with the reason.  main.c starts them and prints the verdicts.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#define PAGE        4096u
#define NR_OF(list) (sizeof(list) / sizeof((list)[0]))

/* How much to do: the full check, or the short one of machines whose size is what is tested. */
extern bool check_is_short;

/* Ends the check: "not ok".  Also good in a process that the check has forked and waits for with need_child(). */
_Noreturn void check_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define NEED(condition, ...)         \
    do {                             \
        if (!(condition))            \
            check_fail(__VA_ARGS__); \
    } while (0)

/* Says that a part could not be tried here; the check goes on, and is a success with this remark. */
void check_remark(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* fork(), which must work. */
pid_t need_fork(void);
/* Waits for @child, which must end with exit status 0. */
void need_child(pid_t child);

/* A random number, the same ones in each run. */
uint32_t check_random(void);

/* The whole of a file, ended by a zero byte, in a buffer that the next call reuses; the file must be readable. */
char *check_read_file(const char *path);

double check_seconds(void); /* CLOCK_MONOTONIC */

/* As many as there can be, of those that are online. */
#define PROCESSORS_MAX 32u

/* How many are online. */
unsigned check_processors(void);

/* From now on this thread is on that one only. */
void check_move_to(unsigned processor);

/* Run @run at once in a thread on each processor, all of which are online; wait for all. */
typedef void check_thread(unsigned processor);
void check_on_each(check_thread *run);

/* processors.c */
void check_all_online(void);
void check_timer_interrupts(void);
void check_clock_everywhere(void);
void check_futexes(void);
void check_signals_everywhere(void);
void check_hotplug(void);
/* translations.c */
void check_translations(void);
/* system.c */
void check_uname(void);
void check_cpuinfo(void);
void check_hypervisor(void);
void check_kernel_threads(void);
void check_module(void);
void check_tmpfs(void);
void check_dmesg(void);
/* process.c */
void check_fork(void);
void check_exec(void);
void check_copy_on_write(void);
void check_pipes(void);
void check_threads(void);
/* memory.c */
void check_map_storm(void);
void check_protect_storm(void);
void check_move(void);
void check_fill(void);
/* signal.c */
void check_fault_address(void);
void check_alternate_stack(void);
void check_exceptions(void);
void check_signal_storm(void);
/* segment.c */
void check_bases(void);
void check_ldt(void);
void check_int80(void);
/* fpu.c */
void check_fpu(void);
/* debug.c */
void check_single_step(void);
void check_breakpoints(void);
/* clock.c */
void check_monotonic(void);
void check_clock_by_itself(void);
void check_sleep(void);
void check_host_clock(void);
