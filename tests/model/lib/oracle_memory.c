/* SPDX-License-Identifier: MIT */
/* The oracle on memory_op (abi/memory.h), and on the end and the beginning of domains. */
#include <abi/memory.h>
#include <abi/mmu.h>
#include <sim/sim.h>
#include <tests/model/lib/oracle_parts.h>

#define ORDER_MAX 9u

/* A frame that was given back counts until it has left. */
uint64_t oracle_reservation(const struct oracle *oracle, unsigned domain)
{
    uint64_t count = 0;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++)
        count += oracle->state.frames[mfn].owner == domain && !oracle->state.frames[mfn].shared;
    return count;
}

/* Are @count frames from @first on all in the pool? */
static bool in_pool(const struct oracle *oracle, uint64_t first, uint64_t count)
{
    for (uint64_t i = 0; i < count; i++) {
        if (first + i >= oracle->nr_frames || oracle->state.frames[first + i].owner != O_POOL)
            return false;
    }
    return true;
}

static bool can_allocate(const struct oracle *oracle, unsigned domain, unsigned order)
{
    uint64_t size = UINT64_C(1) << order;

    if (oracle_reservation(oracle, domain) + size > oracle->state.domains[domain].max_frames)
        return false;
    for (uint64_t first = 0; first < oracle->nr_frames; first += size) {
        if (in_pool(oracle, first, size))
            return true;
    }
    return false;
}

/* Which frames it is, the pool decides; they come wiped. */
static void allocate(struct oracle *oracle, unsigned domain, unsigned order, uint64_t first, bool with_pfn,
                     uint64_t pfn)
{
    uint64_t size = UINT64_C(1) << order;

    if (first % size || !in_pool(oracle, first, size))
        sim_fail("frames %#llx were handed out, which were not in the pool or are not aligned",
                 (unsigned long long)first);
    for (uint64_t i = 0; i < size; i++) {
        oracle->state.frames[first + i] = (struct oracle_frame){.owner = (uint16_t)domain, .allocated = true};
        oracle->state.m2p[first + i] = with_pfn ? pfn + i : UINT64_MAX;
        for (unsigned index = 0; index < 512; index++)
            oracle_put(oracle, first + i, index, 0);
    }
    oracle_settle(oracle);
}

/* An extent is given back wholly, or not at all. */
static bool release(struct oracle *oracle, unsigned domain, unsigned order, uint64_t first)
{
    uint64_t end = first + (UINT64_C(1) << order);

    for (uint64_t mfn = first; mfn < end; mfn++) {
        if (!oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner != domain ||
            !oracle->state.frames[mfn].allocated)
            return false;
    }
    for (uint64_t mfn = first; mfn < end; mfn++)
        oracle->state.frames[mfn].allocated = false;
    oracle_settle(oracle);
    return true;
}

/* Can all frames of the machine be addressed with the width that the flags ask for? */
static bool width_met(const struct oracle *oracle, uint64_t flags)
{
    unsigned bits = flags & 0xff;

    return bits == 0 || bits >= 64 || ((uint64_t)oracle->nr_frames << 12) - 1 <= (UINT64_C(1) << bits) - 1;
}

/* Whose memory it is; false: the caller has no right to it, or there is no such domain. */
static bool find_named(const struct oracle *oracle, const struct call *call, unsigned *domain)
{
    *domain = call->step->foreign == DOMID_SELF ? call->caller : call->step->foreign;
    if (*domain == call->caller)
        return true;
    return *domain < oracle->nr_domains && oracle->state.domains[*domain].alive &&
           oracle->state.domains[call->caller].privileged;
}

int64_t oracle_memory(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    unsigned order = (unsigned)step->word[0], done = 0, domain;
    bool populate = step->sub == XENMEM_populate_physmap;

    for (unsigned i = 0; i < step->count; i++)
        call->expected->extents[i] = step->word[2 + i];
    if (step->sub == XENMEM_current_reservation)
        return (int64_t)oracle_reservation(oracle, call->caller);
    if (step->sub == XENMEM_maximum_reservation)
        return (int64_t)oracle->state.domains[call->caller].max_frames;
    if (step->args == ARGS_UNMAPPED || step->args == ARGS_HYPERVISOR || step->args == ARGS_NULL)
        return -XEN_EFAULT;
    if (!find_named(oracle, call, &domain) || order > ORDER_MAX)
        return 0;
    if (step->sub != XENMEM_decrease_reservation && !width_met(oracle, step->word[1]))
        return 0;
    for (; done < call_readable(step); done++) {
        if (step->sub == XENMEM_decrease_reservation) {
            if (!release(oracle, domain, order, step->word[2 + done]))
                break;
            continue;
        }
        if (!can_allocate(oracle, domain, order))
            break;
        if (call->seen->result <= (int64_t)done)
            return done + 1; /* at least one more was due */
        call->expected->extents[done] = call->seen->extents[done];
        allocate(oracle, domain, order, call->seen->extents[done], populate, step->word[2 + done]);
    }
    return done;
}

/*
 * ---- Exchange, in chunks of the larger extent.
 */

struct sides {
    unsigned in_order, out_order, nr_in, nr_out;
    const uint64_t *in, *out;
};

