/* SPDX-License-Identifier: MIT */
/* What a processor has anew of what it keeps: each by itself, and nothing that was not wanted. */
/* links: hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c */
/* links: hv/domain/vcpu.c hv/domain/narrow_root.c */
/* links: hv/mem/window.c engine/access.c tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/domain/renew.h>
#include <tests/hv/lib/port_host.h>

static void expect(unsigned roots, unsigned pages, unsigned caches, unsigned ldts)
{
    assert_int_equal(fake_cpu.root_loads, roots);
    assert_int_equal(fake_cpu.page_flushes, pages);
    assert_int_equal(fake_cpu.cache_flushes, caches);
    assert_int_equal(noted.ldt_loads, ldts);
}

static void test_each(void **state)
{
    (void)state;
    make();
    cpu_boot.current = &vcpu;
    vcpu.engine.kernel_root = MFN(0x111);
    fake_cpu.cr[3] = 0x222000;
    renew_here(0, VADDR(0));
    expect(0, 0, 0, 0);
    renew_here(RENEW_TRANSLATIONS, VADDR(0));
    expect(1, 0, 0, 0);
    assert_int_equal(fake_cpu.cr[3], 0x222000); /* the root stays that which is loaded */
    renew_here(RENEW_PAGE, VADDR(0x7000));
    expect(1, 1, 0, 0);
    assert_int_equal(fake_cpu.flushed_page, 0x7000);
    renew_here(RENEW_CACHES, VADDR(0));
    expect(1, 1, 1, 0);
    renew_here(RENEW_LDT, VADDR(0));
    expect(1, 1, 1, 1);
    renew_here(RENEW_ROOT, VADDR(0));
    expect(2, 1, 1, 1);
    assert_int_equal(fake_cpu.cr[3], 0x111000);
}

/* Global pages are forgotten without a write of CR3.  Shows mmuext_op.flush-global. */
static void test_global(void **state)
{
    (void)state;
    make();
    fake_cpu.cr[4] = CR4_PGE | CR4_PAE;
    renew_here(RENEW_TRANSLATIONS, VADDR(0));
    assert_int_equal(fake_cpu.global_flushes, 1);
    assert_int_equal(fake_cpu.cr[4], CR4_PGE | CR4_PAE);
    expect(0, 0, 0, 0);
}

/* Whoever asked did not know that nobody runs here any more. */
static void test_nobody(void **state)
{
    (void)state;
    make();
    renew_here(RENEW_TRANSLATIONS | RENEW_ROOT | RENEW_LDT, VADDR(0));
    expect(2, 0, 0, 1);
    assert_int_equal(fake_cpu.cr[3], OWN_ROOT);
    assert_int_equal(noted.ldt_entries, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each),
        cmocka_unit_test(test_global),
        cmocka_unit_test(test_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
