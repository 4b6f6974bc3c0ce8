/* SPDX-License-Identifier: MIT */
/* Frames between the pool and their owners. */
#include <abi/errno.h>
#include <abi/layout.h>
#include <engine/engine.h>
#include <engine/m2p.h>
#include <engine/tlb.h>

/*
 * The frame leaves its owner.  What it was, and until when somebody may have seen it, stays written in its type and
 * epoch: frames_allocate() flushes and wipes before the next owner gets it.
 */
FORCE_INLINE void leave_owner(struct domain *owner, struct frame *frame)
{
    struct machine *machine = owner->machine;

    CHECK(type_is_idle(frame->type) && !(frame->flags & (FRAME_ALLOCATED | FRAME_SHARED | FRAME_LINKS)));
    owner->nr_frames--;
    m2p_set(machine, frame_mfn(machine, frame), MACH2PHYS_INVALID);
    frame->epoch = tlb_stamp(machine);
    frame_set_owner(frame, OWNER_NONE);
}

void frame_free(struct machine *machine, struct frame *frame)
{
    struct domain *owner = domain_find(machine, DOMID(frame_owner(frame)));

    CHECK(owner);
    leave_owner(owner, frame);
    port_pool_give(frame_mfn(machine, frame), 0);
}

void frame_settle_other(struct machine *machine, struct frame *frame, enum frame_type was, enum frame_type want)
{
    if (was != TYPE_NONE && was != want)
        tlb_settle(machine, domain_find(machine, DOMID(frame_owner(frame))), frame->epoch);
    if (want != TYPE_WRITABLE && (frame->flags & FRAME_INCOHERENT)) {
        port_cache_flush(machine->tlb.cpus);
        frame->flags &= (uint16_t)~FRAME_INCOHERENT;
    }
}

/* Of the frames of extents of 2^@order that begin at @firsts, the one at @index. */
FORCE_INLINE struct frame *frame_at(const struct machine *machine, const mfn_t *firsts, unsigned order, uint64_t index)
{
    struct frame *frame = frame_find(machine, mfn_add(firsts[index >> order], index & ((UINT64_C(1) << order) - 1)));

    CHECK(frame);
    return frame;
}

/*
 * No processor sees the @count frames of extents from the pool any more, by at most one flush of translations and one
 * of caches for all of them.
 */
FORCE_INLINE void settle_extents(struct machine *machine, const mfn_t *firsts, unsigned order, uint64_t count)
{
    uint32_t ended = frame_at(machine, firsts, order, 0)->epoch;
    unsigned flags = 0;

    for (uint64_t i = 0; i < count; i++) {
        const struct frame *frame = frame_at(machine, firsts, order, i);

        CHECK(frame_owner(frame) == OWNER_NONE && frame->refs == 0);
        ended = i == 0 ? ended : tlb_later(machine, ended, frame->epoch);
        flags |= frame->flags;
    }
    tlb_settle(machine, NULL, ended);
    if (flags & FRAME_INCOHERENT)
        port_cache_flush(machine->tlb.cpus);
}

/* Nothing of the past of @frame remains; before that it was settled. */
static inline void wipe(struct machine *machine, struct frame *frame)
{
    type_forget(&frame->type);
    port_frame_clear(frame_mfn(machine, frame));
}

FORCE_INLINE void hand_over(struct domain *domain, const mfn_t *firsts, unsigned order, uint64_t count)
{
    struct machine *machine = domain->machine;

    settle_extents(machine, firsts, order, count);
    for (uint64_t i = 0; i < count; i++) {
        struct frame *frame = frame_at(machine, firsts, order, i);

        wipe(machine, frame);
        frame->refs = 1;
        frame->flags = FRAME_ALLOCATED;
        frame_set_owner(frame, domain->id.v);
    }
    domain->nr_frames += count;
}

static bool has_room(const struct domain *domain, uint64_t count)
{
    return count <= domain->max_frames && domain->nr_frames <= domain->max_frames - count;
}

static mfn_t end_of_frames(const struct domain *domain)
{
    return domain->frames_end.v ? domain->frames_end : MFN_NONE;
}

int frames_allocate(struct domain *domain, unsigned order, mfn_t *first)
{
    uint64_t count = UINT64_C(1) << order;

    if (!has_room(domain, count) || !port_pool_take(order, end_of_frames(domain), first))
        return -XEN_ENOMEM;
    hand_over(domain, first, order, count);
    return 0;
}

