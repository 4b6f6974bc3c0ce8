/* SPDX-License-Identifier: MIT */
/* Who leads to a frame, from which address; pfns. */
/* links: hv/domain/explain_port.c hv/domain/search.c engine/level.c tests/hv/lib/frames.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <hv/domain/search.h>
#include <tests/hv/lib/frames.h>

#define SEARCHED (UINT64_C(3) << 39 | UINT64_C(3) << 30 | UINT64_C(3) << 21 | UINT64_C(3) << 12)

static void assert_found(struct search *search, unsigned table, unsigned level, unsigned index)
{
    struct slot slot;
    uint64_t entry;

    assert_true(search_next(search, &slot, &entry));
    assert_int_equal(slot.table.v, table);
    assert_int_equal(slot.level, level);
    assert_int_equal(slot.index, index);
    assert_int_equal(entry, entries[table][index]);
}

static void assert_end(struct search *search)
{
    struct slot slot;
    uint64_t entry;

    assert_false(search_next(search, &slot, &entry));
}

static void test_entries(void **state)
{
    struct search search = search_begin(&machine, PAGE, 0);

    (void)state;
    make_entry(L1, 0, (unsigned)PAGE.v, 0);
    make_entry(L1, 511, (unsigned)PAGE.v, 0);
    make_entry(L2, 7, (unsigned)PAGE.v, 0);
    make_entry(ROOT, 256, (unsigned)PAGE.v, 0); /* the hypervisor's */
    make_entry(8, 1, (unsigned)PAGE.v, 0);      /* of no table */
    entries[L1][5] = PAGE.v << PAGE_SHIFT;      /* not present */
    assert_found(&search, L2, 2, 7);
    assert_found(&search, L1, 1, 0);
    assert_found(&search, L1, 1, SLOT);
    assert_found(&search, L1, 1, 511);
    assert_end(&search);
    assert_false(search_is_spent(&search));
    search = search_begin(&machine, PAGE, 2);
    assert_found(&search, L2, 2, 7);
    assert_end(&search);
}

/* A table that becomes one counts, one that ceases to be does not. */
static void test_conversions(void **state)
{
    struct search search = search_begin(&machine, PAGE, 0);

    (void)state;
    make_type(L1, TYPE_L1, TYPE_BUSY, 1);
    assert_found(&search, L1, 1, SLOT);
    search = search_begin(&machine, PAGE, 0);
    make_type(L1, TYPE_L1, TYPE_BUSY, 0);
    assert_end(&search);
}

static void test_bounds(void **state)
{
    struct search search = search_begin(&machine, OTHER, 0);

    (void)state;
    search.tables = 2;
    assert_end(&search);
    assert_true(search_is_spent(&search));
    search = search_begin(&machine, OTHER, 0);
    search.frames = FRAMES / 2;
    assert_end(&search);
    assert_true(search_is_spent(&search));
}

/* Of a 32-bit guest's L3 four entries are a table. */
static void test_narrow(void **state)
{
    struct search search = search_begin(&machine, PAGE, 0);
    vaddr_t vaddr;

    (void)state;
    domain.engine.width = WIDTH_PAE;
    make_type(ROOT, TYPE_NONE, 0, 0);
    make_entry(L3, 4, (unsigned)PAGE.v, 0);
    assert_found(&search, L1, 1, SLOT);
    assert_end(&search);
    assert_true(search_address(&machine, (struct slot){MFN(L1), 1, SLOT}, &vaddr));
    assert_int_equal(vaddr.v, UINT64_C(0xc0603000));
}

static void test_addresses(void **state)
{
    vaddr_t vaddr;

    (void)state;
    assert_true(search_address(&machine, (struct slot){MFN(L1), 1, SLOT}, &vaddr));
    assert_int_equal(vaddr.v, SEARCHED);
    assert_true(search_address(&machine, (struct slot){MFN(L2), 2, 4}, &vaddr));
    assert_int_equal(vaddr.v, SEARCHED - 0x3000 + 0x200000);
    assert_true(search_address(&machine, (struct slot){MFN(ROOT), 4, 511}, &vaddr));
    assert_int_equal(vaddr.v, UINT64_C(0xffffff8000000000));
    entries[ROOT][SLOT] = 0;
    assert_false(search_address(&machine, (struct slot){MFN(L1), 1, SLOT}, &vaddr));
    assert_false(search_address(&machine, NOWHERE, &vaddr));
    assert_false(search_address(&machine, (struct slot){MFN(L1), 0, SLOT}, &vaddr));
}

static void test_pfns(void **state)
{
    uint64_t pfn;
    mfn_t mfn;

    (void)state;
    assert_true(search_pfn(&domain.engine, PAGE, &pfn));
    assert_int_equal(pfn, FIRST_PFN + PAGE.v);
    machine.m2p[PAGE.v] = MACH2PHYS_SHARED;
    assert_false(search_pfn(&domain.engine, PAGE, &pfn));
    assert_false(search_pfn(&domain.engine, MFN(9), &pfn));
    assert_false(search_pfn(&domain.engine, MFN(FRAMES), &pfn));
    assert_false(search_pfn(&domain.engine, MFN_NONE, &pfn));
    assert_true(search_frame(&domain.engine, FIRST_PFN + 6, &mfn));
    assert_int_equal(mfn.v, 6);
    machine.m2p[9] = FIRST_PFN + 9; /* what it says of others does not count */
    assert_false(search_frame(&domain.engine, FIRST_PFN + 9, &mfn));
    domain.engine.width = WIDTH_PAE;
    machine.m2p[6] = COMPAT_MACH2PHYS_INVALID;
    assert_false(search_pfn(&domain.engine, OTHER, &pfn));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_entries, make_frames),   cmocka_unit_test_setup(test_conversions, make_frames),
        cmocka_unit_test_setup(test_bounds, make_frames),    cmocka_unit_test_setup(test_narrow, make_frames),
        cmocka_unit_test_setup(test_addresses, make_frames), cmocka_unit_test_setup(test_pfns, make_frames),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
