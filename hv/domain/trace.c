/* SPDX-License-Identifier: MIT */
/*
 * In order: the ring; a record; what a call's argument points to; the start.
 *
 * The command's count of what it has read is believed only so far that nothing is written outside the ring.  What an
 * argument points to is read when the call is done, from where the guest could have changed it meanwhile: it is told as
 * what was there, and decides nothing.
 */
#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/multicall.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/lock.h>
#include <hv/domain/asked.h>
#include <hv/domain/trace.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>

#define RING_ORDER 12u   /* 16 MiB, header and all */
#define BATCH_MAX  1024u /* entries of a batch that are told */

static struct lock lock = LOCK_INIT(LOCK_LEAF, 1); /* of the ring's end */
static struct trace_ring *ring;
static uint64_t *words, ring_words, head; /* in words; what the command could have changed is not looked at */
static struct trace_wanted wanted;

/* ---- The ring. */

static void put(uint64_t place, const uint64_t *from, unsigned count)
{
    uint64_t mask = ring_words - 1;

    for (unsigned i = 0; i < count; i++)
        words[(place + i) & mask] = from[i];
}

void trace_write(struct trace_record *record, const uint64_t *payload, unsigned nr_words)
{
    uint64_t used;

    record->words = (uint16_t)(TRACE_RECORD_WORDS + nr_words);
    lock_take(&lock);
    used = head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) / 8;
    if (used > ring_words || ring_words - used < record->words) {
        ring->lost++;
    } else {
        put(head, (const uint64_t *)(const void *)record, TRACE_RECORD_WORDS);
        put(head + TRACE_RECORD_WORDS, payload, nr_words);
        head += record->words;
        __atomic_store_n(&ring->head, head * 8, __ATOMIC_RELEASE);
    }
    lock_drop(&lock);
}

/* ---- Batches, in the form of 64-bit guests. */

struct batch {
    enum trace_payload payload;
    vaddr_t at;
    uint64_t count;
};

static unsigned words_of(enum trace_payload payload)
{
    return payload == TRACE_UPDATES ? 2 : payload == TRACE_EXTENDED ? 3 : 8;
}

/* The next entry; false: it cannot be read. */
static bool read_entry(struct hv_vcpu *vcpu, struct batch *batch, uint64_t *to)
{
    unsigned count = words_of(batch->payload);
    uint32_t narrow[8];
    size_t size = count * 8;

    if (hv_vcpu_is_64bit(vcpu) || batch->payload == TRACE_UPDATES) {
        if (!access_read(&vcpu->engine, to, batch->at, size))
            return false;
    } else {
        size = count * 4;
        if (!access_read(&vcpu->engine, narrow, batch->at, size))
            return false;
        for (unsigned i = 0; i < count; i++)
            to[i] = narrow[i];
    }
    if (batch->payload == TRACE_EXTENDED)
        to[0] = (uint32_t)to[0];
    batch->at.v += size;
    batch->count--;
    return true;
}

static void write_batch(struct hv_vcpu *vcpu, struct trace_record *record, struct batch batch)
{
    unsigned each = words_of(batch.payload);
    uint64_t entries[TRACE_WORDS_MAX];

    if (batch.count > BATCH_MAX)
        batch.count = BATCH_MAX;
    do {
        unsigned used = 0;

        while (batch.count && used + each <= TRACE_WORDS_MAX && read_entry(vcpu, &batch, entries + used))
            used += each;
        trace_write(record, entries, used);
        record->kind = TRACE_MORE;
        if (used + each <= TRACE_WORDS_MAX)
            return;
    } while (batch.count);
}

/* Where the structure of a command lies, or the first of several; 0: the call has none. */
static uint64_t structure_of(const struct trace_record *record)
{
    switch (record->number) {
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_event_channel_op_compat:
    case __HYPERVISOR_physdev_op_compat:
        return record->args[0];
    case __HYPERVISOR_sched_op:
    case __HYPERVISOR_event_channel_op:
    case __HYPERVISOR_memory_op:
    case __HYPERVISOR_physdev_op:
    case __HYPERVISOR_grant_table_op:
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_nmi_op:
        return record->args[1];
    case __HYPERVISOR_vcpu_op:
        return record->args[2];
    default:
        return 0;
    }
}

