/* SPDX-License-Identifier: MIT */
/* The guest's description of extents of memory that come, go or are exchanged: abi/memory.h, xen_memory_reservation. */
#pragma once

#include <engine/access.h>
#include <engine/op.h>

#define RESERVATION_ORDER_MAX 9u /* an extent is at most 2 MiB */

/* A reservation structure of either width, copied from the guest. */
struct reservation {
    vaddr_t extents; /* an array of the guest's words */
    uint64_t count;
    uint32_t order, flags;
    uint16_t domid;
};

/* What the ABI's structure @from says, of either width: they name their members alike. */
#define RESERVATION_OF(from)                                                                                    \
    ((struct reservation){VADDR((from).extent_start), (from).nr_extents, (from).extent_order, (from).mem_flags, \
                          (from).domid})

/* Copy a reservation structure of the guest's width.  False: @from could not be read. */
bool __must_check reservation_read(struct vcpu *vcpu, vaddr_t from, struct reservation *out);

/*
 * Is @reservation one whose extents the machine can serve for the calling domain itself?  Each 0, or the error:
 * -XEN_EPERM extents too large; -XEN_EFAULT the array; -XEN_ESRCH another domain.
 */
int __must_check reservation_check_order(const struct op *op, const struct reservation *reservation);
int __must_check reservation_check_array(const struct op *op, const struct reservation *reservation);
int __must_check reservation_check_domain(const struct op *op, const struct reservation *reservation);

/* Can all frames of the machine be reached with the address bits asked for?  Else -XEN_ENOMEM. */
int __must_check reservation_check_bits(const struct op *op, const struct reservation *reservation);

/*
 * Take an extent of 2^@order frames from @first out of the reservation of op->pt_owner, wholly or not at all; frames
 * that are in other use live on.  -XEN_EINVAL: one of them is not an allocated frame of the domain.
 */
int __must_check reservation_release_extent(struct op *op, unsigned order, mfn_t first);

/* The address of extent @index of the array. */
static inline vaddr_t reservation_extent(const struct op *op, const struct reservation *reservation, uint64_t index)
{
    return VADDR(reservation->extents.v + index * access_word_size(op->vcpu->domain));
}
