/* SPDX-License-Identifier: MIT */
/*
 * Random bytes run as code, half of the time as a program, half of it as the kernel.  Any end is right for the domain:
 * it may crash, shut itself down or last to the end; what must stand is the hypervisor, which the run's exit code
 * tells.
 *
 * "seed=" repeats a run, "seconds=" is how long (4).  A jump out of a loop is made by the timer.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>

#define CODE_PAGES 4u
#define SLICE      UINT64_C(2000000) /* nanoseconds for one piece of code */

static uint64_t state;
static trap_handler *deliver;
static bool running, expired;

static uint64_t random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static void out_of_time(evtchn_port_t port)
{
    (void)port;
    expired = true;
}

/* Where a kernel-mode loop is sent, for trap_try() to come back. */
extern const char give_up[], image_start[], image_end[];
__asm__(".pushsection .text\ngive_up: ud2\n.popsection");

static bool interrupt(struct regs *regs)
{
    bool handled = deliver(regs);

    if (!running || !expired)
        return handled;
    if (regs_in_user_mode(regs))
        return false; /* ends user_run() */
    if (regs->rip >= (uintptr_t)image_start && regs->rip < (uintptr_t)image_end)
        return handled; /* the test itself */
    regs->rip = (uintptr_t)give_up;
    return true;
}

static void fill(uint64_t *code)
{
    for (unsigned i = 0; i < CODE_PAGES * PAGE_SIZE / 8; i++)
        code[i] = random();
    expired = false;
    running = true;
    test_need(timer_set(time_now() + SLICE), "timer");
}

static unsigned as_program(uint64_t *code)
{
    struct regs regs;

    fill(code);
    user_regs_init(&regs, USER_BASE + random() % PAGE_SIZE);
    regs.rax = random() % 64;
    regs.rdi = random() % 16;
    regs.rsi = USER_BASE;
    return user_run(&regs);
}

static void jump(void *code)
{
    ((void (*)(void))code)();
}

static unsigned as_kernel(uint64_t *code)
{
    struct fault fault;

    fill(code);
    event_enable();
    (void)trap_try(jump, (char *)code + random() % PAGE_SIZE, &fault);
    return fault.vector;
}

static void rounds(const char *name, unsigned (*once)(uint64_t *code), uint64_t *code, uint64_t duration)
{
    uint64_t end = time_now() + duration, count = 0, kinds[32] = {0};

    while (time_now() < end) {
        kinds[once(code) % 32]++;
        running = false;
        count++;
    }
    test_note("%s: %" PRIu64 " rounds, %" PRIu64 " #UD, %" PRIu64 " #GP, %" PRIu64 " #PF, %" PRIu64 " #DE", name, count,
              kinds[TRAP_UD], kinds[TRAP_GP], kinds[TRAP_PF], kinds[TRAP_DE]);
    test_ok(name);
}

/* Code may run in circles with events masked: the hypervisor's watchdog ends that, and the domain. */
static void watch(uint64_t seconds)
{
    struct sched_watchdog watchdog = {.timeout = (uint32_t)seconds};

    if (hypercall_sched_op(SCHEDOP_watchdog, &watchdog) <= 0)
        test_not_ok("watchdog", "none to be had");
}

void test_main(void)
{
    uint64_t seconds = guest_option("seconds", 4);
    uint64_t *code = pages_alloc(CODE_PAGES);

    state = guest_option("seed", 1);
    test_note("seed=0x%" PRIx64 " seconds=%" PRIu64, state, seconds);
    test_need(timer_init(out_of_time), "timer");
    deliver = trap_set_handler(VECTOR_EVENT, interrupt);
    test_need(user_init(), "user mode");
    for (unsigned i = 0; i < CODE_PAGES; i++)
        test_need(user_map(USER_BASE + i * PAGE_SIZE, (char *)code + i * PAGE_SIZE, PTE_PROGRAM), "code");
    rounds("as a program", as_program, code, seconds * 500000000);
    watch(seconds + 2);
    rounds("as the kernel", as_kernel, code, seconds * 500000000);
}
