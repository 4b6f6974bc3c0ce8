/* SPDX-License-Identifier: MIT */
/*
 * What the engine calls of the machine, in the order of engine/port.h, while an operation is under way: what it is
 * given, and what it does, is told.  The machine's own calls of the same functions go past here.
 */
#include <hv/record/record.h>

/* The function that the linker leads here, and its original. */
#define WRAPPED(type, name, ...)            \
    extern type __real_##name(__VA_ARGS__); \
    extern type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

static uint64_t serial; /* of the last call that the machine carried out for the engine */

/* ---- Memory. */

WRAPPED(void *, port_frame_map, mfn_t mfn)
{
    if (record_inside)
        record_map(mfn);
    return __real_port_frame_map(mfn);
}

WRAPPED(void, port_frame_clear, mfn_t mfn)
{
    if (record_inside)
        record_clear(mfn);
    __real_port_frame_clear(mfn);
}

/* What is copied is the guests' data, which the engine does not look at. */
WRAPPED(void, port_frame_copy, mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size)
{
    if (record_inside)
        record_forget(to);
    __real_port_frame_copy(to, to_offset, from, from_offset, size);
}

WRAPPED(bool, port_pool_take, unsigned order, mfn_t end, mfn_t *first)
{
    bool taken = __real_port_pool_take(order, end, first);

    if (record_inside)
        RECORD_EVENT(TAKE, order, end.v, taken ? first->v : RECORD_NONE);
    return taken;
}

WRAPPED(void, port_pool_give, mfn_t first, unsigned order)
{
    if (record_inside)
        RECORD_EVENT(GIVE, first.v, order);
    __real_port_pool_give(first, order);
}

WRAPPED(unsigned, port_pool_take_some, unsigned count, mfn_t end, mfn_t *mfns)
{
    unsigned taken = __real_port_pool_take_some(count, end, mfns);

    for (unsigned i = 0; record_inside && i < count && i <= taken; i++)
        RECORD_EVENT(TAKE, 0, end.v, i < taken ? mfns[i].v : RECORD_NONE);
    return taken;
}

WRAPPED(void, port_pool_give_some, const mfn_t *mfns, unsigned count)
{
    for (unsigned i = 0; record_inside && i < count; i++)
        RECORD_EVENT(GIVE, mfns[i].v, 0);
    __real_port_pool_give_some(mfns, count);
}

/* ---- Translations. */

WRAPPED(void, port_tlb_flush, cpumask_t cpus)
{
    if (record_inside)
        RECORD_EVENT(FLUSH, cpus.bits);
    __real_port_tlb_flush(cpus);
}

WRAPPED(void, port_tlb_flush_page, cpumask_t cpus, vaddr_t vaddr)
{
    if (record_inside)
        RECORD_EVENT(PAGE, cpus.bits, vaddr.v);
    __real_port_tlb_flush_page(cpus, vaddr);
}

WRAPPED(void, port_cache_flush, cpumask_t cpus)
{
    if (record_inside)
        RECORD_EVENT(CACHES, cpus.bits);
    __real_port_cache_flush(cpus);
}

WRAPPED(void, port_root_load, struct vcpu *vcpu)
{
    if (record_inside)
        RECORD_EVENT(ROOT, vcpu->domain->id.v, vcpu->id, vcpu_root(vcpu).v);
    __real_port_root_load(vcpu);
}

WRAPPED(void, port_mode_load, struct vcpu *vcpu)
{
    if (record_inside)
        RECORD_EVENT(ROOT, vcpu->domain->id.v, vcpu->id, vcpu_root(vcpu).v);
    __real_port_mode_load(vcpu);
}

WRAPPED(void, port_window_set, struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    if (record_inside)
        RECORD_EVENT(WINDOW, vcpu->domain->id.v, vcpu->id, page, mfn.v);
    __real_port_window_set(vcpu, page, mfn);
}

WRAPPED(void, port_ldt_load, struct vcpu *vcpu)
{
    if (record_inside)
        RECORD_EVENT(LDT, vcpu->domain->id.v, vcpu->id, vcpu->ldt_entries);
    __real_port_ldt_load(vcpu);
}

/* ---- Guest memory. */

WRAPPED(bool, port_copy_from_guest, struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    bool ok = __real_port_copy_from_guest(vcpu, to, from, size);

    if (record_inside)
        record_event_bytes(RECORD_READ, (const uint64_t[]){from.v, size}, to, ok ? size : 0);
    return ok;
}

WRAPPED(bool, port_copy_to_guest, struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    bool ok = __real_port_copy_to_guest(vcpu, to, from, size);

    if (record_inside) {
        record_event_bytes(RECORD_WRITE, (const uint64_t[]){to.v, ok}, from, size);
        record_written();
    }
    return ok;
}

/* ---- The flow of control. */

/* An operation is in one piece: docs/recording.md. */
WRAPPED(bool, port_preempt_wanted, void)
{
    return __real_port_preempt_wanted() && !record_inside;
}

/* The machine goes on by itself: what it does to the engine's state is no part of the operation. */
static uint64_t out(uint64_t number)
{
    record_leave_memory();
    RECORD_EVENT(OUT, number, ++serial);
    record_state_left();
    record_inside = false;
    return serial;
}

static void back(uint64_t from, int64_t result)
{
    record_state(true);
    RECORD_EVENT(BACK, from, record_sign(result));
    record_begin_memory();
    record_inside = true;
}

WRAPPED(void, port_yield, void)
{
    bool is_recorded = record_inside;
    uint64_t from = is_recorded ? out(RECORD_NONE) : 0;

    __real_port_yield();
    if (is_recorded)
        back(from, 0);
}

WRAPPED(int64_t, port_hypercall, struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    bool is_recorded = record_inside;
    uint64_t from = is_recorded ? out(number) : 0;
    int64_t result = __real_port_hypercall(vcpu, number, args);

    if (is_recorded)
        back(from, result);
    return result;
}

/* Who is told of it looks at guest memory, and the engine does not. */
WRAPPED(void, port_refused, const struct refusal *refusal)
{
    bool is_recorded = record_inside;

    if (is_recorded)
        RECORD_EVENT(REFUSED, refusal->error, refusal->reason, refusal->index, refusal->slot.level, refusal->slot.index,
                     refusal->frame.v, refusal->value);
    record_inside = false;
    __real_port_refused(refusal);
    record_inside = is_recorded;
}
