/* SPDX-License-Identifier: MIT */
/* Tables of grants, in order: places; growth; versions; exchange; beginning and end. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <engine/grant_table.h>

#define V1_PER_FRAME     (PAGE_SIZE / sizeof(struct grant_entry_v1))
#define V2_PER_FRAME     (PAGE_SIZE / sizeof(struct grant_entry_v2))
#define STATUS_PER_FRAME (PAGE_SIZE / sizeof(uint16_t))
#define USES_PER_FRAME   (PAGE_SIZE / sizeof(struct grant_use))
_Static_assert(USES_PER_FRAME *GRANT_USES_FRAMES == V1_PER_FRAME && USES_PER_FRAME == V2_PER_FRAME,
               "a use for each entry");
_Static_assert(GRANT_FRAMES_MAX *V2_PER_FRAME <= GRANT_STATUS_MAX * STATUS_PER_FRAME, "a status for each entry");

#define BACKEND 0u /* the domain at the other end of the reserved entries */

static uint32_t per_frame(const struct domain_grants *grants)
{
    return grants->version == 2 ? V2_PER_FRAME : V1_PER_FRAME;
}

bool grant_place_find(const struct domain *domain, grant_ref_t ref, struct grant_place *place)
{
    const struct domain_grants *grants = &domain->grants;
    uint32_t frame = ref / per_frame(grants), index = ref % per_frame(grants);

    if (frame >= grants->nr_frames)
        return false;
    *place = (struct grant_place){NULL, NULL, NULL, NULL};
    if (grants->version == 1) {
        place->v1 = (struct grant_entry_v1 *)port_frame_map(grants->frames[frame]) + index;
    } else {
        place->v2 = (struct grant_entry_v2 *)port_frame_map(grants->frames[frame]) + index;
        place->status =
            (uint16_t *)port_frame_map(grants->status_frames[ref / STATUS_PER_FRAME]) + ref % STATUS_PER_FRAME;
    }
    place->use =
        (struct grant_use *)port_frame_map(grants->uses[frame].frames[index / USES_PER_FRAME]) + index % USES_PER_FRAME;
    return true;
}

const struct grant_use *grant_table_next_use(const struct domain *domain, grant_ref_t *ref)
{
    const struct domain_grants *grants = &domain->grants;

    while (*ref / per_frame(grants) < grants->nr_frames) {
        const struct grant_uses *records = &grants->uses[*ref / per_frame(grants)];
        const struct grant_use *first = port_frame_map(records->frames[*ref % per_frame(grants) / USES_PER_FRAME]);

        do {
            const struct grant_use *use = &first[*ref % USES_PER_FRAME];

            if (use->readers + use->writers > 0)
                return use;
        } while (++*ref % USES_PER_FRAME);
    }
    return NULL;
}

/*
 * ---- Growth.
 */

/* The first @count of them. */
static void give_uses(struct machine *machine, const struct grant_uses *uses, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        machine_give(machine, uses->frames[i], 0);
}

static bool take_uses(struct machine *machine, struct grant_uses *uses)
{
    for (unsigned i = 0; i < GRANT_USES_FRAMES; i++) {
        if (!machine_take(machine, 0, &uses->frames[i])) {
            give_uses(machine, uses, i);
            return false;
        }
    }
    return true;
}

static unsigned status_frames_for(unsigned nr_frames)
{
    return (unsigned)((nr_frames * V2_PER_FRAME + STATUS_PER_FRAME - 1) / STATUS_PER_FRAME);
}

static int take_status(struct domain *domain, unsigned nr_frames)
{
    struct domain_grants *grants = &domain->grants;

    while (grants->nr_status_frames < status_frames_for(nr_frames)) {
        if (frame_allocate_shared(domain, &grants->status_frames[grants->nr_status_frames]))
            return -XEN_ENOMEM;
        grants->nr_status_frames++;
    }
    return 0;
}

