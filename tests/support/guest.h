/* SPDX-License-Identifier: MIT */
/*
 * A guest to test with: it boots like a real one, makes hypercalls with its arguments in its own
 * memory and in the layout of its width, and reads and writes through the processor's TLB.
 *
 * Its address space after guest_boot(): pfn n at base + n * PAGE_SIZE, page tables read-only,
 * everything else writable; behind that, at guest->window, 512 pages whose L1 table is there and
 * empty, for tests to map what they like.  A 32-bit guest has empty L2 tables for the three
 * gigabytes below its kernel.
 *
 * Everything here fails the test by sim_fail() where it says "must".  Wrappers of hypercalls return
 * what the guest would find in its result register.
 */
#pragma once

#include <abi/hypercall.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <abi/mmu.h>
#include <abi/multicall.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <sim/sim.h>

/* The bits of an entry, as the processor has them.  Bits 52 up are the guest's and NX. */
#define PTE_P   (UINT64_C(1) << 0)
#define PTE_RW  (UINT64_C(1) << 1)
#define PTE_US  (UINT64_C(1) << 2)
#define PTE_PWT (UINT64_C(1) << 3)
#define PTE_PCD (UINT64_C(1) << 4)
#define PTE_A   (UINT64_C(1) << 5)
#define PTE_D   (UINT64_C(1) << 6)
#define PTE_PS  (UINT64_C(1) << 7) /* L1: PAT */
#define PTE_G   (UINT64_C(1) << 8)
#define PTE_KERNEL \
    (UINT64_C(1) << 52) /* what the engine adds to a 64-bit guest's kernel entries \
                                        */
#define PTE_NX    (UINT64_C(1) << 63)
#define PTE_FRAME UINT64_C(0x000ffffffffff000)

/* The flags of ordinary entries, as a kernel writes them: legal at each level where they are meant to stand. */
#define PTE_RO_PAGE (PTE_P | PTE_A)
#define PTE_RW_PAGE (PTE_P | PTE_RW | PTE_A | PTE_D)
#define PTE_TABLE   (PTE_P | PTE_RW | PTE_US | PTE_A | PTE_D)

#define GUEST_BASE_64       UINT64_C(0xffff880000000000)
#define GUEST_BASE_PAE      UINT64_C(0xc0000000)
#define GUEST_WINDOW_PAGES  512u
#define GUEST_SCRATCH_PAGES 16u /* for the arguments of each vCPU's hypercalls */

struct guest {
    struct sim *sim;
    struct domain *domain;
    uint64_t nr_pages;  /* pfns 0 to nr_pages - 1 */
    vaddr_t base;       /* of pfn 0 */
    vaddr_t window;     /* of GUEST_WINDOW_PAGES pages that are not mapped */
    mfn_t *p2m;         /* by pfn; a test that moves memory keeps it up to date */
    bool *used;         /* by pfn: part of the boot, or handed out by guest_page_alloc() */
    pfn_t shared_info;  /* shared with the hypervisor */
    pfn_t scratch;      /* of vCPU 0; GUEST_SCRATCH_PAGES each */
    pfn_t root;         /* the root, first of the tables: pinned, loaded on every vCPU */
    uint64_t nr_tables; /* pages from @root on that are tables */
    size_t scratch_used[SIM_MAX_VCPUS];
};

static inline uint64_t pte(mfn_t mfn, uint64_t flags)
{
    return mfn.v << PAGE_SHIFT | flags;
}

static inline mfn_t pte_mfn(uint64_t entry)
{
    return MFN((entry & PTE_FRAME) >> PAGE_SHIFT);
}

/* ---- Life. */

/*
 * Give domain @index of @sim @nr_pages frames and boot it: tables built as plain memory, pinned,
 * loaded on all vCPUs. Must succeed.  The guest lives until guest_shutdown() or sim_destroy().
 */
struct guest *guest_boot(struct sim *sim, unsigned index, uint64_t nr_pages);

/* As many pages as guest_boot() needs for itself if it is given @nr_pages on a domain of @nr_vcpus. */
uint64_t guest_boot_pages(enum width width, unsigned nr_vcpus, uint64_t nr_pages);

/*
 * Destroy one domain, which was booted.  Returns how many frames it still owns, because others map them.  The struct
 * guest stays.
 */
uint64_t guest_destroy(struct guest *guest);

/*
 * Destroy all domains that are left.  Then no frame may have an owner any more, nor a type in use, and the pool must be
 * as full as it was when the machine was made.
 */
void guest_shutdown(struct sim *sim);

/* audit_machine() and sim_check_tlb_rule() must hold; a finding is printed. */
void guest_assert_clean(struct sim *sim);

/* The guest of a domain that was booted; NULL before. */
struct guest *guest_of(const struct vcpu *vcpu);

/* ---- Its memory. */

struct vcpu *guest_vcpu(const struct guest *guest, unsigned index);
mfn_t guest_mfn(const struct guest *guest, pfn_t pfn);
vaddr_t guest_vaddr(const struct guest *guest, pfn_t pfn);
mfn_t guest_root(const struct guest *guest);

/*
 * A page that nothing uses, mapped writable; there must be one.  The other returns it: mapped writable, or it is lost.
 */
pfn_t guest_page_alloc(struct guest *guest);
void guest_page_free(struct guest *guest, pfn_t pfn);

/* Loads and stores of the guest's kernel; false: they fault. */
bool guest_read(struct vcpu *vcpu, vaddr_t vaddr, void *to, size_t size);
bool guest_write(struct vcpu *vcpu, vaddr_t vaddr, const void *from, size_t size);

/* The entry at @slot of a table, read with the logic probe. */
uint64_t guest_entry(const struct guest *guest, mfn_t table, unsigned slot);

