/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/emulate_write.c hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/operand.c */
/* links: hv/emulate/alu.c hv/emulate/decode.c hv/emulate/decode_table.c */
/* links: tests/hv/lib/native.c tests/hv/lib/random_write.c tests/hv/lib/native32.c tests/hv/lib/random_write32.c */
/* links: tests/hv/lib/write_host.c */
/*
 * Write emulation outside 64-bit code against the processor that the test runs on, as test_emulate_write.c does for
 * 64-bit code: random instructions of 16 and 32-bit code, in segments of the process's LDT that begin anywhere, are
 * executed on memory that is read-only, for the address of the fault; by emulate_write() on a copy; and on memory that
 * can be written.  Then memory, registers and flags must be the same.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <engine/reach.h>
#include <hv/cpu/entry.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/decode.h>
#include <hv/emulate/emulate_write.h>
#include <hv/emulate/segment.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/random_write32.h>
#include <tests/hv/lib/write_host.h>

#define RUNS 100000u

/*
 * ---- What the emulation calls.
 */

static struct made32 made;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;

/* The LDT, which the processor has too. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    uint64_t place = (uint64_t)from - (uint64_t)LDT_WINDOW * PAGE_SIZE;

    assert_true(size == 8 && place < sizeof(made.ldt));
    memcpy(to, &made.ldt[place / 8], size);
    return 0;
}

bool reach_by_program(struct vcpu *v, vaddr_t start, uint64_t size)
{
    (void)v, (void)start, (void)size;
    fail_msg("the kernel has its own rights");
    return false;
}

uint64_t state_fs_base(void)
{
    return 0;
}

uint64_t state_gs_base(void)
{
    return segment_base(made.ldt[LDT_GS]);
}

/*
 * ---- The comparison.
 */

static uint64_t *const registers[8] = {&frame.rax, &frame.rcx, &frame.rdx, &frame.rbx,
                                       &frame.rsp, &frame.rbp, &frame.rsi, &frame.rdi};

static void fail_with(const char *what)
{
    printf("%s: %u-bit code:", what, made.code_is_32 ? 32 : 16);
    for (unsigned i = 0; i < made.length; i++)
        printf(" %02x", made.bytes[i]);
    printf("; native eflags %x -> %x, emulated %lx; eip %x, emulated %lx\n", native32_in.eflags, native32_out.eflags,
           frame.rflags, native32_in.eip, frame.rip);
    for (unsigned i = 0; i < 8; i++)
        printf("  %u: %08x -> %08x, emulated %016lx\n", i, native32_in.general[i], native32_out.general[i],
               *registers[i]);
    fail();
}

/* What a guest's kernel would have, in ring 1; data segments are the processor's, as the trap leaves them. */
static void load_frame(void)
{
    for (unsigned i = 0; i < 8; i++)
        *registers[i] = native32_in.general[i];
    frame.rip = native32_in.eip;
    frame.cs = (native32_in.cs & ~3u) | 1;
    frame.ss = native32_in.ss;
    frame.rflags = native32_in.eflags | RFLAGS_RF;
    __asm__ volatile("mov %0, %%ds; mov %1, %%es; mov %2, %%gs"
                     :
                     : "r"(native32_in.ds), "r"(native32_in.es), "r"(native32_in.gs));
}

/* Of the next element, in the segment that every destination of a string is in. */
static uint64_t next_address(void)
{
    uint64_t offset = address_bytes32(&made) == 2 ? frame.rdi & 0xffff : frame.rdi;

    return (uint32_t)(segment_base(made.ldt[LDT_ES]) + offset);
}

/* False: refused. */
static bool emulate(uint64_t address)
{
    unsigned trips = 0;

    load_frame();
    while (frame.rip == native32_in.eip) {
        if (emulate_write(&vcpu, address, PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE) != EMULATE_DONE)
            return false;
        if (++trips > 4)
            fail_with("does not end");
        address = next_address();
    }
    return true;
}

