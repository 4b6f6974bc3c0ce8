/* SPDX-License-Identifier: MIT */
/* The "done_out" argument of mmu_update and mmuext_op. */
#pragma once

#include <engine/access.h>

/*
 * Tell the guest that @done entries of its batch were carried out, at @to, which may be null; a fault is ignored.
 * @resumed: the number that stands there is added to.
 */
static inline void done_write(struct vcpu *vcpu, vaddr_t to, uint32_t done, bool resumed)
{
    uint32_t before = 0;

    if (to.v == 0 || (resumed && !access_read(vcpu, &before, to, sizeof(before))))
        return;
    done += before;
    if (!access_write(vcpu, to, &done, sizeof(done)))
        return; /* the ABI: ignored */
}
