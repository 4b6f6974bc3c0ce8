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

static void xsa_183_guest_memory_through_one_door(void **state)
{
    uint64_t guest = 0x1122334455667788, own = 0;

    (void)state;
    make();
    cpu_boot.current = &vcpu;
    for (unsigned smap = 0; smap < 2; smap++) {
        cpu_features_found.smap = smap;
        guest = 0x1122334455667788;
        assert_true(port_copy_from_guest(&vcpu.engine, &own, VADDR((uint64_t)&guest), 8));
        assert_int_equal(own, guest);
        own = 99;
        assert_true(port_copy_to_guest(&vcpu.engine, VADDR((uint64_t)&guest), &own, 8));
        assert_int_equal(guest, 99);
        assert_false(fake_cpu.user_access); /* for no longer than it takes */
        unreachable = true;
        assert_false(port_copy_from_guest(&vcpu.engine, &own, VADDR((uint64_t)&guest), 8));
        assert_false(port_copy_to_guest(&vcpu.engine, VADDR((uint64_t)&guest), &own, 8));
        assert_false(fake_cpu.user_access);
        unreachable = false;
    }
    assert_int_equal(noted.copied, 32);
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
