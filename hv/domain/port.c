/* SPDX-License-Identifier: MIT */
/*
 * engine/port.h: what the engine asks of the machine, but for guests' memory, which is in port_copy.c.  What other
 * processors have to do for it is hv/domain/request.h's.
 */
#include <abi/errno.h>
#include <abi/segment.h>
#include <engine/engine.h>
#include <engine/level.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/cpu/trap.h>
#include <hv/domain/port.h>
#include <hv/domain/request.h>
#include <hv/domain/sched.h>
#include <hv/domain/vcpu.h>
#include <hv/domain/zombie.h>
#include <hv/mem/paging.h>
#include <hv/mem/pool.h>
#include <hv/mem/window.h>
#include <hv/time/nmi_watchdog.h>
#include <hv/time/timer.h>

/*
 * ---- Memory.
 */

void *port_frame_map(mfn_t mfn)
{
    return paging_ram(mfn.v << PAGE_SHIFT);
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, PAGE_SIZE);
}

void port_frame_copy(mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size)
{
    memmove((uint8_t *)port_frame_map(to) + to_offset, (uint8_t *)port_frame_map(from) + from_offset, size);
}

bool port_pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    return pool_take(order, end, first);
}

/* One that is left of a domain may have had its last frame among those that came back. */
static void look_at_zombies(void)
{
    if (zombie_is_empty())
        hv_vcpu_give_way();
}

void port_pool_give(mfn_t first, unsigned order)
{
    pool_give(first, order);
    look_at_zombies();
}

unsigned port_pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    return pool_take_some(count, end, mfns);
}

void port_pool_give_some(const mfn_t *mfns, unsigned count)
{
    pool_give_some(mfns, count);
    look_at_zombies();
}

/*
 * ---- Translations.
 */

/* Most of what is to be renewed is so on this processor alone. */
static bool is_here_alone(cpumask_t cpus)
{
    return cpus.bits == cpumask_of(cpu_here()->id).bits;
}

void port_tlb_flush(cpumask_t cpus)
{
    if (is_here_alone(cpus))
        renew_translations_here();
    else
        request_renewal(cpus, RENEW_TRANSLATIONS, VADDR(0));
}

void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr)
{
    if (is_here_alone(cpus))
        asm_flush_page(vaddr.v);
    else
        request_renewal(cpus, RENEW_PAGE, vaddr);
}

void port_cache_flush(cpumask_t cpus)
{
    request_renewal(cpus, RENEW_CACHES, VADDR(0));
}

/*
 * The other processor that @vcpu runs on, or may by now.  One that it comes to later finds what has been changed before
 * this looks; and a vCPU that no processor holds is on none: hv_vcpu_switch() leaves nothing of it behind.
 */
static cpumask_t elsewhere(struct vcpu *vcpu)
{
    const struct hv_vcpu *that = hv_vcpu_of(vcpu);

    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    if (cpu_here()->current == that || !__atomic_load_n(&that->share.is_held, __ATOMIC_SEQ_CST))
        return (cpumask_t){0};
    return cpumask_of(__atomic_load_n(&vcpu->cpu, __ATOMIC_SEQ_CST));
}

void port_root_load(struct vcpu *vcpu)
{
    if (cpu_here()->current == hv_vcpu_of(vcpu))
        hv_vcpu_load_root(hv_vcpu_of(vcpu));
    else
        request_renewal(elsewhere(vcpu), RENEW_ROOT, VADDR(0));
}

void port_mode_load(struct vcpu *vcpu)
{
    CHECK(cpu_here()->current == hv_vcpu_of(vcpu));
    asm_write_cr3(vcpu_root(vcpu).v << PAGE_SHIFT);
}

void port_window_set(struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    unsigned window = hv_vcpu_of(vcpu)->window;

    CHECK(page != FIRST_RESERVED_GDT_PAGE);
    /* Writable, for the accessed bits that the processor sets; only ring 0 reaches the windows. */
    if (mfn_is_none(mfn))
        window_clear_page(window, page);
    else
        window_set_page(window, page, mfn.v << PAGE_SHIFT | MAP_DATA);
    request_renewal(elsewhere(vcpu), RENEW_PAGE, VADDR(window_base(window) + (uint64_t)page * PAGE_SIZE));
}

void port_ldt_load(struct vcpu *vcpu)
{
    if (cpu_here()->current == hv_vcpu_of(vcpu))
        hv_vcpu_load_ldt(hv_vcpu_of(vcpu));
    else
        request_renewal(elsewhere(vcpu), RENEW_LDT, VADDR(0));
}

/*
 * ---- The flow of control.
 */

void port_lock(struct domain *domain)
{
    lock_take(&hv_domain_of(domain)->lock);
}

void port_unlock(struct domain *domain)
{
    lock_drop(&hv_domain_of(domain)->lock);
}

bool port_is_locked(void)
{
    return lock_rank_is_held(LOCK_DOMAIN);
}

/* A processor that waits for another answers. */
void lock_waits(void)
{
    request_answer();
}

/* Whoever asks has got on with something long. */
bool port_preempt_wanted(void)
{
    struct cpu *cpu = cpu_here();

    nmi_watchdog_pet_at(cpu);
    if (request_is_there(cpu->id))
        request_answer();
    return timer_is_due_at(cpu) || sched_is_due();
}

void port_yield(void)
{
    CHECK(!port_is_locked());
    if (sched_is_on_vcpu())
        sched_yield();
    else
        sched_yield_work();
}
