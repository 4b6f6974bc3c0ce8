/* SPDX-License-Identifier: MIT */
/* Windows of descriptors: what each page shows, with a frame of the guest and without, and to whom it belongs. */
/* links: hv/domain/port.c hv/domain/port_copy.c hv/domain/request.c hv/domain/renew.c hv/domain/vcpu.c */
/* links: hv/domain/narrow_root.c hv/mem/window.c engine/access.c */
/* links: tests/hv/lib/fake_cpu.c tests/hv/lib/port_host.c hv/cpu/lock.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/segment.h>
#include <hv/domain/port.h>
#include <tests/hv/lib/port_host.h>

/* What is mapped in place of @page's frame when there is none: a page without descriptors, or nothing in the LDT. */
static void assert_empty(unsigned page, uint64_t entry)
{
    static const uint64_t zeroes[512];

    if (page >= FIRST_RESERVED_GDT_PAGE) {
        assert_int_equal(entry, 0);
        return;
    }
    assert_int_equal(entry & ~ENTRY_FRAME, MAP_CONSTANT);
    assert_memory_equal((const void *)((entry & ENTRY_FRAME) + IMAGE_BASE), zeroes, sizeof(zeroes));
}

static void test_windows(void **state)
{
    (void)state;
    make();
    window_init();
    assert_int_equal(noted.prepared, (uint64_t)WINDOWS_MAX * 32 * 4096);
    assert_int_equal(noted.sets, WINDOWS_MAX * 14);
    for (unsigned page = 0; page < 32; page++) {
        if (page == 14)
            continue;
        port_window_set(&vcpu.engine, page, MFN(0x9990 + page));
        assert_int_equal(noted.set_at, WINDOW_AT + page * 4096);
        assert_int_equal(noted.set_to, (0x9990 + page) << 12 | MAP_DATA);
        assert_int_equal(fake_cpu.flushed_page, noted.set_at);
        port_window_set(&vcpu.engine, page, MFN_NONE);
        assert_int_equal(noted.set_at, WINDOW_AT + page * 4096);
        assert_empty(page, noted.set_to);
    }
    assert_int_equal(fake_cpu.page_flushes, 2 * 31);
    assert_false(MAP_DATA & ENTRY_USER); /* no guest reaches a window */
    assert_true(MAP_DATA & ENTRY_NX);
}

/* The hypervisor's page of the GDT is not the guest's to replace, nor is there a window beyond the last. */
static void test_windows_end(void **state)
{
    (void)state;
    make();
    assert_ends(port_window_set(&vcpu.engine, FIRST_RESERVED_GDT_PAGE, MFN(1)));
    assert_ends(port_window_set(&vcpu.engine, WINDOW_PAGES, MFN(1)));
    vcpu.window = WINDOWS_MAX;
    assert_ends(port_window_set(&vcpu.engine, 0, MFN(1)));
    assert_int_equal(noted.sets, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_windows),
        cmocka_unit_test(test_windows_end),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
