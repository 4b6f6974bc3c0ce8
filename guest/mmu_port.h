/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that page tables need, each counted.  mmu_port.c makes them; the hosted tests put the engine in its
 * place.
 */
#pragma once

#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>

/* What has been asked of the hypervisor since the start. */
struct mmu_counts {
    uint64_t hypercalls; /* a multicall counts as one */
    uint64_t updates;    /* entries in mmu_update */
    uint64_t ops;        /* operations in mmuext_op */
};
extern struct mmu_counts mmu_counts;

/*
 * 0 or a negated errno, as the calls of these names have them, on the guest's own domain.  *@done receives how many
 * updates or operations are done.
 */
long mmu_port_update(struct mmu_update *updates, unsigned count, unsigned *done);
long mmu_port_mmuext(struct mmuext_op *ops, unsigned count, unsigned *done);

/* The entries are calls of the two kinds above, whose arguments point to arrays and a number in the same way. */
long mmu_port_multicall(struct multicall_entry *calls, unsigned count);

/* An entry for mmu_port_multicall(); the arrays stay the caller's until the call. */
struct multicall_entry mmu_port_update_call(struct mmu_update *updates, unsigned count, unsigned *done);
struct multicall_entry mmu_port_mmuext_call(struct mmuext_op *ops, unsigned count, unsigned *done);
