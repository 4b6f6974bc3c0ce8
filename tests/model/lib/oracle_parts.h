/* SPDX-License-Identifier: MIT */
/* What the parts of the oracle share. */
#pragma once

#include <abi/errno.h>
#include <tests/model/lib/oracle.h>

/* Bits of an entry, as the processor manuals have them. */
#define BIT_P           UINT64_C(0x001)
#define BIT_RW          UINT64_C(0x002)
#define BIT_US          UINT64_C(0x004)
#define BIT_PWT         UINT64_C(0x008)
#define BIT_PCD         UINT64_C(0x010)
#define BIT_A           UINT64_C(0x020)
#define BIT_D           UINT64_C(0x040)
#define BIT_PAT         UINT64_C(0x080)
#define BIT_G           UINT64_C(0x100)
#define BIT_52          (UINT64_C(1) << 52)
#define BITS_MEMORY     (BIT_PWT | BIT_PCD | BIT_PAT)
#define BITS_AD         (BIT_A | BIT_D)
#define BITS_FRAME      UINT64_C(0x000ffffffffff000)
#define BITS_HIGH       UINT64_C(0xfff0000000000000)
#define ALL_ONES_MFN    (BITS_FRAME >> 12)
#define entry_target(e) (((e)&BITS_FRAME) >> 12)

/* Whose frames an entry may name: a domain, or none's but device memory. */
#define PG_DEVICES   (-1)
#define PG_FORBIDDEN (-2) /* the hypervisor's, and the caller may not name them */

struct who {
    unsigned caller, pt;
    int pg;
};

/* An entry judged by itself, without regard to what else is in use. */
struct verdict {
    int error;
    uint64_t bits; /* as it is stored */
    uint64_t mfn;  /* the frame of RAM that it refers to, or ORACLE_NO_FRAME */
    uint8_t need;  /* the use that it makes of it; O_NONE: just a reference */
};

/* ---- oracle_rules.c: what abi/ says of a single entry or descriptor. */

struct verdict rules_entry(const struct oracle *oracle, struct who who, enum oracle_type table, unsigned slot,
                           uint64_t raw);

/* Error of writing to @slot at all, whatever is written; 0 if it may be. */
int rules_slot(const struct oracle_domain *domain, enum oracle_type table, unsigned slot);

/* The slots of a table that the hypervisor fills: from *@first to *@end - 1. */
void rules_hypervisor_slots(const struct oracle_domain *domain, enum oracle_type table, unsigned *first, unsigned *end);

/* The slots of a table that a processor looks at. */
static inline unsigned rules_slots(const struct oracle_domain *domain, enum oracle_type table)
{
    return !domain->wide && table == O_L3 ? 4 : 512;
}

bool rules_descriptor(bool wide, uint64_t *descriptor);

/* Is @vaddr an address of guests of this width? */
bool rules_address(bool wide, uint64_t vaddr);

static inline bool rules_only_inert(uint64_t old, uint64_t new)
{
    const uint64_t inert = BITS_AD | BIT_US | BIT_G | UINT64_C(0xe00) | BITS_HIGH;

    return (BIT_P & old & new) && ((old ^ new) & ~inert) == 0;
}

/* ---- oracle_types.c: uses. */

struct attempt {
    struct oracle *oracle;
    struct oracle_use uses[ORACLE_FRAMES_MAX];
};

/* Try out additional uses, beside all that are there.  0 or the first error. */
void attempt_begin(struct attempt *attempt, struct oracle *oracle);
int attempt_use(struct attempt *attempt, unsigned domain, uint64_t mfn, enum oracle_type type);
int attempt_entry(struct attempt *attempt, struct who who, uint64_t mfn, enum oracle_type table,
                  const struct verdict *verdict);

/* Would one more use, and nothing else, be accepted? */
int oracle_try(struct oracle *oracle, unsigned domain, uint64_t mfn, enum oracle_type type);

