/* SPDX-License-Identifier: MIT */
/* engine/port.h, in its order: what the engine is given is the recording's, and what it does is compared with it. */
#include <stdio.h>
#include <string.h>

#include <abi/hypercall.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <sim/replay/replay.h>

/* ---- Memory. */

void *port_frame_map(mfn_t mfn)
{
    CHECK(mfn.v < replay.machine.nr_frames);
    return replay.ram + mfn.v * PAGE_SIZE;
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, PAGE_SIZE);
}

void port_frame_copy(mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size)
{
    memmove((uint8_t *)port_frame_map(to) + to_offset, (uint8_t *)port_frame_map(from) + from_offset, size);
}

bool port_pool_take(unsigned order, mfn_t end, mfn_t *first)
{
    struct record_event event;

    if (replay.strays)
        return stray_take(order, end, first);
    event = follow_expect(RECORD_TAKE);
    if (event.number[0] != order || event.number[1] != end.v)
        tell_difference("the run took 2^%llu frames below %llx from the pool, the replay 2^%u below %llx",
                        (unsigned long long)event.number[0], (unsigned long long)event.number[1], order,
                        (unsigned long long)end.v);
    *first = MFN(event.number[2]);
    if (replay.judges && event.number[2] != RECORD_NONE)
        caches_taken(event.number[2], order);
    return event.number[2] != RECORD_NONE;
}

void port_pool_give(mfn_t first, unsigned order)
{
    FOLLOW(GIVE, first.v, order);
}

/* Recorded one by one. */
unsigned port_pool_take_some(unsigned count, mfn_t end, mfn_t *mfns)
{
    unsigned taken = 0;

    while (taken < count && port_pool_take(0, end, &mfns[taken]))
        taken++;
    return taken;
}

void port_pool_give_some(const mfn_t *mfns, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        port_pool_give(mfns[i], 0);
}

/* ---- Translations. */

void port_tlb_flush(cpumask_t cpus)
{
    if (replay.judges)
        caches_flush();
    else if (replay.operation)
        FOLLOW(FLUSH, cpus.bits);
}

void port_tlb_flush_page(cpumask_t cpus, vaddr_t vaddr)
{
    if (replay.judges)
        caches_flush_page(vaddr.v);
    else
        FOLLOW(PAGE, cpus.bits, vaddr.v);
}

void port_cache_flush(cpumask_t cpus)
{
    FOLLOW(CACHES, cpus.bits);
}

void port_root_load(struct vcpu *vcpu)
{
    FOLLOW(ROOT, vcpu->domain->id.v, vcpu->id, vcpu_root(vcpu).v);
    if (replay.judges)
        caches_load(vcpu);
}

void port_mode_load(struct vcpu *vcpu)
{
    FOLLOW(ROOT, vcpu->domain->id.v, vcpu->id, vcpu_root(vcpu).v);
    if (replay.judges)
        caches_flush_local();
}

void port_window_set(struct vcpu *vcpu, unsigned page, mfn_t mfn)
{
    FOLLOW(WINDOW, vcpu->domain->id.v, vcpu->id, page, mfn.v);
}

void port_ldt_load(struct vcpu *vcpu)
{
    FOLLOW(LDT, vcpu->domain->id.v, vcpu->id, vcpu->ldt_entries);
}

/* ---- Guest memory. */

/* What the operation is about, for who asks: of a multicall the call, of a call the entry of its batch. */
static void note_entry(struct operation *operation, const void *bytes, size_t size)
{
    bool is_multicall = operation->call == RECORD_CALL_HYPERCALL && operation->arguments[0] == __HYPERVISOR_multicall;

    memset(operation->entry, 0, sizeof(operation->entry));
    memcpy(operation->entry, bytes, size < sizeof(operation->entry) ? size : sizeof(operation->entry));
    if (size == sizeof(struct compat_mmuext_op)) {
        operation->entry[1] = operation->entry[0] >> 32;
        operation->entry[0] = (uint32_t)operation->entry[0];
    }
    if (!is_multicall || (size != sizeof(struct multicall_entry) && size != sizeof(struct compat_multicall_entry)))
        return;
    operation->nested = (uint32_t)operation->entry[0];
    memset(operation->entry, 0, sizeof(operation->entry));
}

