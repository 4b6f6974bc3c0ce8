/* SPDX-License-Identifier: MIT */
/*
 * engine/port.h for one processor: a TLB that a flush is meant for is this one's.
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

void port_pool_give(mfn_t first, unsigned order)
{
    pool_give(first, order);
    if (zombie_is_empty())
        hv_vcpu_give_way();
}

/*
 * ---- Translations.
 */

static bool is_meant(cpumask_t cpus)
{
    return cpus.bits & cpumask_of(cpu_here()->id).bits;
}

/* What the root of a 32-bit guest's vCPU has copied is forgotten first: nothing may find it again behind the flush. */
void port_tlb_flush(cpumask_t cpus)
{
    const struct hv_vcpu *vcpu = cpu_here()->current;

    if (!is_meant(cpus))
        return;
    if (vcpu && vcpu->narrow_root.tables)
        (void)narrow_root_catches_up(vcpu);
    asm_write_cr3(asm_read_cr3());
}

void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr)
{
    if (is_meant(cpus))
        asm_flush_page(vaddr.v);
}

void port_cache_flush(cpumask_t cpus)
{
    if (is_meant(cpus))
        asm_flush_caches();
}

/* A vCPU that does not run is not on any processor: hv_vcpu_switch() leaves none of its translations behind. */
void port_root_load(struct vcpu *vcpu)
{
    if (cpu_here()->current == hv_vcpu_of(vcpu))
        hv_vcpu_load_root(hv_vcpu_of(vcpu));
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
}

void port_ldt_load(struct vcpu *vcpu)
{
    if (cpu_here()->current == hv_vcpu_of(vcpu))
        hv_vcpu_load_ldt(hv_vcpu_of(vcpu));
}

/*
 * ---- Guest memory: the guest's own tables are loaded, and its part of the address space has been checked.
 */

static bool copy_guest(const struct vcpu *vcpu, void *to, const void *from, size_t size)
{
    size_t left;

    CHECK(cpu_here()->current && &cpu_here()->current->engine == vcpu);
    cpu_user_access_begin();
    left = copy_recover(to, from, size);
    cpu_user_access_end();
    return left == 0;
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    return copy_guest(vcpu, to, (const void *)from.v, size);
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    return copy_guest(vcpu, (void *)to.v, from, size);
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

/* There is nobody else who could ask for anything. */
void lock_waits(void)
{
}

bool port_is_locked(void)
{
    return lock_rank_is_held(LOCK_DOMAIN);
}

/* Whoever asks has got on with something long. */
bool port_preempt_wanted(void)
{
    nmi_watchdog_pet();
    return timer_is_due() || sched_is_due();
}

void port_yield(void)
{
    CHECK(!port_is_locked());
    if (sched_is_on_vcpu())
        sched_yield();
    else
        sched_yield_work();
}
