/* SPDX-License-Identifier: MIT */
/* The rules: bits and errors as numbers, then one function for each part of the answer. */
#include <tests/sweep/lib/expect.h>

/* Errors of the ABI, as numbers: Linux on x86. */
#define E_PERM  (-1)
#define E_ACCES (-13)
#define E_BUSY  (-16)
#define E_INVAL (-22)

/* Bits of an entry, as numbers: Intel SDM volume 3, chapter 4. */
#define P   UINT64_C(1)
#define RW  UINT64_C(2)
#define US  UINT64_C(4)
#define PWT UINT64_C(8)
#define PCD UINT64_C(0x10)
#define A   UINT64_C(0x20)
#define D   UINT64_C(0x40)
#define PSE UINT64_C(0x80)
#define PAT UINT64_C(0x80)
#define G   UINT64_C(0x100)
#define B52 (UINT64_C(1) << 52)

/* Accessed, dirty, global, user, the bits that the processor ignores, and NX. */
#define TOUCH_UP (A | D | G | US | UINT64_C(0xe00) | ~((UINT64_C(1) << 52) - 1))

#define FRAME_ALL_ONES UINT64_C(0x000ffffffffff000)

static struct answer refused(int error)
{
    return (struct answer){.error = error};
}

/* Slots that no guest can write, not even with zero. */
static int slot_error(const struct question *q)
{
    if (!q->pae && q->level == 4 && q->slot >= 256 && q->slot <= 271)
        return E_INVAL;
    if (q->pae && q->level == 2 && q->top && q->slot >= 428)
        return E_PERM;
    if (q->pae && q->level == 3 && q->slot >= 3)
        return E_INVAL;
    return 0;
}

/* Such slots in a table that is validated as a whole: what stands there does not count. */
static bool slot_is_ignored(const struct question *q, struct answer *answer)
{
    *answer = (struct answer){0};
    if (q->pae && q->level == 3)
        return q->slot >= 4;
    if (!q->pae && q->level == 4 && q->slot >= 256 && q->slot <= 271)
        answer->hypervisor = true;
    if (q->pae && q->level == 2 && q->top && q->slot >= 428)
        answer->hypervisor = true;
    return answer->hypervisor;
}

enum use expect_child(const struct question *q)
{
    switch (q->level) {
    case 4:
        return USE_L3;
    case 3:
        return q->pae && q->slot == 3 ? USE_L2_TOP : USE_L2;
    case 2:
        return USE_L1;
    default:
        return USE_NONE;
    }
}

/*
 * An entry that is not present.  A processor with the L1TF flaw may read through it whatever is cached at addresses
 * below the end of RAM; in upper tables, with PSE, from there on.  Only the page at address 0 is nobody's.
 */
static struct answer absent(const struct question *q)
{
    bool superpage = q->level > 1 && (q->value & PSE);
    bool names_memory = q->value & UINT64_C(0x000ffffffffff000);

    if (q->scan && q->pae && q->level == 3 && q->slot == 3)
        return refused(E_INVAL);
    if (q->l1tf && (superpage || (names_memory && q->named.below_end)))
        return refused(E_INVAL);
    return (struct answer){.bits = q->value};
}

/* A 64-bit guest's kernel pages get USER and bit 52, its user pages G. */
static uint64_t leaf_adjusted(bool pae, uint64_t value)
{
    if (pae)
        return value;
    if (!(value & US))
        return value | US | B52;
    if (!(value & B52))
        return value | G;
    return value;
}

/* Device memory: never cached.  WB, WT and WP become UC; UC- UC and WC stay. */
static struct answer device(const struct question *q)
{
    uint64_t bits = leaf_adjusted(q->pae, q->value);
    uint64_t kind = bits & (PWT | PCD | PAT);

    if ((q->value & FRAME_ALL_ONES) == FRAME_ALL_ONES)
        return refused(E_INVAL);
    if (!q->named.permitted)
        return refused(E_PERM);
    if (kind == 0 || kind == PWT || kind == (PAT | PWT))
        bits = (bits & ~(PWT | PCD | PAT)) | PWT | PCD;
    return (struct answer){.bits = bits};
}

