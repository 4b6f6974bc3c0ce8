/* SPDX-License-Identifier: MIT */
/* Where a kernel's image goes, and what it says about places: a part of the judge's. */
#pragma once

#include <hv/kernel/judge.h>

/* The segments that are to be loaded.  They are checked against the file and each other, not against the notes. */
void placement_read_segments(struct kernel *kernel, struct findings *findings);

/* The places that notes name, for a kernel that has segments. */
void placement_read_notes(struct kernel *kernel, struct findings *findings);

/* Do the @size bytes from virtual address @start on, at least one, belong to a guest of @width? */
bool placement_is_guests(enum width width, uint64_t start, uint64_t size);
