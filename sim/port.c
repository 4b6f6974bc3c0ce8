/* SPDX-License-Identifier: MIT */
/* engine/port.h for the hosted machine. */
#include <string.h>

#include <engine/port.h>
#include <engine/tlb.h>
#include <sim/pool.h>
#include <sim/sim_parts.h>
#include <sim/tasks.h>
#include <sim/walk.h>

/*
 * ---- Frames.
 */

/* The contents of a frame that the engine may touch. */
static void *frame_contents(struct sim *sim, mfn_t mfn, const char *who)
{
    if (!sim_is_ram(sim, mfn) || pool_holds(sim->pool, mfn))
        sim_fail("%s: frame %#llx is no RAM or nobody's", who, (unsigned long long)mfn.v);
    return sim_frame_bytes(sim, mfn);
}

void *port_frame_map(mfn_t mfn)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    cpu_speculate_perhaps(sim);
    return frame_contents(sim, mfn, "port_frame_map");
}

void port_frame_clear(mfn_t mfn)
{
    memset(frame_contents(sim_here(), mfn, "port_frame_clear"), 0, PAGE_SIZE);
}

void port_frame_copy(mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size)
{
    struct sim *sim = sim_here();

    if (to_offset + size > PAGE_SIZE || from_offset + size > PAGE_SIZE)
        sim_fail("port_frame_copy: %u bytes from %u to %u leave their page", size, from_offset, to_offset);
    memmove((uint8_t *)frame_contents(sim, to, "port_frame_copy") + to_offset,
            (uint8_t *)frame_contents(sim, from, "port_frame_copy") + from_offset, size);
}

bool port_pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    return pool_take(sim, order, end, first);
}

void port_pool_give(mfn_t first, unsigned order)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    pool_give(sim, first, order);
}

unsigned port_pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    struct sim *sim = sim_here();
    unsigned taken = 0;

    tasks_progress(sim);
    while (taken < count && pool_take(sim, 0, end, &mfns[taken]))
        taken++;
    return taken;
}

void port_pool_give_some(const mfn_t *mfns, unsigned count)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    for (unsigned i = 0; i < count; i++)
        pool_give(sim, mfns[i], 0);
}

/*
 * ---- Processors.
 */

/* The processors of @cpus, which must exist. */
static uint64_t existing(const struct sim *sim, cpumask_t cpus, const char *who)
{
    if (sim->nr_cpus < MAX_CPUS && cpus.bits >> sim->nr_cpus)
        sim_fail("%s: processors %#llx of %u", who, (unsigned long long)cpus.bits, sim->nr_cpus);
    return cpus.bits;
}

void port_tlb_flush(cpumask_t cpus)
{
    struct sim *sim = sim_here();

    cpu_speculate_perhaps(sim);
    tasks_flush_hook(sim, cpus);
    for (uint64_t left = existing(sim, cpus, "port_tlb_flush"); left; left &= left - 1) {
        struct sim_cpu *cpu = &sim->cpus[__builtin_ctzll(left)];

        cache_flush(&cpu->tlb->translations);
        cache_flush(&cpu->tlb->tables);
        cpu->full_flushes++;
    }
    cpu_speculate_perhaps(sim);
}

/* As INVLPG: the paging-structure caches go wholly (SDM volume 3, 4.10.4.1). */
void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr)
{
    struct sim *sim = sim_here();

    cpu_speculate_perhaps(sim);
    tasks_flush_hook(sim, cpus);
    for (uint64_t left = existing(sim, cpus, "port_tlb_flush_page"); left; left &= left - 1) {
        struct sim_cpu *cpu = &sim->cpus[__builtin_ctzll(left)];

        cache_drop(&cpu->tlb->translations, vaddr.v);
        cache_flush(&cpu->tlb->tables);
        cpu->page_flushes++;
    }
    cpu_speculate_perhaps(sim);
}

void port_cache_flush(cpumask_t cpus)
{
    struct sim *sim = sim_here();

    for (uint64_t left = existing(sim, cpus, "port_cache_flush"); left; left &= left - 1)
        sim->cpus[__builtin_ctzll(left)].cache_flushes++;
}

void port_root_load(struct vcpu *vcpu)
{
    struct sim *sim = sim_here();
    struct sim_vcpu *self = sim_vcpu_of(vcpu);

    self->loaded_root = vcpu_root(vcpu);
    tlb_run_begin(&sim->machine, vcpu->cpu);
    cpu_load_root(&sim->cpus[vcpu->cpu], self);
    tlb_run_end(&sim->machine, vcpu->cpu, vcpu->domain);
}

