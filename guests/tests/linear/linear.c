/* SPDX-License-Identifier: MIT */
/*
 * A kernel that finds its tables by entries for tables of their own level, as NetBSD's does: it reads them through the
 * window that this makes, and changes them by the machine addresses that it finds there.  What a window must not do is
 * tried as well.
 *
 * A 64-bit kernel has a window by one entry of the root for the root itself, a 32-bit one by four entries of the
 * topmost L2, for itself and its like.  Either way what stands there is the array of all L1 entries, and so on above.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/linear/window.h>

#define PLACE       0x10000000
#define HIDDEN_SLOT 258u /* of a 64-bit root: the hypervisor's, and nobody else's to see */
#define AD          (PTE_A | PTE_D)

/*
 * The entry of @level for @vaddr under the tables whose window is at @window.  In another root's window that root's own
 * entry for itself leads on, which is where each root has it.
 */
static volatile uint64_t *window_entry(uint64_t window, uint64_t vaddr, unsigned level)
{
    for (unsigned i = 1; i <= level; i++)
        vaddr = (i == level ? window : WINDOW) + ((vaddr & SPACE_MASK) >> PAGE_SHIFT) * 8;
    return (volatile uint64_t *)(uintptr_t)vaddr;
}

/* Its machine address: where the table lies is what the entry above says. */
static uint64_t entry_maddr(uint64_t vaddr, unsigned level)
{
    if (level == WINDOW_LEVELS)
        return virt_to_maddr(table_entry(vaddr, level));
    return (*window_entry(WINDOW, vaddr, level + 1) & PTE_FRAME) + 8u * table_index(vaddr, level);
}

static long update(uint64_t maddr, uint64_t entry)
{
    const struct mmu_update request = {maddr | MMU_NORMAL_PT_UPDATE, entry};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

static long set(const uint64_t *table, unsigned slot, uint64_t entry)
{
    return update(virt_to_maddr(&table[slot]), entry);
}

/* Make the window in the tables that run, as window_fill() has it. */
static long window_make(void)
{
    uint64_t *table = window_table(table_root()), entries[WINDOW_SLOTS];
    long error = 0;

    window_fill(table_root(), table, entries);
    for (unsigned i = 0; i < WINDOW_SLOTS && !error; i++)
        error = set(table, WINDOW_SLOT + i, entries[i]);
    return error;
}

/* ---- Reading. */

static void compare(const char *name, uint64_t vaddr)
{
    bool same = true;

    for (unsigned level = 1; level <= WINDOW_LEVELS; level++) {
        const uint64_t *entry = table_entry(vaddr, level);

        same = same && entry && ((*window_entry(WINDOW, vaddr, level) ^ *entry) & ~AD) == 0;
    }
    test_check(same, name, "an entry in the window differs from the one in the table");
}

static void read_tables(void)
{
    const uint64_t *table = window_table(table_root());
    const volatile uint64_t *seen = window_entry(WINDOW, WINDOW_TABLE_BEGIN, WINDOW_LEVELS);
    bool same = true;

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        same = same && ((seen[i] ^ table[i]) & ~AD) == 0;
    test_check(same, "the window's own table is in it", "an entry differs");
    compare("the entries of the code", (uintptr_t)read_tables);
    compare("the entries of the stack", (uintptr_t)&same);
    compare("the entries of the root's page", (uintptr_t)table_root());
    compare("the entries of the place", PLACE);
}

/* ---- Changing. */

static void move(const char *name, uint64_t *page)
{
    struct mmuext_op flush = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = PLACE};
    uint64_t entry = pte_make(virt_to_mfn(page), PTE_PROGRAM);

    test_result(name, update(entry_maddr(PLACE, 1), entry), 0);
    test_need((int)hypercall_mmuext_op(&flush, 1, NULL, DOMID_SELF), "flush");
    test_equal("and the page is there", *(volatile uint64_t *)PLACE, page[0]);
    test_equal("and in the window", *window_entry(WINDOW, PLACE, 1) & PTE_FRAME, entry & PTE_FRAME);
}

