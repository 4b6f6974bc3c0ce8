/* SPDX-License-Identifier: MIT */
/*
 * What a machine (hv or sim) calls: this file, and those that it includes.  By engine/access.h the machine, too, reads
 * and writes the memory of its guests.  Everything else in this folder is the engine's own.
 */
#pragma once

#include <engine/access.h>
#include <engine/audit.h>
#include <engine/frame.h>
#include <engine/machine.h>
#include <engine/port.h>
#include <engine/refuse.h>
#include <engine/tlb.h>

/*
 * ---- Set-up.  The caller has filled in what engine/machine.h marks "set up".
 */

/*
 * Make a machine whose frame table is all "not RAM".  machine_add_ram() then declares RAM, range by range, as being in
 * the pool, and machine_reserve() as the hypervisor's own: all RAM below nr_frames is one or the other, since what is
 * declared as neither counts as device memory.  On a processor with the L1TF flaw, frame 0 is declared as neither: an
 * entry that is not present may name it.
 */
void machine_init(struct machine *machine);
void machine_add_ram(struct machine *machine, mfn_t first, uint64_t count);
void machine_reserve(struct machine *machine, mfn_t first, uint64_t count);

/*
 * Take 2^@order frames of the pool for the hypervisor itself, consecutive and aligned to their size, or give such
 * frames back, all at once or in parts.  They are zeroed, and no processor holds a translation of their last use: a
 * frame that came straight from port_pool_take() could still be written by the guest that had it.  The hypervisor owns
 * them like those of machine_reserve(): no operation of a guest can name, map, type or share one.  False: the pool has
 * none.  Called outside operations and their locks.
 */
bool __must_check machine_take(struct machine *machine, unsigned order, mfn_t *first);
void machine_give(struct machine *machine, mfn_t first, unsigned order);

/*
 * Make a domain and a vCPU known: counts zero, no roots, no descriptors, kernel mode.  The caller adds them to its
 * tables.
 */
void domain_init(struct domain *domain);
void vcpu_init(struct vcpu *vcpu);

/*
 * ---- What the builder of a domain needs, outside any hypercall.  The domain runs nowhere yet.
 */

/* One frame for the domain's reservation, zeroed; its M2P entry names @pfn.  -XEN_ENOMEM, -XEN_ESRCH (dying). */
int __must_check domain_populate(struct domain *domain, pfn_t pfn, mfn_t *mfn);

/* The same for 2^@order frames in a row, for pages in a row.  -XEN_ENOMEM as well if there are no such. */
int __must_check domain_populate_extent(struct domain *domain, pfn_t pfn, unsigned order, mfn_t *first);

/* The same for @count pages in a row, more than none, whose frames are scattered: all of @mfns, or on an error none. */
int __must_check domain_populate_some(struct domain *domain, pfn_t first, unsigned count, mfn_t *mfns);

/* Share an allocated frame with the domain, or undo that: frame_share(), frame_unshare() with the lock taken. */
int __must_check domain_share(struct domain *domain, mfn_t mfn);
void domain_unshare(struct domain *domain, mfn_t mfn);

/* A new frame that is shared with the domain: frame_allocate_shared().  -XEN_ENOMEM, -XEN_ESRCH (dying). */
int __must_check domain_share_new(struct domain *domain, mfn_t *mfn);

/*
 * Give the domain a table of grants: version 1, entries 0 and 1 seeded for the rings of console and xenstore; MFN_NONE:
 * there is no such ring.  A domain without a table grants nothing.  -XEN_ENOMEM.
 */
int __must_check domain_grants_create(struct domain *domain, mfn_t console, mfn_t store);

/* Pin a table that was written as plain memory: it is validated like any guest's.  Errors as of MMUEXT_PIN_*. */
int __must_check domain_pin(struct domain *domain, mfn_t mfn, unsigned level);

/*
 * Give @vcpu its roots: @kernel, and @user or MFN_NONE.  Each is validated, referenced and, where the vCPU runs on it,
 * loaded; the ones before are dropped.  Errors as of MMUEXT_NEW_BASEPTR; then nothing has changed.
 */
int __must_check vcpu_set_roots(struct vcpu *vcpu, mfn_t kernel, mfn_t user);

/*
 * ---- What the machine's own hypercalls need, outside any operation of the engine.
 */

/*
 * What VCPUOP_initialise gives a vCPU that does not run, beside its roots.  On an error nothing has changed.
 * GDT: the first (@entries + 511) / 512 of @frames, which is the caller's private copy; the errors of
 * HYPERVISOR_set_gdt.  LDT: the errors of MMUEXT_SET_LDT.  Both -XEN_ESRCH: dying.
 * One trap: @cs and @flags are fixed up as those of HYPERVISOR_set_trap_table; @address 0 means no handler.
 * -XEN_EINVAL: there is no such vector, or the address is not canonical.
 */
int __must_check vcpu_set_gdt(struct vcpu *vcpu, const mfn_t *frames, unsigned entries);
int __must_check vcpu_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries);
int __must_check vcpu_set_trap(struct vcpu *vcpu, unsigned vector, uint64_t address, uint16_t cs, uint8_t flags);

