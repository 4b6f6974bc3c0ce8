/* SPDX-License-Identifier: MIT */
/* What global pages are worth on this machine. */
#pragma once

#include <stdbool.h>

/*
 * Has a translation of a global page been seen to outlast a load of cr3?  CR4.PGE is on, allocate() works, and no other
 * processor runs.  Nobody's safety depends on the answer: a processor may forget what it likes.
 */
bool global_pages_stay(void);
