/* SPDX-License-Identifier: MIT */
/*
 * XENMEM_exchange: a domain gives frames away and gets as many others.  In chunks of the larger of the two extent
 * sizes; a chunk is exchanged wholly or not at all, and memory is conserved whatever fails (XSA-29, 159, 212, 287).
 */
#include <abi/errno.h>
#include <abi/memory.h>
#include <engine/access.h>
#include <engine/exchange.h>
#include <engine/frame.h>
#include <engine/m2p.h>
#include <engine/reservation.h>

struct exchange {
    struct reservation in, out;
    uint64_t done; /* extents of @in, as the guest counts them */
};

/*
 * The two sides of one chunk, as first frames of extents.  The side of the larger extents has one, the other has many.
 */
struct chunk {
    unsigned nr_in, nr_out;
    mfn_t *in, *out;
    mfn_t one, many[1u << RESERVATION_ORDER_MAX];
};

static void chunk_init(struct chunk *chunk, const struct exchange *exchange)
{
    bool split = exchange->in.order > exchange->out.order;

    chunk->nr_in = split ? 1 : 1u << (exchange->out.order - exchange->in.order);
    chunk->nr_out = split ? 1u << (exchange->in.order - exchange->out.order) : 1;
    chunk->in = split ? &chunk->one : chunk->many;
    chunk->out = split ? chunk->many : &chunk->one;
}

static bool read_exchange(struct vcpu *vcpu, vaddr_t from, struct exchange *exchange)
{
    struct xen_memory_exchange full;
    struct compat_xen_memory_exchange compat;

    if (vcpu->domain->width == WIDTH_64) {
        if (!access_read(vcpu, &full, from, sizeof(full)))
            return false;
        *exchange = (struct exchange){RESERVATION_OF(full.in), RESERVATION_OF(full.out), full.nr_exchanged};
        return true;
    }
    if (!access_read(vcpu, &compat, from, sizeof(compat)))
        return false;
    *exchange = (struct exchange){RESERVATION_OF(compat.in), RESERVATION_OF(compat.out), compat.nr_exchanged};
    return true;
}

static bool write_progress(struct vcpu *vcpu, vaddr_t argument, uint64_t done)
{
    size_t offset = vcpu->domain->width == WIDTH_64 ? offsetof(struct xen_memory_exchange, nr_exchanged)
                                                    : offsetof(struct compat_xen_memory_exchange, nr_exchanged);

    return access_write_word(vcpu, VADDR(argument.v + offset), done);
}

/* Both sides hold the same memory of one domain; the guest's own count of progress is not past the end. */
static int check_counts(const struct op *op, const struct exchange *exchange)
{
    const struct reservation *in = &exchange->in, *out = &exchange->out;
    uint64_t chunk = in->order < out->order ? UINT64_C(1) << (out->order - in->order) : 1;

    /* A product that does not fit may pass here: its array is refused. */
    if (in->count << in->order != out->count << out->order || in->domid != out->domid || exchange->done > in->count ||
        exchange->done % chunk)
        return refuse_value(op, XEN_EINVAL, REFUSE_EXCHANGE_COUNTS, exchange->done);
    return 0;
}

/* Both sides make sense, checked in the order that abi/memory.h gives. */
static int check_exchange(const struct op *op, const struct exchange *exchange)
{
    const struct reservation *in = &exchange->in, *out = &exchange->out;
    int error = reservation_check_order(op, in);

    if (!error)
        error = reservation_check_order(op, out);
    if (!error)
        error = check_counts(op, exchange);
    if (!error)
        error = reservation_check_array(op, in);
    if (!error)
        error = reservation_check_array(op, out);
    if (!error)
        error = reservation_check_domain(op, in);
    if (!error)
        error = reservation_check_domain(op, out);
    if (!error)
        error = reservation_check_bits(op, out);
    return error;
}

/* Undo detach() for the first @frames frames of the chunk. */
static void attach(struct op *op, const struct exchange *exchange, const struct chunk *chunk, uint64_t frames)
{
    for (uint64_t n = 0; n < frames; n++) {
        uint64_t within = n & ((UINT64_C(1) << exchange->in.order) - 1);
        struct frame *frame = frame_find(op->machine, mfn_add(chunk->in[n >> exchange->in.order], within));

        CHECK(frame);
        frame->flags |= FRAME_ALLOCATED;
        op->pt_owner->nr_frames++;
    }
}

/*
 * Take a frame out of the reservation, which has room for another one then: its one reference is the operation's now,
 * and nobody can name it twice.  The lock is held until it is attached again.
 */
