/* SPDX-License-Identifier: MIT */
/*
 * The oracle's reading of abi/: single entries ([pte] of abi/mmu.h, facts 5.4 and 5.5), descriptors
 * ([segdesc]), addresses ([layout]).  Nothing here knows what else is in use.
 */
#include <tests/model/lib/oracle_parts.h>

const char *oracle_type_name(enum oracle_type type)
{
    static const char *const names[O_TYPES] = {"none", "L1", "L2", "L3", "L4", "L2_TOP", "SEGDESC", "WRITABLE"};

    return type < O_TYPES ? names[type] : "?";
}

bool rules_address(bool wide, uint64_t vaddr)
{
    if (!wide)
        return vaddr < UINT64_C(0xf5800000);
    return vaddr <= UINT64_C(0x00007fffffffffff) || vaddr >= UINT64_C(0xffff880000000000);
}

void rules_hypervisor_slots(const struct oracle_domain *domain, enum oracle_type table, unsigned *first, unsigned *end)
{
    *first = *end = 0;
    if (domain->wide && table == O_L4) {
        *first = 256;
        *end = 272;
    } else if (table == O_L2_TOP) {
        *first = 428;
        *end = 512;
    }
}

int rules_slot(const struct oracle_domain *domain, enum oracle_type table, unsigned slot)
{
    if (table == O_L4 && slot >= 256 && slot <= 271)
        return -XEN_EINVAL;
    if (table == O_L2_TOP && slot >= 428)
        return -XEN_EPERM;
    if (!domain->wide && table == O_L3 && slot >= 3)
        return -XEN_EINVAL;
    return 0;
}

/*
 * ---- Entries.
 */

static bool device_right(const struct oracle *oracle, const struct oracle_domain *domain, uint64_t mfn)
{
    for (unsigned i = 0; i < domain->nr_iomem; i++) {
        if (mfn >= domain->iomem[i].first && mfn <= domain->iomem[i].last)
            return mfn < UINT64_C(1) << (oracle->phys_bits - 12);
    }
    return false;
}

/* Device memory is mapped uncached where the entry asks for write-back, -through or -protect. */
static uint64_t uncached(uint64_t bits)
{
    switch (bits & BITS_MEMORY) {
    case 0:
    case BIT_PWT:
    case BIT_PAT | BIT_PWT:
        return (bits & ~BITS_MEMORY) | BIT_PCD | BIT_PWT;
    default:
        return bits;
    }
}

static uint64_t adjust_l1(const struct oracle *oracle, bool wide, uint64_t bits)
{
    if (!wide)
        return bits;
    if (!(bits & BIT_US))
        bits |= BIT_US | BIT_52;
    if (!(bits & BIT_52) && oracle->mistake != ORACLE_NO_GLOBAL)
        bits |= BIT_G;
    return bits;
}

static struct verdict error_verdict(int error)
{
    return (struct verdict){.error = error, .mfn = ORACLE_NO_FRAME};
}

static struct verdict l1_entry(const struct oracle *oracle, struct who who, uint64_t raw)
{
    const struct oracle_domain *pt = &oracle->state.domains[who.pt];
    struct verdict verdict = {.bits = adjust_l1(oracle, pt->wide, raw), .mfn = entry_target(raw)};

    if ((raw & BITS_MEMORY) && pt->nr_iomem == 0)
        return error_verdict(-XEN_EINVAL);
    if (!oracle_is_ram(oracle, verdict.mfn)) {
        if (verdict.mfn == ALL_ONES_MFN)
            return error_verdict(-XEN_EINVAL);
        if (!device_right(oracle, who.pg == PG_DEVICES ? &oracle->state.domains[who.caller] : pt, verdict.mfn))
            return error_verdict(-XEN_EPERM);
        verdict.bits = uncached(verdict.bits);
        verdict.mfn = ORACLE_NO_FRAME;
        return verdict;
    }
    if ((raw & BITS_MEMORY) && oracle->state.frames[verdict.mfn].shared)
        return error_verdict(-XEN_EACCES);
    verdict.need = (raw & BIT_RW) ? O_WRITABLE : O_NONE;
    return verdict;
}

