/* SPDX-License-Identifier: MIT */
/* What the groups of mistakes share. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <guest/guest.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/mistakes/mistakes.h>

static uint64_t **table_of(struct tree *tree, unsigned level)
{
    uint64_t **const tables[] = {&tree->page, &tree->l1, &tree->l2, &tree->l3, &tree->root};

    return tables[level];
}

void tree_build(struct tree *tree)
{
    for (unsigned level = 0; level <= TOP_LEVEL; level++)
        *table_of(tree, level) = page_alloc();
    tree->l1[table_index(PLACE, 1)] = pte_make(virt_to_mfn(tree->page), PTE_KERNEL);
    for (unsigned level = 2; level <= TOP_LEVEL; level++)
        (*table_of(tree, level))[table_index(PLACE, level)] =
            pte_make(virt_to_mfn(*table_of(tree, level - 1)), PTE_TABLE);
}

void tree_pin(struct tree *tree)
{
    for (unsigned level = 1; level <= TOP_LEVEL; level++)
        test_need(table_set_readonly(*table_of(tree, level)), "read-only");
    test_need(table_pin(tree->root, TOP_LEVEL), "a tree is pinned");
}

void tree_unpin(struct tree *tree)
{
    test_need(table_unpin(tree->root), "a tree is unpinned");
    for (unsigned level = 1; level <= TOP_LEVEL; level++)
        test_need(table_set_writable(*table_of(tree, level)), "writable");
}

void tree_free(struct tree *tree)
{
    for (unsigned level = 0; level <= TOP_LEVEL; level++)
        page_free(*table_of(tree, level));
}

void mistake(const char *what, long result, long want)
{
    test_note("mistake: %s", what);
    test_result(what, result, want);
}

uint64_t only_a_pfn(void)
{
    const uint64_t *m2p = (const uint64_t *)MACH2PHYS_VIRT_START, *p2m = (const uint64_t *)guest.start->mfn_list;

    for (uint64_t number = guest.start->nr_pages / 2; number < guest.start->nr_pages; number++) {
        uint64_t pfn = READ_ONCE(m2p[number]);

        if (pfn >= guest.start->nr_pages || p2m[pfn] != number)
            return number;
    }
    test_error("each pfn is a frame");
}

void test_main(void)
{
    mistakes_tables();
    mistakes_entries();
    mistakes_calls();
    mistakes_segments();
    mistakes_memory();
    mistakes_services();
}
