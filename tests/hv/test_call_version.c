/* SPDX-License-Identifier: MIT */
/* xen_version and vm_assist, of guests of both widths. */
/* links: hv/call/call_version.c engine/access.c */
/* links: tests/hv/lib/guest_calls.c tests/hv/lib/guest_memory.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/version.h>
#include <abi/vm_assist.h>
#include <hv/base/version.h>
#include <tests/hv/lib/guest_calls.h>

const char version[] = "v1.2.3";

/*
 * Shows xen_version.unknown-command, xen_version.unreadable, xen_version.version, xen_version.texts,
 * xen_version.capabilities, xen_version.platform-parameters, xen_version.pagesize, xen_version.pagesize-argument,
 * xen_version.guest-handle, xen_version.build-id-right, xen_version.build-id-none.
 */
static void versions(void)
{
    static const uint8_t uuid[16] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16};
    bool is_64 = domain.engine.width == WIDTH_64;

    assert_int_equal(call(call_xen_version, XENVER_version, 0, 0), 0x40011);
    assert_int_equal(call(call_xen_version, XENVER_extraversion, at(0), 0), 0);
    assert_string_equal((const char *)guest_memory, "-paravane");
    assert_int_equal(call(call_xen_version, XENVER_capabilities, at(0), 0), 0);
    assert_string_equal((const char *)guest_memory, "xen-3.0-x86_64 xen-3.0-x86_32p ");
    assert_int_equal(call(call_xen_version, XENVER_changeset, at(0), 0), 0);
    assert_string_equal((const char *)guest_memory, "v1.2.3");
    assert_int_equal(call(call_xen_version, XENVER_compile_info, at(0), 0), 0);
    assert_int_equal(call(call_xen_version, XENVER_commandline, at(0), 0), 0);
    assert_string_equal((const char *)guest_memory, "");
    memset(guest_memory, 0xee, 16);
    assert_int_equal(call(call_xen_version, XENVER_platform_parameters, at(0), 0), 0);
    assert_true(GUEST(uint64_t) == (is_64 ? HYPERVISOR_VIRT_START : 0xeeeeeeee00000000 | COMPAT_HYPERVISOR_VIRT_START));
    assert_int_equal(call(call_xen_version, XENVER_pagesize, 0, 0), 4096);
    memcpy(domain.uuid, uuid, sizeof(uuid));
    assert_int_equal(call(call_xen_version, XENVER_guest_handle, at(0), 0), 0);
    assert_memory_equal(guest_memory, uuid, sizeof(uuid)); /* as in the xenstore */
    assert_int_equal(call(call_xen_version, XENVER_pagesize, at(0), 0), -XEN_EINVAL);
    assert_int_equal(call(call_xen_version, XENVER_build_id, at(0), 0), -XEN_EPERM);
    domain.initial = true;
    assert_int_equal(call(call_xen_version, XENVER_build_id, at(0), 0), -XEN_ENODATA);
    assert_int_equal(call(call_xen_version, 11, at(0), 0), -XEN_ENOSYS);
    assert_int_equal(call(call_xen_version, XENVER_changeset, nowhere(), 0), -XEN_EFAULT);
    assert_int_equal(call(call_xen_version, XENVER_get_features, nowhere(), 0), -XEN_EFAULT);
}

static uint32_t features(void)
{
    GUEST(struct xen_feature_info) = (struct xen_feature_info){0, 0};
    assert_int_equal(call(call_xen_version, XENVER_get_features, at(0), 0), 0);
    return GUEST(struct xen_feature_info).submap;
}

/*
 * Shows xen_version.features, xen_version.no-submap, features.offered, features.which, vm_assist.switches,
 * vm_assist.unknown-type, vm_assist.unknown-command, vm_assist.emulation-initial, vm_assist.m2p-strict.
 */
static void features_and_assists(void)
{
    const uint32_t always = 1u << 5 | 1u << 6 | 1u << 7 | 1u << 13 | 1u << 17;

    assert_int_equal(features(), always);
    domain.initial = true;
    assert_int_equal(features(), always | 1u << 11);
    GUEST(struct xen_feature_info).submap_idx = 1;
    assert_int_equal(call(call_xen_version, XENVER_get_features, at(0), 0), -XEN_EINVAL);

    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_pae_extended_cr3, 0), 0);
    assert_true(domain.engine.extended_cr3);
    assert_int_equal(features(), always | 1u << 11 | 1u << 4);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_architectural_iopl, 0), 0);
    assert_int_equal(domain.vm_assist, 1u << 2 | 1u << 3 | 1u << 4);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_true(domain.engine.writable_tables); /* of the initial domain, always */
    domain.initial = false;
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_true(domain.engine.writable_tables);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_disable, VMASST_TYPE_writable_pagetables, 0), 0);
    assert_false(domain.engine.writable_tables);
    assert_int_equal(domain.vm_assist, 1u << 3 | 1u << 4);
    assert_int_equal(call(call_vm_assist, 2, VMASST_TYPE_4gb_segments, 0), -XEN_ENOSYS);
    assert_int_equal(call(call_vm_assist, 2, 6, 0), -XEN_EINVAL);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, VMASST_TYPE_m2p_strict, 0),
                     domain.engine.width == WIDTH_64 ? 0 : -XEN_EINVAL);
    assert_int_equal(domain.engine.m2p_strict, domain.engine.width == WIDTH_64);
    assert_int_equal(call(call_vm_assist, VMASST_CMD_enable, 33, 0), -XEN_EINVAL);
}

TEST_BOTH(versions, guest_begin)
TEST_BOTH(features_and_assists, guest_begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_versions),
        cmocka_unit_test(test_features_and_assists),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