/* An L1 is taken out of its L2, and put in again. */
static void unhook(void)
{
    uint64_t maddr = entry_maddr(PLACE, 2), entry = *window_entry(WINDOW, PLACE, 2);

    test_result("a table is unhooked by its address", update(maddr, 0), 0);
    test_equal("and gone from the window", *window_entry(WINDOW, PLACE, 2), 0);
    test_result("and hooked in again", update(maddr, entry), 0);
}

static void change_tables(void)
{
    uint64_t *pages[2] = {page_alloc(), page_alloc()};

    pages[0][0] = 0xdada0;
    pages[1][0] = 0xdada1;
    move("an entry is changed by the address found", pages[0]);
    move("and again", pages[1]);
    unhook();
    move("and after that", pages[0]);
}

/* ---- What must not be. */

static void write_entry(void *arg)
{
    *(volatile uint8_t *)arg = 0;
}

static void read_entry(void *arg)
{
    (void)*(volatile uint8_t *)arg;
}

/* Shows pte.linear-window. */
static void not_written(void)
{
    for (unsigned level = 1; level <= WINDOW_LEVELS; level++) {
        volatile uint64_t *entry = window_entry(WINDOW, PLACE, level);
        uint64_t before = *entry;
        struct fault fault;

        test_check(!trap_try(write_entry, (void *)(uintptr_t)entry, &fault) && fault.vector == TRAP_PF,
                   "a write to the window faults", "level %u: vector %u", level, fault.vector);
        test_check(((*entry ^ before) & ~AD) == 0, "and nothing is written", "level %u", level);
        test_result("nor is its address mapped anew",
                    hypercall_update_va_mapping((uintptr_t)entry, 0, UVMF_INVLPG | UVMF_LOCAL), -XEN_EINVAL);
    }
}

/*
 * The hypervisor's own tables, but for those of the M2P; nor does it read them for the guest.
 * Shows pte.linear-arguments.
 */
static void not_shown(void)
{
    uint64_t vaddr = (uint64_t)HIDDEN_SLOT << 39;
    struct fault fault;

    for (unsigned level = 1; level < TOP_LEVEL; level++)
        test_check(!trap_try(read_entry, (void *)(uintptr_t)window_entry(WINDOW, vaddr, level), &fault),
                   "the hypervisor's tables are not in the window", "level %u", level);
    for (unsigned level = 1; level < TOP_LEVEL; level++)
        test_result("nor are they what a call is given",
                    (int)hypercall_mmuext_op((struct mmuext_op *)(uintptr_t)window_entry(WINDOW, vaddr, level), 1, NULL,
                                             DOMID_SELF),
                    -XEN_EFAULT);
}

/* Shows pte.linear-readonly. */
static void not_writable(void)
{
    const uint64_t *table = window_table(table_root());

    for (unsigned slot = WINDOW_SLOT; slot < WINDOW_SLOT + WINDOW_SLOTS; slot++) {
        uint64_t before = table[slot];

        if (!(before & PTE_P))
            continue;
        test_result("the entry does not become writable", set(table, slot, before | PTE_RW), -XEN_EINVAL);
        test_check(((table[slot] ^ before) & ~AD) == 0, "it is as it was", "slot %u", slot);
    }
    test_result("nor is there another one that is",
                set(table, SECOND_SLOT, pte_make(virt_to_mfn(table), LINK | PTE_RW)), -XEN_EINVAL);
}

/* ---- Another root.  It is made, filled in, and all that is its own is read-only. */

struct root {
    uint64_t *root, *table; /* one, where the root has the window */
};

static struct root make_root(void)
{
    struct root made = {.root = page_alloc()};
    uint64_t entries[WINDOW_SLOTS];

    made.table = TOP_LEVEL == WINDOW_LEVELS ? made.root : page_alloc();
    for (unsigned i = 0; i < ROOT_SLOTS; i++)
        made.root[i] = table_root()[i];
    if (made.table != made.root)
        made.root[ROOT_SLOTS - 1] = pte_make(virt_to_mfn(made.table), PTE_ROOT);
    window_fill(made.root, made.table, entries);
    for (unsigned i = 0; i < WINDOW_SLOTS; i++)
        made.table[WINDOW_SLOT + i] = entries[i];
    test_need(table_set_readonly(made.table), "a read-only page");
    if (made.table != made.root)
        test_need(table_set_readonly(made.root), "a read-only page");
    return made;
}