static void compare(void)
{
    uint64_t flags = ~(made.pattern->undefined | RFLAGS_RF);

    if (write_exceptions)
        fail_with("an exception");
    if (frame.rip != native32_in.eip + made.length)
        fail_with("eip");
    if (frame.rflags & RFLAGS_RF)
        fail_with("RF");
    if ((frame.rflags & flags) != (native32_out.eflags & flags))
        fail_with("flags");
    for (unsigned i = 0; i < 8; i++) {
        if (*registers[i] != native32_out.general[i])
            fail_with("registers");
    }
    if (memcmp(native32_memory, write_copy, NATIVE32_BYTES) != 0)
        fail_with("memory");
}

static void fill_memory(void)
{
    mprotect(native32_memory, NATIVE32_BYTES, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < NATIVE32_BYTES / 8; i++) {
        uint64_t value = any_value();

        memcpy(native32_memory + 8 * i, &value, 8);
    }
}

static unsigned try(bool writable)
{
    assert_int_equal(mprotect(native32_memory, NATIVE32_BYTES, writable ? PROT_READ | PROT_WRITE : PROT_READ), 0);
    return native32_run();
}

/* Run it for the address of its fault; false: it has none, or not in the middle of the memory. */
static bool find_address(uint64_t *address)
{
    if (try(false) != VECTOR_PAGE_FAULT)
        return false;
    *address = native32_address;
    return *address >= (uint64_t)native32_memory && *address <= (uint64_t)native32_memory + NATIVE32_BYTES - 8;
}

/* Half of all comparisons are to succeed. */
static void set_expected(uint64_t address)
{
    const uint8_t *at = native32_memory + (address - (uint64_t)native32_memory);

    if (made.pattern->bytes[1] == 0xc7)
        memcpy(&native32_in.general[2], at + 4, 4);
    memcpy(&native32_in.general[0], at, operand_bytes32(&made) < 4 ? operand_bytes32(&made) : 4);
}

static bool compares(void)
{
    return made.pattern->bytes[0] == 0x0f &&
           ((made.pattern->bytes[1] & 0xfe) == 0xb0 || made.pattern->bytes[1] == 0xc7);
}

/* The comparison's registers are eax and edx. */
static bool may_set_expected(void)
{
    return compares() && !(made.addresses & 5);
}

/* Returns whether it was compared. */
static bool run(void)
{
    uint64_t address;

    memcpy(native32_code, made.bytes, made.length);
    native32_place_exit(made.length, made.code_is_32);
    if (!find_address(&address))
        return false;
    if (may_set_expected() && below(2))
        set_expected(address);
    write_host_begin(native32_memory, NATIVE32_BYTES);
    if (!emulate(address)) {
        if (address % operand_bytes32(&made) == 0)
            fail_with("refused");
        return false;
    }
    assert_int_equal(try(true), 0);
    compare();
    return true;
}

static void test_against_processor(void **state)
{
    unsigned long done = 0, seen[PATTERNS] = {0};

    (void)state;
    domain.engine.writable_tables = true;
    domain.engine.width = WIDTH_PAE;
    vcpu.engine.domain = &domain.engine;
    vcpu.engine.ldt_entries = LDT_ENTRIES;
    vcpu.frame = &frame;
    native32_catch_faults();
    for (unsigned i = 0; i < RUNS; i++) {
        if (i % 1000 == 0)
            fill_memory();
        if (!make32(&made) || made.length > INSTRUCTION_BYTES_MAX || !run())
            continue;
        done++;
        seen[made.pattern - patterns]++;
    }
    printf("%lu instructions of %u compared\n", done, RUNS);
    for (unsigned i = 0; i < PATTERNS; i++)
        assert_true(seen[i] > RUNS / PATTERNS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
    };

    return cmocka_run_group_tests(tests, native32_set_up, NULL);
}
