/* SPDX-License-Identifier: MIT */
/*
 * A kernel that finds its tables by an entry of the root for the root itself, as NetBSD's does: it reads them at every
 * level through the window that this makes, and changes them by the machine addresses that it finds there.  What a
 * window must not do is tried as well.
 *
 * What is done with a window is the same in either width.  How one is made is not: window_make().
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guest/user.h>
#include <guests/tests/lib/test.h>

#define ROOT_LEVEL  4u
#define SPACE_BITS  48u
#define SLOT        255u /* of the root; NetBSD has the same */
#define SECOND_SLOT 254u
#define WINDOW      ((uint64_t)SLOT << 39)
#define SECOND      ((uint64_t)SECOND_SLOT << 39)
#define HIDDEN_SLOT 258u /* of the root: the hypervisor's, and nobody else's to see */

#define PLACE UINT64_C(0x10000000)
#define LINK  (PTE_P | PTE_USER | PTE_A)
#define AD    (PTE_A | PTE_D)

/*
 * The entry of @level for @vaddr under the root whose window is at @window.  In the other root's window that root's own
 * entry for itself leads on, which is where each root has it.
 */
static volatile uint64_t *window_entry(uint64_t window, uint64_t vaddr, unsigned level)
{
    uint64_t mask = (UINT64_C(1) << SPACE_BITS) - 1;

    for (unsigned i = 1; i <= level; i++)
        vaddr = (i == level ? window : WINDOW) + ((vaddr & mask) >> PAGE_SHIFT) * 8;
    return (volatile uint64_t *)vaddr;
}

/* Its machine address: where the table lies is what the entry above says. */
static uint64_t entry_maddr(uint64_t window, uint64_t vaddr, unsigned level)
{
    uint64_t table =
        level == ROOT_LEVEL ? virt_to_maddr(table_root()) : *window_entry(window, vaddr, level + 1) & PTE_FRAME;

    return table + 8u * table_index(vaddr, level);
}