/* Nothing holds it any more. */
static void end_root(const char *name, struct root made)
{
    test_result(name, table_set_writable(made.root), 0);
    if (made.table != made.root)
        test_result("and so can be its table", table_set_writable(made.table), 0);
}

/* In a window of its own, in the root that runs.  Shows pte.linear-other, pte.linear-chain. */
static void another_root(void)
{
    struct root other = make_root(), third = make_root();
    uint64_t *root = table_root();

    test_result("a root with an entry for itself is pinned", table_pin(other.root, TOP_LEVEL), 0);
    test_need(table_pin(third.root, TOP_LEVEL), "pin");
    test_result("it has a window in this one", set(root, SECOND_SLOT, pte_make(virt_to_mfn(other.root), LINK)), 0);
    test_equal("in which it is seen", window_entry(SECOND, 0, TOP_LEVEL)[WINDOW_SLOT] & PTE_FRAME,
               virt_to_maddr(other.root));
    test_result("it cannot have a window itself", set(other.root, SECOND_SLOT, pte_make(virt_to_mfn(third.root), LINK)),
                -XEN_EINVAL);
    test_result("nor this one be in a third's", set(third.root, SECOND_SLOT, pte_make(virt_to_mfn(root), LINK)),
                -XEN_EINVAL);
    test_result("unpinned, it stays what it is", table_unpin(other.root), 0);
    test_result("so that it cannot be written", table_set_writable(other.root), -XEN_EBUSY);
    test_result("until the window is closed", set(root, SECOND_SLOT, 0), 0);
    end_root("and then can be", other);
    test_result("the third is unpinned", table_unpin(third.root), 0);
    end_root("and can be written", third);
}

/* Shows pte.linear-32, pte.linear-chain. */
static void only_from_the_top(void)
{
    uint64_t *root = table_root(), *top = window_table(root), *below = table_entry(0x40000000u * (ROOT_SLOTS - 2), 2);

    test_result("no L3 refers to itself", set(root, 1, pte_make(virt_to_mfn(root), PTE_ROOT)), -XEN_EINVAL);
    test_result("no L2 refers to the topmost", set(below, SECOND_SLOT, pte_make(virt_to_mfn(top), LINK)), -XEN_EINVAL);
    test_result("nor to another, being referred to",
                set(below, SECOND_SLOT, pte_make(virt_to_mfn(table_entry(0, 2)), LINK)), -XEN_EINVAL);
    test_result("but to itself", set(below, SECOND_SLOT, pte_make(virt_to_mfn(below), LINK)), 0);
    test_result("and not any more", set(below, SECOND_SLOT, 0), 0);
}

/* A root of its own, with its window, is run on, and left again. */
static void run_on_another(void)
{
    uint64_t *first = table_root();
    struct root made = make_root();

    test_need(table_pin(made.root, TOP_LEVEL), "pin");
    test_need(table_load(made.root), "load");
    test_equal("the window shows the table that has it",
               window_entry(WINDOW, WINDOW_TABLE_BEGIN, WINDOW_LEVELS)[WINDOW_SLOT + WINDOW_SLOTS - 1] & PTE_FRAME,
               virt_to_maddr(made.table));
    compare("and the tables below", PLACE);
    test_need(table_load(first), "load");
    test_result("the root that was left is unpinned", table_unpin(made.root), 0);
    end_root("and nothing holds it", made);
}

/* Shows pte.linear-self. */
void test_main(void)
{
    long made;

    test_need(table_make(PLACE), "tables");
    made = window_make();
    if (made == -XEN_EINVAL)
        test_skip("linear tables are not offered");
    test_need((int)made, "a window");
    read_tables();
    change_tables();
    not_written();
    not_writable();
    run_on_another();
    if (TOP_LEVEL == 4) {
        not_shown();
        another_root();
    } else {
        only_from_the_top();
    }
    for (unsigned i = 0; i < WINDOW_SLOTS; i++)
        test_result("the window is closed", set(window_table(table_root()), WINDOW_SLOT + i, 0), 0);
}