bool port_copy_from_guest(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    (void)vcpu;
    if (!reads_give(to, from.v, size))
        return false;
    if (replay.strays)
        stray_alter(to, size);
    if (replay.judges)
        caches_read(replay.operation, to, size);
    note_entry(replay.operation, to, size);
    return true;
}

bool port_copy_to_guest(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    struct record_event event;

    (void)vcpu;
    if (replay.strays)
        return stray_writes();
    event = follow_expect(RECORD_WRITE);
    if (event.number[0] != to.v || event.size != size)
        tell_difference("the run wrote %zu bytes to guest memory at %llx, the replay %zu at %llx", event.size,
                        (unsigned long long)event.number[0], size, (unsigned long long)to.v);
    for (size_t i = 0; i < size; i++) {
        if (event.bytes[i] != ((const uint8_t *)from)[i])
            tell_difference("the run wrote %02x to guest memory at %llx, the replay %02x", event.bytes[i],
                            (unsigned long long)(to.v + i), ((const uint8_t *)from)[i]);
    }
    follow_written();
    reads_pass(event.at);
    return event.number[1];
}

/* ---- The flow of control.  Nobody else is there. */

void port_lock(struct domain *domain)
{
    (void)domain;
}

void port_unlock(struct domain *domain)
{
    (void)domain;
}

bool port_preempt_wanted(void)
{
    return replay.strays && stray_is_waited_for();
}

void port_yield(void)
{
    struct record_event event;

    if (replay.strays)
        return;
    event = follow_expect(RECORD_OUT);
    if (event.number[0] != RECORD_NONE)
        tell_difference("the run went on with: %s; the replay lets others run", tell_event(&event));
    (void)follow_until_back(event.number[1]);
}

int64_t port_hypercall(struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    struct record_event event;

    (void)vcpu;
    (void)args;
    if (replay.strays)
        return -XEN_ENOSYS;
    event = follow_expect(RECORD_OUT);
    if (event.number[0] != number)
        tell_difference("the run had the machine carry out hypercall %llu, the replay %llu",
                        (unsigned long long)event.number[0], (unsigned long long)number);
    return follow_until_back(event.number[1]);
}

/* Reasons have the same numbers only where there are as many. */
void port_refused(const struct refusal *refusal)
{
    struct record_event event;
    bool comparable = replay.header.reasons == REFUSAL_COUNT;

    replay.nr_refusals++;
    if (replay.strays)
        return;
    event = follow_expect(RECORD_REFUSED);
    if (event.number[0] != (uint64_t)refusal->error || (comparable && event.number[1] != refusal->reason))
        tell_difference("the run refused with -%llu, because %s; the replay with -%d, because %s",
                        (unsigned long long)event.number[0],
                        comparable && event.number[1] < REFUSAL_COUNT
                            ? refusal_text((enum refusal_reason)event.number[1])
                            : "of another reason",
                        (int)refusal->error, refusal_text(refusal->reason));
    if (event.number[2] != refusal->index || event.number[3] != refusal->slot.level ||
        event.number[4] != refusal->slot.index || event.number[5] != refusal->frame.v ||
        event.number[6] != refusal->value)
        tell_difference(
            "the run refused %llx (frame %llx, entry %llu of the batch), the replay %llx (frame %llx, entry "
            "%u), because %s",
            (unsigned long long)event.number[6], (unsigned long long)event.number[5],
            (unsigned long long)event.number[2], (unsigned long long)refusal->value,
            (unsigned long long)refusal->frame.v, refusal->index, refusal_text(refusal->reason));
    if (replay.tells)
        tell_refusal(refusal);
}

void port_promoted(const struct op *op, const struct frame *frame)
{
    (void)op;
    replay.promoted[frame_mfn(&replay.machine, frame).v] = replay.operation->number;
    if (replay.judges)
        caches_check();
}

void port_halt(const char *file, int line, const char *condition)
{
    tell_end(REPLAY_BROKEN, "the engine broke in operation %llu (%s): %s:%d: %s",
             replay.operation ? (unsigned long long)replay.operation->number : 0,
             replay.operation ? tell_operation(replay.operation) : "-", file, line, condition);
}