static bool is_sole(const struct oracle *oracle, unsigned domain, uint64_t mfn)
{
    return oracle_is_ram(oracle, mfn) && oracle->state.frames[mfn].owner == domain &&
           oracle->state.frames[mfn].allocated && oracle->uses[mfn].refs == 1 && oracle->uses[mfn].uses == 0;
}

/* The frames of one chunk, from extent @done of the side given: each one once, and unused. */
static int take_in(struct oracle *oracle, unsigned domain, const struct sides *sides, unsigned done, unsigned chunk)
{
    for (unsigned i = 0; i < chunk; i++) {
        uint64_t first = sides->in[done + i], end = first + (UINT64_C(1) << sides->in_order);

        for (uint64_t mfn = first; mfn < end; mfn++) {
            if (!is_sole(oracle, domain, mfn))
                return -XEN_EINVAL;
            oracle->state.frames[mfn].allocated = false;
        }
    }
    return 0;
}

static int exchange_chunk(struct oracle *oracle, const struct call *call, const struct sides *sides, unsigned done)
{
    unsigned order = sides->in_order > sides->out_order ? sides->in_order : sides->out_order;
    unsigned nr_in = 1u << (order - sides->in_order), nr_out = 1u << (order - sides->out_order);
    unsigned first_out = (unsigned)(((uint64_t)done << sides->in_order) >> sides->out_order);
    struct oracle_frame before[ORACLE_FRAMES_MAX];
    int error;

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++)
        before[mfn] = oracle->state.frames[mfn];
    error = take_in(oracle, call->caller, sides, done, nr_in);
    if (!error && call->seen->seen < done + nr_in)
        error = -XEN_ENOMEM; /* the pool says so; the caller checks whether it may */
    if (error) {
        for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++)
            oracle->state.frames[mfn] = before[mfn];
        return error;
    }
    /* New frames are taken before the old ones go: those have their owner until we settle. */
    for (unsigned i = first_out; i < first_out + nr_out; i++) {
        uint64_t first = call->seen->extents[i];

        if (first % (1u << sides->out_order) || !in_pool(oracle, first, 1u << sides->out_order))
            sim_fail("frames %#llx were given in exchange, which were not in the pool", (unsigned long long)first);
        for (uint64_t j = 0; j < 1u << sides->out_order; j++) {
            oracle->state.frames[first + j] = (struct oracle_frame){.owner = (uint16_t)call->caller, .allocated = true};
            oracle->state.m2p[first + j] = sides->out[i] + j;
            for (unsigned index = 0; index < 512; index++)
                oracle_put(oracle, first + j, index, 0);
        }
        call->expected->extents[i] = first;
    }
    oracle_settle(oracle);
    return 0;
}

/* Can the pool be short of one chunk?  Then a refusal for want of memory is right. */
static bool pool_may_be_short(const struct oracle *oracle, const struct sides *sides)
{
    unsigned order = sides->in_order > sides->out_order ? sides->in_order : sides->out_order;
    uint64_t size = UINT64_C(1) << sides->out_order, runs = 0;

    for (uint64_t first = 0; first < oracle->nr_frames; first += size)
        runs += in_pool(oracle, first, size);
    return runs < 1u << (order - sides->out_order);
}

int64_t oracle_exchange(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    struct sides sides = {(unsigned)step->word[0], (unsigned)step->word[1], (unsigned)step->word[2],
                          (unsigned)step->word[3], &step->word[4],          &step->word[4 + step->word[2]]};
    unsigned chunk = 1, done = 0;
    int error = 0;

    for (unsigned i = 0; i < sides.nr_out; i++)
        call->expected->extents[i] = call->seen->extents[i]; /* junk where a chunk has failed */
    call->expected->seen = 0;
    if (step->args != ARGS_GOOD)
        return -XEN_EFAULT;
    if (sides.in_order > ORDER_MAX || sides.out_order > ORDER_MAX)
        return -XEN_EPERM;
    if (sides.nr_in << sides.in_order != sides.nr_out << sides.out_order)
        return -XEN_EINVAL;
    if (step->foreign != DOMID_SELF)
        return -XEN_ESRCH;
    if (sides.out_order > sides.in_order)
        chunk = 1u << (sides.out_order - sides.in_order);
    while (!error && done < sides.nr_in) {
        bool may_be_short = pool_may_be_short(oracle, &sides);

        error = exchange_chunk(oracle, call, &sides, done);
        if (error == -XEN_ENOMEM && !may_be_short)
            sim_fail("an exchange was refused though the pool has the frames");
        done += error ? 0 : chunk;
    }
    call->expected->seen = done;
    return error;
}

/*
 * ---- The end.
 */

void oracle_free_domain(struct oracle *oracle, unsigned domain)
{
    struct oracle_domain *self = &oracle->state.domains[domain];

    for (unsigned mfn = 0; mfn < oracle->nr_frames; mfn++) {
        struct oracle_frame *frame = &oracle->state.frames[mfn];

        if (frame->owner != domain)
            continue;
        frame->pin = 0;
        frame->allocated = false;
        frame->shared = false;
    }
    self->alive = false;
    oracle_grant_free(oracle, domain);
    for (unsigned i = 0; i < ORACLE_VCPUS; i++)
        self->vcpus[i] = (struct oracle_vcpu){0};
    oracle_settle(oracle);
}
