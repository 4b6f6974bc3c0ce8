/* SPDX-License-Identifier: MIT */
/* Uses of granted pages, in order: the entry's flags in either version; the record; the frame. */
#include <engine/grant_use.h>
#include <engine/typeref.h>

/* How often an entry may change under our eyes before its use is refused: the guest is playing then. */
#define ATTEMPTS 4u

/* What is asked of an entry. */
struct wanted {
    domid_t user;
    bool write;
};

/* Flags and domid of an entry of either version lie in its first four bytes. */
typedef uint32_t __attribute__((may_alias)) header_t;

static header_t *header_of(const struct grant_place *place)
{
    return place->v1 ? (header_t *)place->v1 : (header_t *)place->v2;
}

static bool header_grants(uint32_t header, const struct wanted *wanted)
{
    return (header & GTF_type_mask) == GTF_permit_access && header >> 16 == wanted->user.v &&
           !(wanted->write && (header & GTF_readonly));
}

static uint16_t use_flags(bool write)
{
    return write ? GTF_reading | GTF_writing : GTF_reading;
}

/* Version 1: the flags say in one step that it is granted and that it is used. */
static bool mark_v1(header_t *header, const struct wanted *wanted)
{
    header_t seen = __atomic_load_n(header, __ATOMIC_RELAXED);

    for (unsigned i = 0; i < ATTEMPTS && header_grants(seen, wanted); i++) {
        if (__atomic_compare_exchange_n(header, &seen, seen | use_flags(wanted->write), false, __ATOMIC_SEQ_CST,
                                        __ATOMIC_RELAXED))
            return true;
    }
    return false;
}

static void clear_flags(uint16_t *flags, const struct grant_use *use)
{
    if (use->readers + use->writers == 0)
        (void)__atomic_and_fetch(flags, (uint16_t)~GTF_USE, __ATOMIC_SEQ_CST);
    else if (use->writers == 0)
        (void)__atomic_and_fetch(flags, (uint16_t)~GTF_writing, __ATOMIC_SEQ_CST);
}

/*
 * Version 2: the status is set first, then the flags are looked at again.  The granter writes the flags first and looks
 * at the status then, so at least one of the two notices.
 */
static bool mark_v2(const struct grant_place *place, header_t *header, const struct wanted *wanted)
{
    if (!header_grants(__atomic_load_n(header, __ATOMIC_SEQ_CST), wanted))
        return false;
    (void)__atomic_or_fetch(place->status, use_flags(wanted->write), __ATOMIC_SEQ_CST);
    if (header_grants(__atomic_load_n(header, __ATOMIC_SEQ_CST), wanted))
        return true;
    clear_flags(place->status, place->use);
    return false;
}

static bool mark(const struct grant_place *place, const struct wanted *wanted)
{
    header_t *header = header_of(place);

    return place->v1 ? mark_v1(header, wanted) : mark_v2(place, header, wanted);
}

static void unmark(const struct grant_place *place)
{
    clear_flags(place->v1 ? &place->v1->flags : place->status, place->use);
}

/* The rest of the entry, read once.  Of a frame that is in use already the record tells. */
static struct granted read_entry(const struct grant_place *place)
{
    struct granted granted = {MFN_NONE, 0, PAGE_SIZE};

    if (place->v1) {
        granted.frame = MFN(__atomic_load_n(&place->v1->frame, __ATOMIC_RELAXED));
    } else {
        granted.frame = MFN(__atomic_load_n(&place->v2->frame, __ATOMIC_RELAXED));
        if (__atomic_load_n(&place->v2->flags, __ATOMIC_RELAXED) & GTF_sub_page) {
            granted.first = __atomic_load_n(&place->v2->page_off, __ATOMIC_RELAXED);
            granted.end = granted.first + __atomic_load_n(&place->v2->length, __ATOMIC_RELAXED);
        }
    }
    if (place->use->readers + place->use->writers > 0)
        granted.frame = place->use->frame;
    return granted;
}

/* The record has room for one more, of this domain. */
static bool may_count(const struct grant_use *use, const struct wanted *wanted)
{
    if (use->readers + use->writers == 0)
        return true;
    return use->user.v == wanted->user.v && use->readers < UINT16_MAX && use->writers < UINT16_MAX;
}

static void count(struct domain *granter, struct grant_use *use, const struct wanted *wanted, mfn_t frame)
{
    if (use->readers + use->writers == 0) {
        granter->grants.nr_in_use++;
        use->frame = frame;
        use->user = wanted->user;
    }
    if (wanted->write)
        use->writers++;
    else
        use->readers++;
}

static void uncount(struct domain *granter, struct grant_use *use, bool write)
{
    uint16_t *uses = write ? &use->writers : &use->readers;

    CHECK(*uses > 0);
    --*uses;
    if (use->readers + use->writers == 0)
        granter->grants.nr_in_use--;
}

static int16_t refuse_frame(const struct op *op, const struct domain *owner, mfn_t mfn)
{
    const struct frame *frame = frame_find(op->machine, mfn);
    bool owned = frame && frame_owner(frame) == owner->id.v;

    return grant_refuse(op, GNTST_bad_page, owned ? REFUSE_REFERENCES_EXHAUSTED : REFUSE_GRANT_FRAME, mfn.v);
}

int16_t grant_hold_frame(struct op *op, const struct domain *owner, mfn_t mfn, bool write)
{
    struct frame *frame = frame_find(op->machine, mfn);

    if (!frame || !frame_get(frame, owner))
        return refuse_frame(op, owner, mfn);
    if (!write || !typeref_get_writable(op, NOWHERE, frame))
        return GNTST_okay;
    frame_put(op->machine, frame);
    return GNTST_general_error;
}

void grant_drop_frame(struct machine *machine, mfn_t mfn, bool write)
{
    struct frame *frame = frame_find(machine, mfn);

    CHECK(frame);
    if (write)
        typeref_drop_writable(machine, frame);
    else
        frame_put(machine, frame);
}

int16_t grant_use_begin(struct op *op, struct domain *granter, grant_ref_t ref, domid_t user, bool write,
                        struct granted *granted)
{
    const struct wanted wanted = {user, write};
    struct grant_place place;
    int16_t status;

    if (!grant_place_find(granter, ref, &place))
        return grant_refuse(op, GNTST_bad_gntref, REFUSE_GRANT_REFERENCE, ref);
    if (!may_count(place.use, &wanted))
        return grant_refuse(op, GNTST_general_error, REFUSE_GRANT_IN_USE, ref);
    if (!mark(&place, &wanted))
        return grant_refuse(op, GNTST_general_error, REFUSE_GRANT_ENTRY, *header_of(&place));
    *granted = read_entry(&place);
    status = grant_hold_frame(op, granter, granted->frame, write);
    if (status == GNTST_okay)
        count(granter, place.use, &wanted, granted->frame);
    else
        unmark(&place);
    return status;
}

void grant_use_end(struct domain *granter, grant_ref_t ref, mfn_t mfn, bool write)
{
    struct grant_place place;

    grant_drop_frame(granter->machine, mfn, write);
    if (!grant_place_find(granter, ref, &place))
        return;
    uncount(granter, place.use, write);
    unmark(&place);
}