static int detach(struct op *op, mfn_t mfn)
{
    struct frame *frame = frame_find(op->machine, mfn);

    if (!frame || frame_owner(frame) != op->pt_owner->id.v)
        return refuse(op, XEN_EINVAL, REFUSE_NOT_OWNED, NOWHERE, frame, mfn.v);
    if (!frame_is_sole(frame, op->pt_owner))
        return refuse(op, XEN_EINVAL, REFUSE_FRAME_IN_USE, NOWHERE, frame, mfn.v);
    frame->flags &= (uint16_t)~FRAME_ALLOCATED;
    op->pt_owner->nr_frames--;
    return 0;
}

/* Detach every frame of the chunk's extents; on an error none is. */
static int take_in(struct op *op, const struct exchange *exchange, struct chunk *chunk)
{
    uint64_t frames = 0;
    int error = 0;

    for (unsigned i = 0; !error && i < chunk->nr_in; i++) {
        vaddr_t at = reservation_extent(op, &exchange->in, exchange->done + i);

        if (!access_read_word(op->vcpu, &chunk->in[i].v, at))
            error = refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
        for (uint64_t j = 0; !error && j < UINT64_C(1) << exchange->in.order; j++) {
            error = detach(op, mfn_add(chunk->in[i], j));
            frames += !error;
        }
    }
    if (error)
        attach(op, exchange, chunk, frames);
    return error;
}

/* The first @count of @extents, which are the domain's alone, go back to the pool. */
static void release_extents(struct op *op, const mfn_t *extents, unsigned count, unsigned order)
{
    for (unsigned i = 0; i < count; i++) {
        if (reservation_release_extent(op, order, extents[i]))
            CHECK(false); /* known to be allocated, under the lock that is still held */
    }
}

/* One new extent: the guest says its pfn, and learns its mfn.  On an error it is not taken. */
static int take_out_one(struct op *op, const struct exchange *exchange, vaddr_t at, mfn_t *first)
{
    uint64_t pfn;

    if (!access_read_word(op->vcpu, &pfn, at))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
    if (frames_allocate(op->pt_owner, exchange->out.order, first))
        return refuse_value(op, XEN_ENOMEM, REFUSE_NO_MEMORY, exchange->out.order);
    for (uint64_t j = 0; j < UINT64_C(1) << exchange->out.order; j++)
        m2p_set(op->machine, mfn_add(*first, j), pfn + j);
    if (access_write_word(op->vcpu, at, first->v))
        return 0;
    release_extents(op, first, 1, exchange->out.order);
    return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, at.v);
}

static int take_out(struct op *op, const struct exchange *exchange, struct chunk *chunk)
{
    uint64_t first = (exchange->done << exchange->in.order) >> exchange->out.order;

    for (unsigned i = 0; i < chunk->nr_out; i++) {
        int error = take_out_one(op, exchange, reservation_extent(op, &exchange->out, first + i), &chunk->out[i]);

        if (error) {
            release_extents(op, chunk->out, i, exchange->out.order);
            return error;
        }
    }
    return 0;
}

static int exchange_chunk(struct op *op, const struct exchange *exchange, struct chunk *chunk)
{
    uint64_t frames = (uint64_t)chunk->nr_in << exchange->in.order;
    int error = take_in(op, exchange, chunk);

    if (error)
        return error;
    error = take_out(op, exchange, chunk);
    attach(op, exchange, chunk, frames);
    if (!error)
        release_extents(op, chunk->in, chunk->nr_in, exchange->in.order);
    return error;
}

static int exchange_all(struct op *op, struct exchange *exchange)
{
    struct chunk chunk;
    int error = 0;

    chunk_init(&chunk, exchange);
    while (!error && exchange->done < exchange->in.count) {
        op_preempt_point(op);
        if (op_is_dying(op))
            return refuse_value(op, XEN_ESRCH, REFUSE_DYING, op->pt_owner->id.v);
        error = exchange_chunk(op, exchange, &chunk);
        if (!error)
            exchange->done += chunk.nr_in;
    }
    return error;
}

int64_t exchange_memory(struct op *op, vaddr_t argument)
{
    struct exchange exchange;
    int error;

    if (!read_exchange(op->vcpu, argument, &exchange))
        return refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, argument.v);
    error = check_exchange(op, &exchange);
    if (!error)
        error = op_begin(op, op->vcpu->domain, op->vcpu->domain);
    if (error)
        return error;
    error = exchange_all(op, &exchange);
    op_end(op);
    if (!write_progress(op->vcpu, argument, exchange.done) && !error)
        error = refuse_value(op, XEN_EFAULT, REFUSE_GUEST_FAULT, argument.v);
    return error;
}
