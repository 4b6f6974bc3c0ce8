/* SPDX-License-Identifier: MIT */
/* Stacks of vCPUs: each lies above a guard of its own, and what is taken for one comes back. */
/* links: hv/mem/stack.c tests/hv/lib/port_halt.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/layout.h>
#include <hv/mem/paging.h>
#include <hv/mem/stack.h>
#include <hv/mem/window.h>

#define PAGES       (2u * WINDOWS_MAX * STACK_PAGES) /* of all stacks and guards */
#define STACK_PAGES (STACK_SIZE / PAGE_SIZE)

static struct machine machine;
static uint64_t entries[PAGES], prepared;
static unsigned frames_left, out, flushes; /* frames that can be had, that are not given back */
static bool unflushed;                     /* a page has gone that a processor may still find */

static unsigned page_of(uint64_t vaddr)
{
    assert_int_equal(vaddr % PAGE_SIZE, 0);
    assert_in_range(vaddr, STACKS_BASE, STACKS_BASE + (uint64_t)PAGES * PAGE_SIZE - 1);
    return (unsigned)((vaddr - STACKS_BASE) / PAGE_SIZE);
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    assert_int_equal(vaddr, STACKS_BASE);
    prepared = size;
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    unflushed |= entries[page_of(vaddr)] & ENTRY_PRESENT;
    entries[page_of(vaddr)] = entry;
}

uint64_t paging_get(uint64_t vaddr)
{
    return entries[page_of(vaddr)];
}

void tlb_flush(struct machine *which, cpumask_t cpus)
{
    assert_ptr_equal(which, &machine);
    assert_int_equal(cpus.bits, 0xf);
    unflushed = false;
    flushes++;
}

bool machine_take(struct machine *which, unsigned order, mfn_t *mfn)
{
    assert_true(which == &machine && order == 0);
    if (frames_left == 0)
        return false;
    *mfn = MFN(0x100 + --frames_left);
    out++;
    return true;
}

void machine_give(struct machine *which, mfn_t mfn, unsigned order)
{
    assert_true(which == &machine && order == 0);
    assert_true(mfn.v >= 0x100);
    assert_false(unflushed); /* nobody can reach it any more */
    out--;
}

static void begin(unsigned count)
{
    machine.tlb.cpus = (cpumask_t){0xf};
    flushes = 0;
    memset(entries, 0, sizeof(entries));
    frames_left = count;
    out = 0;
}

static void test_places(void **state)
{
    (void)state;
    begin(3 * STACK_PAGES);
    stack_init();
    assert_int_equal(prepared, (uint64_t)PAGES * PAGE_SIZE);
    for (unsigned i = 0; i < 3; i++)
        assert_true(stack_create(&machine, i == 2 ? WINDOWS_MAX - 1 : i));
    for (unsigned page = 0; page < PAGES; page++) {
        unsigned number = page / (2 * (unsigned)STACK_PAGES);
        bool made = number < 2 || number == WINDOWS_MAX - 1, guard = page % (2 * STACK_PAGES) < STACK_PAGES;

        if (made && !guard)
            assert_int_equal(entries[page] & ~ENTRY_FRAME, MAP_DATA);
        else
            assert_int_equal(entries[page], 0);
    }
    assert_int_equal(stack_top(0), STACKS_BASE + 2 * STACK_SIZE);
    assert_int_equal(stack_top(1), STACKS_BASE + 4 * STACK_SIZE);
}

static void test_end(void **state)
{
    (void)state;
    begin(2 * STACK_PAGES);
    assert_true(stack_create(&machine, 1));
    assert_true(stack_create(&machine, 2));
    stack_destroy(&machine, 1);
    assert_int_equal(out, STACK_PAGES);
    assert_int_equal(flushes, 1);
    stack_destroy(&machine, 2);
    assert_int_equal(out, 0);
    for (unsigned page = 0; page < PAGES; page++)
        assert_int_equal(entries[page], 0);
}

static void test_no_memory(void **state)
{
    (void)state;
    for (unsigned count = 0; count < STACK_PAGES; count++) {
        begin(count);
        assert_false(stack_create(&machine, 5));
        assert_int_equal(out, 0);
        assert_false(unflushed);
        for (unsigned page = 0; page < PAGES; page++)
            assert_int_equal(entries[page], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_places),
        cmocka_unit_test(test_end),
        cmocka_unit_test(test_no_memory),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
