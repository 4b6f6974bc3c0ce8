/* SPDX-License-Identifier: MIT */
/*
 * Segment descriptors: which ones a guest may have, and how they are adjusted: abi/segment.h; formats: Intel SDM
 * volume 3, 3.4.5 and 5.8.3.
 */
#pragma once

#include <engine/frame.h>
#include <engine/op.h>

/*
 * Adjust *@descriptor to what a guest of @width may have: its privilege level never allows entering the hypervisor.
 * False: it may not have such a descriptor at all; *@descriptor is unchanged.
 */
bool __must_check descriptor_adjust(enum width width, uint64_t *descriptor);

/*
 * Check and adjust all 512 descriptors of a frame that is promoting to SEGDESC.
 * -XEN_EINVAL: one of them is refused.
 */
int __must_check descriptor_frame_validate(const struct op *op, const struct frame *frame);