static long update(uint64_t maddr, uint64_t entry)
{
    const struct mmu_update request = {maddr | MMU_NORMAL_PT_UPDATE, entry};

    return hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

/* In the root that runs: an entry at @slot for @root. */
static long window_make(unsigned slot, const uint64_t *root, uint64_t flags)
{
    return update(virt_to_maddr(&table_root()[slot]), flags ? pte_make(virt_to_mfn(root), flags) : 0);
}

/* ---- Reading. */

static void compare(const char *name, uint64_t vaddr)
{
    bool same = true;

    for (unsigned level = 1; level <= ROOT_LEVEL; level++) {
        const uint64_t *entry = table_entry(vaddr, level);

        same = same && entry && ((*window_entry(WINDOW, vaddr, level) ^ *entry) & ~AD) == 0;
    }
    test_check(same, name, "an entry in the window differs from the one in the table");
}

static void read_tables(void)
{
    uint64_t *root = table_root();
    const volatile uint64_t *seen = window_entry(WINDOW, 0, ROOT_LEVEL);
    bool same = true;

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        same = same && ((seen[i] ^ root[i]) & ~AD) == 0;
    test_check(same, "the root is in the window", "an entry differs");
    compare("the entries of the code", (uint64_t)read_tables);
    compare("the entries of the stack", (uint64_t)&same);
    compare("the entries of the root's page", (uint64_t)root);
    compare("the entries of the place", PLACE);
}

/* ---- Changing. */

static void move(const char *name, uint64_t *page)
{
    struct mmuext_op flush = {.cmd = MMUEXT_INVLPG_LOCAL, .arg1.linear_addr = PLACE};
    uint64_t entry = pte_make(virt_to_mfn(page), PTE_PROGRAM);

    test_result(name, update(entry_maddr(WINDOW, PLACE, 1), entry), 0);
    test_need((int)hypercall_mmuext_op(&flush, 1, NULL, DOMID_SELF), "flush");
    test_equal("and the page is there", *(volatile uint64_t *)PLACE, page[0]);
    test_equal("and in the window", *window_entry(WINDOW, PLACE, 1) & PTE_FRAME, entry & PTE_FRAME);
}

/* An L1 is taken out of its L2, and put in again. */
static void unhook(void)
{
    uint64_t maddr = entry_maddr(WINDOW, PLACE, 2), entry = *window_entry(WINDOW, PLACE, 2);

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
    *(volatile uint64_t *)arg = 0;
}

static void read_entry(void *arg)
{
    (void)*(volatile uint64_t *)arg;
}

/* Shows pte.linear-window. */
static void not_written(void)
{
    for (unsigned level = 1; level <= ROOT_LEVEL; level++) {
        volatile uint64_t *entry = window_entry(WINDOW, PLACE, level);
        uint64_t before = *entry;
        struct fault fault;

        test_check(!trap_try(write_entry, (void *)(uintptr_t)entry, &fault) && fault.vector == TRAP_PF,
                   "a write to the window faults", "level %u: vector %u", level, fault.vector);
        test_check(((*entry ^ before) & ~AD) == 0, "and nothing is written", "level %u", level);
        test_result("nor is its address mapped anew",
                    hypercall_update_va_mapping((uint64_t)entry, 0, UVMF_INVLPG | UVMF_LOCAL), -XEN_EINVAL);
    }
}

/* The hypervisor's own tables, but for those of the M2P. */
static void not_shown(void)
{
    uint64_t vaddr = (uint64_t)HIDDEN_SLOT << 39;
    struct fault fault;

    for (unsigned level = 1; level < ROOT_LEVEL; level++)
        test_check(!trap_try(read_entry, (void *)(uintptr_t)window_entry(WINDOW, vaddr, level), &fault),
                   "the hypervisor's tables are not in the window", "level %u", level);
}

/* Shows pte.linear-readonly. */
static void not_writable(void)
{
    uint64_t *root = table_root();

    test_result("the entry does not become writable", window_make(SLOT, root, LINK | PTE_RW), -XEN_EINVAL);
    test_result("nor is there a writable one", window_make(SECOND_SLOT, root, LINK | PTE_RW), -XEN_EINVAL);
    test_check(!(root[SLOT] & PTE_RW), "it is as it was", "%lx", (unsigned long)root[SLOT]);
}

/* ---- Another root in a window of its own. */

static uint64_t *make_root(void)
{
    uint64_t *root = page_alloc();

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        root[i] = table_root()[i];
    root[SLOT] = pte_make(virt_to_mfn(root), LINK);
    test_need(table_set_readonly(root), "a read-only page");
    return root;
}

/* Shows pte.linear-other, pte.linear-chain. */
static void another_root(void)
{
    uint64_t *other = make_root(), *third = make_root();

    test_result("a root with an entry for itself is pinned", table_pin(other, ROOT_LEVEL), 0);
    test_need(table_pin(third, ROOT_LEVEL), "pin");
    test_result("it has a window in this one", window_make(SECOND_SLOT, other, LINK), 0);
    test_equal("in which it is seen", window_entry(SECOND, 0, ROOT_LEVEL)[SLOT] & PTE_FRAME, virt_to_maddr(other));
    test_result("it cannot have a window itself",
                update(virt_to_maddr(&other[SECOND_SLOT]), pte_make(virt_to_mfn(third), LINK)), -XEN_EINVAL);
    test_result("nor this one be in a third's",
                update(virt_to_maddr(&third[SECOND_SLOT]), pte_make(virt_to_mfn(table_root()), LINK)), -XEN_EINVAL);
    test_result("unpinned, it stays what it is", table_unpin(other), 0);
    test_result("so that it cannot be written", table_set_writable(other), -XEN_EBUSY);
    test_result("until the window is closed", window_make(SECOND_SLOT, NULL, 0), 0);
    test_result("and then can be", table_set_writable(other), 0);
    test_result("the third can be, once unpinned", table_unpin(third), 0);
    test_result("and is writable", table_set_writable(third), 0);
}

/* A root of its own, with its window, is run on, and left again. */
static void run_on_another(void)
{
    uint64_t *first = table_root(), *root = make_root();

    test_need(table_pin(root, ROOT_LEVEL), "pin");
    test_need(table_load(root), "load");
    test_equal("the window shows the root that runs", window_entry(WINDOW, 0, ROOT_LEVEL)[SLOT] & PTE_FRAME,
               virt_to_maddr(root));
    compare("and its tables", PLACE);
    test_need(table_load(first), "load");
    test_result("the root that was left is unpinned", table_unpin(root), 0);
    test_result("and nothing holds it", table_set_writable(root), 0);
}

/* Shows pte.linear-self. */
void test_main(void)
{
    long made = window_make(SLOT, table_root(), LINK);

    if (made == -XEN_EINVAL)
        test_skip("linear tables are not offered");
    test_need((int)made, "an entry of the root for itself");
    test_need(table_make(PLACE), "tables");
    read_tables();
    change_tables();
    not_written();
    not_shown();
    not_writable();
    another_root();
    run_on_another();
    test_result("the window is closed", window_make(SLOT, NULL, 0), 0);
}
