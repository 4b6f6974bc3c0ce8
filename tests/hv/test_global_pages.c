/* SPDX-License-Identifier: MIT */
/* Whether a processor keeps global translations is found out by one that does, one that does not, and one that may. */
/* links: hv/mem/global_pages.c tests/hv/lib/fake_cpu.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/layout.h>
#include <hv/cpu/cpu.h>
#include <hv/mem/allocate.h>
#include <hv/mem/global_pages.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/fake_cpu.h>

struct cpu cpu_boot;

/* Two pages; as entries their numbers.  What is seen at the first is that of the second while it is exchanged. */
static _Alignas(4096) uint64_t pages[2][PAGE_SIZE / sizeof(uint64_t)];
static unsigned nr_allocated, nr_there, exchanges, loses;
static uint64_t entry, kept;

void *allocate(size_t size)
{
    assert_int_equal(size, PAGE_SIZE);
    return nr_allocated < nr_there ? pages[nr_allocated++] : NULL;
}

void release(void *object, size_t size)
{
    assert_int_equal(size, PAGE_SIZE);
    nr_allocated -= object != NULL;
}

uint64_t paging_get(uint64_t vaddr)
{
    return vaddr == (uint64_t)pages[0] ? entry : 101;
}

/* A processor that is to forget does so at once: whether cr3 is loaded is looked at in the end. */
void paging_set(uint64_t vaddr, uint64_t set)
{
    assert_int_equal(vaddr, (uint64_t)pages[0]);
    if (set == 101 && exchanges++ < loses) {
        kept = pages[0][0];
        pages[0][0] = pages[1][0];
    } else if (set == 100 && kept) {
        pages[0][0] = kept;
        kept = 0;
    }
    entry = set;
}

static bool found_by(unsigned loses_first)
{
    bool found;

    fake_cpu_reset();
    entry = 100;
    exchanges = 0;
    kept = 0;
    loses = loses_first;
    found = global_pages_stay();
    assert_int_equal(nr_allocated, 0);
    assert_int_equal(entry, 100);
    assert_int_equal(fake_cpu.root_loads, exchanges);
    assert_int_equal(fake_cpu.page_flushes, exchanges);
    return found;
}

static void test_kinds(void **state)
{
    (void)state;
    nr_there = 2;
    assert_true(found_by(0));
    assert_int_equal(exchanges, 1);
    assert_true(found_by(3)); /* it has lost some of them by chance */
    assert_int_equal(exchanges, 4);
    assert_false(found_by(UINT32_MAX));
    assert_in_range(exchanges, 4, 100);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (nr_there = 0; nr_there < 2; nr_there++)
        assert_false(found_by(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_kinds),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
