/* SPDX-License-Identifier: MIT */
/*
 * The oracle: what direct paging should do, said as plainly as possible, and sharing no code with
 * the engine.  It keeps its own copy of guest memory and of what guests have asked for (pins,
 * roots, descriptor tables, ownership); what each frame is in use as, and how often, it works out
 * from these alone, from scratch, whenever they have changed.
 *
 * An operation is predicted by trying: the uses that it would add are added to those that are
 * there; the first one that contradicts a rule is the error, and then nothing has happened.
 *
 * The rules come from abi/: mmu.h [pte] and the texts of the calls.  Accessed and dirty bits belong
 * to the processors; the caller copies them in, see oracle_take_ad().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <tests/model/lib/step.h>

#define ORACLE_FRAMES_MAX 640u
#define ORACLE_DOMAINS    4u
#define ORACLE_VCPUS      2u
#define ORACLE_NO_FRAME   UINT64_MAX
#define ORACLE_RANGES     4u
#define ORACLE_MAPPINGS   256u /* of grants, of all domains */
#define ORACLE_TABLE      32u  /* frames of a grant table */
#define ORACLE_STATUS     4u   /* frames of its statuses */

/* What a frame can be in use as; 1 to 4 are levels. */
enum oracle_type {
    O_NONE,
    O_L1,
    O_L2,
    O_L3,
    O_L4,
    O_L2_TOP, /* of a 32-bit guest, with the hypervisor's slots */
    O_SEGDESC,
    O_WRITABLE,
    O_TYPES
};

/* Owners beside domain numbers. */
#define O_POOL       0xfffeu
#define O_HYPERVISOR 0xfffdu
#define O_NOT_RAM    0xfffcu

/* Deliberate mistakes, for the test of the tests. */
enum oracle_mistake {
    ORACLE_RIGHT,
    ORACLE_TABLES_WRITABLE, /* a frame in use as L1 may be mapped writable */
    ORACLE_NO_GLOBAL,       /* user pages of 64-bit guests do not get G */
    ORACLE_PINS_TWICE,      /* a pinned table can be pinned again */
    ORACLE_DONE_PLUS_ONE,   /* the request that failed counts as done */
    ORACLE_UNPIN_LEAVES,    /* a table stays one when its last use goes */
    ORACLE_USE_STAYS,       /* the last unmap of a grant leaves its entry marked as in use */
    ORACLE_UNMAPS_ANY,      /* an entry with other rights than the mapping's can be unmapped with its handle */
    ORACLE_REREADS_ENTRY,   /* of a grant in use the entry decides once more which frame it is */
    ORACLE_LINKS_CHAIN,     /* a table that others of its level refer to may refer to others */
    ORACLE_MISTAKES
};

struct oracle_frame {
    uint16_t owner;
    uint8_t pin; /* the level that it is pinned as; 0: not */
    uint8_t was; /* in use as, when last seen: it alone says if an entry for it is one for a table of its own level */
    bool allocated, shared;
};

struct oracle_trap {
    uint64_t address;
    uint16_t cs;
    uint8_t flags;
};

struct oracle_vcpu {
    bool user_mode;
    uint64_t kernel_root, user_root; /* frames, or ORACLE_NO_FRAME; so are the next two */
    uint64_t gdt[14];
    uint64_t ldt[16];
    uint64_t ldt_base;
    uint32_t ldt_entries;
    struct oracle_trap traps[256];
};

struct oracle_range {
    uint64_t first, last;
};

/* A domain's grant table; version 0: there is none.  Who uses an entry follows from the mappings. */
struct oracle_grants {
    unsigned version, nr_frames, nr_status;
    uint32_t frames[ORACLE_TABLE], status[ORACLE_STATUS];
};

/* A grant that @domain has mapped. */
struct oracle_mapping {
    uint16_t domain, granter;
    bool host, device, named, readonly; /* named: by the machine address of the entry */
    uint32_t handle, ref;
    uint64_t frame;
    uint64_t host_addr; /* as it was mapped, for whoever draws an unmap */
};

