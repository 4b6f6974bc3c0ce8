/* SPDX-License-Identifier: MIT */
/* The self-test, in order: the pool; what no address may be used for; flags; deliberate breakage. */
#include <abi/layout.h>
#include <engine/check.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/layout.h>
#include <hv/base/options.h>
#include <hv/base/print.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/trap.h>
#include <hv/mem/pool.h>
#include <hv/mem/ram.h>
#include <hv/selftest.h>
#include <hv/selftest_expect.h>
#include <hv/time/nmi_watchdog.h>

#define FRAMES_NEEDED 128u

#define SINGLES   16u
#define RUN_ORDER 4u

#define NOT_CANONICAL UINT64_C(0x8000000000000000)

/*
 * ---- The pool.
 */

static void test_pool_singles(void)
{
    mfn_t taken[SINGLES];
    unsigned neighbours = 0;

    for (unsigned i = 0; i < SINGLES; i++) {
        EXPECT(pool_take(0, MFN_NONE, &taken[i]));
        for (unsigned j = 0; j < i; j++)
            EXPECT(!mfn_equal(taken[i], taken[j]));
        neighbours += i > 0 && taken[i].v == taken[i - 1].v + 1;
    }
    EXPECT(neighbours < SINGLES / 2); /* scattered */
    for (unsigned i = 0; i < SINGLES; i++)
        pool_give(taken[i], 0);
}

static void test_pool_run(void)
{
    mfn_t run;

    EXPECT(pool_take(RUN_ORDER, MFN_NONE, &run));
    EXPECT(run.v % (1u << RUN_ORDER) == 0);
    pool_give(run, RUN_ORDER);
    EXPECT(!pool_take(30, MFN_NONE, &run));
}

static void test_pool(const struct machine *machine)
{
    uint64_t before = pool_count();

    EXPECT(before > 0 && before < machine->nr_frames);
    test_pool_singles();
    test_pool_run();
    EXPECT(pool_count() == before);
}

/*
 * ---- Addresses.
 */

static bool can_read(uint64_t vaddr)
{
    uint8_t byte;

    return copy_recover(&byte, (const void *)vaddr, 1) == 0;
}

/* Writes what is there already. */
static bool can_write(uint64_t vaddr)
{
    uint8_t byte = can_read(vaddr) ? *(const volatile uint8_t *)vaddr : 0;

    return copy_recover((void *)vaddr, &byte, 1) == 0;
}

static void test_addresses(const struct machine *machine)
{
    static uint8_t data;

    EXPECT(can_read((uint64_t)image_text_start) && !can_write((uint64_t)image_text_start));
    EXPECT(can_read((uint64_t)image_rodata_start) && !can_write((uint64_t)image_rodata_start));
    EXPECT(can_read((uint64_t)&data) && can_write((uint64_t)&data));
    EXPECT(can_read((uint64_t)image_end - 1) && !can_read((uint64_t)image_end));
    EXPECT(can_read((uint64_t)image_guard_start + GUARD_SIZE) && !can_read((uint64_t)image_guard_start));
    EXPECT(can_write((uint64_t)machine->m2p) && (uint64_t)machine->m2p >= DIRECT_BASE);
    EXPECT(can_read(MACH2PHYS_VIRT_START) == !cpu_features()->smap);
    cpu_user_access_begin();
    EXPECT(can_read(MACH2PHYS_VIRT_START) && !can_write(MACH2PHYS_VIRT_START));
    cpu_user_access_end();
    /* The image has no second, writable address; what was mapped while booting is not any more. */
    EXPECT(!can_read(DIRECT_BASE + image_maddr(image_text_start)) && !can_read(DIRECT_BASE));
    EXPECT(!can_read(0) && !can_read(IMAGE_START) && !can_read(IMAGE_BASE));
    EXPECT(!can_read(NOT_CANONICAL));
    EXPECT(!can_read(DIRECT_BASE + (machine->nr_frames << PAGE_SHIFT)));
}

/*
 * ---- Flags.  C code counts on DF being clear (System V ABI, 3.2.1), the hypervisor on AC, which would open guests'
 * memory to it where there is SMAP; TF, IF, NT and IOPL are none that a guest may bring along either.  An emulated
 * processor may clear more than it was told, so it is asked what it was told.
 */

#define MSR_SYSCALL_MASK 0xc0000084u

static void test_flags(void)
{
    const uint64_t needed = RFLAGS_TF | RFLAGS_IF | RFLAGS_DF | RFLAGS_IOPL | RFLAGS_NT | RFLAGS_AC;

    EXPECT((asm_read_msr(MSR_SYSCALL_MASK) & needed) == needed);
    EXPECT(!(asm_read_cr4() & CR4_PGE) == !cpu_features()->pge);
}

bool selftest_run(struct machine *machine)
{
    struct audit_finding finding = {0};
    uint64_t before = pool_count();
    bool clean;

    if (before < FRAMES_NEEDED) {
        print("selftest: failed, only %lu frames are free, and it takes %u\n", before, FRAMES_NEEDED);
        return false;
    }
    test_pool(machine);
    test_addresses(machine);
    test_flags();
    selftest_domain(machine);
    selftest_time();
    selftest_processors();
    EXPECT(pool_count() == before);
    clean = audit_machine(machine, ram_audit_counts(), &finding);
    EXPECT(clean);
    if (!clean)
        print("selftest: %s, frame %lx: %lx expected, %lx found\n", finding.invariant, finding.frame.v,
              finding.expected, finding.found);
    return selftest_verdict();
}

/*
 * ---- Deliberate breakage.
 */

static __attribute__((noinline)) uint8_t break_by_reading(const volatile uint8_t *nothing)
{
    return *nothing;
}

static __attribute__((noinline)) unsigned break_by_recursion(volatile unsigned *depth)
{
    volatile unsigned deeper = *depth + 1;

    return deeper == 0 ? 0 : break_by_recursion(&deeper) + deeper;
}

void selftest_break(const char *line)
{
    volatile unsigned depth = 0;

    if (option_is_set(line, "selftest=fault"))
        print("%u\n", break_by_reading((const volatile uint8_t *)IMAGE_BASE));
    if (option_is_set(line, "selftest=overflow"))
        print("%u\n", break_by_recursion(&depth));
    CHECK(!option_is_set(line, "selftest=halt"));
}

static __attribute__((noinline)) void hang(void)
{
    for (;;)
        __asm__ volatile("pause");
}

void selftest_hang(const char *line)
{
    if (!option_is_set(line, "selftest=hang"))
        return;
    nmi_watchdog_start();
    hang();
}
