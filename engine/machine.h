/* SPDX-License-Identifier: MIT */
/*
 * The objects that the engine works on: the machine, its domains, their virtual processors.  The machine's owner (hv or
 * sim) provides the memory and fills in what is marked "set up"; the engine owns the rest.
 */
#pragma once

#include <engine/grant.h>
#include <engine/types.h>

struct frame;

/* The clock over TLB flushes: engine/tlb.h. */
struct tlb {
    uint64_t now;                        /* ticks whenever a use ends */
    uint64_t flushed[MAX_CPUS];          /* the clock when a full flush of each processor, which has ended, began */
    const struct domain *runs[MAX_CPUS]; /* each has translations of this one's tables alone; NULL: of anybody's */
    cpumask_t cpus;                      /* set up: the processors that run guests */
};

#define HYPERVISOR_ROOT_SLOTS   16u
#define HYPERVISOR_COMPAT_SLOTS 84u

struct machine {
    /* set up */
    struct frame *frames;    /* the frame table: one entry for each frame below nr_frames, RAM or not */
    uint64_t nr_frames;      /* reaches to the end of RAM at least */
    uint64_t *m2p;           /* the machine-to-physical table of 64-bit guests, one entry a frame */
    uint32_t *compat_m2p;    /* the same for 32-bit guests */
    struct domain **domains; /* by domain id; NULL where there is none */
    unsigned nr_domains;     /* places in @domains */
    unsigned phys_bits;      /* width of a machine address on this processor, 36 to 52 */
    bool l1tf;               /* the processor looks at the frame number of entries that are not present (XSA-273) */
    uint64_t root_slots[HYPERVISOR_ROOT_SLOTS];     /* the hypervisor's entries 256 to 271 of each 64-bit root */
    uint64_t compat_slots[HYPERVISOR_COMPAT_SLOTS]; /* and 428 to 511 of each 32-bit guest's topmost L2 */
    /* the engine's */
    struct tlb tlb;
    bool privilege_used; /* a domain has named another one by privilege, not by a grant; for the audit */
};

enum width {
    WIDTH_64,  /* four levels, 64-bit entries */
    WIDTH_PAE, /* three levels, 64-bit entries, 32-bit addresses */
};

/* A run of machine frames, the last one included. */
struct frame_range {
    mfn_t first, last;
};

/*
 * So many frames of a domain the hypervisor can hold at once: of each of 32 vCPUs the vcpu_info and the queues of
 * events, 128 pages of event words, and rings.
 */
#define DOMAIN_HOLDS 256u

struct domain {
    /* set up */
    struct machine *machine;
    domid_t id; /* its index in machine->domains */
    enum width width;
    bool privileged;                 /* may name other domains */
    bool writable_tables;            /* the write emulation of L1 entries is on (vm_assist) */
    bool m2p_strict;                 /* 64-bit: user mode does not see the M2P (vm_assist) */
    bool extended_cr3;               /* 32-bit: roots may lie above 4 GiB (vm_assist) */
    bool linear_tables;              /* may have linear tables, see engine/linear.h; stays what it is */
    const struct frame_range *iomem; /* frames outside RAM that it may map */
    unsigned nr_iomem;
    uint64_t max_frames; /* its reservation may hold this many */
    mfn_t frames_end;    /* all that it is given lie below, or anywhere with MFN(0) */
    struct vcpu **vcpus;
    unsigned nr_vcpus;
    /* the engine's */
    uint64_t nr_frames;  /* its own now, given back but still in use included, shared ones not */
    unsigned operations; /* under way on its memory or for its vCPUs; counted without its lock */
    bool dying;
    uint32_t unlinked; /* the TLB clock when an entry of its that led to a table was replaced last */
    uint64_t linear_slots[ENTRIES_PER_TABLE / 64]; /* of its L4s: those that have ever led to an L4; engine/linear.h */
    bool lent;                 /* another one's tables may lead, or have led, to frames of it; for good */
    mfn_t holds[DOMAIN_HOLDS]; /* what domain_hold_writable() holds, in no order: the first nr_holds */
    unsigned nr_holds;
    struct domain_grants grants; /* engine/grant.h */
};

#define GDT_FRAMES   14u /* pages of the guest's part of the GDT */
#define LDT_FRAMES   16u
#define LDT_WINDOW   16u /* first page of the LDT in the descriptor windows */
#define TRAP_VECTORS 256u

struct trap_gate {
    uint64_t address; /* 0: none */
    uint16_t cs;
    uint8_t flags; /* bits 0-1 DPL, bit 2 "mask events on entry" */
};

struct vcpu {
    /* set up */
    struct domain *domain;
    unsigned id;  /* its index in domain->vcpus */
    unsigned cpu; /* the processor whose TLB holds its translations */
    /* the engine's */
    bool user_mode;    /* the guest's mode, 64-bit guests only */
    bool user_cached;  /* it has been in user mode since its processor forgot all that it had of its roots */
    mfn_t kernel_root; /* each root that is not MFN_NONE holds a type and a general reference */
    mfn_t user_root;
    mfn_t gdt[GDT_FRAMES];
    unsigned gdt_entries;
    vaddr_t ldt_base;
    unsigned ldt_entries;
    mfn_t ldt[LDT_FRAMES]; /* mapped on demand */
    bool ldt_shown;        /* some of @ldt may be */
    struct trap_gate traps[TRAP_VECTORS];
    /*
     * Set by the machine in port_hypercall(): the guest goes on elsewhere, with other registers, in either mode, or not
     * at all.  It ends a multicall, and the result of engine_hypercall(), which clears it first, goes nowhere.
     */
    bool diverted;
    /* The call of a multicall that is carried out, as it was read, and which it is; NULL: none is. */
    const struct multicall_entry *entry;
    unsigned entry_index;
};

/* The root that @vcpu runs on; MFN_NONE if it has none. */
static inline mfn_t vcpu_root(const struct vcpu *vcpu)
{
    return vcpu->user_mode ? vcpu->user_root : vcpu->kernel_root;
}

static inline unsigned root_level(const struct domain *domain)
{
    return domain->width == WIDTH_64 ? 4 : 3;
}

/* Is @domain being torn down?  Read without its lock. */
static inline bool domain_is_dying(const struct domain *domain)
{
    return __atomic_load_n(&domain->dying, __ATOMIC_SEQ_CST);
}

/* The domain that @id names, NULL if there is none. */
static inline struct domain *domain_find(const struct machine *machine, domid_t id)
{
    return id.v < machine->nr_domains ? machine->domains[id.v] : NULL;
}
