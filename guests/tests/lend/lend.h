/* SPDX-License-Identifier: MIT */
/*
 * Two guests, of which one lends pages to the other, and each may end at any step; and one that tries to take what is
 * not lent to it.  The control page is lent, too: by it they tell each other how far they are.
 *
 *   role=1 peer=N [end=STEP]      lend pages to domain N; power off when the borrower has reached that step
 *   role=2 peer=N [end=STEP]      borrow them; power off after that step
 *   role=1 ... again=1            reboot instead, once
 *   role=2 peer=N orphan=STEP     after that step the lender ends, and what is borrowed stays
 *   role=2 ... next=1             keep that until the lender is there again
 *   role=3                        guess
 */
#pragma once

#include <abi/grant.h>
#include <guest/types.h>

/* The lender's references. */
enum {
    REF_CONTROL = 8,
    REF_PAGE,     /* may be written */
    REF_READONLY, /* may not */
    REF_OTHERS,   /* is lent to another domain */
    REF_TABLE,    /* is a page table */
    REF_NOTHING,  /* is not lent */
    REFS,
};

/* What the borrower has done. */
enum {
    STEP_CONTROL = 1, /* mapped the control page */
    STEP_MAPPED,      /* the others as well */
    STEP_COPIED,
    STEP_TWICE, /* mapped the page once more */
    STEP_SENT,  /* an event */
    STEP_MOVED, /* the mapping, by unmap_and_replace */
    STEP_GIVEN_BACK,
    STEP_LAST,
};

#define WORD_OF_LENDER   UINT64_C(0x6c656e646572)
#define WORD_OF_BORROWER UINT64_C(0x626f72726f776572)

struct control {
    uint32_t ready; /* the step that the lender has looked at */
    uint32_t step;  /* of the borrower */
    uint32_t port;  /* of the lender, for the borrower */
    uint32_t events_seen;
};

/* Page @index of a region where nothing is mapped until now. */
uint64_t window(unsigned index);

/* Asleep for a millisecond, at most so often: false when that is over. */
bool wait_a_little(unsigned *times);

int16_t map_grant(unsigned domain, grant_ref_t ref, uint64_t at, uint32_t flags, grant_handle_t *handle);
int16_t unmap_grant(grant_handle_t handle, uint64_t at);
int16_t copy_grant(struct gnttab_copy *copy);

void be_lender(unsigned peer, unsigned end);
void be_borrower(unsigned peer, unsigned end, unsigned orphan);
void be_thief(void);