int frames_allocate_some(struct domain *domain, unsigned count, mfn_t *mfns)
{
    unsigned taken;

    CHECK(count > 0);
    if (!has_room(domain, count))
        return -XEN_ENOMEM;
    taken = port_pool_take_some(count, end_of_frames(domain), mfns);
    if (taken < count) {
        port_pool_give_some(mfns, taken);
        return -XEN_ENOMEM;
    }
    hand_over(domain, mfns, 0, count);
    return 0;
}

/* The frames have the owner of those that were reserved from the beginning, and no reference either. */
bool machine_take(struct machine *machine, unsigned order, mfn_t *first)
{
    uint64_t count = UINT64_C(1) << order;

    if (!port_pool_take(order, MFN_NONE, first))
        return false;
    settle_extents(machine, first, order, count);
    for (uint64_t i = 0; i < count; i++) {
        struct frame *frame = frame_at(machine, first, order, i);

        wipe(machine, frame);
        frame->flags = 0;
        frame_set_owner(frame, DOMID_XEN);
    }
    return true;
}

void machine_give(struct machine *machine, mfn_t first, unsigned order)
{
    for (uint64_t i = 0; i < UINT64_C(1) << order; i++) {
        struct frame *frame = frame_find(machine, mfn_add(first, i));

        CHECK(frame && frame_owner(frame) == DOMID_XEN);
        frame_set_owner(frame, OWNER_NONE);
    }
    port_pool_give(first, order);
}

int frame_release(struct domain *domain, struct frame *frame)
{
    if (frame_owner(frame) != domain->id.v || !(frame->flags & FRAME_ALLOCATED))
        return -XEN_EINVAL;
    frame->flags &= (uint16_t)~FRAME_ALLOCATED;
    frame_put(domain->machine, frame);
    return 0;
}

void frames_relinquish(struct domain *domain, mfn_t first, unsigned count)
{
    mfn_t free[RELINQUISH_MAX];
    unsigned nr_free = 0;

    CHECK(count <= RELINQUISH_MAX && first.v + count <= domain->machine->nr_frames);
    for (unsigned i = 0; i < count; i++) {
        struct frame *frame = &domain->machine->frames[first.v + i];

        if (frame_owner(frame) != domain->id.v)
            continue;
        if (frame->flags & FRAME_SHARED)
            frame_unshare(domain, frame);
        if (!(frame->flags & FRAME_ALLOCATED))
            continue;
        CHECK(frame->refs > 0);
        frame->flags &= (uint16_t)~FRAME_ALLOCATED;
        if (--frame->refs > 0)
            continue;
        leave_owner(domain, frame);
        free[nr_free++] = mfn_add(first, i);
    }
    port_pool_give_some(free, nr_free);
}

bool frame_is_sole(const struct frame *frame, const struct domain *domain)
{
    return frame_owner(frame) == domain->id.v && (frame->flags & FRAME_ALLOCATED) && frame->refs == 1 &&
           type_is_idle(frame->type);
}

int frame_share(struct domain *domain, struct frame *frame)
{
    if (!frame_is_sole(frame, domain))
        return -XEN_EINVAL;
    frame_settle(domain->machine, frame, type_of(frame->type), TYPE_NONE);
    if (!type_writable_get(&frame->type))
        CHECK(false); /* an idle frame has no uses: one more fits */
    frame->flags = FRAME_SHARED;
    domain->nr_frames--;
    return 0;
}

/* The reference that made it shared becomes the one that makes it allocated, so none changes hands. */
void frame_unshare(struct domain *domain, struct frame *frame)
{
    CHECK(frame_owner(frame) == domain->id.v && (frame->flags & FRAME_SHARED));
    if (type_writable_put(&frame->type))
        frame->epoch = tlb_stamp(domain->machine);
    frame->flags = (uint16_t)((frame->flags & ~FRAME_SHARED) | FRAME_ALLOCATED);
    domain->nr_frames++;
}

int frame_allocate_shared(struct domain *domain, mfn_t *mfn)
{
    int error;

    domain->max_frames++; /* it leaves the reservation again */
    error = frames_allocate(domain, 0, mfn);
    if (!error) {
        m2p_set(domain->machine, *mfn, MACH2PHYS_SHARED);
        if (frame_share(domain, frame_find(domain->machine, *mfn)))
            CHECK(false); /* it is allocated, and nobody has seen it */
    }
    domain->max_frames--;
    return error;
}
