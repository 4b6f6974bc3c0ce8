/* SPDX-License-Identifier: MIT */
/*
 * Code that one vCPU changes while another one executes it, as kernels change theirs: a breakpoint over its first byte,
 * then the others, then the first.  Whoever meets the breakpoint goes back to where it was, and by the time it is gone
 * from memory the processor must have seen that.
 */
#include <guest/guest.h>
#include <guest/processor.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guest/vcpu.h>
#include <guests/tests/lib/test.h>

#define BREAKPOINT 0xccu
#define SECOND     UINT64_C(1000000000)
#define OFTEN      1000u  /* in a row, of a breakpoint that is not there */
#define PAUSE_MOST 16384u /* ticks */

/* Two jumps to a return: one of two bytes, over five; and none, which is two bytes as well. */
static const uint8_t ways[2][2] = {{0xeb, 0x05}, {0x66, 0x90}};

extern uint8_t patched[], patched_return[];
__asm__(".text\n"
        ".p2align 12\n"
        "patched: .byte 0xeb, 0x05, 0xc3, 0xcc, 0xcc, 0xcc, 0xcc\n"
        "patched_return: .byte 0xc3\n"
        ".p2align 12");

static unsigned traps, absent, in_a_row, stuck;
static unsigned passes; /* how often the other vCPU has come from one thing to the next */
static bool ends;

static bool on_breakpoint(struct regs *regs)
{
    if (regs->rip != (uintptr_t)patched + 1)
        return false;
    traps++;
    WRITE_ONCE(passes, passes + 1);
    regs->rip = (uintptr_t)patched;
    if (READ_ONCE(patched[0]) == BREAKPOINT)
        return true;
    absent++;
    if (++in_a_row == OFTEN) {
        stuck++;
        regs->rip = (uintptr_t)patched_return;
    }
    return true;
}

static void execute(void *arg)
{
    (void)arg;
    while (!READ_ONCE(ends)) {
        ((void (*)(void))(uintptr_t)patched)();
        in_a_row = 0;
        WRITE_ONCE(passes, passes + 1);
    }
}

static void pause_for(uint64_t ticks)
{
    uint64_t begin = rdtsc();

    while (rdtsc() - begin < ticks)
        cpu_relax();
}

/* Whatever the other had begun to fetch, it fetches anew from here on. */
static void settle(void)
{
    unsigned first = READ_ONCE(passes);

    while (READ_ONCE(passes) - first < 2)
        cpu_relax();
}

static void change(const uint8_t to[2], uint64_t ticks)
{
    WRITE_ONCE(patched[0], (uint8_t)BREAKPOINT);
    settle();
    WRITE_ONCE(patched[1], to[1]);
    pause_for(ticks);
    WRITE_ONCE(patched[0], to[0]);
    settle();
}

void test_main(void)
{
    uint64_t end = time_now() + guest_option("seconds", 1) * SECOND;
    uint64_t random = 1;
    unsigned rounds = 0;

    trap_set_handler(TRAP_BP, on_breakpoint);
    test_need(vcpu_start(1, execute, NULL), "a second vCPU");
    for (; time_now() < end; rounds++) {
        random = random * UINT64_C(6364136223846793005) + 1442695040888963407u;
        change(ways[rounds % 2], (random >> 40) % PAUSE_MOST);
    }
    WRITE_ONCE(ends, true);
    test_check(rounds > 0 && traps > 0, "code is changed while it is executed", "%u changes, %u breakpoints met",
               rounds, traps);
    test_note("%u changes, %u breakpoints met, %u of them when they were gone", rounds, traps, absent);
    test_equal("no processor executes what is not there any more", stuck, 0);
}