static struct verdict upper_entry(const struct oracle *oracle, struct who who, enum oracle_type table, unsigned slot,
                                  uint64_t raw)
{
    bool wide = oracle->state.domains[who.pt].wide;
    unsigned level = oracle_level(table);
    struct verdict verdict = {.bits = raw, .mfn = entry_target(raw)};

    if (raw & (BITS_MEMORY | BIT_G)) /* bit 7 is PSE here */
        return error_verdict(-XEN_EINVAL);
    if (!wide && level == 3 && (raw & BITS_HIGH))
        return error_verdict(-XEN_EINVAL);
    if (!oracle_is_ram(oracle, verdict.mfn) || who.pg != (int)who.pt)
        return error_verdict(-XEN_EINVAL);
    if (wide)
        verdict.bits |= level == 4 ? BIT_US | BIT_A : BIT_US;
    else if (level == 3)
        verdict.bits |= BIT_US | BIT_RW;
    verdict.need = (uint8_t)(level - 1);
    if (!wide && level == 3 && slot == 3)
        verdict.need = O_L2_TOP;
    return verdict;
}

struct verdict rules_entry(const struct oracle *oracle, struct who who, enum oracle_type table, unsigned slot,
                           uint64_t raw)
{
    if (!(raw & BIT_P)) {
        /* A flawed processor reads below the end of RAM even so; with PSE, from there on upwards. */
        uint64_t target = entry_target(raw);
        bool read = (target > 0 && target < oracle->nr_frames) || (table != O_L1 && (raw & BIT_PAT));

        if (oracle->l1tf && read)
            return error_verdict(-XEN_EINVAL);
        return (struct verdict){.bits = raw, .mfn = ORACLE_NO_FRAME};
    }
    if (table == O_L1)
        return l1_entry(oracle, who, raw);
    return upper_entry(oracle, who, table, slot, raw);
}

uint64_t oracle_adjusted(const struct oracle *oracle, unsigned domain, enum oracle_type type, unsigned slot,
                         uint64_t raw)
{
    const struct who who = {domain, domain, (int)domain};
    struct verdict verdict;

    if (type == O_SEGDESC) {
        (void)rules_descriptor(oracle->state.domains[domain].wide, &raw);
        return raw;
    }
    verdict = rules_entry(oracle, who, type, slot, raw);
    return verdict.error ? raw : verdict.bits;
}

/*
 * ---- Descriptors, as two words like the manuals have them.
 */

static bool gate(bool wide, uint32_t *low, uint32_t *high)
{
    uint32_t selector = *low >> 16, asked = (*high >> 13) & 3;

    if (!(selector & 4) && selector >= 0xe000 && (wide ? selector != 0xe033 : (selector | 3) != 0xe01b))
        return false;
    if (*high & (wide ? 0xffu : 0xe0u))
        return false;
    if (asked == 0)
        asked = selector & 3; /* it has been adjusted before */
    if (wide)
        asked = 3;
    else if (asked == 0)
        asked = 1;
    *high &= ~(3u << 13);
    *low = (*low & ~(3u << 16)) | asked << 16;
    return true;
}

static bool segment(bool wide, uint32_t *low, uint32_t *high)
{
    uint32_t base = (*high & 0xff000000) | (*high & 0xff) << 16 | *low >> 16;
    uint64_t limit = (*high & 0xf0000) | (*low & 0xffff);
    uint32_t least = wide ? 3 : 1;

    if (!wide && (*high & 1u << 21))
        return false;
    if (*high & 1u << 23)
        limit = limit << 12 | 0xfff;
    if (!wide && base == 0 && limit > 0xf5800000) {
        *low |= 0xffff;
        *high |= 0xf0000 | 1u << 23;
    }
    if (((*high >> 13) & 3) < least)
        *high = (*high & ~(3u << 13)) | least << 13;
    return true;
}

bool rules_descriptor(bool wide, uint64_t *descriptor)
{
    uint32_t low = (uint32_t)*descriptor, high = (uint32_t)(*descriptor >> 32);
    bool ok = true;

    if (!(high & 1u << 15))
        return true;
    if (high & 1u << 12)
        ok = segment(wide, &low, &high);
    else if ((high & 0xf00) == 0xc00)
        ok = gate(wide, &low, &high);
    else
        ok = (high & 0xf00) == 0;
    *descriptor = ok ? (uint64_t)high << 32 | low : *descriptor;
    return ok;
}