/*
 * Hold a frame of @domain that the hypervisor goes on writing to on its own account (the vcpu_info of
 * VCPUOP_register_vcpu_info, event words, the rings of console and xenstore): one writable use and one general
 * reference are the hypervisor's, so that the frame cannot become a table or leave its owner meanwhile.  Frames shared
 * with the domain can be held as well, and any frame several times.  The guest still chooses what stands there, at any
 * moment.  -XEN_EINVAL: not the domain's, or in use as something that is not written.  -XEN_ENOMEM: DOMAIN_HOLDS are
 * held already.  -XEN_ESRCH: dying.  Nothing is held then.
 */
int __must_check domain_hold_writable(struct domain *domain, mfn_t mfn);

/* Drop one hold on @mfn, which there is.  domain_destroy() drops those that are left then. */
void domain_drop_writable(struct domain *domain, mfn_t mfn);

/*
 * ---- Running.
 */

/*
 * A hypercall of @vcpu's guest, which is in kernel mode: the engine's own are done here, all others by
 * port_hypercall().  @args are the six argument registers, of a 32-bit guest zero-extended.  Returns what the guest
 * finds in its result register, unless vcpu->diverted says that it goes on elsewhere.
 */
int64_t engine_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6]);

/*
 * The kernel of @vcpu, which runs, writes cr3: its root becomes @mfn.  The errors of MMUEXT_NEW_BASEPTR, which is the
 * same; then nothing has changed.
 */
int __must_check vcpu_set_kernel_root(struct vcpu *vcpu, mfn_t mfn);

/*
 * Enter user mode or return to kernel mode: the other root is loaded.  64-bit guests only.
 * -XEN_EINVAL: there is no user root; the vCPU stays in kernel mode (and its domain is best ended: XSA-1).
 */
int __must_check vcpu_enter_user(struct vcpu *vcpu);
void vcpu_enter_kernel(struct vcpu *vcpu);

/* A write by a guest's kernel that faulted, decoded: engine/emulate.c. */
enum write_form {
    WRITE_MOV,
    WRITE_XCHG,
    WRITE_CMPXCHG,
    WRITE_AND,
    WRITE_OR,
    WRITE_XOR,
    WRITE_ADD,
};

struct table_write {
    enum write_form form;
    vaddr_t vaddr;     /* where */
    unsigned bytes;    /* 1, 2, 4 or 8 */
    uint64_t operand;  /* what is written, added, masked with... */
    uint64_t expected; /* CMPXCHG: the accumulator */
    uint64_t seen;     /* out: what stood there before, @bytes wide */
};

/*
 * Do @write if it goes to an L1 table that is mapped read-only, checked like any other update of an entry.
 * 0: done (a CMPXCHG whose @expected differs from @seen has written nothing, and is done).  Otherwise an error, nothing
 * has changed, and the fault is the guest's; where it goes elsewhere, or the guest's kernel has not asked for this,
 * that is no refusal either.
 */
int __must_check table_write_emulate(struct vcpu *vcpu, struct table_write *write);

/*
 * The processor found nothing at page @page of the LDT window: map it if the guest's LDT reaches so far and the page
 * can be a descriptor table.  0: mapped, retry.  Otherwise the fault is the guest's.
 */
int __must_check ldt_fault(struct vcpu *vcpu, unsigned page);

/*
 * ---- The end.
 */

/* Drop a vCPU's roots, descriptors and traps.  It does not run any more. */
void vcpu_destroy(struct vcpu *vcpu);

/*
 * From now on no operation starts on @domain, and those under way end as soon as they can, with -XEN_ESRCH.  For a
 * machine that has to run vCPUs until domain->operations is zero before it calls domain_destroy().
 */
void domain_set_dying(struct domain *domain);

/*
 * Until domain_leave(), which the caller owes after true, an operation of the machine's own is under way on @domain, or
 * for a vCPU of it.  For what takes long, and lets others run by port_yield(), which it does with no lock held: the
 * domain is not torn down meanwhile.  False: it is dying.
 */
bool __must_check domain_enter(struct domain *domain);
void domain_leave(struct domain *domain);

/*
 * Tear a domain down: no new operation starts, those under way end, its vCPUs are destroyed, every hold, pin and
 * allocation is dropped.  Preemptible.  Returns the number of frames that it still owns: those that another domain
 * maps.  They return to the pool when that lets go of them; until domain->nr_frames is 0 the domain stays in
 * machine->domains.
 * No vCPU of it runs its guest or changes mode from here on, and none calls this from within an operation; the
 * hypervisor has ceased to write to frames that it holds or shares with the domain.  The structures of domain and vCPUs
 * stay until each of its vCPUs has left the functions above, which may still write to guest memory on their way out.
 */
uint64_t domain_destroy(struct domain *domain);

/* So many grants of the domain of number @granter does @domain map, which stays meanwhile.  Preemptible. */
uint64_t domain_count_mapped(struct domain *domain, domid_t granter);

/*
 * What domain_destroy() has left of @domain gets the number @id, which nobody has, and that which it had is free.
 * Preemptible: no domain comes or goes meanwhile, and the vCPUs of this one are no more.
 */
void domain_renumber(struct domain *domain, domid_t id);
