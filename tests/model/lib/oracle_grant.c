/* SPDX-License-Identifier: MIT */
/* The oracle on grants (abi/grant.h): entries and their uses, map and unmap. */
#include <abi/grant.h>
#include <abi/mmu.h>
#include <sim/sim.h>
#include <tests/model/lib/oracle_parts.h>

#define SUB_PAGE (1u << 8) /* version 2 */

/*
 * ---- Entries.
 */

static uint16_t get_16(const struct oracle *oracle, uint64_t mfn, unsigned offset)
{
    return (uint16_t)(oracle->memory[mfn][offset / 8] >> offset % 8 * 8);
}

static void put_16(struct oracle *oracle, uint64_t mfn, unsigned offset, uint16_t value)
{
    unsigned shift = offset % 8 * 8;
    uint64_t word = oracle->memory[mfn][offset / 8];

    oracle_put(oracle, mfn, offset / 8, (word & ~(UINT64_C(0xffff) << shift)) | (uint64_t)value << shift);
}

bool oracle_entry(const struct oracle *oracle, unsigned domain, uint32_t ref, struct oracle_entry *entry)
{
    const struct oracle_grants *grants = &oracle->state.domains[domain].grants;
    unsigned size = grants->version == 2 ? 16 : 8, per_frame = 4096 / size;
    uint64_t header;

    if (grants->version == 0 || ref / per_frame >= grants->nr_frames)
        return false;
    *entry = (struct oracle_entry){.mfn = grants->frames[ref / per_frame], .offset = ref % per_frame * size};
    header = oracle->memory[entry->mfn][entry->offset / 8];
    entry->flags = header & 0xffff;
    entry->domid = header >> 16 & 0xffff;
    entry->end = 4096;
    if (grants->version == 1) {
        entry->frame = header >> 32;
        entry->use_mfn = entry->mfn;
        entry->use_offset = entry->offset;
        return true;
    }
    entry->frame = oracle->memory[entry->mfn][entry->offset / 8 + 1];
    entry->use_mfn = grants->status[ref / 2048];
    entry->use_offset = ref % 2048 * 2;
    if (entry->flags & SUB_PAGE) {
        entry->first = header >> 32 & 0xffff;
        entry->end = entry->first + (unsigned)(header >> 48);
    }
    return true;
}

/*
 * ---- Uses.
 */

/* Any mapping of the entry, and how many of them write. */
static const struct oracle_mapping *find_use(const struct oracle *oracle, unsigned granter, uint32_t ref,
                                             unsigned *writers)
{
    const struct oracle_mapping *found = NULL;

    *writers = 0;
    for (unsigned i = 0; i < oracle->state.nr_mappings; i++) {
        const struct oracle_mapping *mapping = &oracle->state.mappings[i];

        if (mapping->granter != granter || mapping->ref != ref)
            continue;
        *writers += !mapping->readonly;
        if (!found)
            found = mapping; /* the first one, of which the others are repetitions */
    }
    return found;
}

bool use_exists(const struct oracle *oracle, unsigned granter, uint32_t ref)
{
    unsigned writers;

    return find_use(oracle, granter, ref, &writers);
}

uint64_t oracle_granted(const struct oracle *oracle, unsigned domain, uint32_t ref)
{
    struct oracle_entry entry;
    unsigned writers;
    const struct oracle_mapping *mapping = find_use(oracle, domain, ref, &writers);

    if (!oracle_entry(oracle, domain, ref, &entry))
        return ORACLE_NO_FRAME;
    return mapping ? mapping->frame : entry.frame;
}

bool use_find_domain(const struct oracle *oracle, unsigned domid, unsigned *domain)
{
    if (domid != DOMID_SELF)
        *domain = domid;
    return domid == DOMID_SELF || (domid < oracle->nr_domains && oracle->state.domains[domid].alive);
}

void use_settle(struct oracle *oracle, unsigned granter, uint32_t ref)
{
    struct oracle_entry entry;
    unsigned writers, clear = 0;
    const struct oracle_mapping *mapping = find_use(oracle, granter, ref, &writers);

    if (!oracle->state.domains[granter].alive || !oracle_entry(oracle, granter, ref, &entry))
        return;
    if (!mapping)
        clear = GTF_reading | GTF_writing;
    else if (writers == 0)
        clear = GTF_writing;
    if (oracle->mistake == ORACLE_USE_STAYS)
        clear &= ~GTF_reading;
    put_16(oracle, entry.use_mfn, entry.use_offset, get_16(oracle, entry.use_mfn, entry.use_offset) & (uint16_t)~clear);
}

