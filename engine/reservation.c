/* SPDX-License-Identifier: MIT */
/* Reservation structures, in order: copied from the guest, checked; an extent given back. */
#include <abi/memory.h>
#include <engine/access.h>
#include <engine/frame.h>
#include <engine/reservation.h>

bool reservation_read(struct vcpu *vcpu, vaddr_t from, struct reservation *out)
{
    struct xen_memory_reservation full;
    struct compat_xen_memory_reservation compat;

    if (vcpu->domain->width == WIDTH_64) {
        if (!access_read(vcpu, &full, from, sizeof(full)))
            return false;
        *out = RESERVATION_OF(full);
        return true;
    }
    if (!access_read(vcpu, &compat, from, sizeof(compat)))
        return false;
    *out = RESERVATION_OF(compat);
    return true;
}

int reservation_check_order(const struct op *op, const struct reservation *reservation)
{
    if (reservation->order > RESERVATION_ORDER_MAX)
        return refuse_value(op, XEN_EPERM, REFUSE_EXTENT_ORDER, reservation->order);
    return 0;
}

int reservation_check_array(const struct op *op, const struct reservation *reservation)
{
    const struct domain *domain = op->vcpu->domain;

    if (reservation->count > UINT32_MAX ||
        !access_array_ok(domain, reservation->extents, reservation->count, access_word_size(domain)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_ADDRESS, reservation->extents.v);
    return 0;
}

int reservation_check_domain(const struct op *op, const struct reservation *reservation)
{
    /* Here, unlike in foreigndom, a domain may name itself by number. */
    if (reservation->domid != DOMID_SELF && reservation->domid != op->vcpu->domain->id.v)
        return refuse_value(op, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN, reservation->domid);
    return 0;
}

int reservation_check_bits(const struct op *op, const struct reservation *reservation)
{
    unsigned bits = XENMEMF_get_address_bits(reservation->flags);

    if (bits == 0 || bits >= 64 || (op->machine->nr_frames << PAGE_SHIFT) - 1 <= (UINT64_C(1) << bits) - 1)
        return 0;
    return refuse_value(op, XEN_ENOMEM, REFUSE_ADDRESS_BITS, reservation->flags);
}

int reservation_release_extent(struct op *op, unsigned order, mfn_t first)
{
    uint64_t count = UINT64_C(1) << order;

    for (uint64_t i = 0; i < count; i++) {
        const struct frame *frame = frame_find(op->machine, mfn_add(first, i));

        if (!frame || frame_owner(frame) != op->pt_owner->id.v)
            return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, first.v + i);
        if (!(frame->flags & FRAME_ALLOCATED))
            return refuse(op, XEN_EINVAL, REFUSE_NOT_ALLOCATED, NOWHERE, frame, first.v + i);
    }
    for (uint64_t i = 0; i < count; i++) {
        if (frame_release(op->pt_owner, frame_find(op->machine, mfn_add(first, i))))
            CHECK(false); /* looked at above, under the same lock */
    }
    return 0;
}
