/* SPDX-License-Identifier: MIT */
/*
 * The hosted machine: RAM, processors with a page walk and TLBs, virtual processors that run as
 * coroutines, all in one ordinary process.  It implements engine/port.h, so that what is linked
 * with it can drive the engine like a hypervisor, and can look at every moment of it.
 *
 * One machine exists at a time.  Everything that it chooses follows from config.seed: no time, no
 * threads, no rand().
 */
#pragma once

#include <engine/engine.h>

#define SIM_MAX_DOMAINS  8u
#define SIM_MAX_VCPUS    16u /* a domain */
#define SIM_WINDOW_PAGES (LDT_WINDOW + LDT_FRAMES)

/*
 * ---- Making a machine.  What is left zero has the default that is named.
 */

struct sim_domain_config {
    enum width width;
    unsigned nr_vcpus;   /* 1 */
    uint64_t max_frames; /* no limit */
    bool privileged, writable_tables, extended_cr3, m2p_strict, linear_tables;
    const struct frame_range *iomem; /* copied; none */
    unsigned nr_iomem;
};

struct sim_config {
    uint64_t seed;
    uint64_t nr_frames;            /* frames 0 to nr_frames - 1; 4096.  The hypervisor's own come above them. */
    const struct frame_range *ram; /* all but @reserved and @holes */
    unsigned nr_ram;
    const struct frame_range *reserved; /* RAM that the hypervisor keeps, among the frames above; none */
    unsigned nr_reserved;
    const struct frame_range *holes; /* neither: device memory; reads as ones, ignores writes; none */
    unsigned nr_holes;
    unsigned nr_domains; /* domain ids 0 to nr_domains - 1 */
    struct sim_domain_config domains[SIM_MAX_DOMAINS];
    unsigned nr_cpus;     /* one a vCPU; if fewer, vCPUs share them round robin */
    unsigned phys_bits;   /* 40 */
    bool l1tf;            /* then frame 0 is a hole */
    unsigned tlb_entries; /* translations that one processor caches; 512 */
    unsigned psc_entries; /* the same for its paging-structure caches; 128 */
};

/*
 * ---- What a machine consists of.  Tests may read everything, and write what is marked "knob".
 */

struct sim;
struct sim_tlb;   /* sim/tlb.h */
struct sim_pool;  /* sim/pool.c */
struct sim_sched; /* sim/tasks.c */

struct sim_vcpu {
    struct vcpu vcpu;
    mfn_t loaded_root; /* what its processor uses while it runs there; MFN_NONE: none */
    mfn_t windows[SIM_WINDOW_PAGES];
    unsigned ldt_entries; /* what its processor counts */
};

struct sim_domain {
    struct domain domain;
    struct frame_range *iomem;
    struct vcpu *vcpu_table[SIM_MAX_VCPUS];
    struct sim_vcpu vcpus[SIM_MAX_VCPUS];
    void *lock_owner; /* the task that holds the domain's lock; NULL: free */
    void *guest;      /* for tests/support: one block of memory, freed at the end of the machine */
};

struct sim_cpu {
    struct sim_vcpu *current; /* whose translations it caches; NULL: nobody has run here yet */
    struct sim_tlb *tlb;
    uint64_t full_flushes; /* port_tlb_flush() reached it */
    uint64_t page_flushes;
    uint64_t cache_flushes;
    uint64_t root_loads;   /* and switches of vCPU; each is a full flush as well, not counted above */
    uint64_t mode_changes; /* to the other root of the same vCPU */
    uint64_t fills;        /* translations that an access of the guest's had to walk for */
};

/* What the machine knows about a frame, beside its contents. */
struct sim_frame {
    uint32_t taken; /* how often it has left the pool */
    bool ram;       /* has contents; else a hole */
    bool scribbled; /* has left the pool once, and was filled with junk for that */
};

enum sim_preemption {
    SIM_PREEMPT_NEVER,
    SIM_PREEMPT_ALWAYS,
    SIM_PREEMPT_RANDOM, /* with preempt_per_256 */
    SIM_PREEMPT_SCRIPT, /* at the points whose numbers stand in preempt_script, ascending */
};

struct sim {
    struct machine machine;
    struct sim_domain domains[SIM_MAX_DOMAINS];
    struct sim_cpu cpus[MAX_CPUS];
    unsigned nr_domains, nr_cpus;
    struct domain *domain_table[SIM_MAX_DOMAINS]; /* machine.domains */
    struct sim_frame *frames;                     /* by frame number */
    uint8_t *ram;                                 /* the contents of all frames; holes cannot be accessed */
    mfn_t hypervisor_first;                       /* its own frames: from here to the end of the frame table */
    struct sim_pool *pool;
    struct sim_sched *sched;
    uint64_t pool_at_start; /* frames in the pool when the machine was made */
    uint64_t random_state;
    void (*catch_fail)(struct sim *sim); /* under sim_fails(): does not return to a task; NULL */

