/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: abi/physdev.h.  In order: I/O privilege; interrupts of devices; what no domain has a right to, and is
 * refused as to one without.
 */
#include <abi/errno.h>
#include <abi/mmu.h>
#include <abi/physdev.h>
#include <engine/access.h>
#include <hv/call/calls.h>
#include <hv/device/devices.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/vcpu.h>

#define PORTS_MAX  65536u
#define IOPL_MAX   3u
#define IOPL_SHIFT 12u

/* The largest argument, but for the tail of pci_device_add. */
union argument {
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct compat_physdev_set_iobitmap compat_set_iobitmap;
    struct physdev_irq_status_query irq_status_query;
    struct physdev_eoi eoi;
    struct physdev_map_pirq map_pirq;
    struct compat_physdev_map_pirq compat_map_pirq;
    struct physdev_unmap_pirq unmap_pirq;
    uint8_t bytes[sizeof(struct physdev_map_pirq)];
};

typedef int64_t physdev_fn(struct hv_vcpu *vcpu, union argument *argument);

static int64_t set_iopl(struct hv_vcpu *vcpu, union argument *argument)
{
    if (argument->set_iopl.iopl > IOPL_MAX)
        return call_refuse(-XEN_EINVAL, WHY_IOPL, argument->set_iopl.iopl);
    vcpu->state.iopl = (uint64_t)argument->set_iopl.iopl << IOPL_SHIFT;
    return 0;
}

/*
 * The bitmap is not kept: an access that it would have allowed faults in user mode.  What lets a program have ports is
 * the level that set_iopl gives its kernel.
 */
static int64_t set_iobitmap(struct hv_vcpu *vcpu, union argument *argument)
{
    uint32_t ports = hv_vcpu_is_64bit(vcpu) ? argument->set_iobitmap.nr_ports : argument->compat_set_iobitmap.nr_ports;

    return ports > PORTS_MAX ? call_refuse(-XEN_EINVAL, WHY_IO_BITMAP, ports) : 0;
}

/*
 * ---- Interrupts.
 */

static int64_t irq_status_query(struct hv_vcpu *vcpu, union argument *argument)
{
    struct physdev_irq_status_query *query = &argument->irq_status_query;
    bool needs = false;
    int error = pirq_needs_end(hv_vcpu_domain(vcpu), query->irq, &needs);

    query->flags = needs ? XENIRQSTAT_needs_eoi : 0;
    return error;
}

static int64_t eoi(struct hv_vcpu *vcpu, union argument *argument)
{
    return pirq_end(hv_vcpu_domain(vcpu), argument->eoi.irq);
}

static bool is_self(const struct hv_domain *domain, uint16_t id)
{
    return id == DOMID_SELF || id == domain->engine.id.v;
}

/* The segment, in the high half of @bus or none, has to be the only one that there is. */
static int map_message(struct hv_domain *domain, const struct physdev_map_pirq *map, uint64_t table, uint32_t *pirq)
{
    if ((uint32_t)map->bus > 0xff || (uint32_t)map->devfn > 0xff)
        return call_refuse(-XEN_ENODEV, WHY_NO_FUNCTION, (uint64_t)(uint32_t)map->bus << 8 | (uint32_t)map->devfn);
    return pirq_map_msix(domain, PCI_PLACE((uint32_t)map->bus << 8 | (uint32_t)map->devfn), (uint32_t)map->entry_nr,
                         table, pirq);
}

static int map(struct hv_domain *domain, const struct physdev_map_pirq *map, uint64_t table, uint32_t *pirq)
{
    if (!domain->devices)
        return call_refuse(-XEN_EPERM, WHY_NO_DEVICES, domain->engine.id.v);
    if (!is_self(domain, map->domid))
        return call_refuse(-XEN_EPERM, WHY_NO_RIGHT, map->domid);
    if (map->pirq < -1)
        return call_refuse(-XEN_EINVAL, WHY_PIRQ_RANGE, (uint32_t)map->pirq);
    *pirq = map->pirq == -1 ? PIRQ_ANY : (uint32_t)map->pirq;
    switch (map->type) {
    case MAP_PIRQ_TYPE_MSI:
    case MAP_PIRQ_TYPE_MSI_SEG:
        return map_message(domain, map, table, pirq);
    case MAP_PIRQ_TYPE_GSI:
        return pirq_map_line(domain, (uint32_t)map->index, pirq);
    default:
        return call_refuse(-XEN_EINVAL, WHY_MAP_TYPE, (uint32_t)map->type);
    }
}

