/* SPDX-License-Identifier: MIT */
/* Behind a breakpoint: which byte is written back, and where not even that is done. */
/* links: hv/emulate/emulation.c hv/emulate/segment.c hv/emulate/operand.c hv/emulate/alu.c hv/emulate/decode.c */
/* links: hv/emulate/decode_table.c hv/emulate/emulate_privileged.c hv/emulate/emulate_ports.c */
/* links: hv/emulate/emulate_system.c hv/emulate/msr.c tests/hv/lib/emulate_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/reach.h>
#include <hv/base/asm.h>
#include <hv/domain/vcpu.h>

static bool is_qemu;

static struct cpuid fake_cpuid(uint32_t leaf, uint32_t subleaf)
{
    assert_int_equal(subleaf, 0);
    if (leaf == 1)
        return (struct cpuid){.ecx = UINT32_C(1) << 31};
    assert_int_equal(leaf, 0x40000000);
    return is_qemu ? (struct cpuid){0x40000001, 0x54474354, 0x43544743, 0x47435447} /* "TCGTCGTCGTCG" */
                   : (struct cpuid){0x40000001, 0x4b4d564b, 0x564b4d56, 0x4d};      /* KVM's */
}

#define asm_cpuid fake_cpuid
#include <hv/emulate/stale_code.c>
#include <tests/hv/lib/emulate_host.h> /* whose names hide those of arguments */

static unsigned nr_written;
static uint64_t written_at;

bool reach_write_back(struct vcpu *v, vaddr_t vaddr, uint8_t but)
{
    assert_ptr_equal(v, &vcpu.engine);
    assert_int_equal(but, 0xcc);
    nr_written++;
    written_at = vaddr.v;
    return true;
}

static void renew(uint64_t rip)
{
    nr_written = 0;
    frame.rip = rip;
    stale_code_renew(&vcpu);
    assert_int_equal(frame.rip, rip);
    assert_int_equal(seen.page_faults + seen.exceptions, 0);
}

static void test_place(void **state)
{
    (void)state;
    is_qemu = true;
    place("\x90", 1);
    renew(BASE + 1);
    assert_int_equal(nr_written, 1);
    assert_int_equal(written_at, BASE);

    /* A 32-bit guest's code begins where its descriptor says, and ends at its limit. */
    place("\x90", 1);
    domain.engine.width = WIDTH_PAE;
    frame.cs = 0xe019;
    code_descriptor = UINT64_C(0x0040fb010000ffff); /* from BASE on, 64 KiB */
    renew(0x11);
    assert_int_equal(nr_written, 1);
    assert_int_equal(written_at, BASE + 0x10);
    renew(0x10001);
    assert_int_equal(nr_written, 0);
}

static void test_elsewhere(void **state)
{
    (void)state;
    is_qemu = false;
    place("\x90", 1);
    renew(BASE + 1);
    assert_int_equal(nr_written, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_place),
        cmocka_unit_test(test_elsewhere),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
