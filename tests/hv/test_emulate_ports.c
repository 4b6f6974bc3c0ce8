/* SPDX-License-Identifier: MIT */
/* Ports: who may use them, and what the guest finds there. */
/* links: hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c hv/emulate/emulate_system.c */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/msr.c hv/emulate/operand.c hv/emulate/alu.c */
/* links: hv/emulate/decode.c hv/emulate/decode_table.c tests/hv/lib/emulate_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/access.h>
#include <hv/cpu/entry.h>
#include <hv/emulate/emulate_privileged.h>
#include <tests/hv/lib/emulate_host.h>

/* Shows physdev_op.iopl, physdev_op.cli. */
static void test_iopl(void **state)
{
    static const char *const instructions[] = {"\xec", "\xee", "\xfa", "\xfb"};

    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned level = 0; level < 4; level++) {
            for (unsigned architectural = 0; architectural < 2; architectural++) {
                place(instructions[i], 1);
                set_iopl(level, architectural, false);
                if (level >= 1 || architectural)
                    does(1);
                else
                    does_not();
                place(instructions[i], 1);
                set_iopl(level, architectural, true);
                if (level == 3)
                    does(1);
                else
                    does_not();
            }
        }
    }
}

/* A 32-bit guest's kernel is what runs in ring 1. */
static void test_iopl_32(void **state)
{
    (void)state;
    for (unsigned ring = 1; ring < 4; ring++) {
        PLACE("\xec");
        code_descriptor = FLAT_32;
        domain.engine.width = WIDTH_PAE;
        frame.cs = 0xe018 | ring;
        set_iopl(2, false, false);
        if (ring == 1)
            does(1);
        else
            does_not();
    }
}

static void test_in(void **state)
{
    (void)state;
    PLACE("\xec");
    set_iopl(1, false, false);
    does(1);
    assert_int_equal(frame.rax, POISON | 0xff);
    PLACE("\x66\xe5\x70");
    set_iopl(1, false, false);
    does(3);
    assert_int_equal(frame.rax, POISON | 0xffff);
    PLACE("\x48\xed"); /* REX.W does nothing */
    set_iopl(1, false, false);
    does(2);
    assert_int_equal(frame.rax, 0xffffffff);
    PLACE("\xe7\x80");
    set_iopl(1, false, false);
    does(2);
    assert_int_equal(frame.rax, POISON);
}

/* Which port, how much of it, and what.  Shows physdev_op.ports. */
static void test_port(void **state)
{
    (void)state;
    no_code_words = true; /* the short way asks nobody */
    PLACE("\x66\xed");    /* in ax, dx */
    set_iopl(1, false, false);
    frame.rdx = 0x11110cfc;
    seen.port_value = 0xabcd1234;
    does(2);
    assert_true(seen.port == 0xcfc && seen.port_bytes == 2);
    assert_int_equal(frame.rax, (POISON & ~UINT64_C(0xffff)) | 0x1234);
    PLACE("\xe4\xf1");
    set_iopl(1, false, false);
    seen.port_value = 0x56;
    does(2);
    assert_true(seen.port == 0xf1 && seen.port_bytes == 1);
    assert_int_equal(frame.rax, (POISON & ~UINT64_C(0xff)) | 0x56);
    PLACE("\xef"); /* out dx, eax */
    set_iopl(1, false, false);
    frame.rdx = 0xcf8;
    frame.rax = UINT64_C(0xffffffff80001234);
    does(1);
    assert_true(seen.port == 0xcf8 && seen.port_bytes == 4 && seen.port_value == 0x80001234);
    assert_int_equal(frame.rax, UINT64_C(0xffffffff80001234));
    PLACE("\xe6\x70"); /* out 0x70, al */
    set_iopl(1, false, false);
    does(2);
    assert_true(seen.port == 0x70 && seen.port_bytes == 1 && seen.port_value == (POISON & 0xff));
    no_code_words = false;
}

/* The elements of string instructions go through dx, one after the other. */
static void test_port_strings(void **state)
{
    (void)state;
    PLACE("\x6e"); /* outsb */
    set_iopl(1, false, false);
    frame.rdx = 0x3f8;
    frame.rsi = BASE;
    does(1);
    assert_true(seen.port == 0x3f8 && seen.port_bytes == 1 && seen.port_value == 0x6e);
    PLACE("\x66\x6d"); /* insw */
    set_iopl(1, false, false);
    frame.rdx = 0xcfe;
    frame.rdi = BASE + 16;
    seen.port_value = 0xa5c3;
    does(2);
    assert_true(seen.port == 0xcfe && seen.port_bytes == 2);
    assert_memory_equal(memory + 14, "\x90\x90\xc3\xa5\x90", 5);
    PLACE("\x6e"); /* what cannot be read is not written */
    set_iopl(1, false, false);
    frame.rsi = BASE + 5 * PAGE;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.port == 0);
}

