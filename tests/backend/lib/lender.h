/* SPDX-License-Identifier: MIT */
/* A guest that lends pages, and the hypervisor that copies out of and into them: grant_copy(), virt_to_mfn(). */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <guest/grant.h>

#define LENDER_DOMAIN    7u
#define LENDER_PAGES     512u
#define LENDER_FIRST_REF 1000u

/* All pages lent, writable, and zero. */
void lender_start(void);

uint8_t *lender_page(grant_ref_t ref);

/* Copies that name @ref fail from now on, with any status but success; or work again. */
void lender_refuse(grant_ref_t ref, bool refuse);

/* Called at the begin of each grant_copy(): what the guest does meanwhile.  NULL: nothing. */
extern void (*lender_meanwhile)(void);

/* How many copies there have been, of one batch at most. */
extern unsigned lender_most_copies;
