/* SPDX-License-Identifier: MIT */
/* What becomes of a kernel that uses the library wrongly. */
#pragma once

#include <guest/types.h>

/*
 * Use the library wrongly, on purpose, to see what a kernel's author gets to read.  1: leave a lazy mode that was not
 * entered; 2: unpin what is not pinned; and under a hypervisor 3: write to a pinned table past the operations, 4: queue
 * an update that is refused when it goes out.  Each ends in a panic.
 */
void misuse(uint64_t kind);
