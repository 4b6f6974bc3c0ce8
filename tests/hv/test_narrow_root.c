/* SPDX-License-Identifier: MIT */
/* What a processor runs a 32-bit guest on: copies of the guest's four entries, no older than the last flush. */
/* links: hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c hv/domain/vcpu.c */
/* links: hv/domain/narrow_root.c hv/mem/window.c engine/access.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <tests/hv/lib/port_host.h>

#define TABLES (MFN(2)) /* where they come to lie, and the guest's L3 */
#define L3     (MFN(1))
#define SHOWN  UINT64_C(0x27) /* present, writable, user, accessed: the lower tables decide */

static uint64_t *entries(mfn_t mfn)
{
    return (uint64_t *)(void *)ram[mfn.v];
}

/* A 32-bit vCPU that runs on an L3 with entries in slots 0 and 3. */
static void make_narrow(void)
{
    make();
    domain.engine.width = WIDTH_PAE;
    for (unsigned i = 0; i < HYPERVISOR_ROOT_SLOTS; i++)
        machine.root_slots[i] = 0xabc0000 + i * 0x1000 + 3;
    entries(L3)[0] = 0x11067;
    entries(L3)[1] = 0x12066;
    entries(L3)[2] = 0;
    entries(L3)[3] = 0x14e27;
    for (unsigned i = 4; i < 512; i++)
        entries(L3)[i] = 0x15067; /* the guest keeps there what it likes */
    assert_int_equal(narrow_root_create(&vcpu), 0);
    vcpu.engine.kernel_root = L3;
    cpu_boot.current = &vcpu;
}

static void assert_copies(uint64_t first, uint64_t second, uint64_t third, uint64_t fourth)
{
    const uint64_t *l3 = entries(MFN(3));

    assert_int_equal(l3[0], first);
    assert_int_equal(l3[1], second);
    assert_int_equal(l3[2], third);
    assert_int_equal(l3[3], fourth);
    for (unsigned i = 4; i < 512; i++)
        assert_int_equal(l3[i], 0);
}

/* Slot 0 and the hypervisor's, and nothing of the guest's before its root is loaded. */
static void test_create(void **state)
{
    (void)state;
    make_narrow();
    assert_true(mfn_equal(vcpu.narrow_root.frame, TABLES));
    assert_int_equal(entries(TABLES)[0], 0x3000 | SHOWN);
    for (unsigned i = 1; i < 512; i++)
        assert_int_equal(entries(TABLES)[i], i >= 256 && i < 272 ? 0xabc0000 + (i - 256) * 0x1000 + 3 : 0);
    assert_copies(0, 0, 0, 0);
}

/* A 64-bit guest has none, and without frames there is none; what there is goes back. */
static void test_frames(void **state)
{
    (void)state;
    make();
    assert_int_equal(narrow_root_create(&vcpu), 0);
    assert_false(taken);
    narrow_root_destroy(&vcpu);
    make_narrow();
    assert_true(taken);
    assert_int_equal(narrow_root_create(&vcpu), -XEN_ENOMEM);
    narrow_root_destroy(&vcpu);
    assert_false(taken);
    assert_null(vcpu.narrow_root.tables);
}

/* Present entries by their frames alone: rights are those of the lower tables, as on bare hardware. */
static void test_load(void **state)
{
    (void)state;
    make_narrow();
    port_root_load(&vcpu.engine);
    assert_int_equal(fake_cpu.cr[3], 0x2000);
    assert_copies(0x11000 | SHOWN, 0, 0, 0x14000 | SHOWN);
}

/* What a flush promises: no entry that has changed or gone is used any more.  Before the processor forgets, that is. */
static void test_flush(void **state)
{
    (void)state;
    make_narrow();
    port_root_load(&vcpu.engine);
    entries(L3)[0] = 0;
    entries(L3)[3] = 0x15001;
    assert_copies(0x11000 | SHOWN, 0, 0, 0x14000 | SHOWN);
    port_tlb_flush((cpumask_t){2}); /* another processor's */
    assert_copies(0x11000 | SHOWN, 0, 0, 0x14000 | SHOWN);
    port_tlb_flush((cpumask_t){1});
    assert_copies(0, 0, 0, 0x15000 | SHOWN);
    assert_int_equal(fake_cpu.root_loads, 3); /* the other's among them */
    assert_int_equal(fake_cpu.cr[3], 0x2000);
}

/* What has come counts when it is missed, and only once; without a root nothing does. */
static void test_catch_up(void **state)
{
    (void)state;
    make_narrow();
    port_root_load(&vcpu.engine);
    assert_false(narrow_root_catches_up(&vcpu));
    entries(L3)[2] = 0x13001;
    assert_true(narrow_root_catches_up(&vcpu));
    assert_copies(0x11000 | SHOWN, 0, 0x13000 | SHOWN, 0x14000 | SHOWN);
    assert_false(narrow_root_catches_up(&vcpu));
    entries(L3)[2] = 0;
    assert_false(narrow_root_catches_up(&vcpu));
    entries(L3)[2] = 0x13001;
    vcpu.engine.kernel_root = MFN_NONE;
    assert_false(narrow_root_catches_up(&vcpu));
}

/* A page is worth a look where the copy above it is absent, and nowhere else. */
static void test_lacks(void **state)
{
    (void)state;
    make_narrow();
    assert_true(narrow_root_lacks(&vcpu, 0));
    port_root_load(&vcpu.engine);
    assert_false(narrow_root_lacks(&vcpu, 0));
    assert_false(narrow_root_lacks(&vcpu, 0x3fffffff));
    assert_true(narrow_root_lacks(&vcpu, 0x40000000));
    assert_true(narrow_root_lacks(&vcpu, 0xbfffffff));
    assert_false(narrow_root_lacks(&vcpu, 0xc0000000));
    assert_false(narrow_root_lacks(&vcpu, UINT64_C(0x100000000)));
    assert_false(narrow_root_lacks(&vcpu, UINT64_C(0x140000000)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_create), cmocka_unit_test(test_frames),   cmocka_unit_test(test_load),
        cmocka_unit_test(test_flush),  cmocka_unit_test(test_catch_up), cmocka_unit_test(test_lacks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