/*
 * The table and slot of @level that a walk of @root for @vaddr ends in.  False: an entry above is
 * not present.
 */
bool guest_find_entry(const struct guest *guest, mfn_t root, vaddr_t vaddr, unsigned level, mfn_t *table,
                      unsigned *slot);

/* ---- Hypercalls. */

int64_t guest_hypercall(struct vcpu *vcpu, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3,
                        uint64_t arg4, uint64_t arg5);

/*
 * Room in the scratch area of @vcpu, 16-byte aligned; there must be some.  It stays until guest_scratch_reset(); the
 * wrappers below return what they use themselves.  guest_put() also copies @data there; guest_take() copies back.
 */
vaddr_t guest_scratch_alloc(struct vcpu *vcpu, size_t size);
vaddr_t guest_put(struct vcpu *vcpu, const void *data, size_t size);
void guest_take(struct vcpu *vcpu, vaddr_t from, void *to, size_t size);
void guest_scratch_reset(struct vcpu *vcpu);

/*
 * Arrays of structures are given in the 64-bit layout and put down in that of the guest.  @done may
 * be NULL: then the guest passes a null pointer.  It is ~0 where the hypervisor has not written it.
 * @domid: as the hypercall takes it.
 */
int64_t guest_mmu_update(struct vcpu *vcpu, const struct mmu_update *requests, unsigned count, unsigned *done,
                         unsigned domid);
int64_t guest_mmuext(struct vcpu *vcpu, const struct mmuext_op *ops, unsigned count, unsigned *done, unsigned domid);
int64_t guest_multicall(struct vcpu *vcpu, struct multicall_entry *entries, unsigned count); /* results come back */
int64_t guest_update_va_mapping(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags);
int64_t guest_update_va_mapping_otherdomain(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags,
                                            unsigned domid);
int64_t guest_set_gdt(struct vcpu *vcpu, const mfn_t *frames, unsigned entries);
int64_t guest_update_descriptor(struct vcpu *vcpu, uint64_t maddr, uint64_t descriptor);
int64_t guest_set_trap_table(struct vcpu *vcpu, const struct trap_info *traps, unsigned count); /* ends it itself */
int64_t guest_vm_assist(struct vcpu *vcpu, unsigned command, unsigned type);

/* One entry; one mmuext operation. */
int64_t guest_set_entry(struct vcpu *vcpu, mfn_t table, unsigned slot, uint64_t entry);
int64_t guest_pin(struct vcpu *vcpu, mfn_t mfn, unsigned level);
int64_t guest_unpin(struct vcpu *vcpu, mfn_t mfn);
int64_t guest_new_baseptr(struct vcpu *vcpu, mfn_t mfn);
int64_t guest_new_user_baseptr(struct vcpu *vcpu, mfn_t mfn);
int64_t guest_set_ldt(struct vcpu *vcpu, vaddr_t base, unsigned entries);
int64_t guest_flush_all(struct vcpu *vcpu); /* MMUEXT_TLB_FLUSH_ALL */

/* The arguments of the calls in a multicall's entry, in the width of the guest. */
struct multicall_entry guest_call_update_va_mapping(struct vcpu *vcpu, vaddr_t vaddr, uint64_t entry, uint64_t flags);

/*
 * memory_op @command with @arg, an address.  The others lay out struct xen_memory_reservation or
 * xen_memory_exchange for the guest itself: @extents are pfns or mfns as the command has them, and
 * come back as the hypervisor left them.
 */
int64_t guest_memory_op(struct vcpu *vcpu, unsigned command, vaddr_t arg);
int64_t guest_reservation(struct vcpu *vcpu, unsigned command, uint64_t *extents, unsigned count, unsigned order,
                          unsigned mem_flags);
int64_t guest_exchange(struct vcpu *vcpu, const uint64_t *in, unsigned nr_in, unsigned in_order, uint64_t *out,
                       unsigned nr_out, unsigned out_order, unsigned mem_flags, uint64_t *nr_exchanged);

/* ---- Trees of tables. */

#define GUEST_TREE_TABLES 64u

struct guest_leaf {
    vaddr_t vaddr;
    uint64_t entry; /* of the L1 table */
};

/* How guest_build_tree() starts the root. */
enum guest_tree_kind {
    GUEST_TREE_PLAIN,  /* only what the leaves need; a 32-bit guest's L3 has its slot 3 all the same
                        */
    GUEST_TREE_KERNEL, /* shares the kernel's half with the boot tables: can be loaded as root */
};

struct guest_tree {
    mfn_t root;
    unsigned level;
    unsigned nr_tables;
    pfn_t tables[GUEST_TREE_TABLES]; /* root first, parents before children */
};

/*
 * Write tables that lead to @leaves, root of @level, in fresh pages that are then mapped read-only;
 * nothing is pinned or referenced yet.  The entries are written as they are, legal or not; tables
 * above get PTE_TABLE.  Must succeed.
 */
void guest_build_tree(struct guest *guest, struct vcpu *vcpu, unsigned level, enum guest_tree_kind kind,
                      const struct guest_leaf *leaves, unsigned nr_leaves, struct guest_tree *tree);

/* Map the pages of a tree writable again and free them.  Must succeed: nothing may use them as tables any more. */
void guest_free_tree(struct guest *guest, struct vcpu *vcpu, struct guest_tree *tree);

/* Map page @pfn read-only, or writable again, where guest_boot() has mapped it.  Returns the hypercall's result. */
int64_t guest_protect(struct vcpu *vcpu, pfn_t pfn);
int64_t guest_unprotect(struct vcpu *vcpu, pfn_t pfn);
