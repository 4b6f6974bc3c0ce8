/* SPDX-License-Identifier: MIT */
/*
 * Under a hypervisor: entries hold machine frames; tables that are not pinned are written, the others change through
 * the queue of lazy.h.
 */
#include <abi/errno.h>
#include <guest/guest.h>
#include <guest/lazy.h>
#include <guest/memory.h>
#include <guest/mmu.h>
#include <guest/p2m.h>
#include <guest/processor.h>
#include <guest/vcpu.h>

static pfn_t user_root = {~UINT64_C(0)}; /* nobody but us can say which it is */

static void *p2m_page(void)
{
    return pages_free_count() ? page_alloc() : NULL;
}

static int pv_init(void)
{
    uint64_t nr_pages = guest.nr_mapped;
    int error;

    pinned_init(pages_alloc((size_t)(ROUND_UP(nr_pages, PAGE_SIZE) / PAGE_SIZE)), nr_pages);
    error = p2m_init((xen_pfn_t *)guest.start->mfn_list, guest.start->nr_pages, p2m_page);
    if (!error)
        pinned_adopt(table_root());
    return error;
}

/* ---- Tables and entries. */

static void pv_table_alloc(struct mmu_space *space, uint64_t *table, unsigned level, const char *where)
{
    if (space->pinned)
        pinned_add(table, level, where);
}

static void pv_table_release(uint64_t *table, unsigned level, const char *where)
{
    unsigned seen = pinned_level(table);

    if (seen && pinned_is_level(seen, level, table, where))
        pinned_remove(table, where);
}

static mmu_entry_t pv_entry_make(pfn_t pfn, uint64_t flags, const char *where)
{
    mfn_t mfn;

    if (!(flags & PTE_P))
        return (mmu_entry_t){pfn.v << PAGE_SHIFT | flags};
    mfn = p2m_get(pfn);
    if (mfn.v == MFN_NONE.v) {
        mmu_fail(&(struct mmu_failure){.where = where, .what = "this page has no machine frame", .subject = pfn.v});
        return MMU_ENTRY_NONE;
    }
    return (mmu_entry_t){pte_make(mfn, flags)};
}

static pfn_t pv_entry_pfn(mmu_entry_t entry)
{
    return p2m_get_pfn(pte_mfn(entry.v));
}

static mmu_entry_t pv_entry_read(const uint64_t *place)
{
    uint64_t value;

    return (mmu_entry_t){lazy_read(place, &value) ? value : READ_ONCE(*place)};
}

/* The place in the user's root that goes with one in the kernel's; NULL: none. */
static uint64_t *user_place(const struct mmu_space *space, const uint64_t *place, unsigned level)
{
    uint64_t slot = (uintptr_t)place / sizeof(*place) % ENTRIES_PER_TABLE;

    return level == TOP_LEVEL && slot < USER_SLOTS && space->tree.user_root ? &space->tree.user_root[slot] : NULL;
}

static void write_place(uint64_t *place, unsigned level, uint64_t value, const char *where)
{
    unsigned seen = pinned_level(place);

    if (!seen)
        WRITE_ONCE(*place, value);
    else if (pinned_is_level(seen, level, place, where))
        lazy_update(place, value, where);
}

static void pv_entry_write(struct mmu_space *space, uint64_t *place, unsigned level, mmu_entry_t entry,
                           const char *where)
{
    uint64_t *other = user_place(space, place, level);

    write_place(place, level, entry.v, where);
    if (other)
        write_place(other, level, entry.v, where);
}

/* The bits are kept by the update itself; a table that is not pinned is in no processor's use. */
static mmu_entry_t pv_modify_begin(uint64_t *place)
{
    return pv_entry_read(place);
}

static void pv_modify_commit(struct mmu_space *space, uint64_t *place, mmu_entry_t entry, const char *where)
{
    unsigned seen = pinned_level(place);

    (void)space;
    if (!seen)
        WRITE_ONCE(*place, entry.v | (READ_ONCE(*place) & (PTE_A | PTE_D)));
    else if (pinned_is_level(seen, 1, place, where))
        lazy_update_preserving(place, entry.v, where);
}

/* ---- Registers. */

static uint64_t pv_cr2_read(void)
{
    return READ_ONCE(vcpu_info_here()->arch.cr2);
}

static void pv_cr2_write(uint64_t vaddr)
{
    WRITE_ONCE(vcpu_info_here()->arch.cr2, (uintptr_t)vaddr);
}

static void queue_op(unsigned cmd, uint64_t frame_or_address, const char *where)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = (xen_pfn_t)frame_or_address};

    lazy_mmuext(&op, where);
}