/* One frame more, whose records of use are in @uses. */
static int append(const struct op *op, struct domain *domain, const struct grant_uses *uses)
{
    struct domain_grants *grants = &domain->grants;
    unsigned index = grants->nr_frames;

    if (grants->version == 0)
        return refuse_value(op, XEN_EINVAL, REFUSE_TABLE_LIMIT, index);
    if ((grants->version == 2 && take_status(domain, index + 1)) ||
        frame_allocate_shared(domain, &grants->frames[index]))
        return refuse_value(op, XEN_ENOMEM, REFUSE_NO_MEMORY, index);
    grants->uses[index] = *uses;
    grants->nr_frames++;
    return 0;
}

/* 1: it has become longer; 0: it was long enough. */
static int append_one(struct op *op, struct domain *domain, uint32_t wanted, const struct grant_uses *uses)
{
    int error = op_begin(op, domain, domain);

    if (error)
        return error;
    if (domain->grants.nr_frames < wanted) {
        error = append(op, domain, uses);
        if (!error)
            error = 1;
    }
    op_end(op);
    return error;
}

static bool is_long_enough(struct domain *domain, uint32_t wanted)
{
    bool enough;

    port_lock(domain);
    enough = domain->grants.nr_frames >= wanted;
    port_unlock(domain);
    return enough;
}

int grant_table_grow(struct op *op, struct domain *domain, uint32_t nr_frames)
{
    struct machine *machine = domain->machine;

    if (nr_frames > GRANT_FRAMES_MAX)
        return refuse_value(op, XEN_EINVAL, REFUSE_TABLE_LIMIT, nr_frames);
    while (!is_long_enough(domain, nr_frames)) {
        struct grant_uses uses;
        int appended;

        if (!take_uses(machine, &uses))
            return refuse_value(op, XEN_ENOMEM, REFUSE_NO_MEMORY, nr_frames);
        appended = append_one(op, domain, nr_frames, &uses);
        if (appended <= 0)
            give_uses(machine, &uses, GRANT_USES_FRAMES);
        if (appended < 0)
            return appended;
    }
    return 0;
}

/*
 * ---- Versions.
 */

/* Convert the reserved entries, from a copy, since the guest may write to the table meanwhile. */
static void convert_reserved(mfn_t frame, unsigned from)
{
    struct grant_entry_v1 v1[GNTTAB_NR_RESERVED_ENTRIES], *first = port_frame_map(frame);
    struct grant_entry_v2 v2[GNTTAB_NR_RESERVED_ENTRIES], *second = port_frame_map(frame);

    for (unsigned i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        v1[i] = first[i];
        v2[i] = second[i];
    }
    port_frame_clear(frame);
    for (unsigned i = 0; i < GNTTAB_NR_RESERVED_ENTRIES; i++) {
        if (from == 1)
            second[i] = (struct grant_entry_v2){v1[i].flags & (uint16_t)~GTF_USE, v1[i].domid, 0, 0, v1[i].frame};
        else if (v2[i].frame <= UINT32_MAX && (v2[i].flags & (GTF_type_mask | GTF_sub_page)) == GTF_permit_access)
            first[i] = (struct grant_entry_v1){v2[i].flags & (uint16_t)~GTF_USE, v2[i].domid, (uint32_t)v2[i].frame};
    }
}

static bool maps_status(const struct domain *domain)
{
    for (unsigned i = 0; i < domain->grants.nr_status_frames; i++) {
        const struct frame *frame = frame_find(domain->machine, domain->grants.status_frames[i]);

        CHECK(frame);
        if (frame->refs > 1) /* the first makes it shared */
            return true;
    }
    return false;
}