/* Write memory. */
void oracle_put(struct oracle *oracle, uint64_t mfn, unsigned index, uint64_t value);

/* The state has changed: work out the uses, and let go what has none. */
void oracle_settle(struct oracle *oracle);

/* ---- The calls.  Each returns the result; the rest of what comes out goes to @expected. */

struct call {
    const struct step *step;
    const struct outcome *seen;
    struct outcome *expected;
    unsigned caller;
    struct oracle_vcpu *vcpu;
};

/* oracle_update.c */
int oracle_write_entry(struct oracle *oracle, struct who who, uint64_t table, unsigned index, uint64_t raw,
                       bool keep_ad);
int oracle_find_domain(const struct oracle *oracle, unsigned caller, unsigned id, int *pg);
bool oracle_may(const struct oracle *oracle, unsigned caller, int pg);
int64_t oracle_mmu_update(struct oracle *oracle, const struct call *call);
int64_t oracle_va_mapping(struct oracle *oracle, const struct call *call);

/* oracle_mmuext.c */
int64_t oracle_mmuext(struct oracle *oracle, const struct call *call);

/* oracle_segment.c */
int64_t oracle_set_gdt(struct oracle *oracle, const struct call *call);
int64_t oracle_descriptor(struct oracle *oracle, const struct call *call);
int64_t oracle_traps(struct oracle *oracle, const struct call *call);
int64_t oracle_ldt_fault(struct oracle *oracle, const struct call *call);
int64_t oracle_emulate(struct oracle *oracle, const struct call *call);

/* oracle_memory.c */
int64_t oracle_memory(struct oracle *oracle, const struct call *call);
int64_t oracle_exchange(struct oracle *oracle, const struct call *call);

/* oracle_grant.c; _batch() for @one that has a status and no other result, of so many words */
typedef int16_t oracle_grant_one(struct oracle *oracle, const struct call *call, const uint64_t *word);
int64_t oracle_grant_batch(struct oracle *oracle, const struct call *call, unsigned words, oracle_grant_one *one);
int64_t oracle_grant_map(struct oracle *oracle, const struct call *call);
int64_t oracle_grant_unmap(struct oracle *oracle, const struct call *call);
void oracle_grant_free(struct oracle *oracle, unsigned domain);

/* oracle_grant_copy.c */
int64_t oracle_grant_copy(struct oracle *oracle, const struct call *call);

/* oracle_grant_table.c */
int64_t oracle_grant_table(struct oracle *oracle, const struct call *call);
void oracle_grant_entry(struct oracle *oracle, const struct call *call);

/* How many frames are in the pool. */
static inline unsigned oracle_pool(const struct oracle *oracle)
{
    unsigned count = 0;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++)
        count += oracle->state.frames[mfn].owner == O_POOL;
    return count;
}

/* Of oracle_grant.c, for oracle_grant_copy.c: a use of an entry that begins and ends. */
struct use {
    unsigned granter;
    uint32_t ref;
    bool write;
    uint64_t frame;
    unsigned first, end;
};

int16_t use_begin(struct oracle *oracle, unsigned user, struct use *use);

/* The flags of an entry say what uses there are, now that one has gone. */
void use_settle(struct oracle *oracle, unsigned granter, uint32_t ref);

/* Is @ref of @granter mapped by somebody? */
bool use_exists(const struct oracle *oracle, unsigned granter, uint32_t ref);

/* The caller's number, or that of the domain alive that @domid names; false: neither. */
bool use_find_domain(const struct oracle *oracle, unsigned domid, unsigned *domain);

/* How many elements of an array of the step can be read. */
static inline unsigned call_readable(const struct step *step)
{
    switch (step->args) {
    case ARGS_GOOD:
        return step->count;
    case ARGS_CUT:
        return step->count ? step->count - 1u : 0;
    default:
        return 0;
    }
}

/* The oracle itself has gone wrong. */
_Noreturn void oracle_bug(const char *what, uint64_t where);
