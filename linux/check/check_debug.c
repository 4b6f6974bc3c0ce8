/* SPDX-License-Identifier: MIT */
/* What a debugger does: single steps, and breakpoints and watchpoints in the debug registers. */
#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <string.h>
#include <sys/ptrace.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/check/checks.h>

#define STEPS       1000u
#define DR7_EXECUTE 0x1ul                                    /* register 0, enabled for this process, on execution */
#define DR7_WRITE   (0x1ul << 2 | 0x1ul << 20 | 0x3ul << 22) /* register 1, on writes, 4 bytes */

static volatile unsigned watched;

__attribute__((noinline)) static void touch(unsigned value)
{
    __asm__ volatile("");
    watched = value;
}

/* A loop of two instructions: of STEPS single steps, half stand at its begin. */
__attribute__((noinline)) static void spin(void)
{
    __asm__ volatile("spin_begin: nop\njmp spin_begin");
}
extern const char spin_begin[];

static pid_t start_traced(void (*run)(void))
{
    pid_t child = need_fork();
    int status;

    if (child == 0) {
        NEED(!ptrace(PTRACE_TRACEME, 0, 0, 0), "PTRACE_TRACEME: %s", strerror(errno));
        raise(SIGSTOP);
        run();
        _exit(0);
    }
    NEED(waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGSTOP,
         "the child did not stop: %#x", status);
    return child;
}

/* Lets it go on until the next SIGTRAP. */
static uintptr_t go_on(pid_t child, int how)
{
    struct user_regs_struct registers;
    int status;

    NEED(!ptrace((enum __ptrace_request)how, child, 0, 0), "ptrace: %s", strerror(errno));
    NEED(waitpid(child, &status, 0) == child && WIFSTOPPED(status) && WSTOPSIG(status) == SIGTRAP,
         "no trap: status %#x", status);
    NEED(!ptrace(PTRACE_GETREGS, child, 0, &registers), "PTRACE_GETREGS: %s", strerror(errno));
    return registers.rip;
}

static void end_child(pid_t child)
{
    int status;

    kill(child, SIGKILL);
    waitpid(child, &status, 0);
}

void check_single_step(void)
{
    uintptr_t begin = (uintptr_t)spin_begin, at = 0, last;
    pid_t child = start_traced(spin);
    unsigned steps;

    for (steps = 0; at != begin && steps < 20000; steps++)
        at = go_on(child, PTRACE_SINGLESTEP);
    NEED(at == begin, "the loop was not reached in %u steps", steps);
    for (steps = 0; steps < STEPS; steps++) {
        last = at;
        at = go_on(child, PTRACE_SINGLESTEP);
        NEED(at == (last == begin ? begin + 1 : begin), "step %u went from %#lx to %#lx", steps, last, at);
    }
    end_child(child);
}

static void poke_debug(pid_t child, unsigned number, unsigned long value)
{
    NEED(!ptrace(PTRACE_POKEUSER, child, offsetof(struct user, u_debugreg) + number * sizeof(long), value),
         "debug register %u: %s", number, strerror(errno));
}

static unsigned long peek_debug(pid_t child, unsigned number)
{
    return (unsigned long)ptrace(PTRACE_PEEKUSER, child, offsetof(struct user, u_debugreg) + number * sizeof(long), 0);
}

static void touch_often(void)
{
    for (unsigned i = 0; i < 50; i++) {
        touch(i);
        getppid();
    }
}

static void count_breakpoints(bool is_watchpoint)
{
    pid_t child = start_traced(touch_often);
    unsigned hits = 0;
    int status;

    poke_debug(child, 0, (unsigned long)(uintptr_t)touch);
    poke_debug(child, 1, (unsigned long)(uintptr_t)&watched);
    poke_debug(child, 7, is_watchpoint ? DR7_WRITE : DR7_EXECUTE);
    for (;;) {
        NEED(!ptrace(PTRACE_CONT, child, 0, 0), "PTRACE_CONT: %s", strerror(errno));
        NEED(waitpid(child, &status, 0) == child, "waitpid: %s", strerror(errno));
        if (!WIFSTOPPED(status))
            break;
        NEED(WSTOPSIG(status) == SIGTRAP, "signal %d", WSTOPSIG(status));
        NEED((peek_debug(child, 6) & 0xf) == (is_watchpoint ? 2u : 1u), "DR6 is %#lx", peek_debug(child, 6));
        hits++;
    }
    NEED(status == 0, "the child ended with %#x", status);
    NEED(hits == 50, "%u %s instead of 50", hits, is_watchpoint ? "writes seen" : "calls seen");
}

void check_breakpoints(void)
{
    count_breakpoints(false);
    count_breakpoints(true);
}
