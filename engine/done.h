/* SPDX-License-Identifier: MIT */
/* The "done_out" argument of mmu_update and mmuext_op. */
#pragma once

#include <engine/access.h>

/* done_write(), where @to is not null. */
static __attribute__((noinline)) void done_tell(struct vcpu *vcpu, vaddr_t to, uint32_t done, bool resumed)
{
    uint32_t before = 0;

    if (resumed && !access_read(vcpu, &before, to, sizeof(before)))
        return;
    done += before;
    if (!access_write(vcpu, to, &done, sizeof(done)))
        return; /* the ABI: ignored */
}

/*
 * Tell the guest that @done entries of its batch were carried out, at @to, which may be null; a fault is ignored.
 * @resumed: the number that stands there is added to.
 */
FORCE_INLINE void done_write(struct vcpu *vcpu, vaddr_t to, uint32_t done, bool resumed)
{
    if (to.v != 0)
        done_tell(vcpu, to, done, resumed);
}