/* Up to the address of the table the structures of both widths are the same. */
static int64_t map_pirq(struct hv_vcpu *vcpu, union argument *argument)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);
    uint64_t table = hv_domain_is_64bit(domain) ? argument->map_pirq.table_base : argument->compat_map_pirq.table_base;
    uint32_t pirq = 0;
    int error = map(domain, &argument->map_pirq, table, &pirq);

    if (!error)
        argument->map_pirq.pirq = (int32_t)pirq;
    return error;
}
_Static_assert(offsetof(struct physdev_map_pirq, entry_nr) == offsetof(struct compat_physdev_map_pirq, entry_nr),
               "map_pirq()");

static int64_t unmap_pirq(struct hv_vcpu *vcpu, union argument *argument)
{
    struct hv_domain *domain = hv_vcpu_domain(vcpu);

    if (!domain->devices)
        return call_refuse(-XEN_EINVAL, WHY_NO_DEVICES, domain->engine.id.v);
    if (!is_self(domain, argument->unmap_pirq.domid))
        return call_refuse(-XEN_EPERM, WHY_NO_RIGHT, argument->unmap_pirq.domid);
    return pirq_unmap(domain, (uint32_t)argument->unmap_pirq.pirq);
}

/*
 * ---- The rest.
 */

static int64_t no_right(struct hv_vcpu *vcpu, union argument *argument)
{
    (void)argument;
    return call_refuse(-XEN_EPERM, WHY_HARDWARE, vcpu->engine.domain->id.v);
}

struct command {
    physdev_fn *run;
    uint8_t size, compat_size; /* of the argument */
    bool results;              /* are there any in it? */
};

#define SAME(structure) sizeof(structure), sizeof(structure)

static const struct command commands[] = {
    [PHYSDEVOP_irq_status_query] = {irq_status_query, SAME(struct physdev_irq_status_query), true},
    [PHYSDEVOP_set_iopl] = {set_iopl, SAME(struct physdev_set_iopl), false},
    [PHYSDEVOP_set_iobitmap] = {set_iobitmap, sizeof(struct physdev_set_iobitmap),
                                sizeof(struct compat_physdev_set_iobitmap), false},
    [PHYSDEVOP_apic_read] = {no_right, sizeof(struct physdev_apic), sizeof(struct compat_physdev_apic), false},
    [PHYSDEVOP_apic_write] = {no_right, sizeof(struct physdev_apic), sizeof(struct compat_physdev_apic), false},
    [PHYSDEVOP_alloc_irq_vector] = {no_right, SAME(struct physdev_irq), false},
    [PHYSDEVOP_eoi] = {eoi, SAME(struct physdev_eoi), false},
    [PHYSDEVOP_map_pirq] = {map_pirq, sizeof(struct physdev_map_pirq), sizeof(struct compat_physdev_map_pirq), true},
    [PHYSDEVOP_unmap_pirq] = {unmap_pirq, SAME(struct physdev_unmap_pirq), false},
    [PHYSDEVOP_setup_gsi] = {no_right, SAME(struct physdev_setup_gsi), false},
    [PHYSDEVOP_get_free_pirq] = {no_right, SAME(struct physdev_get_free_pirq), false},
    [PHYSDEVOP_pci_mmcfg_reserved] = {no_right, SAME(struct physdev_pci_mmcfg_reserved), false},
    [PHYSDEVOP_pci_device_add] = {no_right, SAME(struct physdev_pci_device_add), false},
    [PHYSDEVOP_pci_device_remove] = {no_right, SAME(struct physdev_pci_device), false},
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = {no_right, sizeof(struct physdev_pirq_eoi_gmfn),
                                    sizeof(struct compat_physdev_pirq_eoi_gmfn), false},
};

/* A result that cannot be written is -EFAULT after the fact: an interrupt that has been mapped stays so. */
static int64_t run(struct hv_vcpu *vcpu, uint64_t number, vaddr_t from)
{
    const struct command *command = TABLE_FIND_BY(commands, number, run);
    union argument argument;
    size_t size;
    int64_t result;

    if (!command)
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
    size = hv_vcpu_is_64bit(vcpu) ? command->size : command->compat_size;
    if (!access_read(&vcpu->engine, &argument, from, size))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, from.v);
    result = command->run(vcpu, &argument);
    if (result == 0 && command->results && !access_write(&vcpu->engine, from, &argument, size))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, from.v);
    return result;
}

int64_t call_physdev_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return run(vcpu, (uint32_t)args[0], VADDR(args[1]));
}

/* The older form has the number in front of the argument, and room for arguments up to alloc_irq_vector's. */
int64_t call_physdev_op_compat(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    size_t place = hv_vcpu_is_64bit(vcpu) ? offsetof(struct physdev_op, u) : offsetof(struct compat_physdev_op, u);
    uint32_t number;

    if (!access_read(&vcpu->engine, &number, VADDR(args[0]), sizeof(number)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, args[0]);
    if (number > PHYSDEVOP_alloc_irq_vector)
        return call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, number);
    return run(vcpu, number, VADDR(args[0] + place));
}