static int set_version(const struct op *op, struct domain *domain, unsigned version)
{
    struct domain_grants *grants = &domain->grants;

    if (version == grants->version)
        return 0;
    if (grants->version == 0)
        return refuse_value(op, XEN_EINVAL, REFUSE_GRANT_VERSION, version);
    if (grants->nr_in_use > 0 || maps_status(domain))
        return refuse_value(op, XEN_EBUSY, REFUSE_GRANT_IN_USE, grants->nr_in_use);
    if (version == 2 && take_status(domain, grants->nr_frames))
        return refuse_value(op, XEN_ENOMEM, REFUSE_NO_MEMORY, grants->nr_frames);
    for (unsigned i = 0; i < grants->nr_frames; i++) {
        if (i == 0)
            convert_reserved(grants->frames[0], grants->version);
        else
            port_frame_clear(grants->frames[i]);
    }
    for (unsigned i = 0; i < grants->nr_status_frames; i++)
        port_frame_clear(grants->status_frames[i]);
    grants->version = version;
    return 0;
}

int grant_table_set_version(struct op *op, struct domain *domain, unsigned version)
{
    int error = op_begin(op, domain, domain);

    if (error)
        return error;
    error = set_version(op, domain, version);
    op_end(op);
    return error;
}

/*
 * ---- Exchange.
 */

static bool is_used(const struct grant_place *place)
{
    return place->use->readers + place->use->writers > 0;
}

static int16_t swap(const struct op *op, const struct domain *domain, grant_ref_t a, grant_ref_t b)
{
    struct grant_place first, second;

    if (!grant_place_find(domain, a, &first))
        return grant_refuse(op, GNTST_bad_gntref, REFUSE_GRANT_REFERENCE, a);
    if (!grant_place_find(domain, b, &second))
        return grant_refuse(op, GNTST_bad_gntref, REFUSE_GRANT_REFERENCE, b);
    if (is_used(&first) || is_used(&second))
        return grant_refuse(op, GNTST_eagain, REFUSE_GRANT_IN_USE, is_used(&first) ? a : b);
    if (first.v1) {
        struct grant_entry_v1 kept = *first.v1;

        *first.v1 = *second.v1;
        *second.v1 = kept;
    } else {
        struct grant_entry_v2 kept = *first.v2;

        *first.v2 = *second.v2;
        *second.v2 = kept;
    }
    return GNTST_okay;
}

int16_t grant_table_swap(struct op *op, grant_ref_t a, grant_ref_t b)
{
    struct domain *domain = op->vcpu->domain;
    int16_t status;

    if (op_begin(op, domain, domain))
        return GNTST_general_error;
    status = swap(op, domain, a, b);
    op_end(op);
    return status;
}

/*
 * ---- Beginning and end.
 */

void grant_table_init(struct domain *domain)
{
    domain->grants.version = 0;
    domain->grants.nr_frames = 0;
    domain->grants.nr_status_frames = 0;
    domain->grants.nr_in_use = 0;
    domain->grants.nr_mapping_frames = 0;
    domain->grants.free_mapping = 0;
}

static void seed(const struct domain *domain, grant_ref_t ref, mfn_t mfn)
{
    struct grant_entry_v1 *table = port_frame_map(domain->grants.frames[0]);

    /* A number that does not fit cannot be granted by version 1. */
    if (!mfn_is_none(mfn) && mfn.v <= UINT32_MAX)
        table[ref] = (struct grant_entry_v1){GTF_permit_access, BACKEND, (uint32_t)mfn.v};
}

int domain_grants_create(struct domain *domain, mfn_t console, mfn_t store)
{
    struct op op = op_own(domain, NULL);
    int error;

    domain->grants.version = 1;
    error = grant_table_grow(&op, domain, 1);
    if (error)
        return error;
    seed(domain, GNTTAB_RESERVED_CONSOLE, console);
    seed(domain, GNTTAB_RESERVED_XENSTORE, store);
    return 0;
}

/* The frames of the table are the domain's own, and go with it. */
void grant_table_destroy(struct domain *domain)
{
    struct domain_grants *grants = &domain->grants;

    for (unsigned i = 0; i < grants->nr_frames; i++)
        give_uses(domain->machine, &grants->uses[i], GRANT_USES_FRAMES);
    grants->version = 0;
    grants->nr_frames = 0;
    grants->nr_status_frames = 0;
    grants->nr_in_use = 0;
}
