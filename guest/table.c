/* SPDX-License-Identifier: MIT */
/* The walk over the tables in memory, and one hypercall for each change. */
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>

static uint64_t *running_root;

uint64_t *table_root(void)
{
    return running_root ? running_root : (uint64_t *)guest.start->pt_base;
}

void table_set_root(uint64_t *root)
{
    running_root = root;
}

uint64_t *table_entry_under(uint64_t *root, uint64_t vaddr, unsigned level)
{
    uint64_t *table = root;

    for (unsigned above = TOP_LEVEL; above > level; above--) {
        uint64_t entry = READ_ONCE(table[table_index(vaddr, above)]);

        if (!(entry & PTE_P))
            return NULL;
        table = mfn_to_virt(pte_mfn(entry));
        if (!table)
            return NULL;
    }
    return &table[table_index(vaddr, level)];
}

uint64_t *table_entry(uint64_t vaddr, unsigned level)
{
    return table_entry_under(table_root(), vaddr, level);
}

bool table_walk(uint64_t vaddr, uint64_t *entry)
{
    uint64_t *place = table_entry(vaddr, 1);
    uint64_t seen = place ? READ_ONCE(*place) : 0;

    if (entry)
        *entry = seen;
    return seen & PTE_P;
}

int table_write(uint64_t *entry, uint64_t value)
{
    struct mmu_update request = {.ptr = virt_to_maddr(entry) | MMU_NORMAL_PT_UPDATE, .val = value};

    return (int)hypercall_mmu_update(&request, 1, NULL, DOMID_SELF);
}

int table_map(uint64_t vaddr, uint64_t value)
{
    return (int)hypercall_update_va_mapping(vaddr, value, UVMF_INVLPG | UVMF_LOCAL);
}

int table_set_readonly(void *page)
{
    return table_map((uintptr_t)page, pte_make(virt_to_mfn(page), PTE_READONLY));
}

int table_set_writable(void *page)
{
    return table_map((uintptr_t)page, pte_make(virt_to_mfn(page), PTE_KERNEL));
}

int table_hook(uint64_t vaddr, unsigned level, uint64_t *table)
{
    uint64_t *entry = table_entry(vaddr, level);

    return entry ? table_write(entry, pte_make(virt_to_mfn(table), pte_table_flags(level))) : -XEN_ENOENT;
}

int table_make(uint64_t vaddr)
{
    for (unsigned level = TOP_LEVEL; level > 1; level--) {
        uint64_t *entry = table_entry(vaddr, level);
        uint64_t *table;
        int error;

        if (READ_ONCE(*entry) & PTE_P)
            continue;
        table = page_alloc();
        error = table_set_readonly(table);
        if (!error)
            error = table_hook(vaddr, level, table);
        if (error)
            return error;
    }
    return 0;
}

int table_mmuext(unsigned cmd, const void *page)
{
    struct mmuext_op op = {.cmd = cmd, .arg1.mfn = page ? (xen_pfn_t)virt_to_mfn(page).v : 0};

    return (int)hypercall_mmuext_op(&op, 1, NULL, DOMID_SELF);
}

int table_pin(uint64_t *table, unsigned level)
{
    return table_mmuext(MMUEXT_PIN_L1_TABLE + level - 1, table);
}

int table_unpin(uint64_t *table)
{
    return table_mmuext(MMUEXT_UNPIN_TABLE, table);
}

int table_load(uint64_t *root)
{
    int error = table_mmuext(MMUEXT_NEW_BASEPTR, root);

    if (!error)
        table_set_root(root);
    return error;
}

int table_load_user(uint64_t *root)
{
    return table_mmuext(MMUEXT_NEW_USER_BASEPTR, root);
}
