/* SPDX-License-Identifier: MIT */
/* Lessons about debug registers, MSRs and control registers. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/user.h>
#include <guests/tests/lessons/lessons.h>
#include <guests/tests/lib/test.h>

/*
 * ---- Debug registers.
 */

#define DR7_GD    13u
#define WORD_BITS (8 * (unsigned)sizeof(uintptr_t))

/* DR7, bit by bit: what the processor would refuse is refused when it is stored. */
static void dr7_bits(void)
{
    bool right = true;

    for (unsigned bit = 0; bit < WORD_BITS; bit++) {
        long result = hypercall_set_debugreg(7, (uintptr_t)1 << bit);
        long want = bit >= 32 ? -XEN_EINVAL : bit == DR7_GD ? -XEN_EPERM : 0;

        if (result != want) {
            test_note("DR7 bit %u: %ld", bit, result);
            right = false;
        }
    }
    for (unsigned bit = 32; bit < WORD_BITS; bit++)
        right &= hypercall_set_debugreg(6, (uintptr_t)1 << bit) == -XEN_EINVAL;
    test_check(right, "xsa_12_each_bit_of_dr7", "see above");
    (void)hypercall_set_debugreg(7, 0);
    (void)hypercall_set_debugreg(6, 0);
}

/* No breakpoint reaches what is the hypervisor's, nor what is no address, whatever the length that is watched. */
static void breakpoints(void)
{
    bool right = true;

    for (unsigned reg = 0; reg < 4; reg++) {
        for (unsigned i = 0; i < lessons_width.nr_refused; i++)
            right &= hypercall_set_debugreg(reg, lessons_width.refused[i]) == -XEN_EPERM;
        for (unsigned i = 0; i < lessons_width.nr_granted; i++) {
            right &= hypercall_set_debugreg(reg, lessons_width.granted[i]) == 0;
            right &= (uintptr_t)hypercall_get_debugreg(reg) == lessons_width.granted[i];
        }
        (void)hypercall_set_debugreg(reg, 0);
    }
    test_check(right, "xsa_444_no_breakpoint_at_the_hypervisor", "one was set");
}

/*
 * ---- MSRs.
 */

struct access {
    uint64_t value;
    uint32_t msr;
};

static void do_read(void *arg)
{
    struct access *access = arg;
    uint32_t low, high;

    __asm__ volatile("rdmsr" : "=a"(low), "=d"(high) : "c"(access->msr));
    access->value = (uint64_t)high << 32 | low;
}

static void do_write(void *arg)
{
    struct access *access = arg;

    __asm__ volatile("wrmsr" ::"c"(access->msr), "a"((uint32_t)access->value), "d"((uint32_t)(access->value >> 32)));
}

/* A read or write, and what came of it. */
static unsigned try_msr(void (*how)(void *), struct access *access)
{
    struct fault fault;

    (void)trap_try(how, access, &fault);
    return fault.vector;
}

/* Each MSR of @count from @first on: known or #GP; written with ones, it is refused or means nothing to anybody. */
static bool sweep(uint32_t first, uint32_t count)
{
    bool right = true;

    for (uint32_t msr = first; msr < first + count; msr++) {
        struct access read = {.msr = msr}, write = {.msr = msr, .value = UINT64_C(0xa5a5a5a5a5a5a5a5)};
        unsigned reads = try_msr(do_read, &read), writes = try_msr(do_write, &write);

        if ((reads != TRAP_NONE && reads != TRAP_GP) || (writes != TRAP_NONE && writes != TRAP_GP)) {
            test_note("MSR %x: read %s, write %s", msr, trap_name(reads), trap_name(writes));
            right = false;
        }
    }
    return right;
}

static void msrs(void)
{
    static const uint32_t masks[] = {0xc0011019, 0xc001101a, 0xc001101b, 0xc0011027};
    bool right = sweep(0, 0x400);

    right &= sweep(0x7f0, 0x120);
    right &= sweep(0xd90, 0x20);
    right &= sweep(0x40000000, 0x20);
    right &= sweep(0xc0000080, 0x90);
    right &= sweep(0xc0010000, 0x200);
    right &= sweep(0xc0011000, 0x40);
    right &= hypercall_xen_version(0, NULL) > 0;
    test_check(right, "xsa_333_each_msr_is_known_or_refused", "see above");
    right = true;
    for (unsigned i = 0; i < ARRAY_SIZE(masks); i++) {
        struct access access = {.msr = masks[i], .value = 0xfff};

        (void)try_msr(do_write, &access);
        access.value = 0;
        right &= try_msr(do_read, &access) == TRAP_GP || access.value == 0;
    }
    test_check(right, "xsa_444_nor_a_mask_that_widens_one", "a mask was kept");
}

/*
 * ---- CR4.
 */

#define CR4_PGE      ((uintptr_t)1 << 7)
#define CR4_VMXE     ((uintptr_t)1 << 13)
#define CR4_FSGSBASE ((uintptr_t)1 << 16)
#define CR4_PCIDE    ((uintptr_t)1 << 17)
#define CR4_SMEP     ((uintptr_t)1 << 20)
#define CR4_SMAP     ((uintptr_t)1 << 21)
#define CR4_HOST     (CR4_PGE | CR4_VMXE | CR4_PCIDE | CR4_SMEP | CR4_SMAP)

static void read_cr4(void *arg)
{
    __asm__ volatile("mov %%cr4, %0" : "=r"(*(uintptr_t *)arg));
}

static void write_cr4(void *arg)
{
    __asm__ volatile("mov %0, %%cr4" ::"r"(*(uintptr_t *)arg) : "memory");
}

static uintptr_t cr4(void)
{
    uintptr_t value = 0;
    struct fault fault;

    (void)trap_try(read_cr4, &value, &fault);
    return value;
}

/* rdfsbase in user mode; #UD unless the guest itself has turned it on, and in code of 32 bits. */
static unsigned rdfsbase(void)
{
    static const uint8_t code[] = {0xf3, 0x48, 0x0f, 0xae, 0xc0, 0xcd, 0x80};
    struct regs regs;

    user_regs_init(&regs, USER_BASE);
    return lessons_user(code, sizeof(code), &regs);
}

/* What the guest reads is what it has asked for and may have, whatever the hypervisor uses; each bit alone. */
static void control_register(void)
{
    uintptr_t before = cr4();
    bool right = !(before & CR4_HOST);

    for (unsigned bit = 0; bit < WORD_BITS; bit++) {
        uintptr_t asked = before ^ (uintptr_t)1 << bit, got;
        struct fault fault;

        (void)trap_try(write_cr4, &asked, &fault);
        got = cr4();
        if ((got != before && got != asked) || (got & CR4_HOST) ||
            (fault.vector != TRAP_NONE && (fault.vector != TRAP_GP || got != before))) {
            test_note("CR4 bit %u: %s, %" PRIxPTR, bit, trap_name(fault.vector), got);
            right = false;
        }
        asked = before;
        (void)trap_try(write_cr4, &asked, &fault);
        right &= cr4() == before;
    }
    test_check(right, "xsa_293_cr4_is_the_guests_own", "%" PRIxPTR, before);
    test_equal("xsa_293_no_fsgsbase_behind_its_back", rdfsbase(),
               before & CR4_FSGSBASE ? lessons_width.read_fs_base : TRAP_UD);
}

void lessons_registers(void)
{
    dr7_bits();
    breakpoints();
    msrs();
    control_register();
}
