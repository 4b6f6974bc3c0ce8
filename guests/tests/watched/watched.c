/* SPDX-License-Identifier: MIT */
/*
 * Breakpoints on everything that the hypervisor touches on the guest's behalf, and single steps through it: arguments,
 * results, frames, areas that it keeps up to date.  None of that may stop it, change a result or get lost.
 */
#include <abi/context.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>

/* Kinds of breakpoints.  Those on instructions are left out: QEMU 7.2 dies of some (CAVEATS). */
#define DEBUG_STORE  1u
#define DEBUG_ACCESS 3u

static uint64_t state;
static unsigned nr_debug;

static uint64_t random(void)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state;
}

static struct {
    struct vcpu_runstate_info runstate;
    struct vcpu_time_info time;
    struct multicall_entry calls[4];
    uint64_t words[64];
} area __attribute__((aligned(4096)));

static bool count(struct regs *regs)
{
    nr_debug++;
    if (random() % 4 == 0)
        regs->rflags &= ~RFLAGS_TF;
    (void)hypercall_set_debugreg(6, 0);
    return true;
}

static void breakpoints(void)
{
    uintptr_t stack;
    uint64_t dr7 = 0;

    __asm__ volatile("mov %%" REGISTER_SP ", %0" : "=r"(stack));
    for (unsigned i = 0; i < 4; i++) {
        const uint64_t places[] = {
            (uintptr_t)&area.words[random() % 64],       (uintptr_t)&area.runstate, (uintptr_t)&area.time,
            (uintptr_t)&area.calls[random() % 4].result, stack - random() % 512,    (uintptr_t)&area.runstate.time};
        uint64_t type = random() % 2 ? DEBUG_STORE : DEBUG_ACCESS, length = random() % 4;
        uint64_t place = places[random() % ARRAY_SIZE(places)];

        if (length == 1)
            place &= ~UINT64_C(1);
        else if (length == 2)
            place &= ~UINT64_C(7);
        else if (length == 3)
            place &= ~UINT64_C(3);
        (void)hypercall_set_debugreg(i, (uintptr_t)place);
        dr7 |= (random() % 4) << (2 * i) | (type | length << 2) << (16 + 4 * i);
    }
    (void)hypercall_set_debugreg(7, (uintptr_t)dr7 | 0x400);
}

static void set_tf(void)
{
    __asm__ volatile("pushf; orl $0x100, (%%" REGISTER_SP "); popf" ::: "cc", "memory");
}

static void clear_tf(void)
{
    __asm__ volatile("pushf; andl $~0x100, (%%" REGISTER_SP "); popf" ::: "cc", "memory");
}

static void undefined(void *arg)
{
    (void)arg;
    __asm__ volatile("movw %%ss, %%ax; movw %%ax, %%ss; ud2" ::: "eax");
}

static void unreadable(void *arg)
{
    (void)arg;
    __asm__ volatile("mov (%0), %%eax" ::"r"((uintptr_t)0x1234560) : "eax");
}

static void interrupt(void *arg)
{
    (void)arg;
    __asm__ volatile("movw %%ss, %%ax; movw %%ax, %%ss; int $0x3" ::: "eax");
}

static unsigned wrong;

static void expect(const char *what, long got, long want)
{
    if (got != want) {
        wrong++;
        test_not_ok(what, "%ld instead of %ld", got, want);
    }
}

static void step(void)
{
    struct fault fault;
    struct vcpu_runstate_info info;

    switch (random() % 6) {
    case 0:
        expect("xen_version", hypercall_xen_version(0, NULL), 0x40011);
        break;
    case 1:
        memset(area.calls, 0, sizeof(area.calls));
        for (unsigned i = 0; i < ARRAY_SIZE(area.calls); i++)
            area.calls[i].op = __HYPERVISOR_xen_version;
        expect("multicall", hypercall_multicall(area.calls, ARRAY_SIZE(area.calls)), 0);
        expect("its result", (long)area.calls[3].result, 0x40011);
        break;
    case 2:
        expect("runstate", hypercall_vcpu_op(VCPUOP_get_runstate_info, 0, random() % 2 ? &area.runstate : &info), 0);
        break;
    case 3:
        (void)trap_try(undefined, NULL, &fault);
        expect("ud2", (long)fault.vector, TRAP_UD);
        break;
    case 4:
        (void)trap_try(unreadable, NULL, &fault);
        expect("page fault", (long)fault.vector, TRAP_PF);
        expect("cr2", (long)fault.cr2, 0x1234560);
        break;
    case 5:
        (void)trap_try(interrupt, NULL, &fault);
        expect("int3", (long)fault.vector, TRAP_BP);
        break;
    }
}

void test_main(void)
{
    uint64_t rounds = guest_option("rounds", 1000), place = (uintptr_t)&area.runstate;
    long version = hypercall_xen_version(0, NULL);

    state = guest_option("seed", 1) * 2654435761u + 1;
    test_note("version %" PRIx64, (uint64_t)version);
    (void)trap_set_handler(TRAP_DB, count);
    (void)hypercall_vcpu_op(VCPUOP_register_runstate_memory_area, 0, &place);
    place = (uintptr_t)&area.time;
    (void)hypercall_vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &place);
    for (uint64_t round = 0; round < rounds; round++) {
        breakpoints();
        if (random() % 2)
            set_tf();
        step();
        step();
        clear_tf();
        if (random() % 16 == 0) {
            struct sched_poll poll = {.timeout = time_now() + 1000000};

            (void)hypercall_sched_op(SCHEDOP_poll, &poll);
        }
    }
    (void)hypercall_set_debugreg(7, 0x400);
    test_note("%u debug traps", nr_debug);
    test_check(nr_debug > rounds, "there were traps", "%u", nr_debug);
    test_equal("wrong results", wrong, 0);
}
