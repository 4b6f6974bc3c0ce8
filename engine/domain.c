/* SPDX-License-Identifier: MIT */
/* Machines, domains and vCPUs, in order: their making, what a builder needs, their end. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <engine/grant_map.h>
#include <engine/grant_table.h>
#include <engine/hold.h>
#include <engine/m2p.h>
#include <engine/op.h>
#include <engine/pin.h>
#include <engine/root.h>
#include <engine/segment.h>

void machine_init(struct machine *machine)
{
    CHECK(machine->phys_bits >= 36 && machine->phys_bits <= 52);
    CHECK(machine->nr_domains <= DOMID_FIRST_RESERVED); /* no domain owns what OWNER_NONE, DOMID_IO or DOMID_XEN do */
    machine->privilege_used = false;
    machine->tlb.now = 1; /* what nobody has used yet bears the stamp 0 */
    for (unsigned i = 0; i < MAX_CPUS; i++)
        machine->tlb.flushed[i] = 0;
    for (uint64_t i = 0; i < machine->nr_frames; i++) {
        machine->frames[i] = (struct frame){.type = type_word(TYPE_NONE, 0, 0), .owner = DOMID_IO};
        m2p_set(machine, MFN(i), MACH2PHYS_INVALID);
    }
}

static void set_owner(struct machine *machine, mfn_t first, uint64_t count, uint16_t owner)
{
    for (uint64_t i = 0; i < count; i++) {
        struct frame *frame = frame_find(machine, mfn_add(first, i));

        CHECK(frame && frame_owner(frame) == DOMID_IO);
        frame_set_owner(frame, owner);
    }
}

void machine_add_ram(struct machine *machine, mfn_t first, uint64_t count)
{
    CHECK(!machine->l1tf || first.v > 0);
    set_owner(machine, first, count, OWNER_NONE);
}

void machine_reserve(struct machine *machine, mfn_t first, uint64_t count)
{
    CHECK(!machine->l1tf || first.v > 0);
    set_owner(machine, first, count, DOMID_XEN);
}

void domain_init(struct domain *domain)
{
    domain->nr_frames = 0;
    domain->operations = 0;
    domain->dying = false;
    domain->nr_holds = 0;
    grant_table_init(domain);
}

void vcpu_init(struct vcpu *vcpu)
{
    vcpu->user_mode = false;
    vcpu->diverted = false;
    vcpu->kernel_root = MFN_NONE;
    vcpu->user_root = MFN_NONE;
    vcpu->gdt_entries = 0;
    vcpu->ldt_entries = 0;
    vcpu->ldt_shown = false;
    vcpu->ldt_base = VADDR(0);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        vcpu->gdt[i] = MFN_NONE;
    for (unsigned i = 0; i < LDT_FRAMES; i++)
        vcpu->ldt[i] = MFN_NONE;
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        vcpu->traps[i] = (struct trap_gate){0, 0, 0};
}

int domain_populate_extent(struct domain *domain, pfn_t pfn, unsigned order, mfn_t *first)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = frames_allocate(domain, order, first);
    for (uint64_t i = 0; !error && i < UINT64_C(1) << order; i++)
        m2p_set(domain->machine, MFN(first->v + i), pfn.v + i);
    op_end(&op);
    return error;
}

int domain_populate(struct domain *domain, pfn_t pfn, mfn_t *mfn)
{
    return domain_populate_extent(domain, pfn, 0, mfn);
}

int domain_populate_some(struct domain *domain, pfn_t first, unsigned count, mfn_t *mfns)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = frames_allocate_some(domain, count, mfns);
    for (unsigned i = 0; !error && i < count; i++)
        m2p_set(domain->machine, mfns[i], first.v + i);
    op_end(&op);
    return error;
}

int domain_share(struct domain *domain, mfn_t mfn)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = frame_find(domain->machine, mfn) ? frame_share(domain, frame_find(domain->machine, mfn)) : -XEN_EINVAL;
    op_end(&op);
    return error;
}

int domain_share_new(struct domain *domain, mfn_t *mfn)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = frame_allocate_shared(domain, mfn);
    op_end(&op);
    return error;
}

void domain_unshare(struct domain *domain, mfn_t mfn)
{
    struct frame *frame = frame_find(domain->machine, mfn);

    CHECK(frame);
    port_lock(domain);
    frame_unshare(domain, frame);
    port_unlock(domain);
}

int domain_pin(struct domain *domain, mfn_t mfn, unsigned level)
{
    struct op op;
    int error = op_begin_own(&op, domain, NULL);

    if (error)
        return error;
    error = pin_table(&op, mfn, (enum frame_type)level);
    op_end(&op);
    return error;
}

static void destroy_vcpu(struct op *op, struct vcpu *vcpu)
{
    root_drop(op, vcpu);
    segment_drop(op, vcpu);
    for (unsigned i = 0; i < TRAP_VECTORS; i++)
        vcpu->traps[i] = (struct trap_gate){0, 0, 0};
}

void vcpu_destroy(struct vcpu *vcpu)
{
    struct op op;

    op_begin_teardown(&op, vcpu->domain);
    destroy_vcpu(&op, vcpu);
    op_end(&op);
}

/* Its pins, before the frames that these tables lead to: so hardly one of them goes with an entry, by itself. */
static void unpin_all(struct op *op, const struct domain *domain)
{
    struct machine *machine = domain->machine;

    for (uint64_t i = 0; i < machine->nr_frames; i++) {
        struct frame *frame = &machine->frames[i];

        if (i % RELINQUISH_MAX == 0)
            op_preempt_point(op);
        if (frame_owner(frame) == domain->id.v && type_is_pinned(frame->type))
            unpin_frame(op, frame);
    }
}

static void relinquish_all(struct op *op, struct domain *domain)
{
    uint64_t end = domain->machine->nr_frames;

    for (uint64_t first = 0; first < end; first += RELINQUISH_MAX) {
        op_preempt_point(op);
        frames_relinquish(domain, MFN(first), (unsigned)(end - first < RELINQUISH_MAX ? end - first : RELINQUISH_MAX));
    }
}

void domain_set_dying(struct domain *domain)
{
    __atomic_store_n(&domain->dying, true, __ATOMIC_SEQ_CST);
}

/* Counted first, then asked: op_begin(). */
bool domain_enter(struct domain *domain)
{
    (void)__atomic_add_fetch(&domain->operations, 1, __ATOMIC_SEQ_CST);
    if (!domain_is_dying(domain))
        return true;
    domain_leave(domain);
    return false;
}

void domain_leave(struct domain *domain)
{
    (void)__atomic_sub_fetch(&domain->operations, 1, __ATOMIC_SEQ_CST);
}

uint64_t domain_destroy(struct domain *domain)
{
    uint64_t left;
    struct op op;

    domain_set_dying(domain);
    while (__atomic_load_n(&domain->operations, __ATOMIC_SEQ_CST) > 0)
        port_yield();
    op_begin_teardown(&op, domain);
    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        destroy_vcpu(&op, domain->vcpus[i]);
    holds_drop(domain);
    grant_table_destroy(domain);
    unpin_all(&op, domain);
    relinquish_all(&op, domain);
    grant_unmap_all(&op, domain);
    left = domain->nr_frames;
    op_end(&op);
    return left;
}