static bool is_named_owner(const struct question *q)
{
    return (q->naming == NAMING_SELF && q->named.owner == OWNER_SELF) ||
           (q->naming == NAMING_OTHER && q->named.owner == OWNER_OTHER);
}

static struct answer leaf(const struct question *q)
{
    bool cache = q->value & (PWT | PCD | PAT);

    if (cache && !q->devices)
        return refused(E_INVAL);
    if (q->named.owner == OWNER_DEVICE || q->named.owner == OWNER_NOWHERE)
        return device(q);
    /* The ABI does not say which of the next two goes first. */
    if (cache && q->named.shared)
        return refused(E_ACCES);
    if (!is_named_owner(q))
        return refused(E_BUSY);
    if ((q->value & RW) && q->named.use != USE_NONE && q->named.use != USE_WRITABLE)
        return refused(E_BUSY);
    return (struct answer){
        .bits = leaf_adjusted(q->pae, q->value),
        .refers = true,
        .needs = q->value & RW ? USE_WRITABLE : USE_NONE,
    };
}

static uint64_t upper_forbidden(const struct question *q)
{
    uint64_t forbidden = PWT | PCD | PSE | G;

    if (q->pae && q->level == 3)
        forbidden |= ~((UINT64_C(1) << 52) - 1);
    return forbidden;
}

static uint64_t upper_added(const struct question *q)
{
    if (q->pae)
        return q->level == 3 ? US | RW : 0;
    return q->level == 4 ? US | A : US;
}

/* Does the entry name a table of its own level, where it may?  A 32-bit L3 entry cannot forbid writing. */
static bool is_linear(const struct question *q)
{
    if (!q->linear || (q->pae && q->level == 3))
        return false;
    switch (q->level) {
    case 4:
        return q->named.use == USE_L4;
    case 3:
        return q->named.use == USE_L3;
    default:
        return q->named.use == USE_L2 || q->named.use == USE_L2_TOP;
    }
}

/* Read-only.  Itself, which holds nothing; or another one, where that makes no chain and no second way to a top L2. */
static struct answer linear(const struct question *q)
{
    if (q->value & RW)
        return refused(E_INVAL);
    if (q->itself)
        return (struct answer){.bits = q->value | upper_added(q)};
    if (q->linked || q->named.links || q->named.use == USE_L2_TOP)
        return refused(E_INVAL);
    return (struct answer){.bits = q->value | upper_added(q), .refers = true, .needs = q->named.use};
}

static struct answer upper(const struct question *q)
{
    enum use want = expect_child(q);

    if (q->value & upper_forbidden(q))
        return refused(E_INVAL);
    if (q->named.owner != OWNER_SELF)
        return refused(E_INVAL);
    if (is_linear(q))
        return linear(q);
    if (q->named.use == USE_NONE && q->named.inside)
        return refused(want == USE_L1 ? q->named.inside : E_INVAL);
    if (q->named.use != USE_NONE && (q->named.use != want || want == USE_L2_TOP))
        return refused(E_INVAL);
    return (struct answer){.bits = q->value | upper_added(q), .refers = true, .needs = want};
}

struct answer expect_entry(const struct question *q)
{
    struct answer answer;

    if (q->scan && slot_is_ignored(q, &answer))
        return answer;
    if (!q->scan && q->level > 1 && q->naming != NAMING_SELF)
        return refused(E_INVAL);
    if (!q->scan && slot_error(q))
        return refused(slot_error(q));
    if (!(q->value & P))
        return absent(q);
    return q->level == 1 ? leaf(q) : upper(q);
}

struct answer expect_keeping_ad(struct answer answer, uint64_t old)
{
    if (!answer.error)
        answer.bits |= old & (A | D);
    return answer;
}

bool expect_is_touch_up(uint64_t old, uint64_t new)
{
    return (P & old & new) && !((old ^ new) & ~TOUCH_UP);
}
