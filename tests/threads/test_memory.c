/* SPDX-License-Identifier: MIT */
/* The pool and the heap, from several processors at once: nothing is given to two of them. */
/* links: hv/cpu/lock.c hv/mem/pool.c hv/mem/allocate.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <engine/tlb.h>
#include <hv/base/layout.h>
#include <hv/cpu/lock.h>
#include <hv/mem/allocate.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <tests/threads/lib/processors.h>

#define PROCESSORS 4u
#define FRAMES     4096u
#define HELD       64u
#define TURNS      4000u

/* Whose a frame or a page is, as ordinary memory: the sanitizer sees two who believe that it is theirs. */
static unsigned owners[FRAMES], page_owners[FRAMES];
static uint64_t entries[FRAMES];
static bool stale[FRAMES]; /* a page that has gone, and that not all processors have forgotten */
static struct machine machine;

static void own(uint64_t first, unsigned order, unsigned owner)
{
    for (uint64_t i = first; i < first + (UINT64_C(1) << order); i++) {
        if (owner && owners[i])
            abort();
        owners[i] = owner;
    }
}

static void take_and_give(unsigned id)
{
    struct {
        mfn_t first;
        unsigned order;
    } held[HELD];
    unsigned count = 0;

    for (unsigned i = 0; i < TURNS; i++) {
        unsigned order = (unsigned)random_below(4);

        if (count < HELD && random_below(2) && pool_take(order, MFN_NONE, &held[count].first)) {
            own(held[count].first.v, order, id + 1);
            held[count++].order = order;
        } else if (count > 0) {
            unsigned which = (unsigned)random_below(count);

            own(held[which].first.v, held[which].order, 0);
            pool_give(held[which].first, held[which].order);
            held[which] = held[--count];
        }
        if (pool_count() > FRAMES)
            abort();
    }
    while (count > 0) {
        count--;
        own(held[count].first.v, held[count].order, 0);
        pool_give(held[count].first, held[count].order);
    }
}

static void fill_pool(unsigned id)
{
    (void)id;
    pool_add(MFN(0), FRAMES);
}

static void make_pool(void)
{
    static void *map;

    free(map);
    map = calloc(1, pool_map_size(FRAMES));
    pool_init(map, FRAMES, 1);
    processors_run(1, fill_pool);
}

static void test_pool(void **state)
{
    (void)state;
    make_pool();
    processors_run(PROCESSORS, take_and_give);
    assert_int_equal(pool_count(), FRAMES);
}

/*
 * ---- The heap, over the same pool.
 */

bool machine_take(struct machine *of, unsigned order, mfn_t *first)
{
    (void)of;
    return pool_take(order, MFN_NONE, first);
}

/* Its page has gone, and every processor has forgotten it. */
void machine_give(struct machine *of, mfn_t first, unsigned order)
{
    (void)of;
    pool_give(first, order);
}

static uint64_t page_of(uint64_t vaddr)
{
    uint64_t page = (vaddr - HEAP_BASE) / PAGE_SIZE;

    if (page >= FRAMES)
        abort();
    return page;
}

void paging_prepare(uint64_t vaddr, uint64_t size)
{
    (void)vaddr;
    (void)size;
}

void paging_set(uint64_t vaddr, uint64_t entry)
{
    uint64_t page = page_of(vaddr);

    if (entry & ENTRY_PRESENT && stale[page])
        abort();
    stale[page] |= entries[page] & ENTRY_PRESENT;
    entries[page] = entry;
}

uint64_t paging_get(uint64_t vaddr)
{
    return entries[page_of(vaddr)];
}

void tlb_flush(struct machine *of, cpumask_t cpus)
{
    (void)of;
    (void)cpus;
    for (uint64_t i = 0; i < FRAMES; i++)
        stale[i] = false;
}

static void own_pages(const void *object, unsigned pages, unsigned owner)
{
    for (uint64_t i = 0; i < pages; i++) {
        uint64_t page = page_of((uint64_t)object) + i;

        if (owner && page_owners[page])
            abort();
        page_owners[page] = owner;
    }
}

static void allocate_and_release(unsigned id)
{
    for (unsigned i = 0; i < TURNS / 20; i++) {
        unsigned pages[2] = {1 + (unsigned)random_below(3), 1 + (unsigned)random_below(3)};
        void *objects[2];

        for (unsigned j = 0; j < 2; j++) {
            objects[j] = allocate(pages[j] * PAGE_SIZE);
            if (!objects[j])
                abort();
            own_pages(objects[j], pages[j], id + 1);
        }
        for (unsigned j = 0; j < 2; j++) {
            own_pages(objects[j], pages[j], 0);
            release(objects[j], pages[j] * PAGE_SIZE);
        }
    }
}

static void test_heap(void **state)
{
    (void)state;
    make_pool();
    allocate_init(&machine);
    processors_run(PROCESSORS, allocate_and_release);
    assert_int_equal(pool_count(), FRAMES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pool),
        cmocka_unit_test(test_heap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
