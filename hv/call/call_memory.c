/* SPDX-License-Identifier: MIT */
/* memory_op, as far as it only asks: abi/memory.h.  What moves frames is the engine's. */
#include <abi/errno.h>
#include <abi/memory.h>
#include <abi/mmu.h>
#include <abi/shared.h>
#include <engine/access.h>
#include <hv/base/layout.h>
#include <hv/call/calls.h>
#include <hv/domain/call_refuse.h>
#include <hv/domain/domain.h>
#include <hv/domain/vcpu.h>

#define M2P_EXTENT (UINT64_C(2) << 20)

/*
 * One area: everything that the domain may have.  The initial domain's map of the machine is the same: it has no right
 * to anything of the machine but its own memory, so none of the rest is there for it.
 */
static int64_t memory_map(struct hv_vcpu *vcpu, vaddr_t argument)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    const struct e820_entry entry = {0, domain->engine.max_frames << PAGE_SHIFT, E820_RAM};
    struct xen_memory_map map;
    struct compat_xen_memory_map compat;
    uint32_t stored;

    if (hv_domain_is_64bit(domain)) {
        if (!access_read(&vcpu->engine, &map, argument, sizeof(map)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
    } else {
        if (!access_read(&vcpu->engine, &compat, argument, sizeof(compat)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
        map = (struct xen_memory_map){.nr_entries = compat.nr_entries, .buffer = compat.buffer};
    }
    stored = map.nr_entries > 0 ? 1 : 0;
    if (stored > 0 && !access_write(&vcpu->engine, VADDR(map.buffer), &entry, sizeof(entry)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, map.buffer);
    if (!access_write(&vcpu->engine, argument, &stored, sizeof(stored)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
    return 0;
}

static int64_t machine_memory_map(struct hv_vcpu *vcpu, vaddr_t argument)
{
    if (!hv_vcpu_domain(vcpu)->initial)
        return call_refuse(-XEN_EPERM, WHY_NOT_INITIAL, vcpu->engine.domain->id.v);
    return memory_map(vcpu, argument);
}

/* The frames of a table of @size bytes at @table, which are consecutive: one number for each 2 MiB. */
static int64_t list_frames(struct hv_vcpu *vcpu, vaddr_t argument, const void *table, uint64_t size)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    uint64_t first = ((uint64_t)table - DIRECT_BASE) >> PAGE_SHIFT;
    uint64_t count = (size + M2P_EXTENT - 1) / M2P_EXTENT, word = access_word_size(&domain->engine);
    struct xen_machphys_mfn_list list;
    struct compat_xen_machphys_mfn_list compat;
    uint32_t stored;
    size_t place;

    if (hv_domain_is_64bit(domain)) {
        if (!access_read(&vcpu->engine, &list, argument, sizeof(list)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
        place = offsetof(struct xen_machphys_mfn_list, nr_extents);
    } else {
        if (!access_read(&vcpu->engine, &compat, argument, sizeof(compat)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
        list = (struct xen_machphys_mfn_list){.max_extents = compat.max_extents, .extent_start = compat.extent_start};
        place = offsetof(struct compat_xen_machphys_mfn_list, nr_extents);
    }
    stored = list.max_extents < count ? list.max_extents : (uint32_t)count;
    for (uint32_t i = 0; i < stored; i++) {
        vaddr_t to = VADDR(list.extent_start + i * word);

        if (!access_write_word(&vcpu->engine, to, first + i * (M2P_EXTENT / PAGE_SIZE)))
            return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, to.v);
    }
    if (!access_write(&vcpu->engine, VADDR(argument.v + place), &stored, sizeof(stored)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
    return 0;
}

static int64_t machphys_mfn_list(struct hv_vcpu *vcpu, vaddr_t argument)
{
    const struct machine *machine = vcpu->engine.domain->machine;

    if (!hv_vcpu_is_64bit(vcpu))
        return list_frames(vcpu, argument, machine->compat_m2p, machine->nr_frames * sizeof(machine->compat_m2p[0]));
    return list_frames(vcpu, argument, machine->m2p, machine->nr_frames * sizeof(machine->m2p[0]));
}

static int64_t machphys_compat_mfn_list(struct hv_vcpu *vcpu, vaddr_t argument)
{
    const struct machine *machine = vcpu->engine.domain->machine;

    return list_frames(vcpu, argument, machine->compat_m2p, machine->nr_frames * sizeof(machine->compat_m2p[0]));
}

/* What the guest itself wrote to shared_info, or, if it did not, what it may have. */
static int64_t maximum_gpfn(struct hv_vcpu *vcpu, vaddr_t argument)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    const struct shared_info *full = domain->shared_info;
    const struct compat_shared_info *compat = domain->shared_info;
    struct xen_memory_domain named;
    uint64_t count;

    if (!access_read(&vcpu->engine, &named, argument, sizeof(named)))
        return call_refuse(-XEN_EFAULT, WHY_ARGUMENT_FAULT, argument.v);
    if (named.domid != DOMID_SELF && named.domid != domain->engine.id.v) {
        if (!hv_domain_find(domain->engine.machine, named.domid))
            return call_refuse(-XEN_ESRCH, WHY_NO_DOMAIN, named.domid);
        return call_refuse(-XEN_EPERM, WHY_NO_RIGHT, named.domid);
    }
    if (hv_domain_is_64bit(domain))
        count = __atomic_load_n(&full->arch.max_pfn, __ATOMIC_RELAXED);
    else
        count = __atomic_load_n(&compat->arch.max_pfn, __ATOMIC_RELAXED);
    if (count == 0 || count > INT64_MAX)
        count = domain->engine.max_frames;
    return (int64_t)count - 1;
}

/* XENMEM_add_to_physmap and remove_from_physmap: the P2M of a guest with direct paging is its own. */
static int64_t no_physmap(struct hv_vcpu *vcpu, vaddr_t argument)
{
    (void)vcpu;
    (void)argument;
    return call_refuse(-XEN_ENOSYS, WHY_NO_PHYSMAP, XENMEM_add_to_physmap);
}

typedef int64_t memory_fn(struct hv_vcpu *vcpu, vaddr_t argument);

static memory_fn *const commands[] = {
    [XENMEM_machphys_mfn_list] = machphys_mfn_list,
    [XENMEM_add_to_physmap] = no_physmap,
    [XENMEM_memory_map] = memory_map,
    [XENMEM_machine_memory_map] = machine_memory_map,
    [XENMEM_maximum_gpfn] = maximum_gpfn,
    [XENMEM_remove_from_physmap] = no_physmap,
    [XENMEM_machphys_compat_mfn_list] = machphys_compat_mfn_list,
};

int64_t call_memory_op(struct hv_vcpu *vcpu, const uint64_t args[6])
{
    memory_fn *command = TABLE_FIND(commands, args[0]);

    return command ? command(vcpu, VADDR(args[1])) : call_refuse(-XEN_ENOSYS, WHY_NO_COMMAND, args[0]);
}
