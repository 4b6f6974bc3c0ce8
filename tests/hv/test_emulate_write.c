/* SPDX-License-Identifier: MIT */
/* links: hv/emulate/emulate_write.c hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/operand.c */
/* links: hv/emulate/alu.c hv/emulate/decode.c hv/emulate/decode_table.c */
/* links: tests/hv/lib/native.c tests/hv/lib/random_write.c tests/hv/lib/write_host.c */
/*
 * Write emulation against the processor that the test runs on.  Random instructions with random operands are executed
 * three times: natively on memory that is read-only, for the address of the fault; by emulate_write() on a copy; and
 * natively on memory that can be written.  Then memory, registers and flags must be the same.  Half of all go the long
 * way whatever they are.
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
#include <tests/hv/lib/random_write.h>
#include <tests/hv/lib/write_host.h>

#define RUNS       300000u
#define SHORT_RUNS 6000000u /* of which one in a thousand is of that kind, and the others are left out */

/*
 * ---- What the emulation calls.
 */

static struct hv_domain domain;
static struct hv_vcpu vcpu;

/* The descriptor of a flat 64-bit code segment, whichever is asked for. */
size_t copy_recover(void *to, const void *from, size_t size)
{
    const uint64_t descriptor = UINT64_C(0x00affb000000ffff);

    (void)from;
    assert_int_equal(size, sizeof(descriptor));
    memcpy(to, &descriptor, size);
    return 0;
}

bool reach_by_program(struct vcpu *v, vaddr_t start, uint64_t size)
{
    (void)v;
    (void)start;
    (void)size;
    return true;
}

uint64_t state_fs_base(void)
{
    return 0;
}

uint64_t state_gs_base(void)
{
    return GS_BASE;
}

/*
 * ---- The comparison.
 */

static uint64_t *frame_register(struct cpu_frame *frame, unsigned number)
{
    uint64_t *const list[16] = {&frame->rax, &frame->rcx, &frame->rdx, &frame->rbx, &frame->rsp, &frame->rbp,
                                &frame->rsi, &frame->rdi, &frame->r8,  &frame->r9,  &frame->r10, &frame->r11,
                                &frame->r12, &frame->r13, &frame->r14, &frame->r15};

    return list[number];
}

static void fail_with(const struct made *made, const char *what)
{
    printf("%s:", what);
    for (unsigned i = 0; i < made->length; i++)
        printf(" %02x", made->bytes[i]);
    printf("; native rflags %lx -> %lx, emulated %lx, rip + %ld\n", native_in.rflags, native_out.rflags,
           vcpu.frame->rflags, (long)(vcpu.frame->rip - (uint64_t)code));
    for (unsigned i = 0; i < 16; i++)
        printf("  %2u: %016lx -> %016lx, emulated %016lx\n", i, native_in.general[i], native_out.general[i],
               *frame_register(vcpu.frame, i));
    fail();
}

static void load_frame(struct cpu_frame *frame)
{
    for (unsigned i = 0; i < 16; i++)
        *frame_register(frame, i) = native_in.general[i];
    frame->rip = (uint64_t)code;
    frame->cs = 0xe033;
    frame->rflags = native_in.rflags | RFLAGS_RF;
}

/* False: refused. */
static bool emulate(const struct made *made, uint64_t address)
{
    unsigned trips = 0;

    load_frame(vcpu.frame);
    while (vcpu.frame->rip == (uint64_t)code) {
        if (emulate_write(&vcpu, address, PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE) != EMULATE_DONE)
            return false;
        if (++trips > 4)
            fail_with(made, "does not end");
        address = truncated(made, vcpu.frame->rdi); /* of the next element */
    }
    return true;
}

static void compare(const struct made *made)
{
    uint64_t flags = ~(made->pattern->undefined | RFLAGS_RF);

    if (write_exceptions)
        fail_with(made, "an exception");
    if (vcpu.frame->rip != (uint64_t)code + made->length)
        fail_with(made, "rip");
    if (vcpu.frame->rflags & RFLAGS_RF)
        fail_with(made, "RF");
    if ((vcpu.frame->rflags & flags) != (native_out.rflags & flags))
        fail_with(made, "flags");
    for (unsigned i = 0; i < 16; i++) {
        if (*frame_register(vcpu.frame, i) != native_out.general[i])
            fail_with(made, "registers");
    }
    if (memcmp(buffer, write_copy, BUFFER_SIZE) != 0)
        fail_with(made, "memory");
}

