/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_set_trap_table, and single handlers. */
#include <abi/trap.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <engine/trap.h>

#define GATE_FLAGS   7u
#define SELECTOR_RPL 3u

static bool read_entry(struct vcpu *vcpu, vaddr_t list, uint64_t index, struct trap_info *info)
{
    struct compat_trap_info compat;

    if (vcpu->domain->width == WIDTH_64)
        return access_read(vcpu, info, VADDR(list.v + index * sizeof(*info)), sizeof(*info));
    if (!access_read(vcpu, &compat, VADDR(list.v + index * sizeof(compat)), sizeof(compat)))
        return false;
    info->vector = compat.vector;
    info->flags = compat.flags;
    info->cs = compat.cs;
    info->address = compat.address;
    return true;
}

/* A handler never runs in ring 0: 64-bit guests run in ring 3, a 32-bit one's kernel in ring 1. */
static uint16_t fix_selector(enum width width, uint16_t cs)
{
    if (width == WIDTH_64)
        return cs | SELECTOR_RPL;
    return (uint16_t)((cs & ~SELECTOR_RPL) | 1u);
}

/* May a handler lie at @address?  That of a 32-bit guest anywhere: it is reached with the guest's rights alone. */
static bool handler_ok(const struct domain *domain, uint64_t address)
{
    return domain->width == WIDTH_64 ? access_address_ok(domain, address) : address <= UINT32_MAX;
}

static void set_gate(struct vcpu *vcpu, uint8_t vector, uint64_t address, uint16_t cs, uint8_t flags)
{
    vcpu->traps[vector] = (struct trap_gate){address, fix_selector(vcpu->domain->width, cs), flags & GATE_FLAGS};
}

static void clear(struct vcpu *vcpu)
{
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        vcpu->traps[i] = (struct trap_gate){0, 0, 0};
}

int64_t set_trap_table(struct op *op, vaddr_t list)
{
    struct vcpu *vcpu = op->vcpu;
    struct trap_info info;

    if (list.v == 0) {
        clear(vcpu);
        return 0;
    }
    for (uint64_t i = 0;; i++) {
        if (domain_is_dying(vcpu->domain))
            return refuse_value(op, XEN_ESRCH, REFUSE_DYING, vcpu->domain->id.v);
        if (!read_entry(vcpu, list, i, &info))
            return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, list.v);
        if (info.address == 0)
            return 0;
        if (!handler_ok(vcpu->domain, info.address))
            return refuse_value(op, XEN_EINVAL, REFUSE_NOT_CANONICAL, info.address);
        set_gate(vcpu, info.vector, info.address, info.cs, info.flags);
        port_preempt_point();
    }
}

int vcpu_set_trap(struct vcpu *vcpu, unsigned vector, uint64_t address, uint16_t cs, uint8_t flags)
{
    const struct op op = op_own(vcpu->domain, NULL);

    if (vector >= TRAP_VECTORS)
        return refuse_value(&op, XEN_EINVAL, REFUSE_TABLE_LIMIT, vector);
    if (!handler_ok(vcpu->domain, address))
        return refuse_value(&op, XEN_EINVAL, REFUSE_NOT_CANONICAL, address);
    if (address == 0)
        vcpu->traps[vector] = (struct trap_gate){0, 0, 0};
    else
        set_gate(vcpu, (uint8_t)vector, address, cs, flags);
    return 0;
}
