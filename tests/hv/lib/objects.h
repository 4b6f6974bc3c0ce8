/* SPDX-License-Identifier: MIT */
/* hv/mem/allocate.h of the host's memory, counted. */
#pragma once

#include <stdbool.h>

extern unsigned objects; /* of allocate(), not released */

/* Asked each time, where it is set: true, and there is no memory. */
extern bool (*object_fails)(void);
