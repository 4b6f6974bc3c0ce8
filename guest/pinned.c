/* SPDX-License-Identifier: MIT */
/* The level of each page that is pinned, and the change of a whole tree from one world to the other. */
#include <guest/lazy.h>
#include <guest/memory.h>
#include <guest/mmu_failure.h>
#include <guest/pinned.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>

/* The operation that pins a root. */
#define PIN_ROOT (MMUEXT_PIN_L1_TABLE + TOP_LEVEL - 1)

static uint8_t *levels; /* by pfn */
static uint64_t nr_levels, nr_pinned;

void pinned_init(uint8_t *map, uint64_t nr_pages)
{
    levels = map;
    nr_levels = nr_pages;
    nr_pinned = 0;
}

unsigned pinned_level(const volatile void *page)
{
    pfn_t pfn = virt_to_pfn(page);

    return pfn.v < nr_levels ? levels[pfn.v] : 0;
}

uint64_t pinned_count(void)
{
    return nr_pinned;
}

/* The kernel's own mapping of a page, changed. */
static void protect(const void *page, uint64_t flags, const char *where)
{
    uint64_t *entry = table_entry((uintptr_t)page, 1);

    if (entry)
        lazy_update(entry, pte_make(virt_to_mfn(page), flags), where);
    else
        mmu_misuse(where, "this page of a table is not one that the kernel maps by pages", page);
}

void pinned_add(const void *page, unsigned level, const char *where)
{
    pfn_t pfn = virt_to_pfn(page);

    if (pfn.v >= nr_levels || levels[pfn.v]) {
        mmu_misuse(where, "this page becomes a table, but is one already, or no page of the kernel", page);
        return;
    }
    protect(page, PTE_READONLY, where);
    levels[pfn.v] = (uint8_t)level;
    nr_pinned++;
}

/* The queue holds the way back; the page is not writable before it is flushed. */
static void release(const void *page, const char *where)
{
    if (!pinned_level(page)) {
        mmu_misuse(where, "this page is released as a table, but is none that is pinned", page);
        return;
    }
    protect(page, PTE_KERNEL, where);
    levels[virt_to_pfn(page).v] = 0;
    nr_pinned--;
}

void pinned_remove(const void *page, const char *where)
{
    release(page, where);
    lazy_flush();
}

/* ---- Trees. */

typedef void table_visitor(uint64_t *table, unsigned level, const char *where);

/* What an entry refers to; NULL: nothing.  Updates of a table that is pinned may be queued, of another not. */
static uint64_t *table_below(const uint64_t *entry, bool pinned)
{
    uint64_t value;

    if (!pinned || !lazy_read(entry, &value))
        value = READ_ONCE(*entry);
    return value & PTE_P ? mfn_to_virt(pte_mfn(value)) : NULL;
}

/* The table that a root has for itself is one of the tree; what it refers to are the hypervisor's. */
static void visit_own(uint64_t *table, table_visitor *visitor, const char *where)
{
    if (table)
        visitor(table, TOP_LEVEL - 1, where);
}

/* Each table below @table, then @table itself.  L1 tables refer to no more tables. */
static void visit(uint64_t *table, unsigned level, table_visitor *visitor, const char *where)
{
    unsigned slots = level == TOP_LEVEL ? USER_SLOTS : ENTRIES_PER_TABLE;
    bool pinned = pinned_level(table);

    for (unsigned slot = 0; level > 1 && slot < slots; slot++) {
        uint64_t *below = table_below(&table[slot], pinned);

        if (below)
            visit(below, level - 1, visitor, where);
    }
    if (level == TOP_LEVEL && ROOT_OWN_SLOT < ROOT_SLOTS)
        visit_own(table_below(&table[ROOT_OWN_SLOT], pinned), visitor, where);
    visitor(table, level, where);
}

/* No table of the hypervisor's is among them: the kernel could not even tell where it is. */
static bool is_hypervisor_slot(unsigned level, unsigned slot)
{
    return level == TOP_LEVEL && slot >= USER_SLOTS && slot < KERNEL_SLOTS;
}

static void adopt(uint64_t *table, unsigned level)
{
    pfn_t pfn = virt_to_pfn(table);

    for (unsigned slot = 0; level > 1 && slot < (level == TOP_LEVEL ? ROOT_SLOTS : ENTRIES_PER_TABLE); slot++) {
        uint64_t *below = is_hypervisor_slot(level, slot) ? NULL : table_below(&table[slot], true);

        if (below)
            adopt(below, level - 1);
    }
    if (pfn.v < nr_levels)
        levels[pfn.v] = (uint8_t)level;
}

void pinned_adopt(uint64_t *root)
{
    adopt(root, TOP_LEVEL);
}

static void visit_release(uint64_t *table, unsigned level, const char *where)
{
    (void)level;
    release(table, where);
}

static void visit_add(uint64_t *table, unsigned level, const char *where)
{
    pinned_add(table, level, where);
}

static void queue_op(unsigned cmd, const void *page, const char *where)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = (xen_pfn_t)virt_to_mfn(page).v};

    lazy_mmuext(&op, where);
}

void pinned_pin_tree(const struct pinned_tree *tree, const char *where)
{
    if (pinned_level(tree->root)) {
        mmu_misuse(where, "this tree is pinned, but is already", tree->root);
        return;
    }
    lazy_group_begin();
    visit(tree->root, TOP_LEVEL, visit_add, where);
    if (tree->user_root)
        pinned_add(tree->user_root, TOP_LEVEL, where);
    queue_op(PIN_ROOT, tree->root, where);
    if (tree->user_root)
        queue_op(PIN_ROOT, tree->user_root, where);
    lazy_group_end();
}

void pinned_unpin_tree(const struct pinned_tree *tree, const char *where)
{
    if (pinned_level(tree->root) != TOP_LEVEL) {
        mmu_misuse(where, "this tree is unpinned, but is not pinned", tree->root);
        return;
    }
    lazy_group_begin();
    if (tree->user_root)
        queue_op(MMUEXT_UNPIN_TABLE, tree->user_root, where);
    queue_op(MMUEXT_UNPIN_TABLE, tree->root, where);
    if (tree->user_root)
        release(tree->user_root, where);
    visit(tree->root, TOP_LEVEL, visit_release, where);
    lazy_group_end();
    lazy_flush();
}

/* ---- Wrong use. */

bool pinned_is_level(unsigned seen, unsigned level, const volatile void *entry, const char *where)
{
    if (seen != level) {
        mmu_misuse(where, "this is treated as an entry of another level than that of its table", entry);
        return false;
    }
    return true;
}

bool pinned_check_fault(uint64_t vaddr, uint32_t error, uint64_t rip)
{
    if ((error & (FAULT_PRESENT | FAULT_WRITE)) != (FAULT_PRESENT | FAULT_WRITE) || vaddr < VIRT_BASE ||
        !pinned_level((const void *)(uintptr_t)vaddr))
        return false;
    mmu_fail(&(struct mmu_failure){.where = "the instruction whose address is the second number",
                                   .what = "a write to a table that is pinned, past the operations for it",
                                   .subject = vaddr,
                                   .value = rip});
    return true;
}
