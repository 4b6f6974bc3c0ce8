/* SPDX-License-Identifier: MIT */
/* Frames in an array; the ring as hv/record/record_write.c fills it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/mem/paging.h>
#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

#define RING_ORDER 10u

struct machine recorded_machine;
struct cpu cpu_boot;
static uint8_t *memory;
static uint64_t end; /* of the frames that are left */
static struct record_ring *ring;

uint64_t *recorded_frame(uint64_t mfn)
{
    return (uint64_t *)(void *)(memory + mfn * PAGE_SIZE);
}

bool machine_take(struct machine *machine, unsigned order, mfn_t *first)
{
    (void)machine;
    end = (end - (UINT64_C(1) << order)) & ~((UINT64_C(1) << order) - 1);
    *first = MFN(end);
    if (order == RING_ORDER)
        ring = (struct record_ring *)(void *)recorded_frame(end);
    return true;
}

void *paging_ram(uint64_t address)
{
    assert_true(address >> PAGE_SHIFT < RECORDED_FRAMES);
    return memory + address;
}

void recorded_begin_machine(void)
{
    static struct frame frames[RECORDED_FRAMES];

    if (!memory)
        memory = aligned_alloc(PAGE_SIZE, (size_t)RECORDED_FRAMES * PAGE_SIZE);
    assert_non_null(memory);
    end = ring ? (uint64_t)((uint8_t *)ring - memory) / PAGE_SIZE : RECORDED_FRAMES;
    memset(memory, 0, end * PAGE_SIZE);
    memset(frames, 0, sizeof(frames));
    recorded_machine = (struct machine){.frames = frames, .nr_frames = RECORDED_FRAMES, .tlb.cpus = {1}};
}

/* The ring is opened once, as it is in a run. */
void recorded_begin(void)
{
    recorded_begin_machine();
    if (!ring)
        assert_true(record_open_ring(&recorded_machine));
    assert_true(ring->magic == RECORD_RING_MAGIC);
    ring->tail = ring->head;
}

static bool take(struct record_event *event)
{
    const uint8_t *bytes = (const uint8_t *)ring + RECORD_RING_OFFSET;
    struct record_reader reader;
    bool found;

    if (ring->tail == 0) {
        assert_memory_equal(bytes, "PRAVRECD", 8);
        ring->tail = sizeof(struct record_header);
    }
    reader = record_reader(bytes + ring->tail, ring->head - ring->tail);
    found = record_next(&reader, event);

    assert_true(ring->head < ring->size && !reader.is_broken);
    ring->tail += (uint64_t)(reader.next - reader.start);
    return found;
}

struct record_event recorded_expect(enum record_kind kind)
{
    struct record_event event = {0};

    assert_true(take(&event));
    assert_string_equal(record_kind_name((uint64_t)event.kind), record_kind_name((uint64_t)kind));
    return event;
}

void recorded_expect_nothing(void)
{
    struct record_event event = {0};

    if (ring && take(&event))
        fail_msg("there is an event: %s", record_kind_name((uint64_t)event.kind));
}

struct record_reader recorded_numbers(const struct record_event *event)
{
    return record_reader(event->bytes, event->size);
}