struct oracle_domain {
    bool alive, wide, privileged, emulates; /* wide: 64-bit */
    bool linear;                            /* its tables may refer to tables of their level */
    bool maps_foreign;                      /* has had another domain's frame in a table */
    uint64_t max_frames;
    struct oracle_range iomem[ORACLE_RANGES];
    unsigned nr_iomem, nr_vcpus;
    struct oracle_vcpu vcpus[ORACLE_VCPUS];
    struct oracle_grants grants;
};

/* Everything but the contents of memory. */
struct oracle_state {
    struct oracle_frame frames[ORACLE_FRAMES_MAX];
    uint64_t m2p[ORACLE_FRAMES_MAX];
    struct oracle_domain domains[ORACLE_DOMAINS];
    struct oracle_mapping mappings[ORACLE_MAPPINGS];
    unsigned nr_mappings;
};

/* What follows from it. */
struct oracle_use {
    uint8_t type;  /* meaningful where uses > 0 */
    bool uncached; /* mapped writable with another memory type than write-back */
    uint32_t uses, refs;
    uint32_t links_to, links_from; /* to other tables of its own level, and from them */
};

struct oracle_journal;

struct oracle {
    unsigned nr_frames, nr_domains;
    unsigned phys_bits;
    bool l1tf;
    enum oracle_mistake mistake;
    uint64_t root_slots[16], compat_slots[84]; /* the hypervisor's entries */
    struct oracle_state state;
    struct oracle_grants given[ORACLE_DOMAINS]; /* the frames that the pool gave for grant tables, to the engine's */
    uint64_t (*memory)[512];
    struct oracle_use uses[ORACLE_FRAMES_MAX];
    uint8_t touched[ORACLE_FRAMES_MAX]; /* written since the caller last cleared this */
    struct oracle_journal *journal;     /* what oracle_rollback() undoes */
};

/* What a step has led to, or should lead to. */
#define DONE_BEFORE 1000u /* what stands where the number done is to go */

struct outcome {
    int64_t result;
    uint32_t done;
    uint64_t seen;                  /* EMULATE: what stood there; LOAD: what was read; EXCHANGE: nr_exchanged */
    uint64_t mfn;                   /* STORE, LOAD: the frame reached, or ORACLE_NO_FRAME */
    uint64_t extents[STEP_EXTENTS]; /* MEMORY, EXCHANGE: as they came back; grants: results, see below */
};

/*
 * Results of grant operations, in extents.  GRANT_MAP: 2 an element: outcome_result(), dev_bus_addr.  UNMAP, COPY: a
 * status an element.  TABLE: status, nr_frames or version, max_nr_frames or else the first frames of the list.
 */
#define RESULT_BEFORE UINT64_C(0x5a5a) /* what stands where a result is to go */
#define HANDLE_BEFORE UINT32_C(0x5a5a5a5a)

static inline uint64_t outcome_status(int16_t status)
{
    return (uint16_t)status;
}

static inline uint64_t outcome_result(int16_t status, uint32_t handle)
{
    return (uint64_t)handle << 32 | (uint16_t)status;
}

/* An oracle of @nr_frames frames, all "not RAM", and no domain.  oracle_destroy(NULL) is allowed. */
struct oracle *oracle_create(unsigned nr_frames);
void oracle_destroy(struct oracle *oracle);

/* After the caller has changed the state or memory by hand: work out all uses anew. */
void oracle_refresh(struct oracle *oracle);

/*
 * Carry out @step.  @seen is what the engine made of it, of which is used only what no specification
 * decides: the frames that the pool gave, accessed and dirty bits that a write emulation found, the
 * frame that a store through a translation reached.  @expected: what should have come out.
 */
void oracle_step(struct oracle *oracle, const struct step *step, const struct outcome *seen, struct outcome *expected);

