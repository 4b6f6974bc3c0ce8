/* SPDX-License-Identifier: MIT */
/*
 * The FPU belongs to the guest: its state stays across calls, faults, interrupts and user mode; #NM comes when asked
 * for.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guest/user.h>
#include <guests/tests/lib/snippet.h>
#include <guests/tests/lib/test.h>

struct state {
    uint8_t bytes[512];
} __attribute__((aligned(16)));

/* Bytes of the SSE registers: 16 of them, or 8. */
#define SSE_BYTES (4 * sizeof(uintptr_t) * sizeof(uintptr_t))

static void save(struct state *state)
{
    memset(state, 0, sizeof(*state));
    __asm__ volatile(FXSAVE " %0" : "=m"(*state));
}

static void load(const struct state *state)
{
    __asm__ volatile(FXRSTOR " %0" ::"m"(*state));
}

static struct state pattern;

static void make_pattern(void)
{
    __asm__ volatile("fninit; fldpi; fld1; fldl2e");
    save(&pattern);
    for (unsigned i = 160; i < 160 + SSE_BYTES; i++)
        pattern.bytes[i] = (uint8_t)(i * 7 + 3); /* xmm0 and on */
    pattern.bytes[25] = 0x3f;                    /* MXCSR: another rounding, all masked */
}

/* Does the FPU hold the pattern?  Registers and control words; not the addresses of the last instruction. */
static void check(const char *name)
{
    struct state now;

    save(&now);
    test_check(memcmp(now.bytes + 32, pattern.bytes + 32, 128 + SSE_BYTES) == 0 &&
                   memcmp(now.bytes, pattern.bytes, 5) == 0 && memcmp(now.bytes + 24, pattern.bytes + 24, 4) == 0,
               name, "the state has changed");
    load(&pattern);
}

static volatile unsigned ticks;

static void tick(evtchn_port_t port)
{
    (void)port;
    ticks++;
    test_need(timer_set(time_now() + 100000), "timer");
}

static void read_null(void *arg)
{
    (void)READ_ONCE(*(uint64_t *)arg);
}

static void use_fpu(void *arg)
{
    __asm__ volatile("fnstcw %0" : "=m"(*(uint16_t *)arg));
}

static void use_sse(void *arg)
{
    __asm__ volatile("movups %0, %%xmm0" ::"m"(*(struct state *)arg));
}

/* Shows fpu_taskswitch.set, fpu_taskswitch.cleared, fpu_taskswitch.clts. */
static void task_switched(void)
{
    struct fault fault;
    uint16_t word;

    test_result("fpu_taskswitch 1", hypercall_fpu_taskswitch(1), 0);
    (void)trap_try(use_fpu, &word, &fault);
    test_equal("an x87 instruction raises #NM", fault.vector, TRAP_NM);
    (void)trap_try(use_fpu, &word, &fault);
    test_equal("and the next does not: TS was cleared", fault.vector, TRAP_NONE);
    (void)hypercall_fpu_taskswitch(1);
    (void)trap_try(use_sse, &pattern, &fault);
    test_equal("an SSE instruction raises #NM", fault.vector, TRAP_NM);
    (void)hypercall_fpu_taskswitch(1);
    test_result("fpu_taskswitch 0", hypercall_fpu_taskswitch(0), 0);
    (void)trap_try(use_fpu, &word, &fault);
    test_equal("no #NM then", fault.vector, TRAP_NONE);
    (void)hypercall_fpu_taskswitch(1);
    __asm__ volatile("clts");
    (void)trap_try(use_fpu, &word, &fault);
    test_equal("nor after clts", fault.vector, TRAP_NONE);
}

SNIPPET(user_code, "movups %xmm3, -16(%" REGISTER_SP "); mov -16(%" REGISTER_SP "), %" REGISTER_DI, PROGRAM_CALL, "");

void test_main(void)
{
    struct fault fault;
    struct regs regs;
    uint64_t end;

    make_pattern();
    load(&pattern);
    check("loaded");
    for (unsigned i = 0; i < 1000; i++)
        (void)hypercall_xen_version(0, NULL);
    check("1000 calls");
    for (unsigned i = 0; i < 100; i++)
        (void)trap_try(read_null, NULL, &fault);
    check("100 faults");
    test_need(timer_init(tick), "timer");
    test_need(timer_set(time_now() + 100000), "timer");
    event_enable();
    end = time_now() + 50000000;
    while (time_now() < end)
        cpu_relax();
    test_check(ticks > 10, "interrupts", "%u", ticks);
    check("interrupts while running");
    ticks = 0;
    while (ticks < 20)
        event_wait();
    event_disable();
    test_need(timer_stop(), "timer");
    check("asleep in SCHEDOP_block");
    test_need(user_init(), "user mode");
    test_need(user_load(USER_BASE, user_code.begin, user_code.end), "user code");
    user_regs_init(&regs, USER_BASE);
    test_equal("user mode", user_run(&regs), VECTOR_PROGRAM_CALL);
    test_check(memcmp(&regs.rdi, pattern.bytes + 160 + 48, sizeof(regs.rdi)) == 0, "user mode sees the same registers",
               "%" PRIxPTR, regs.rdi);
    check("user mode and back");
    task_switched();
}