/* A jump that changes no register and no flag. */
static void place_code(const struct made *made)
{
    static const uint8_t jump[] = {0xff, 0x25, 0, 0, 0, 0};
    const uint8_t *end = native_exit;

    memcpy(code, made->bytes, made->length);
    memcpy(code + made->length, jump, sizeof(jump));
    memcpy(code + made->length + sizeof(jump), &end, sizeof(end));
}

static void fill_memory(void)
{
    mprotect(buffer, BUFFER_SIZE, PROT_READ | PROT_WRITE);
    for (unsigned i = 0; i < BUFFER_SIZE / 8; i++) {
        uint64_t value = any_value();

        memcpy(buffer + 8 * i, &value, 8);
    }
}

static bool may_be_expected(const struct made *made)
{
    return made->pattern->bytes[0] == 0x0f && (made->pattern->bytes[1] & 0xfe) == 0xb0;
}

/* Half of all comparisons are to succeed. */
static void set_expected(const struct made *made, uint64_t address)
{
    uint64_t seen = 0;

    if (made->pattern->bytes[1] == 0xc7) {
        memcpy(&seen, buffer + (address - (uint64_t)buffer), 8);
        native_in.general[0] = (uint32_t)seen | random_next() << 32;
        native_in.general[2] = seen >> 32 | random_next() << 32;
    } else {
        memcpy(&seen, buffer + (address - (uint64_t)buffer), operand_size(made));
        native_in.general[0] = seen;
    }
}

/* Is it one that can go the short way: mov or xchg of 64 bits, with REX alone in front? */
static bool is_short(const struct made *made)
{
    uint8_t opcode = made->bytes[1], modrm = made->bytes[2];

    return (made->bytes[0] & 0xf8) == 0x48 && (opcode == 0x87 || opcode == 0x89) && (modrm & 7) != 4 &&
           (modrm & 0xc7) != 5;
}

static void test_against_processor(void **state)
{
    static struct cpu_frame frame;
    unsigned long done = 0, refused = 0, shorts[2] = {0}, seen[PATTERNS] = {0};
    struct made made;

    (void)state;
    domain.engine.writable_tables = true;
    vcpu.engine.domain = &domain.engine;
    vcpu.frame = &frame;
    native_catch_faults();
    for (unsigned i = 0; i < RUNS + SHORT_RUNS; i++) {
        if (i % 1000 == 0)
            fill_memory();
        if (!make(&made) || made.length > INSTRUCTION_BYTES_MAX || (i >= RUNS && !is_short(&made)))
            continue;
        place_code(&made);
        if (native_try(false) != 1 || fault_address < (uint64_t)buffer ||
            fault_address > (uint64_t)buffer + BUFFER_SIZE - 8)
            continue;
        if ((may_be_expected(&made) || made.pattern->bytes[1] == 0xc7) && below(2)) {
            uint64_t before = fault_address;

            set_expected(&made, before);
            if (native_try(false) != 1 || fault_address != before)
                continue;
        }
        write_host_begin(buffer, BUFFER_SIZE);
        write_host_has_words = below(2);
        if (!emulate(&made, fault_address)) {
            refused++;
            if (fault_address % operand_size(&made) == 0 && made.pattern->bytes[1] != 0xc7)
                fail_with(&made, "refused");
            continue;
        }
        assert_int_equal(native_try(true), 0);
        compare(&made);
        done++;
        shorts[write_host_has_words] += is_short(&made);
        seen[made.pattern - patterns]++;
    }
    printf("%lu instructions compared, %lu by the short way, %lu refused for their alignment\n", done, shorts[1],
           refused);
    assert_true(shorts[0] > 2000 && shorts[1] > 2000);
    for (unsigned i = 0; i < PATTERNS; i++)
        assert_true(seen[i] > RUNS / PATTERNS / 20);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_against_processor),
    };

    return cmocka_run_group_tests(tests, native_set_up, NULL);
}