int16_t use_begin(struct oracle *oracle, unsigned user, struct use *use)
{
    struct oracle_entry entry;
    unsigned writers;
    const struct oracle_mapping *mapping = find_use(oracle, use->granter, use->ref, &writers);
    uint16_t marks = use->write ? GTF_reading | GTF_writing : GTF_reading;
    bool is_good;

    if (!oracle_entry(oracle, use->granter, use->ref, &entry))
        return GNTST_bad_gntref;
    if (mapping && mapping->domain != user)
        return GNTST_general_error;
    if ((entry.flags & GTF_type_mask) != GTF_permit_access || entry.domid != user ||
        (use->write && (entry.flags & GTF_readonly)))
        return GNTST_general_error;
    put_16(oracle, entry.use_mfn, entry.use_offset, get_16(oracle, entry.use_mfn, entry.use_offset) | marks);
    use->frame = mapping && oracle->mistake != ORACLE_REREADS_ENTRY ? mapping->frame : entry.frame;
    use->first = entry.first;
    use->end = entry.end;
    is_good = oracle_is_ram(oracle, use->frame) && oracle->state.frames[use->frame].owner == use->granter;
    if (is_good &&
        (!use->write || oracle_type(oracle, use->frame) == O_NONE || oracle_type(oracle, use->frame) == O_WRITABLE))
        return GNTST_okay;
    use_settle(oracle, use->granter, use->ref);
    return is_good ? GNTST_general_error : GNTST_bad_page;
}

/*
 * ---- Mappings.
 */

struct oracle_mapping *oracle_mapping(struct oracle *oracle, unsigned domain, uint32_t handle)
{
    for (unsigned i = 0; i < oracle->state.nr_mappings; i++) {
        struct oracle_mapping *mapping = &oracle->state.mappings[i];

        if (mapping->domain == domain && mapping->handle == handle)
            return mapping;
    }
    return NULL;
}

static void remove_mapping(struct oracle *oracle, struct oracle_mapping *mapping)
{
    struct oracle_mapping *last = &oracle->state.mappings[--oracle->state.nr_mappings];

    for (; mapping < last; mapping++)
        *mapping = mapping[1];
}

void oracle_grant_free(struct oracle *oracle, unsigned domain)
{
    oracle->state.domains[domain].grants = (struct oracle_grants){.version = 0};
    for (unsigned i = oracle->state.nr_mappings; i > 0; i--) {
        const struct oracle_mapping mapping = oracle->state.mappings[i - 1];

        if (mapping.domain != domain)
            continue;
        remove_mapping(oracle, &oracle->state.mappings[i - 1]);
        use_settle(oracle, mapping.granter, mapping.ref);
    }
}

/* The L1 entry of the caller's that an address means. */
static bool find_place(const struct oracle *oracle, const struct call *call, uint64_t address, bool named,
                       uint64_t *table, unsigned *index)
{
    if (!named)
        return oracle_find_l1(oracle, call->caller, call->vcpu->kernel_root, address, table, index);
    *table = address >> 12;
    *index = (unsigned)(address & 0xfff) / 8;
    return address % 8 == 0 && oracle_is_ram(oracle, *table) && oracle->state.frames[*table].owner == call->caller &&
           oracle_type(oracle, *table) == O_L1;
}

/*
 * ---- Map.
 */

static uint64_t entry_for(uint64_t frame, uint32_t flags)
{
    uint64_t entry = frame << 12 | BITS_AD | BIT_P | UINT64_C(1) << 63;

    if (!(flags & GNTMAP_readonly))
        entry |= BIT_RW;
    if (flags & GNTMAP_application_map)
        entry |= BIT_US;
    return entry | (uint64_t)(flags >> 16 & 7) << 9;
}

static int16_t write_entry(struct oracle *oracle, const struct call *call, const struct use *use, uint64_t address,
                           uint32_t flags)
{
    const struct who who = {call->caller, call->caller, (int)use->granter};
    uint64_t table;
    unsigned index;

    if (!find_place(oracle, call, address, flags & GNTMAP_contains_pte, &table, &index) ||
        oracle_write_entry(oracle, who, table, index, entry_for(use->frame, flags), false))
        return GNTST_general_error;
    return GNTST_okay;
}

/* Which handle it gets, the engine decides; it must be a free one. */
static int16_t map_used(struct oracle *oracle, const struct call *call, const uint64_t *word, const struct use *use,
                        uint32_t handle)
{
    const uint32_t flags = (uint32_t)word[1];
    int16_t status = GNTST_okay;

    if (oracle_mapping(oracle, call->caller, handle) || oracle->state.nr_mappings == ORACLE_MAPPINGS)
        return GNTST_no_space;
    oracle->state.mappings[oracle->state.nr_mappings++] = (struct oracle_mapping){.domain = (uint16_t)call->caller,
                                                                                  .granter = (uint16_t)use->granter,
                                                                                  .host = flags & GNTMAP_host_map,
                                                                                  .device = flags & GNTMAP_device_map,
                                                                                  .named = flags & GNTMAP_contains_pte,
                                                                                  .readonly = flags & GNTMAP_readonly,
                                                                                  .handle = handle,
                                                                                  .ref = use->ref,
                                                                                  .frame = use->frame,
                                                                                  .host_addr = word[0]};
    if (use->first > 0 || use->end < 4096)
        status = GNTST_general_error;
    else if (flags & GNTMAP_host_map)
        status = write_entry(oracle, call, use, word[0], flags);
    if (status != GNTST_okay)
        oracle->state.nr_mappings--;
    return status;
}

