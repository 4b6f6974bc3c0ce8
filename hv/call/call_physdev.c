/* SPDX-License-Identifier: MIT */
/*
 * physdev_op: abi/physdev.h.  No domain has devices or device interrupts, so that all there is to do is the I/O
 * privilege level; everything else is refused as it is to a domain without rights.
 */
#include <abi/errno.h>
#include <abi/physdev.h>
#include <engine/access.h>
#include <hv/call/calls.h>
#include <hv/domain/vcpu.h>

#define PORTS_MAX  65536u
#define IOPL_MAX   3u
#define IOPL_SHIFT 12u

/* The largest argument, but for the tail of pci_device_add. */
union argument {
    struct physdev_set_iopl set_iopl;
    struct physdev_set_iobitmap set_iobitmap;
    struct compat_physdev_set_iobitmap compat_set_iobitmap;
    uint8_t bytes[sizeof(struct physdev_map_pirq)];
};

typedef int64_t physdev_fn(struct hv_vcpu *vcpu, const union argument *argument);

static int64_t set_iopl(struct hv_vcpu *vcpu, const union argument *argument)
{
    if (argument->set_iopl.iopl > IOPL_MAX)
        return -XEN_EINVAL;
    vcpu->state.iopl = (uint64_t)argument->set_iopl.iopl << IOPL_SHIFT;
    return 0;
}

/*
 * The bitmap is not kept: there are no ports behind the bits that it clears, and an access that it would have allowed
 * faults in user mode instead of reading all ones.
 */
static int64_t set_iobitmap(struct hv_vcpu *vcpu, const union argument *argument)
{
    uint32_t ports = hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? argument->set_iobitmap.nr_ports
                                                              : argument->compat_set_iobitmap.nr_ports;

    return ports > PORTS_MAX ? -XEN_EINVAL : 0;
}

static int64_t no_interrupt(struct hv_vcpu *vcpu, const union argument *argument)
{
    (void)vcpu;
    (void)argument;
    return -XEN_EINVAL;
}

static int64_t no_right(struct hv_vcpu *vcpu, const union argument *argument)
{
    (void)vcpu;
    (void)argument;
    return -XEN_EPERM;
}

struct command {
    physdev_fn *run;
    uint8_t size, compat_size; /* of the argument */
};

#define SAME(structure) sizeof(structure), sizeof(structure)

static const struct command commands[] = {
    [PHYSDEVOP_irq_status_query] = {no_interrupt, SAME(struct physdev_irq_status_query)},
    [PHYSDEVOP_set_iopl] = {set_iopl, SAME(struct physdev_set_iopl)},
    [PHYSDEVOP_set_iobitmap] = {set_iobitmap, sizeof(struct physdev_set_iobitmap),
                                sizeof(struct compat_physdev_set_iobitmap)},
    [PHYSDEVOP_apic_read] = {no_right, sizeof(struct physdev_apic), sizeof(struct compat_physdev_apic)},
    [PHYSDEVOP_apic_write] = {no_right, sizeof(struct physdev_apic), sizeof(struct compat_physdev_apic)},
    [PHYSDEVOP_alloc_irq_vector] = {no_right, SAME(struct physdev_irq)},
    [PHYSDEVOP_eoi] = {no_interrupt, SAME(struct physdev_eoi)},
    [PHYSDEVOP_map_pirq] = {no_right, sizeof(struct physdev_map_pirq), sizeof(struct compat_physdev_map_pirq)},
    [PHYSDEVOP_unmap_pirq] = {no_interrupt, SAME(struct physdev_unmap_pirq)},
    [PHYSDEVOP_setup_gsi] = {no_right, SAME(struct physdev_setup_gsi)},
    [PHYSDEVOP_get_free_pirq] = {no_right, SAME(struct physdev_get_free_pirq)},
    [PHYSDEVOP_pci_mmcfg_reserved] = {no_right, SAME(struct physdev_pci_mmcfg_reserved)},
    [PHYSDEVOP_pci_device_add] = {no_right, SAME(struct physdev_pci_device_add)},
    [PHYSDEVOP_pci_device_remove] = {no_right, SAME(struct physdev_pci_device)},
    [PHYSDEVOP_pirq_eoi_gmfn_v2] = {no_right, sizeof(struct physdev_pirq_eoi_gmfn),
                                    sizeof(struct compat_physdev_pirq_eoi_gmfn)},
};

static int64_t run(struct hv_vcpu *vcpu, uint64_t number, vaddr_t from)
{
    const struct command *command = TABLE_FIND_BY(commands, number, run);
    union argument argument;

    if (!command)
        return -XEN_ENOSYS;
    if (!access_read(&vcpu->engine, &argument, from,
                     hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? command->size : command->compat_size))
        return -XEN_EFAULT;
    return command->run(vcpu, &argument);
}

int64_t call_physdev_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    return run(vcpu, (uint32_t)args[0], VADDR(args[1]));
}

/* The older form has the number in front of the argument, and room for arguments up to alloc_irq_vector's. */
int64_t call_physdev_op_compat(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    size_t place = hv_domain_is_64bit(hv_vcpu_domain(vcpu)) ? offsetof(struct physdev_op, u)
                                                            : offsetof(struct compat_physdev_op, u);
    uint32_t number;

    if (!access_read(&vcpu->engine, &number, VADDR(args[0]), sizeof(number)))
        return -XEN_EFAULT;
    if (number > PHYSDEVOP_alloc_irq_vector)
        return -XEN_ENOSYS;
    return run(vcpu, number, VADDR(args[0] + place));
}
