/* SPDX-License-Identifier: MIT */
/*
 * Do two processors have one clock?  They read their TSCs in turns, and each reading has to be no earlier than the one
 * before, which the other has made.  What is closer together than such a turn takes, nobody else can tell apart either.
 */
#pragma once

#include <stdint.h>

/* Before either begins, by the first. */
void tsc_compare_begin(void);

/*
 * The first's part, and the other's, at the same time.  *@off: by how many ticks a reading was too early, at least; 0:
 * none was.  -XEN_EBUSY: the other has not taken its turn within @ns nanoseconds.
 */
int __attribute__((warn_unused_result)) tsc_compare_first(uint64_t ns, uint64_t *off);
void tsc_compare_other(void);