static pfn_t pv_cr3_read(void)
{
    return virt_to_pfn(table_root());
}

static void queue_root(pfn_t root, const char *where)
{
    queue_op(MMUEXT_NEW_BASEPTR, p2m_get(root).v, where);
    table_set_root(pfn_to_virt(root));
}

static pfn_t pv_user_root_read(void)
{
    return USER_ROOT ? user_root : pv_cr3_read();
}

static void queue_user_root(pfn_t root, const char *where)
{
    user_root = root;
    queue_op(MMUEXT_NEW_USER_BASEPTR, root.v == PFN_NONE.v ? 0 : p2m_get(root).v, where);
}

static void pv_cr3_write(pfn_t root, const char *where)
{
    queue_root(root, where);
    lazy_flush();
}

static void pv_user_root_write(pfn_t root, const char *where)
{
    if (USER_ROOT)
        queue_user_root(root, where);
    lazy_flush();
}

/* ---- Translations.  A hypervisor that runs the guest's kernel in ring 3 has no global ones to tell apart. */

static void pv_flush_all(const char *where)
{
    queue_op(MMUEXT_TLB_FLUSH_LOCAL, 0, where);
}

static void pv_flush_page(uint64_t vaddr, const char *where)
{
    queue_op(MMUEXT_INVLPG_LOCAL, vaddr, where);
}

static void pv_flush_all_everywhere(const char *where)
{
    queue_op(MMUEXT_TLB_FLUSH_ALL, 0, where);
}

static void pv_flush_page_everywhere(uint64_t vaddr, const char *where)
{
    queue_op(MMUEXT_INVLPG_ALL, vaddr, where);
}

static void pv_flush_cpus(const uint64_t *cpus, uint64_t vaddr, const char *where)
{
    struct mmuext_op op = {.cmd = vaddr == MMU_ALL_ADDRESSES ? MMUEXT_TLB_FLUSH_MULTI : MMUEXT_INVLPG_MULTI,
                           .arg1.linear_addr = vaddr == MMU_ALL_ADDRESSES ? 0 : (uintptr_t)vaddr,
                           .arg2.vcpumask = (uintptr_t)cpus};

    lazy_mmuext(&op, where);
    lazy_flush(); /* the bitmap is the caller's */
}

/* ---- Address spaces. */

static void pin(struct mmu_space *space, const char *where)
{
    if (!space->pinned) {
        pinned_pin_tree(&space->tree, where);
        space->pinned = true;
    }
}

static void pv_space_init(struct mmu_space *space, const char *where)
{
    if (!mmu_pins_late())
        pin(space, where);
}

static void pv_space_activate(struct mmu_space *space, const char *where)
{
    lazy_group_begin();
    pin(space, where);
    queue_root(virt_to_pfn(space->tree.root), where);
    if (USER_ROOT)
        queue_user_root(space->tree.user_root ? virt_to_pfn(space->tree.user_root) : PFN_NONE, where);
    lazy_group_end();
    lazy_flush();
}

static void pv_space_exit(struct mmu_space *space, const char *where)
{
    if (table_root() == space->tree.root)
        pv_space_activate(mmu_kernel_space(), where);
    if (space->pinned) {
        pinned_unpin_tree(&space->tree, where);
        space->pinned = false;
    }
}

const struct mmu_ops mmu_paravirtual = {
    .name = "paravirtual",
    .init = pv_init,
    .table_alloc = pv_table_alloc,
    .table_release = pv_table_release,
    .entry_make = pv_entry_make,
    .entry_pfn = pv_entry_pfn,
    .entry_read = pv_entry_read,
    .entry_write = pv_entry_write,
    .modify_begin = pv_modify_begin,
    .modify_commit = pv_modify_commit,
    .cr2_read = pv_cr2_read,
    .cr2_write = pv_cr2_write,
    .cr3_read = pv_cr3_read,
    .cr3_write = pv_cr3_write,
    .user_root_read = pv_user_root_read,
    .user_root_write = pv_user_root_write,
    .flush_user = pv_flush_all,
    .flush_all = pv_flush_all,
    .flush_page = pv_flush_page,
    .flush_all_everywhere = pv_flush_all_everywhere,
    .flush_page_everywhere = pv_flush_page_everywhere,
    .flush_cpus = pv_flush_cpus,
    .space_init = pv_space_init,
    .space_activate = pv_space_activate,
    .space_dup = pin,
    .space_exit = pv_space_exit,
    .lazy_enter = lazy_enter,
    .lazy_leave = lazy_leave,
    .lazy_flush = lazy_flush,
};
