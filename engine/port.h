/* SPDX-License-Identifier: MIT */
/*
 * The port: everything that the engine asks of the machine it runs on.  The hypervisor implements it once, the hosted
 * machine once; the choice is made at link time.  The build checks that the engine's undefined symbols are exactly
 * these.
 *
 * Locks.  The engine calls port_lock() and port_unlock() in pairs, two domains' locks in ascending domain id.  It holds
 * no lock when it calls port_yield() or port_hypercall(), and may hold one when it calls any other function here. None
 * of those may call back into the engine, but port_refused() and port_promoted(), which may read the guest's memory.  A
 * port_tlb_flush() under a lock must therefore not wait for a processor that spins for that lock with flushes blocked.
 */
#pragma once

#include <engine/types.h>

struct domain;
struct frame;
struct op;
struct refusal;
struct vcpu;

/*
 * The contents of the RAM frame @mfn: 4096 bytes, 8-byte aligned, coherent (write-back), valid until the machine ends.
 * The engine asks only for frames that its frame table calls RAM.
 */
void *port_frame_map(mfn_t mfn);

/*
 * Fill a frame with zeroes; copy @size bytes, which end in the same page, from one frame to another, or within one,
 * where they may overlap.  All are RAM.
 */
void port_frame_clear(mfn_t mfn);
void port_frame_copy(mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size);

/*
 * Take 2^@order frames of RAM that nobody owns, consecutive and aligned to their size, all of them below @end, which is
 * MFN_NONE for any.  False: there are none, *@first is not written.  The contents are whatever the last owner left: the
 * engine wipes them, after the flush that they need.
 */
bool port_pool_take(unsigned order, mfn_t end, mfn_t *first);

/* Give back 2^@order frames, consecutive and aligned, to those that port_pool_take() hands out. */
void port_pool_give(mfn_t first, unsigned order);

/*
 * The same for up to @count single frames at once, each as port_pool_take() of order 0 would take it: how many of @mfns
 * there are, fewer only where the pool has no more.  And for @count of them that go back.
 */
unsigned __must_check port_pool_take_some(unsigned count, mfn_t end, mfn_t *mfns);
void port_pool_give_some(const mfn_t *mfns, unsigned count);

/*
 * Forget every cached translation, global ones and paging-structure caches included, on each processor of @cpus.
 * On return it has happened on all of them.
 */
void port_tlb_flush(cpumask_t cpus);

/* Forget the translations of the page of @vaddr, global or not, on each processor of @cpus. */
void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr);

/* Write back and invalidate the caches of each processor of @cpus. */
void port_cache_flush(cpumask_t cpus);

/*
 * The root that @vcpu runs on has changed: vcpu_root(@vcpu) is the new one, or MFN_NONE for "none of the guest's".
 * On return no processor uses the previous root for @vcpu, and the processor that it runs on, if it does, has forgotten
 * every cached translation, global ones and paging-structure caches included.
 */
void port_root_load(struct vcpu *vcpu);

/*
 * @vcpu, a 64-bit guest's that this processor runs, has changed between kernel and user mode: vcpu_root(@vcpu) is the
 * other of its two roots, and not MFN_NONE.  On return the processor runs on it, and has forgotten its paging-structure
 * caches and the translations of pages that are not global.  Those of global ones may stay, so that this is no flush to
 * engine/tlb.h.
 */
void port_mode_load(struct vcpu *vcpu);

/*
 * The descriptor windows of @vcpu have changed: pages 0 to 15 are the GDT, 16 to 31 the LDT.  Show frame @mfn at page
 * @page, or nothing there for MFN_NONE: where the processor can read it and set accessed bits in it, and no guest can
 * reach it.  On return no processor uses the previous frame there.  GDTR always spans its window; where a frame of the
 * GDT is absent its descriptors read as zero.  LDTR spans as many entries as port_ldt_load() said last; where a page of
 * those is absent the processor faults, and ldt_fault() is to be called.
 */
void port_window_set(struct vcpu *vcpu, unsigned page, mfn_t mfn);

/*
 * The LDT of @vcpu has @vcpu->ldt_entries from now on, 0 for none.  On return the processor that it runs on, if it
 * does, finds no descriptor behind them.
 */
void port_ldt_load(struct vcpu *vcpu);

/*
 * Copy @size bytes between the engine and @vcpu's guest memory, through the page tables that the guest runs on and with
 * the rights of its kernel.  False: some byte could not be reached; a part may have been copied.  The engine has
 * checked that the range lies in the guest's part of the address space.
 */
bool __must_check port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size);
bool __must_check port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size);

/* Take and drop the lock over all of @domain's type state. */
void port_lock(struct domain *domain);
void port_unlock(struct domain *domain);

/* Should the operation under way let others run?  Asked at every preemption point; cheap. */
bool port_preempt_wanted(void);

/* Let others run, then return.  No lock is held. */
void port_yield(void);

/* A preemption point of what holds no lock. */
static inline void port_preempt_point(void)
{
    if (port_preempt_wanted())
        port_yield();
}

/*
 * A hypercall that is not the engine's.  Returns its result, -XEN_ENOSYS if there is none of that number.  It may take
 * @vcpu out of kernel mode, which ends a multicall.  Where it has changed the guest's registers it sets
 * @vcpu->diverted: that ends a multicall too, and no result is written, neither there nor to a register.
 */
int64_t port_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6]);

/* An operation has been refused, and why.  @refusal lives until the return. */
void port_refused(const struct refusal *refusal);

/*
 * @op has made @frame what its type says, a table or a page of descriptors.  For whoever wants to tell that later:
 * nothing here depends on it, and it is called for a conversion alone, never for one more use.
 */
void port_promoted(const struct op *op, const struct frame *frame);

/* A broken invariant of our own: going on would be unsafe. */
_Noreturn void port_halt(const char *file, int line, const char *condition);
