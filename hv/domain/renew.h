/* SPDX-License-Identifier: MIT */
/*
 * What a processor keeps of things that have changed in memory, and what it does to have them anew.  Another one has
 * to be asked: hv/domain/request.h.
 */
#pragma once

#include <engine/types.h>

/* A set of these. */
enum renewal {
    RENEW_TRANSLATIONS = 1 << 0, /* every cached one, and what the root of a 32-bit guest's vCPU has copied */
    RENEW_PAGE = 1 << 1,         /* the translations of one page */
    RENEW_CACHES = 1 << 2,       /* write back and invalidate them */
    RENEW_ROOT = 1 << 3,         /* load the root of the vCPU that runs */
    RENEW_LDT = 1 << 4,          /* load its LDT */
};

/* Do that on this processor; @page counts with RENEW_PAGE. */
void renew_here(unsigned what, vaddr_t page);

/* RENEW_TRANSLATIONS alone, which is most of what is asked for. */
void renew_translations_here(void);