static int16_t map(struct oracle *oracle, const struct call *call, const uint64_t *word, const uint64_t *seen,
                   uint64_t *results)
{
    uint32_t flags = (uint32_t)word[1], handle = (uint32_t)(seen[0] >> 32);
    unsigned domid = word[1] >> 32 & 0xffff;
    struct use use = {.ref = (uint32_t)word[2], .write = !(flags & GNTMAP_readonly)};
    int16_t status;

    if (!(flags & (GNTMAP_host_map | GNTMAP_device_map)))
        return GNTST_bad_gntref;
    if (domid == DOMID_SELF || !use_find_domain(oracle, domid, &use.granter))
        return GNTST_bad_domain;
    if ((int16_t)seen[0] == GNTST_no_space && oracle_pool(oracle) == 0)
        return GNTST_no_space;
    status = use_begin(oracle, call->caller, &use);
    if (status != GNTST_okay)
        return status;
    status = map_used(oracle, call, word, &use, handle);
    oracle_settle(oracle);
    if (status != GNTST_okay) {
        use_settle(oracle, use.granter, use.ref);
        return status;
    }
    results[0] = (uint64_t)handle << 32;
    results[1] = use.frame << 12;
    return GNTST_okay;
}

int64_t oracle_grant_map(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;

    for (unsigned i = 0; i < step->count; i++) {
        uint64_t *results = &call->expected->extents[2 * i];

        results[0] = outcome_result((int16_t)RESULT_BEFORE, HANDLE_BEFORE);
        results[1] = HANDLE_BEFORE;
    }
    for (unsigned i = 0; i < step->count; i++) {
        uint64_t *results = &call->expected->extents[2 * i];
        int16_t status;

        if (i >= call_readable(step))
            return -XEN_EFAULT;
        status = map(oracle, call, &step->word[3 * i], &call->seen->extents[2 * i], results);
        results[0] = (results[0] & ~UINT64_C(0xffff)) | outcome_status(status);
    }
    return 0;
}

/*
 * ---- Batches, and unmap.
 */

int64_t oracle_grant_batch(struct oracle *oracle, const struct call *call, unsigned words, oracle_grant_one *one)
{
    const struct step *step = call->step;

    for (unsigned i = 0; i < step->count; i++)
        call->expected->extents[i] = RESULT_BEFORE;
    for (unsigned i = 0; i < step->count; i++) {
        if (i >= call_readable(step))
            return -XEN_EFAULT;
        call->expected->extents[i] = outcome_status(one(oracle, call, &step->word[words * i]));
    }
    return 0;
}

/* The entry is cleared, or that of @new_addr moves there. */
static int16_t unmap_host(struct oracle *oracle, const struct call *call, const struct oracle_mapping *mapping,
                          uint64_t address, uint64_t new_addr)
{
    uint64_t table, entry, moved = 0, other;
    unsigned index, other_index;

    if (!find_place(oracle, call, address, mapping->named, &table, &index))
        return GNTST_general_error;
    entry = oracle->memory[table][index];
    if (!(entry & BIT_P) || entry_target(entry) != mapping->frame)
        return GNTST_general_error;
    if (!(entry & BIT_RW) != mapping->readonly && oracle->mistake != ORACLE_UNMAPS_ANY)
        return GNTST_general_error;
    if (new_addr) {
        if (!find_place(oracle, call, new_addr, false, &other, &other_index) ||
            (other == table && other_index == index))
            return GNTST_general_error;
        moved = oracle->memory[other][other_index];
        oracle_put(oracle, other, other_index, 0);
    }
    oracle_put(oracle, table, index, moved);
    return GNTST_okay;
}

static int16_t unmap(struct oracle *oracle, const struct call *call, const uint64_t *word)
{
    struct oracle_mapping *mapping = oracle_mapping(oracle, call->caller, (uint32_t)word[2]);
    bool replace = call->step->sub & 1, device;
    unsigned granter;
    uint32_t ref;

    if (!mapping)
        return GNTST_bad_handle;
    granter = mapping->granter;
    ref = mapping->ref;
    device = !replace && word[1] && mapping->device;
    if (device && word[1] != mapping->frame << 12)
        return GNTST_bad_dev_addr;
    if (word[0] && mapping->host) {
        int16_t status = unmap_host(oracle, call, mapping, word[0], replace ? word[1] : 0);

        if (status != GNTST_okay)
            return status;
        mapping->host = false;
    }
    mapping->device &= !device;
    if (!mapping->host && !mapping->device) {
        remove_mapping(oracle, mapping);
        use_settle(oracle, granter, ref);
    }
    oracle_settle(oracle);
    return GNTST_okay;
}

int64_t oracle_grant_unmap(struct oracle *oracle, const struct call *call)
{
    return oracle_grant_batch(oracle, call, 3, unmap);
}