    /* Knobs. */
    enum sim_preemption preemption; /* NEVER */
    unsigned preempt_per_256;       /* RANDOM: the chance at each point, and at each port_lock() */
    const uint64_t *preempt_script; /* SCRIPT: numbers of preemption points, the first of the machine is 0 */
    size_t preempt_script_length;
    uint64_t stall_limit;       /* so many port_yield() without a task ending mean a live lock; 1 million */
    uint64_t pool_fail_after;   /* so many port_pool_take() more succeed; UINT64_MAX */
    mfn_t pool_end;             /* what the last one asked for frames below */
    unsigned speculate_per_256; /* chance of a speculative fill before and after each flush, at each
                                   port_frame_map() and at each preemption point; 0 */
    bool no_global_pages;       /* translations of global pages do not outlast a change of modes either; false */
    /*
     * Hooks; all NULL.  on_preempt: in each port_yield(), with no lock held, before others run.
     * on_flush: at the begin of each port_tlb_flush() and port_tlb_flush_page(), before anything is
     * forgotten, perhaps with locks held.  Both may do guest accesses, speculative fills and rule
     * checks, and must not call the engine.
     */
    void (*on_preempt)(struct sim *sim);
    void (*on_flush)(struct sim *sim, cpumask_t cpus);
    /* on_promoted: port_promoted(). */
    void (*on_promoted)(struct sim *sim, const struct op *op, const struct frame *frame);
    /* on_fail: instead of printing and aborting; if it returns, the process aborts all the same. */
    void (*on_fail)(struct sim *sim, const char *message);
    /* port_hypercall(); NULL: -XEN_ENOSYS. */
    int64_t (*hypercall)(struct vcpu *vcpu, uint64_t number, const uint64_t args[6]);
    void *user; /* for the hooks */

    /* What has happened. */
    uint64_t preempt_points; /* times that port_preempt_wanted() was asked */
    uint64_t yields;         /* times that port_yield() was called */
    uint64_t nr_refusals;
    uint64_t refusals[REFUSAL_COUNT]; /* by reason */
    struct refusal last_refusal;      /* meaningful where nr_refusals > 0 */
    char fail_message[256];           /* of the last sim_fail() */
};

/*
 * Make a machine and make it the current one.  The frame table is initialised, all domains and
 * vCPUs are known to the machine and own nothing.  The M2P tables are all ones and can be read
 * where a guest expects them.  Cannot fail but for want of host memory or a senseless @config,
 * which abort.
 */
struct sim *sim_create(const struct sim_config *config);

/* End the machine: its memory and its tasks, ended or not.  NULL is allowed. */
void sim_destroy(struct sim *sim);

/* The current machine; NULL if there is none. */
struct sim *sim_current(void);

static inline struct domain *sim_domain(struct sim *sim, unsigned index)
{
    return &sim->domains[index].domain;
}

static inline struct vcpu *sim_vcpu(struct sim *sim, unsigned domain, unsigned index)
{
    return &sim->domains[domain].vcpus[index].vcpu;
}

/* The sim's part of @vcpu. */
static inline struct sim_vcpu *sim_vcpu_of(const struct vcpu *vcpu)
{
    struct sim *sim = sim_current();

    return &sim->domains[vcpu->domain->id.v].vcpus[vcpu->id];
}

/* The next number of the machine's own sequence; one below @bound (> 0); true with a chance of @per_256 in 256. */
uint64_t sim_random(struct sim *sim);
uint64_t sim_random_below(struct sim *sim, uint64_t bound);
bool sim_chance(struct sim *sim, unsigned per_256);

/* Frames in the pool now. */
uint64_t sim_pool_count(const struct sim *sim);

/* The 512 entries of a RAM frame, whoever owns it: the view of somebody with a logic probe. */
uint64_t *sim_frame_entries(struct sim *sim, mfn_t mfn);

/*
 * A failure of the machine, the engine or the test: the message goes to fail_message, then to the
 * sim_fails() around, to on_fail, or to standard error and abort().
 */
_Noreturn void sim_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/*
 * ---- Guest accesses: what instructions of a guest do, through the TLB of the vCPU's processor.
 */

/* The error code of a page fault, as the processor pushes it. */
#define SIM_PF_PRESENT       1u
#define SIM_PF_WRITE         2u
#define SIM_PF_USER          4u
#define SIM_PF_RESERVED      8u
#define SIM_PF_FETCH         16u
#define SIM_PF_NOT_CANONICAL 0x10000u /* in truth #GP: there is no page fault for such an address */

