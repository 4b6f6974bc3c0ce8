/* SPDX-License-Identifier: MIT */
/* Memory for the hypervisor's own objects: nothing is given twice, and whatever fails leaves nothing behind. */
/* links: hv/mem/allocate.c tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/layout.h>
#include <hv/cpu/lock.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>

#define PAGES (HEAP_SIZE / PAGE_SIZE)

/*
 * ---- The rest of the hypervisor: frames are numbered from 1, and each is free, taken, or where a page is mapped.
 */

static struct machine machine;
static uint64_t left;           /* frames that machine_take() still finds */
static uint64_t entries[PAGES]; /* by page of the heap */
static uint8_t taken[PAGES + 1];
static unsigned nr_taken, flushes, give_before_flush;
static uint64_t unflushed; /* a page that has been unmapped, and may still be in the TLB; 0: none */

bool machine_take(struct machine *of, unsigned order, mfn_t *first)
{
    assert_true(of == &machine && order == 0);
    if (left == 0)
        return false;
    left--;
    for (first->v = 1; taken[first->v]; first->v++)
        continue;
    taken[first->v] = 1;
    nr_taken++;
    return true;
}

void machine_give(struct machine *of, mfn_t first, unsigned order)
{
    assert_true(of == &machine && order == 0 && first.v >= 1 && first.v <= PAGES && taken[first.v]);
    give_before_flush += unflushed != 0;
    taken[first.v] = 0;
    nr_taken--;
    left++;
}

static uint64_t *entry_of(uint64_t vaddr)
{
    assert_true(vaddr % PAGE_SIZE == 0 && vaddr >= HEAP_BASE && vaddr < HEAP_BASE + HEAP_SIZE);
    return &entries[(vaddr - HEAP_BASE) / PAGE_SIZE];
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    if (*entry_of(vaddr) & ENTRY_PRESENT)
        unflushed = vaddr;
    assert_true(!*entry_of(vaddr) || !(entry & ENTRY_PRESENT)); /* nobody's page, or one that goes */
    assert_true(lock_rank_is_held(LOCK_HEAP));
    *entry_of(vaddr) = entry;
}

uint64_t paging_get(uint64_t vaddr)
{
    return *entry_of(vaddr);
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    assert_true(vaddr == HEAP_BASE && size == HEAP_SIZE);
}

/* On every processor that there is. */
void tlb_flush(struct machine *of, cpumask_t cpus)
{
    assert_ptr_equal(of, &machine);
    assert_int_equal(cpus.bits, 0xf);
    flushes++;
    unflushed = 0;
}

/*
 * ---- The tests.
 */

static void begin(void)
{
    machine.tlb.cpus = (cpumask_t){0xf};
    left = PAGES;
    flushes = 0;
    allocate_prepare();
    allocate_init(&machine);
}

static unsigned nr_mapped(void)
{
    unsigned count = 0;

    for (size_t i = 0; i < PAGES; i++)
        count += entries[i] != 0;
    return count;
}

/* Nothing is mapped, and every frame is back. */
static void end(void)
{
    assert_int_equal(nr_mapped(), 0);
    assert_int_equal(nr_taken, 0);
    assert_int_equal(give_before_flush, 0);
}

/* Pages of an object: as many as it takes, each mapped for data of the hypervisor's alone, by a frame of its own. */
static void assert_object(const void *object, size_t pages)
{
    assert_non_null(object);
    for (size_t i = 0; i < pages; i++) {
        uint64_t entry = *entry_of((uint64_t)object + i * PAGE_SIZE);

        assert_int_equal(entry & ~ENTRY_FRAME, MAP_DATA);
        assert_true(taken[(entry & ENTRY_FRAME) >> PAGE_SHIFT]);
    }
}

static void test_sizes(void **state)
{
    static const size_t sizes[] = {1, PAGE_SIZE - 1, PAGE_SIZE, PAGE_SIZE + 1, 5 * PAGE_SIZE};
    static const size_t pages[] = {1, 1, 1, 2, 5};
    void *objects[5];

    (void)state;
    begin();
    assert_null(allocate(0));
    for (unsigned i = 0; i < 5; i++)
        objects[i] = allocate(sizes[i]);
    for (unsigned i = 0; i < 5; i++)
        assert_object(objects[i], pages[i]);
    assert_int_equal(nr_mapped(), 10);
    for (unsigned i = 0; i < 5; i++)
        release(objects[i], sizes[i]);
    assert_int_equal(flushes, 5); /* one for each object */
    release(NULL, PAGE_SIZE);
    end();
}

/* Wherever the frames end: no object, none of them lost, and the pages are free for the next. */
static void test_out_of_frames(void **state)
{
    (void)state;
    begin();
    for (size_t pages = 1; pages <= 8; pages++) {
        for (size_t found = 0; found < pages; found++) {
            void *object;

            left = found;
            assert_null(allocate(pages * PAGE_SIZE));
            assert_int_equal(left, found);
            assert_int_equal(nr_taken, 0);
            assert_int_equal(nr_mapped(), 0);
            left = pages;
            object = allocate(pages * PAGE_SIZE);
            assert_ptr_equal(object, (void *)HEAP_BASE);
            assert_object(object, pages);
            release(object, pages * PAGE_SIZE);
        }
    }
    end();
}

/* A hole takes what fits into it, and nothing else. */
static void test_holes(void **state)
{
    void *first, *second, *third, *wide, *narrow;

    (void)state;
    begin();
    first = allocate(PAGE_SIZE);
    second = allocate(2 * PAGE_SIZE);
    third = allocate(PAGE_SIZE);
    release(second, 2 * PAGE_SIZE);
    wide = allocate(3 * PAGE_SIZE);
    assert_true(wide > third);
    narrow = allocate(2 * PAGE_SIZE);
    assert_ptr_equal(narrow, second);
    release(first, PAGE_SIZE);
    release(narrow, 2 * PAGE_SIZE);
    release(third, PAGE_SIZE);
    release(wide, 3 * PAGE_SIZE);
    end();
}

/* All of it, not a page more; and then all of it again. */
static void test_full(void **state)
{
    void *all, *part;

    (void)state;
    begin();
    for (unsigned round = 0; round < 2; round++) {
        assert_null(allocate(HEAP_SIZE + 1));
        all = allocate(HEAP_SIZE);
        assert_ptr_equal(all, (void *)HEAP_BASE);
        left = 1;
        assert_null(allocate(1));
        assert_int_equal(left, 1);
        left = 0;
        release(all, HEAP_SIZE);
    }
    part = allocate(HEAP_SIZE / 2);
    assert_null(allocate(HEAP_SIZE / 2 + 1));
    release(part, HEAP_SIZE / 2);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_sizes), cmocka_unit_test(test_out_of_frames),
                                       cmocka_unit_test(test_holes), cmocka_unit_test(test_full)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
