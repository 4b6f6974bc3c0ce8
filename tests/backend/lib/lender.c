/* SPDX-License-Identifier: MIT */
/* Copies as GNTTABOP_copy makes them, by the rules of abi/grant.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/mmu.h>
#include <guest/address.h>
#include <guest/types.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/lender.h>

void (*lender_meanwhile)(void);
unsigned lender_most_copies;

static uint8_t pages[LENDER_PAGES][PAGE_SIZE] __attribute__((aligned(PAGE_SIZE)));
static bool refused[LENDER_PAGES];

void lender_start(void)
{
    memset(pages, 0, sizeof(pages));
    memset(refused, 0, sizeof(refused));
    lender_meanwhile = NULL;
    lender_most_copies = 0;
}

static bool is_lent(grant_ref_t ref)
{
    return ref >= LENDER_FIRST_REF && ref < LENDER_FIRST_REF + LENDER_PAGES;
}

uint8_t *lender_page(grant_ref_t ref)
{
    assert_true(is_lent(ref));
    return pages[ref - LENDER_FIRST_REF];
}

void lender_refuse(grant_ref_t ref, bool refuse)
{
    assert_true(is_lent(ref));
    refused[ref - LENDER_FIRST_REF] = refuse;
}

mfn_t virt_to_mfn(const volatile void *address)
{
    return MFN((uint64_t)address >> PAGE_SHIFT);
}

/* One end of a copy: its bytes, or NULL and the status that says why not. */
static uint8_t *end_of(const struct gnttab_copy_ptr *end, bool by_ref, unsigned size, int16_t *status)
{
    static const int16_t failures[] = {GNTST_general_error, GNTST_bad_gntref, GNTST_bad_page, GNTST_eagain};

    assert_in_range(end->offset + size, 0, PAGE_SIZE); /* whatever a front end says, nobody asks for that */
    if (!by_ref) {
        assert_int_equal(end->domid, DOMID_SELF);
        return (uint8_t *)(end->u.gmfn << PAGE_SHIFT) + end->offset;
    }
    assert_int_equal(end->domid, LENDER_DOMAIN);
    if (!is_lent(end->u.ref) || refused[end->u.ref - LENDER_FIRST_REF]) {
        *status = DRAW_OF(failures);
        return NULL;
    }
    return lender_page(end->u.ref) + end->offset;
}

void grant_copy(struct gnttab_copy *ops, unsigned count)
{
    if (lender_meanwhile)
        lender_meanwhile();
    if (count > lender_most_copies)
        lender_most_copies = count;
    for (struct gnttab_copy *op = ops; op < ops + count; op++) {
        const uint8_t *from;
        uint8_t *to = NULL;

        op->status = GNTST_okay;
        from = end_of(&op->source, op->flags & GNTCOPY_source_gref, op->len, &op->status);
        if (from)
            to = end_of(&op->dest, op->flags & GNTCOPY_dest_gref, op->len, &op->status);
        if (to)
            memcpy(to, from, op->len);
    }
}