struct sim_fault {
    vaddr_t vaddr;
    uint32_t code; /* SIM_PF_ */
};

enum sim_access {
    SIM_READ,
    SIM_WRITE,
    SIM_FETCH,
};

/*
 * Load or store @size bytes, page by page.  64-bit guests access as ring 3 in both of their modes,
 * 32-bit guests as ring 1.  False: *@fault (may be NULL) says where and why; the pages before have
 * been accessed.  A 64-bit guest uses the root that was loaded last, by port_root_load().
 */
bool sim_load(struct vcpu *vcpu, vaddr_t vaddr, void *to, size_t size, struct sim_fault *fault);
bool sim_store(struct vcpu *vcpu, vaddr_t vaddr, const void *from, size_t size, struct sim_fault *fault);

/* Can one byte be accessed so, by ring 3 if @ring3, else by what is said above?  Fills the TLB like any access. */
bool sim_probe(struct vcpu *vcpu, vaddr_t vaddr, enum sim_access access, bool ring3, struct sim_fault *fault);

/*
 * Where a fresh walk of memory leads, without any cache and without setting accessed and dirty
 * bits; MFN_NONE: nowhere.  *@writable (may be NULL) says whether all levels allow writing.
 */
mfn_t sim_peek(struct vcpu *vcpu, vaddr_t vaddr, bool *writable);

/* One speculative page walk on some processor: of an address that is mapped, or was mapped when it was cached. */
void sim_speculate(struct sim *sim);

/* Translations, and entries of paging-structure caches, that processor @cpu holds now. */
size_t sim_tlb_count(const struct sim *sim, unsigned cpu);
size_t sim_psc_count(const struct sim *sim, unsigned cpu);

/*
 * Does processor @cpu hold a translation of the page of @vaddr?  Then *@mfn and *@writable (either
 * may be NULL) tell which.
 */
bool sim_tlb_holds(const struct sim *sim, unsigned cpu, vaddr_t vaddr, mfn_t *mfn, bool *writable);

/*
 * ---- The rule that nothing may ever break, checked against what the processors hold now.
 */

struct sim_finding {
    const char *rule; /* a sentence */
    unsigned cpu;
    vaddr_t vaddr;
    mfn_t frame;
    struct type_word type; /* of @frame */
    uint16_t owner;        /* of @frame, as in the frame table */
};

/*
 * False: *@finding (may be NULL) describes a breach.
 *
 * - No processor holds a writable translation of a frame that is a table or a descriptor table:
 * live, being promoted (at preemption points and between operations the flush has happened) or
 * being demoted.
 * - No processor holds any translation of a frame that has since been handed out again, or that its
 * guest may not name: neither the pool's (those are wiped after a flush), nor its domain's, nor
 * another domain's since before the translation was made, nor device memory that it may map, nor
 * the M2P, read-only; nor, read-only, what a domain with linear tables sees of the M2P's own tables.
 * - No paging-structure cache points to a frame that is not, or was not last, a table of that
 * level, or, in a domain with linear tables, of that level or above.
 * - Each loaded root is live as the root that its guest needs; each frame in a descriptor window is
 * a live descriptor table.
 *
 * The cost is proportional to what is cached.
 */
bool sim_check_tlb_rule(struct sim *sim, struct sim_finding *finding);

/* Print a finding to standard error. */
void sim_print_finding(const struct sim_finding *finding);

/* Print a refusal, its reason in words and its place, to standard error. */
void sim_print_refusal(const struct refusal *refusal);

/*
 * ---- Tasks: operations that run at the same time.
 */

typedef void sim_task_fn(struct vcpu *vcpu, void *arg);

/*
 * Make a task that will run fn(@vcpu, @arg) on a stack of its own; @vcpu is handed on and may be
 * NULL.  Its stack is free for another one when it has ended.
 */
void sim_spawn(struct sim *sim, struct vcpu *vcpu, sim_task_fn *fn, void *arg);

/*
 * Run tasks until all have ended.  A task runs until it ends, waits for a lock, calls port_yield()
 * or sim_pause(); the next one is chosen at random.  Fails if they wait for each other, or by
 * stall_limit.  Not to be called from a task.
 */
void sim_run(struct sim *sim);

/* For the body of a task, between its operations: let others run.  Outside tasks it does nothing. */
void sim_pause(struct sim *sim);

/*
 * Run fn(@vcpu, @arg) as the only task.  True: it ended in sim_fail() or port_halt(), fail_message
 * says how, and the state of engine and machine is whatever it was then: only sim_destroy() is
 * allowed.  False: it returned.
 */
bool sim_fails(struct sim *sim, sim_task_fn *fn, struct vcpu *vcpu, void *arg);

/* The deepest use of a task's stack so far, in bytes. */
size_t sim_stack_used(const struct sim *sim);
