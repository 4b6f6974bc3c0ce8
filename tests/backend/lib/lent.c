/* SPDX-License-Identifier: MIT */
/* Handles are places in a table; what is unmapped must be what was mapped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <guest/address.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/lent.h>

#define HANDLES 4096u

_Alignas(PAGE_SIZE) uint8_t lent_pages[LENT_PAGES][PAGE_SIZE];
bool lent_readonly[LENT_PAGES];
void (*lent_between)(void);

static struct {
    unsigned ref_and_one; /* 0: free */
    bool writable;
} mappings[HANDLES];
static unsigned one_in, next_handle;

void lent_start(unsigned failing)
{
    memset(mappings, 0, sizeof(mappings));
    memset(lent_readonly, 0, sizeof(lent_readonly));
    one_in = failing;
    lent_between = NULL;
}

unsigned lent_mapped(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < HANDLES; i++)
        count += mappings[i].ref_and_one != 0;
    return count;
}

static bool fails(void)
{
    return one_in && draw_below(one_in) == 0;
}

static void map_one(struct gnttab_map_grant_ref *op)
{
    bool writable = !(op->flags & GNTMAP_readonly);

    assert_int_equal(op->flags & ~(uint32_t)GNTMAP_readonly, GNTMAP_device_map);
    op->status = op->ref >= LENT_PAGES ? GNTST_bad_gntref : GNTST_general_error;
    if (op->ref >= LENT_PAGES || (writable && lent_readonly[op->ref]) || fails())
        return;
    do {
        next_handle = (next_handle + 1) % HANDLES;
    } while (mappings[next_handle].ref_and_one);
    mappings[next_handle].ref_and_one = op->ref + 1;
    mappings[next_handle].writable = writable;
    op->handle = next_handle;
    op->dev_bus_addr = (uint64_t)lent_pages[op->ref];
    op->status = GNTST_okay;
}

void grant_map(struct gnttab_map_grant_ref *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        map_one(&ops[i]);
}

void grant_unmap(struct gnttab_unmap_grant_ref *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        assert_true(ops[i].handle < HANDLES && mappings[ops[i].handle].ref_and_one);
        assert_int_equal(ops[i].dev_bus_addr, (uint64_t)lent_pages[mappings[ops[i].handle].ref_and_one - 1]);
        mappings[ops[i].handle].ref_and_one = 0;
        ops[i].status = GNTST_okay;
    }
}

static void between(void)
{
    if (lent_between)
        lent_between();
}

void grant_copy(struct gnttab_copy *ops, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        struct gnttab_copy *op = &ops[i];

        between();
        assert_int_equal(op->flags, GNTCOPY_source_gref);
        assert_true(op->source.offset + op->len <= PAGE_SIZE && op->dest.offset + op->len <= PAGE_SIZE);
        op->status = op->source.u.ref < LENT_PAGES && !fails() ? GNTST_okay : GNTST_bad_gntref;
        if (op->status == GNTST_okay)
            memcpy((char *)(op->dest.u.gmfn << PAGE_SHIFT) + op->dest.offset,
                   lent_pages[op->source.u.ref] + op->source.offset, op->len);
        between();
    }
}

mfn_t virt_to_mfn(const volatile void *address)
{
    return MFN((uint64_t)address >> PAGE_SHIFT);
}

bool lent_is_mapped(uint64_t maddr, uint32_t size, bool to_write)
{
    for (unsigned i = 0; i < HANDLES; i++) {
        uint64_t page = mappings[i].ref_and_one ? (uint64_t)lent_pages[mappings[i].ref_and_one - 1] : 0;

        if (page && maddr >= page && maddr + size <= page + PAGE_SIZE && (mappings[i].writable || !to_write))
            return true;
    }
    return false;
}