/* It; what cannot be read is not there: what is mapped may end behind a short one. */
static void write_bytes(struct hv_vcpu *vcpu, struct trace_record *record, vaddr_t at)
{
    uint64_t bytes[TRACE_BYTES_KEPT / 8];
    unsigned count = at.v ? TRACE_BYTES_KEPT / 8 : 0;

    while (count && !access_read(&vcpu->engine, bytes, at, count * 8))
        count--;
    record->payload = count ? TRACE_BYTES : TRACE_NOTHING;
    trace_write(record, bytes, count);
}

static void write_call(struct hv_vcpu *vcpu, struct trace_record *record);

/* Each of a multicall's as if it had been made alone, with its own result.  There is none inside another. */
static void write_nested(struct hv_vcpu *vcpu, const struct trace_record *outer, struct batch batch)
{
    uint64_t entry[8];

    for (unsigned i = 0; i < BATCH_MAX && batch.count && read_entry(vcpu, &batch, entry); i++) {
        struct trace_record record = *outer;

        if (entry[0] == __HYPERVISOR_multicall)
            continue;
        record.kind = TRACE_NESTED;
        record.number = entry[0];
        record.result = (int64_t)entry[1];
        if (!hv_vcpu_is_64bit(vcpu))
            record.result = (int32_t)entry[1];
        memcpy(record.args, entry + 2, sizeof(record.args));
        write_call(vcpu, &record);
    }
}

static void write_call(struct hv_vcpu *vcpu, struct trace_record *record)
{
    struct batch batch = {.at = VADDR(record->args[0]), .count = (uint32_t)record->args[1] & ~MMU_UPDATE_PREEMPTED};

    switch (record->number) {
    case __HYPERVISOR_mmu_update:
        batch.payload = record->payload = TRACE_UPDATES;
        write_batch(vcpu, record, batch);
        break;
    case __HYPERVISOR_mmuext_op:
        batch.payload = record->payload = TRACE_EXTENDED;
        write_batch(vcpu, record, batch);
        break;
    case __HYPERVISOR_multicall:
        batch.payload = TRACE_CALLS;
        trace_write(record, NULL, 0);
        write_nested(vcpu, record, batch);
        break;
    default:
        write_bytes(vcpu, record, VADDR(structure_of(record)));
    }
}

void trace_call(struct hv_vcpu *vcpu, struct trace_record *record, int64_t result)
{
    record->kind = TRACE_CALL;
    record->domain = vcpu->engine.domain->id.v;
    record->vcpu = (uint8_t)vcpu->engine.id;
    record->narrow = !hv_vcpu_is_64bit(vcpu);
    record->ended = asm_read_tsc();
    record->result = result;
    if (wanted.arguments && result != TRACE_NO_RESULT) {
        record->caller = asked_caller(vcpu);
        write_call(vcpu, record);
    } else {
        trace_write(record, NULL, 0);
    }
}

/* ---- The start. */

bool trace_has_traps(void)
{
    return wanted.traps;
}

/* A power of two for the ring: what is left of the other half is for the header. */
void trace_start(struct machine *machine, struct trace_wanted asked)
{
    mfn_t first;

    if (!machine_take(machine, RING_ORDER, &first)) {
        print("nothing is traced: there is no memory for it\n");
        return;
    }
    ring = paging_ram(first.v << PAGE_SHIFT);
    words = (uint64_t *)(void *)((uint8_t *)ring + TRACE_RING_OFFSET);
    ring_words = ((uint64_t)PAGE_SIZE << RING_ORDER) / 2 / 8;
    ring->size = ring_words * 8;
    head = 0;
    ring->magic = TRACE_MAGIC;
    wanted = asked;
    cpu_trace_calls();
    if (wanted.traps)
        cpu_trace_traps();
    print("trace at %lx, %lx bytes\n", first.v << PAGE_SHIFT, ring_words * 8);
}