void port_mode_load(struct vcpu *vcpu)
{
    struct sim *sim = sim_here();
    struct sim_cpu *cpu = cpu_enter(sim, vcpu);

    cpu_speculate_perhaps(sim);
    cpu_change_mode(cpu, sim_vcpu_of(vcpu), vcpu_root(vcpu));
    cpu_speculate_perhaps(sim);
}

void port_ldt_load(struct vcpu *vcpu)
{
    sim_vcpu_of(vcpu)->ldt_entries = vcpu->ldt_entries;
}

/* The processor may read the frame from before it is shown until the window has been changed. */
static void check_window_frame(const struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    const struct frame *frame = frame_find(vcpu->domain->machine, mfn);

    if (mfn_is_none(mfn))
        return;
    if (!frame || frame_owner(frame) != vcpu->domain->id.v || !type_is_live(frame->type, TYPE_SEGDESC))
        sim_fail("port_window_set: page %u: frame %#llx is no descriptor table of the domain", page,
                 (unsigned long long)mfn.v);
}

void port_window_set(struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    struct sim_vcpu *self = sim_vcpu_of(vcpu);

    if (page >= SIM_WINDOW_PAGES)
        sim_fail("port_window_set: page %u", page);
    check_window_frame(vcpu, page, self->windows[page]);
    check_window_frame(vcpu, page, mfn);
    self->windows[page] = mfn;
}

/*
 * ---- Guest memory.
 */

/* The bytes of guest memory at @vaddr, up to the end of the page; NULL: the guest's kernel cannot reach them. */
static uint8_t *guest_bytes(struct sim *sim, const struct vcpu *vcpu, uint64_t vaddr, enum sim_access access)
{
    const struct sim_walk walk = {
        .sim = sim,
        .vaddr = vaddr,
        .access = access,
        .ring3 = vcpu->domain->width == WIDTH_64,
        .rights = true,
        .set_bits = true,
    };
    struct sim_cached at = walk_start(vcpu->domain, vcpu->kernel_root);
    uint32_t code;
    mfn_t mfn;

    if (mfn_is_none(vcpu->kernel_root) || !walk_canonical(vcpu->domain->width, vaddr) || !walk_from(&walk, &at, &code))
        return NULL;
    mfn = walk_frame(&at, vaddr);
    return sim_is_ram(sim, mfn) ? sim_frame_bytes(sim, mfn) + vaddr % PAGE_SIZE : NULL;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    for (size_t done = 0, chunk; done < size; done += chunk) {
        size_t room = PAGE_SIZE - (from.v + done) % PAGE_SIZE;
        const uint8_t *bytes = guest_bytes(sim, vcpu, from.v + done, SIM_READ);

        chunk = size - done < room ? size - done : room;
        if (!bytes)
            return false;
        memcpy((uint8_t *)to + done, bytes, chunk);
    }
    return true;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    struct sim *sim = sim_here();

    tasks_progress(sim);
    for (size_t done = 0, chunk; done < size; done += chunk) {
        size_t room = PAGE_SIZE - (to.v + done) % PAGE_SIZE;
        uint8_t *bytes = guest_bytes(sim, vcpu, to.v + done, SIM_WRITE);

        chunk = size - done < room ? size - done : room;
        if (!bytes)
            return false;
        memcpy(bytes, (const uint8_t *)from + done, chunk);
    }
    return true;
}

/*
 * ---- The flow of control.
 */

void port_lock(struct domain *domain)
{
    tasks_lock(sim_here(), domain);
}

void port_unlock(struct domain *domain)
{
    tasks_unlock(sim_here(), domain);
}

bool port_preempt_wanted(void)
{
    struct sim *sim = sim_here();

    cpu_speculate_perhaps(sim);
    return tasks_preempt_wanted(sim);
}

void port_yield(void)
{
    tasks_yield(sim_here());
}

int64_t port_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    struct sim *sim = sim_here();

    return sim->hypercall ? sim->hypercall(vcpu, number, args) : -(int64_t)XEN_ENOSYS;
}

void port_refused(const struct refusal *refusal)
{
    struct sim *sim = sim_here();

    sim->last_refusal = *refusal;
    sim->refusals[refusal->reason]++;
    sim->nr_refusals++;
}

void port_promoted(const struct op *op, const struct frame *frame)
{
    struct sim *sim = sim_here();

    if (sim->on_promoted)
        sim->on_promoted(sim, op, frame);
}

void port_halt(const char *file, int line, const char *condition)
{
    sim_fail("halt: %s:%d: %s", file, line, condition);
}