static void test_ins(void **state)
{
    (void)state;
    PLACE("\xf3\x6d"); /* rep insd */
    set_iopl(3, false, true);
    frame.rdi = BASE + PAGE - 4;
    frame.rcx = 2;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(frame.rip == BASE && frame.rcx == 1 && frame.rdi == BASE + PAGE);
    assert_memory_equal(memory + PAGE - 8, "\x90\x90\x90\x90\xff\xff\xff\xff\x90", 9);
    writable[1] = false;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(frame.rip == BASE && frame.rcx == 1 && seen.page_faults == 1);
    assert_int_equal(seen.address, BASE + PAGE);
    assert_int_equal(seen.error, PAGE_FAULT_WRITE | PAGE_FAULT_PRESENT);
    readable[1] = false;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_int_equal(seen.error, PAGE_FAULT_WRITE);
    writable[1] = true;
    seen.page_faults = 0;
    does(2);
    assert_int_equal(frame.rcx, 0);
    frame.rip = BASE;
    frame.rdi = 0; /* with nothing to do, no memory is touched */
    does(2);
}

static void test_outs(void **state)
{
    (void)state;
    PLACE("\x65\x66\x6f"); /* outsw of gs:rsi, downwards */
    set_iopl(1, false, false);
    seen.gs_base = BASE;
    frame.rsi = 2 * PAGE;
    frame.rflags |= RFLAGS_DF;
    does(3);
    assert_int_equal(frame.rsi, 2 * PAGE - 2);
    assert_int_equal(frame.rcx, POISON);
    frame.rip = BASE;
    frame.rsi = 4 * PAGE;
    assert_int_equal(privileged(), EMULATE_DONE);
    assert_true(seen.page_faults == 1 && seen.address == BASE + 4 * PAGE && seen.error == 0);
    /* No address at all is the guest's own #GP. */
    seen.page_faults = 0;
    frame.rsi = UINT64_C(1) << 63;
    does_not();
    /* Ring 3 of a 32-bit guest must not reach what only its kernel may. */
    PLACE("\x6f");
    code_descriptor = FLAT_32;
    domain.engine.width = WIDTH_PAE;
    frame.cs = 0xe02b;
    frame.rsi = BASE;
    set_iopl(3, false, false);
    does_not();
}

/* The two ways of a port of nobody: all that changes is the frame. */
static void try_absent(const char *bytes, size_t count, unsigned length)
{
    struct cpu_frame before, after;

    place(bytes, count);
    set_iopl(1, false, false);
    frame.rflags |= RFLAGS_RF;
    before = frame;
    assert_int_equal(emulate_privileged(&vcpu), EMULATE_DONE);
    after = frame;
    frame = before;
    assert_true(emulate_short(&vcpu));
    assert_memory_equal(&frame, &after, sizeof(frame));
    assert_int_equal(frame.rip, BASE + length);

    frame = before;
    set_iopl(0, false, false);
    assert_false(emulate_short(&vcpu));
    set_iopl(1, false, false);
    frame.rflags |= RFLAGS_TF;
    seen.exceptions = 0;
    assert_true(emulate_short(&vcpu));
    assert_true(frame.rip == BASE + length && seen.exceptions == 1 && seen.vector == VECTOR_DEBUG);
    frame = before;
    domain.devices = (struct domain_devices *)&domain; /* there are some, whatever they are */
    assert_false(emulate_short(&vcpu));
    assert_memory_equal(&frame, &before, sizeof(frame));
}

static void test_absent(void **state)
{
    (void)state;
    for (unsigned prefixes = 0; prefixes < 2; prefixes++) {
        for (unsigned opcode = 0; opcode < 256; opcode++) {
            const char bytes[] = {'\x66', (char)opcode, '\x70'};
            bool has_port = (opcode & 0xf4) == 0xe4, has_immediate = has_port && !(opcode & 8);

            if (has_port) {
                try_absent(bytes + !prefixes, sizeof(bytes) - !prefixes, prefixes + 1 + has_immediate);
                continue;
            }
            place(bytes + !prefixes, sizeof(bytes) - !prefixes);
            set_iopl(3, false, false);
            assert_false(emulate_short(&vcpu));
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_iopl),   cmocka_unit_test(test_iopl_32),      cmocka_unit_test(test_in),
        cmocka_unit_test(test_port),   cmocka_unit_test(test_port_strings), cmocka_unit_test(test_ins),
        cmocka_unit_test(test_absent), cmocka_unit_test(test_outs),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
