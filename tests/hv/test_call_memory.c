/* SPDX-License-Identifier: MIT */
/* The questions of memory_op, of guests of both widths. */
/* links: hv/call/call_memory.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/memory.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/base/layout.h>
#include <tests/hv/lib/guest_calls.h>

/*
 * Shows memory_op.memory-map, memory_op.machine-memory-map, memory_op.unreadable, memory_op.machine-map-right,
 * memory_op.machine-map-unreadable.
 */
static void memory_maps(void)
{
    const struct e820_entry *entry = (const struct e820_entry *)(const void *)(guest_memory + 1024);

    if (domain.engine.width == WIDTH_64)
        GUEST(struct xen_memory_map) = (struct xen_memory_map){.nr_entries = 128, .buffer = at(1024)};
    else
        GUEST(struct compat_xen_memory_map) = (struct compat_xen_memory_map){128, (uint32_t)at(1024)};
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 1);
    assert_int_equal(entry->addr, 0);
    assert_int_equal(entry->size, 1000 * 4096);
    assert_int_equal(entry->type, E820_RAM);
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, at(0), 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 1);
    GUEST(uint32_t) = 0; /* no room: nothing is written */
    memset(guest_memory + 1024, 0xee, 1);
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, at(0), 0), 0);
    assert_int_equal(GUEST(uint32_t), 0);
    assert_int_equal(guest_memory[1024], 0xee);
    assert_int_equal(call(call_memory_op, XENMEM_memory_map, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, nowhere(), 0), -XEN_EFAULT);
    if (domain.engine.width == WIDTH_64)
        GUEST(struct xen_memory_map) = (struct xen_memory_map){.nr_entries = 1, .buffer = nowhere()};
    else
        GUEST(struct compat_xen_memory_map) = (struct compat_xen_memory_map){1, (uint32_t)nowhere()};
    assert_int_equal(call(call_memory_op, XENMEM_machine_memory_map, at(0), 0), -XEN_EFAULT);
}

/* Shows memory_op.maximum-gpfn, memory_op.mfn-list. */
static void memory_questions(void)
{
    static union {
        struct shared_info full;
        struct compat_shared_info compat;
    } shared;
    bool is_64 = domain.engine.width == WIDTH_64;
    uint64_t m2p_mfn = is_64 ? 7 : 9;

    memset(&shared, 0, sizeof(shared));
    domain.shared_info = &shared;
    GUEST(struct xen_memory_domain).domid = DOMID_SELF;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 999);
    if (is_64)
        shared.full.arch.max_pfn = 70;
    else
        shared.compat.arch.max_pfn = 70;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 69);
    GUEST(struct xen_memory_domain).domid = 1;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), 69);
    GUEST(struct xen_memory_domain).domid = 2;
    assert_int_equal(call(call_memory_op, XENMEM_maximum_gpfn, at(0), 0), -XEN_ESRCH);

    machine.m2p = (uint64_t *)(DIRECT_BASE + 7 * 4096);
    machine.compat_m2p = (uint32_t *)(DIRECT_BASE + 9 * 4096);
    machine.nr_frames = is_64 ? 262145 : 524289; /* a little more than one extent */
    if (is_64)
        GUEST(struct xen_machphys_mfn_list) = (struct xen_machphys_mfn_list){.max_extents = 9, .extent_start = at(64)};
    else
        GUEST(struct compat_xen_machphys_mfn_list) = (struct compat_xen_machphys_mfn_list){9, (uint32_t)at(64), 0};
    assert_int_equal(call(call_memory_op, XENMEM_machphys_mfn_list, at(0), 0), 0);
    if (is_64) {
        assert_int_equal(GUEST(struct xen_machphys_mfn_list).nr_extents, 2);
        assert_int_equal(((uint64_t *)(void *)guest_memory)[9], m2p_mfn + 512);
    } else {
        assert_int_equal(GUEST(struct compat_xen_machphys_mfn_list).nr_extents, 2);
        assert_int_equal(((uint32_t *)(void *)guest_memory)[17], m2p_mfn + 512);
    }
    GUEST(uint32_t) = 1; /* room */
    memset(guest_memory + 64, 0, 16);
    assert_int_equal(call(call_memory_op, XENMEM_machphys_mfn_list, at(0), 0), 0);
    assert_int_equal(is_64 ? GUEST(struct xen_machphys_mfn_list).nr_extents
                           : GUEST(struct compat_xen_machphys_mfn_list).nr_extents,
                     1);
    assert_int_equal(((uint64_t *)(void *)guest_memory)[8], m2p_mfn);
    assert_int_equal(((uint64_t *)(void *)guest_memory)[9], 0);
}

/* Shows memory_op.physmap, memory_op.set-memory-map, memory_op.unknown-command. */
static void not_offered(void)
{
    assert_int_equal(call(call_memory_op, XENMEM_add_to_physmap, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, XENMEM_remove_from_physmap, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, XENMEM_set_memory_map, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, 8, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_memory_op, UINT64_MAX, at(0), 0), -XEN_ENOSYS);
}

TEST_BOTH(memory_maps, guest_begin)
TEST_BOTH(memory_questions, guest_begin)
TEST_BOTH(not_offered, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_memory_maps),
        cmocka_unit_test(test_memory_questions),
        cmocka_unit_test(test_not_offered),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
