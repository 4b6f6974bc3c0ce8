/* SPDX-License-Identifier: MIT */
/* physdev_op, of guests of both widths. */
/* links: hv/call/call_physdev.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/physdev.h>
#include <tests/hv/lib/guest_calls.h>

static void devices(void)
{
    static const struct {
        uint32_t command;
        int64_t result;
    } others[] = {
        {PHYSDEVOP_irq_status_query, -XEN_EINVAL},
        {PHYSDEVOP_apic_read, -XEN_EPERM},
        {PHYSDEVOP_eoi, -XEN_EINVAL},
        {PHYSDEVOP_map_pirq, -XEN_EPERM},
        {11, -XEN_ENOSYS},
        {17, -XEN_ENOSYS},
        {PHYSDEVOP_setup_gsi, -XEN_EPERM},
        {0, -XEN_ENOSYS},
        {UINT32_MAX, -XEN_ENOSYS},
    };
    size_t place = domain.engine.width == WIDTH_64 ? 8 : 4;

    GUEST(struct physdev_set_iopl).iopl = 3;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), 0);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    GUEST(struct physdev_set_iopl).iopl = 4;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, at(0), 0), -XEN_EINVAL);
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iopl, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(vcpu.state.iopl, 3u << 12);
    ((uint32_t *)(void *)guest_memory)[place / 4] = 65536;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), 0);
    ((uint32_t *)(void *)guest_memory)[place / 4] = 65537;
    assert_int_equal(call(call_physdev_op, PHYSDEVOP_set_iobitmap, at(0), 0), -XEN_EINVAL);
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
        assert_int_equal(call(call_physdev_op, others[i].command, at(0), 0), others[i].result);

    memset(guest_memory, 0, 64);
    guest_memory[0] = PHYSDEVOP_set_iopl;
    guest_memory[place] = 1;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), 0);
    assert_int_equal(vcpu.state.iopl, 1u << 12);
    guest_memory[0] = PHYSDEVOP_eoi;
    assert_int_equal(call(call_physdev_op_compat, at(0), 0, 0), -XEN_ENOSYS);
    assert_int_equal(call(call_physdev_op_compat, nowhere(), 0, 0), -XEN_EFAULT);
}

TEST_BOTH(devices, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
