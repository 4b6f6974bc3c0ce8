/* SPDX-License-Identifier: MIT */
/* hv/domain/port_copy.c, on a processor that is made up. */
/* links: hv/domain/port_copy.c hv/domain/port.c hv/domain/request.c hv/domain/renew.c hv/domain/vcpu.c */
/* links: hv/domain/narrow_root.c hv/mem/window.c engine/access.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <engine/port.h>
#include <tests/hv/lib/port_host.h>

#define WORDS 3u

/* A word alone, which has an instruction of its own where it is written, or more than that. */
static void copy_both_ways(size_t size)
{
    uint64_t guest[WORDS] = {0x1122334455667788, 2, 3}, own[WORDS] = {0};

    assert_true(port_copy_from_guest(&vcpu.engine, own, VADDR((uint64_t)guest), size));
    assert_memory_equal(own, guest, size);
    own[0] = own[size / 8 - 1] = 99;
    assert_true(port_copy_to_guest(&vcpu.engine, VADDR((uint64_t)guest), own, size));
    assert_memory_equal(own, guest, size);
    assert_int_equal(guest[WORDS - 1], size == sizeof(guest) ? 99 : 3);
    assert_false(fake_cpu.user_access); /* for no longer than it takes */
    unreachable = true;
    assert_false(port_copy_from_guest(&vcpu.engine, own, VADDR((uint64_t)guest), size));
    assert_false(port_copy_to_guest(&vcpu.engine, VADDR((uint64_t)guest), own, size));
    assert_false(fake_cpu.user_access);
    unreachable = false;
}

static void xsa_183_guest_memory_through_one_door(void **state)
{
    (void)state;
    make();
    cpu_boot.current = &vcpu;
    for (unsigned smap = 0; smap < 2; smap++) {
        cpu_features_found.smap = smap;
        copy_both_ways(8);
        copy_both_ways(24);
    }
    assert_int_equal(noted.copied, 2 * 2 * (8 + 24));
}

/* Somebody else's tables are loaded: going on would read and write another guest's memory. */
static void test_copies_of_others(void **state)
{
    static struct hv_vcpu other;
    uint64_t word = 0;

    (void)state;
    make();
    cpu_boot.current = &other;
    assert_ends((void)!port_copy_from_guest(&vcpu.engine, &word, VADDR((uint64_t)&word), 8));
    assert_ends((void)!port_copy_to_guest(&vcpu.engine, VADDR((uint64_t)&word), &word, 8));
    cpu_boot.current = NULL;
    assert_ends((void)!port_copy_from_guest(&vcpu.engine, &word, VADDR((uint64_t)&word), 8));
    assert_int_equal(noted.copied, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_183_guest_memory_through_one_door),
        cmocka_unit_test(test_copies_of_others),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
