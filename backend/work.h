/* SPDX-License-Identifier: MIT */
/* What keeps the main loop from going to sleep. */
#pragma once

#include <guest/types.h>

/*
 * The main loop takes another turn before it sleeps.  For who stopped because its share of this turn was used up; an
 * event needs no such call, since each has a turn behind it.
 */
void work_again(void);

/* For the main loop: has anybody said so since it asked last? */
bool work_take(void);
