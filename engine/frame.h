/* SPDX-License-Identifier: MIT */
/*
 * Frames: who owns each, how often it is referenced, and what becomes of it when nobody does.
 *
 * A general reference keeps a frame with its owner.  Every present table entry that names a RAM frame holds one, every
 * pin, loaded root, descriptor slot, hold of the hypervisor and operation under way, and the domain itself one for
 * "allocated".  A type reference (engine/typeref.h) is always accompanied by a general one.  When the last general
 * reference goes, the frame returns to the pool; type and contents are wiped before anybody gets it again.
 */
#pragma once

#include <abi/mmu.h>
#include <engine/machine.h>
#include <engine/type.h>

struct frame {
    struct type_word type;
    uint32_t refs;  /* general count */
    uint32_t epoch; /* the TLB clock when the last type or general reference went; engine/tlb.h */
    uint16_t owner; /* a domid; DOMID_IO: not RAM; DOMID_XEN: the hypervisor's; OWNER_NONE: in the pool */
    uint16_t flags; /* FRAME_ */
};
_Static_assert(sizeof(struct frame) == 16, "design: at most 16 bytes a frame");

#define OWNER_NONE     DOMID_INVALID
#define FRAME_REFS_MAX 0xffffffffu

/*
 * Flags of a frame.
 * ALLOCATED: the owner's reservation holds one general reference.
 * SHARED: the hypervisor shares it with its owner; one writable use and one general reference are the hypervisor's.
 * INCOHERENT: was mapped writable with a memory type other than write-back since the last cache flush (XSA-402).
 * LINKS: the bits above are engine/linear.h's.
 */
#define FRAME_ALLOCATED  1u
#define FRAME_SHARED     2u
#define FRAME_INCOHERENT 4u
#define FRAME_LINKS      0xfff8u

/*
 * The owner of @frame.  Without a lock it may be anybody by the next moment, but for one answer: "mine", under my lock.
 */
static inline uint16_t frame_owner(const struct frame *frame)
{
    return __atomic_load_n(&frame->owner, __ATOMIC_RELAXED);
}

static inline void frame_set_owner(struct frame *frame, uint16_t owner)
{
    __atomic_store_n(&frame->owner, owner, __ATOMIC_RELAXED);
}

/* The entry of @mfn in the frame table; NULL if the table does not reach so far. */
static inline struct frame *frame_find(const struct machine *machine, mfn_t mfn)
{
    return mfn.v < machine->nr_frames ? &machine->frames[mfn.v] : NULL;
}

static inline mfn_t frame_mfn(const struct machine *machine, const struct frame *frame)
{
    return MFN((uint64_t)(frame - machine->frames));
}

static inline bool frame_is_ram(const struct frame *frame)
{
    return frame_owner(frame) != DOMID_IO;
}

static inline uint64_t *frame_entries(const struct machine *machine, const struct frame *frame)
{
    return port_frame_map(frame_mfn(machine, frame));
}

/*
 * Take a general reference on a frame that @domain owns.  @domain's lock is held.
 * False: @domain does not own it (any more), or the count is at its maximum; nothing is held.
 */
static inline bool __must_check frame_get(struct frame *frame, const struct domain *domain)
{
    if (frame_owner(frame) != domain->id.v || frame->refs == 0 || frame->refs == FRAME_REFS_MAX)
        return false;
    frame->refs++;
    return true;
}

/* The end of frame_put(), where the last reference has gone. */
void frame_free(struct machine *machine, struct frame *frame);

/*
 * Drop a general reference.  The owner's lock is held.  With the last one the frame leaves its owner for the pool; the
 * caller must not touch it afterwards.  Cannot fail.
 */
static inline void frame_put(struct machine *machine, struct frame *frame)
{
    CHECK(frame->refs > 0);
    frame->refs--;
    if (frame->refs == 0)
        frame_free(machine, frame);
}

/* frame_settle() of a frame that is to be something else, or was written past the caches. */
void frame_settle_other(struct machine *machine, struct frame *frame, enum frame_type was, enum frame_type want);

/*
 * See to it that what was cached or written of @frame's last use, as @was, can no longer reach it, because it is to be
 * used as @want, or (TYPE_NONE) by the hypervisor.  It is idle or promoting; the owner's lock is held.
 */
static inline void frame_settle(struct machine *machine, struct frame *frame, enum frame_type was, enum frame_type want)
{
    if ((was != TYPE_NONE && was != want) || (frame->flags & FRAME_INCOHERENT))
        frame_settle_other(machine, frame, was, want);
}

/*
 * Give 2^@order consecutive frames from the pool to @domain, each with one general reference for "allocated", untyped,
 * zeroed, seen by no processor.  @domain's lock is held.  -XEN_ENOMEM: the pool has none, or the reservation is full.
 */
int __must_check frames_allocate(struct domain *domain, unsigned order, mfn_t *first);

/* The same for @count single frames, more than none, all or none: @mfns. */
int __must_check frames_allocate_some(struct domain *domain, unsigned count, mfn_t *mfns);

/*
 * Take the "allocated" reference of @frame away from @domain, whose lock is held.  0: dropped; the frame lives on while
 * other references do.  -XEN_EINVAL: it is not an allocated frame of this domain.
 */
int __must_check frame_release(struct domain *domain, struct frame *frame);

/*
 * The same for all that @domain has of the @count frames from @first on, at most RELINQUISH_MAX: those that are shared
 * with it are no longer, and none is allocated.
 */
#define RELINQUISH_MAX 64u
void frames_relinquish(struct domain *domain, mfn_t first, unsigned count);

/* Is @frame allocated to @domain, and is that its only reference?  Then it may change hands. */
bool frame_is_sole(const struct frame *frame, const struct domain *domain);

/*
 * Make an allocated, otherwise unreferenced and idle frame of @domain one that the hypervisor shares with it: the guest
 * may map it writable, and can never type, release or exchange it.  Undone by frame_unshare(), which gives it back to
 * the reservation.  @domain's lock is held.  -XEN_EINVAL: not such a frame.
 */
int __must_check frame_share(struct domain *domain, struct frame *frame);
void frame_unshare(struct domain *domain, struct frame *frame);

/*
 * A frame from the pool that is shared from the beginning, and so does not count for the reservation, which may be
 * full; its M2P entry is MACH2PHYS_SHARED.  @domain's lock is held.  -XEN_ENOMEM.
 */
int __must_check frame_allocate_shared(struct domain *domain, mfn_t *mfn);
