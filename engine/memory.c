/* SPDX-License-Identifier: MIT */
/*
 * HYPERVISOR_memory_op, in order: one extent taken, one given back; the calls.
 * Frames come and go one extent at a time, so that a call that stops in the middle has done exactly what it says.
 */
#include <abi/errno.h>
#include <abi/hypercall.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <engine/access.h>
#include <engine/exchange.h>
#include <engine/foreign.h>
#include <engine/frame.h>
#include <engine/m2p.h>
#include <engine/memory.h>
#include <engine/reservation.h>

/* An extent for the domain; its M2P entries count up from @pfn, or stay invalid if that is MACH2PHYS_INVALID. */
static int take_extent(struct op *op, unsigned order, uint64_t pfn, mfn_t *first)
{
    int error = frames_allocate(op->pt_owner, order, first);

    if (error)
        return refuse_value(op, XEN_ENOMEM, REFUSE_NO_MEMORY, order);
    for (uint64_t i = 0; pfn != MACH2PHYS_INVALID && i < UINT64_C(1) << order; i++)
        m2p_set(op->machine, mfn_add(*first, i), pfn + i);
    return 0;
}

static int increase_one(struct op *op, const struct reservation *reservation, uint64_t index, bool with_pfn)
{
    uint64_t pfn = MACH2PHYS_INVALID;
    vaddr_t at = reservation_extent(op, reservation, index);
    mfn_t first;
    int error;

    if (with_pfn && !access_read_word(op->vcpu, &pfn, at))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
    error = take_extent(op, reservation->order, pfn, &first);
    if (error)
        return error;
    if ((with_pfn || reservation->extents.v) && !access_write_word(op->vcpu, at, first.v)) {
        error = refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
        if (reservation_release_extent(op, reservation->order, first))
            CHECK(false); /* nobody has heard of these frames yet */
    }
    return error;
}

static int decrease_one(struct op *op, const struct reservation *reservation, uint64_t index)
{
    vaddr_t at = reservation_extent(op, reservation, index);
    mfn_t first;

    if (!access_read_word(op->vcpu, &first.v, at))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
    return reservation_release_extent(op, reservation->order, first);
}

/* The domain that a structure names, which the caller may work on: -XEN_ESRCH, -XEN_EPERM. */
static int find_named(const struct op *op, uint16_t id, struct domain **domain)
{
    int error;

    if (id == op->vcpu->domain->id.v)
        id = DOMID_SELF; /* here, unlike in foreigndom, a domain may name itself by number */
    error = foreign_find(op, id, domain);
    if (!error && !*domain)
        return refuse_value(op, XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN, id);
    if (!error && !foreign_allowed(op, id, *domain))
        return refuse_value(op, XEN_EPERM, REFUSE_NOT_PRIVILEGED, id);
    return error;
}

/* Returns the number of extents done: for a reservation that makes no sense, none. */
static int64_t change_reservation(struct op *op, unsigned command, vaddr_t argument)
{
    struct reservation reservation;
    struct domain *domain;
    int error = 0;

    if (!reservation_read(op->vcpu, argument, &reservation))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, argument.v);
    if (find_named(op, reservation.domid, &domain) || reservation_check_order(op, &reservation) ||
        reservation_check_array(op, &reservation) ||
        (command != XENMEM_decrease_reservation && reservation_check_bits(op, &reservation)) ||
        op_begin(op, domain, domain))
        return 0;
    for (op->done = 0; op->done < reservation.count; op->done++) {
        if (!op_goes_on(op))
            break;
        if (command == XENMEM_decrease_reservation)
            error = decrease_one(op, &reservation, op->done);
        else
            error = increase_one(op, &reservation, op->done, command == XENMEM_populate_physmap);
        if (error)
            break;
    }
    op_end(op);
    return op->done;
}

/* XENMEM_current_reservation and maximum_reservation. */
static int64_t ask_domain(struct op *op, unsigned command, vaddr_t argument)
{
    struct xen_memory_domain named;
    struct domain *domain;
    int error;

    if (!access_read(op->vcpu, &named, argument, sizeof(named)))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, argument.v);
    error = find_named(op, named.domid, &domain);
    if (error)
        return error;
    return (int64_t)(command == XENMEM_current_reservation ? domain->nr_frames : domain->max_frames);
}

static int64_t machphys_mapping(struct op *op, vaddr_t argument)
{
    const struct xen_machphys_mapping full = {MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_END, MACH2PHYS_NR_ENTRIES - 1};
    const struct compat_xen_machphys_mapping compat = {COMPAT_MACH2PHYS_VIRT_START, COMPAT_MACH2PHYS_VIRT_END,
                                                       COMPAT_MACH2PHYS_NR_ENTRIES - 1};
    bool written = op->vcpu->domain->width == WIDTH_64 ? access_write(op->vcpu, argument, &full, sizeof(full))
                                                       : access_write(op->vcpu, argument, &compat, sizeof(compat));

    return written ? 0 : refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, argument.v);
}

int64_t memory_op(struct op *op, const uint64_t args[6])
{
    vaddr_t argument = VADDR(args[1]);

    op->command = (unsigned)args[0];
    switch (args[0]) {
    case XENMEM_increase_reservation:
    case XENMEM_decrease_reservation:
    case XENMEM_populate_physmap:
        return change_reservation(op, (unsigned)args[0], argument);
    case XENMEM_exchange:
        return exchange_memory(op, argument);
    case XENMEM_current_reservation:
    case XENMEM_maximum_reservation:
        return ask_domain(op, (unsigned)args[0], argument);
    case XENMEM_maximum_ram_page:
        return (int64_t)op->machine->nr_frames;
    case XENMEM_machphys_mapping:
        return machphys_mapping(op, argument);
    default:
        return port_hypercall(op->vcpu, __HYPERVISOR_memory_op, args);
    }
}