/* Everything from oracle_begin() on is undone, or stays. */
void oracle_begin(struct oracle *oracle);
void oracle_rollback(struct oracle *oracle);
void oracle_commit(struct oracle *oracle);

/* The accessed and dirty bits of an entry are now as in @seen. */
static inline void oracle_take_ad(struct oracle *oracle, uint64_t mfn, unsigned index, uint64_t seen)
{
    oracle->memory[mfn][index] = (oracle->memory[mfn][index] & ~UINT64_C(0x60)) | (seen & 0x60);
}

/*
 * Where the tables of @root lead for @vaddr: the L1 table and index.  False: there is none.
 */
bool oracle_find_l1(const struct oracle *oracle, unsigned domain, uint64_t root, uint64_t vaddr, uint64_t *table,
                    unsigned *index);

/* The frame and the right to write of the translation of @vaddr on @root, or on the root that a vCPU runs on. */
uint64_t oracle_walk_root(const struct oracle *oracle, unsigned domain, uint64_t root, uint64_t vaddr, bool *writable);
uint64_t oracle_walk(const struct oracle *oracle, unsigned domain, unsigned vcpu, uint64_t vaddr, bool *writable);

static inline bool oracle_is_ram(const struct oracle *oracle, uint64_t mfn)
{
    return mfn < oracle->nr_frames && oracle->state.frames[mfn].owner != O_NOT_RAM;
}

/* What @mfn is in use as, O_NONE if it is idle. */
static inline enum oracle_type oracle_type(const struct oracle *oracle, uint64_t mfn)
{
    return oracle->uses[mfn].uses > 0 ? (enum oracle_type)oracle->uses[mfn].type : O_NONE;
}

static inline bool oracle_is_table(enum oracle_type type)
{
    return type >= O_L1 && type <= O_L2_TOP;
}

static inline unsigned oracle_level(enum oracle_type type)
{
    return type == O_L2_TOP ? 2 : (unsigned)type;
}

/* The frames that count against the limit of @domain's reservation. */
uint64_t oracle_reservation(const struct oracle *oracle, unsigned domain);

/* What becomes of @raw when it is validated at @slot of a table, or of descriptors, of @type. */
uint64_t oracle_adjusted(const struct oracle *oracle, unsigned domain, enum oracle_type type, unsigned slot,
                         uint64_t raw);

/* An entry of a grant table, of either version. */
struct oracle_entry {
    uint64_t mfn, use_mfn;       /* where it lies; where the flags do that say it is in use */
    unsigned offset, use_offset; /* in bytes */
    unsigned flags, domid;       /* what it says */
    uint64_t frame;
    unsigned first, end; /* of the frame's bytes, these */
};

/* Entry @ref of @domain's table.  False: there is none. */
bool oracle_entry(const struct oracle *oracle, unsigned domain, uint32_t ref, struct oracle_entry *entry);

/* The frame that entry @ref stands for: the one in use, or the one that it names.  ORACLE_NO_FRAME: none. */
uint64_t oracle_granted(const struct oracle *oracle, unsigned domain, uint32_t ref);

/* The mapping of @domain with this handle, NULL if there is none. */
struct oracle_mapping *oracle_mapping(struct oracle *oracle, unsigned domain, uint32_t handle);

/* The end of a domain: nothing of it is left but what others map. */
void oracle_free_domain(struct oracle *oracle, unsigned domain);

const char *oracle_type_name(enum oracle_type type);

/* May a store of @domain reach @mfn, perhaps through a translation that memory no longer justifies? */
static inline bool oracle_store_allowed(const struct oracle *oracle, unsigned domain, uint64_t mfn)
{
    enum oracle_type type = oracle_type(oracle, mfn);
    uint16_t owner = oracle->state.frames[mfn].owner;

    return (type == O_NONE || type == O_WRITABLE) &&
           (owner == domain || (owner < ORACLE_DOMAINS && oracle->state.domains[domain].maps_foreign));
}
