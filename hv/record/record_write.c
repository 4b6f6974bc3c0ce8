/* SPDX-License-Identifier: MIT */
/*
 * Events in the ring.  Where it is full, the machine stands still until the command has read some: a recording has no
 * gaps.  The command's count of what it has read is believed only so far that nothing is written outside the ring.
 */
#include <hv/base/asm.h>
#include <hv/base/print.h>
#include <hv/mem/paging.h>
#include <hv/record/record.h>
#include <hv/time/nmi_watchdog.h>

#define RING_ORDER 10u /* 4 MiB, header and all */

static struct record_ring *ring;
static uint8_t *bytes;
static uint64_t mask, head, room_until; /* room_until: what is not read yet reaches no further than from there */

static void wait_for_room(void)
{
    while (head - __atomic_load_n(&ring->tail, __ATOMIC_ACQUIRE) > mask) {
        nmi_watchdog_pet();
        __builtin_ia32_pause();
    }
    room_until = __atomic_load_n(&ring->tail, __ATOMIC_RELAXED) + mask + 1;
}

static void put_byte(uint8_t byte)
{
    if (head == room_until)
        wait_for_room();
    bytes[head++ & mask] = byte;
}

static void put_number(uint64_t number)
{
    for (; number >= 0x80; number >>= 7)
        put_byte((uint8_t)(number | 0x80));
    put_byte((uint8_t)number);
}

static void put_head(enum record_kind kind, const uint64_t *numbers)
{
    static const uint8_t counts[] = {
#define RECORD_KIND(name, numbers, bytes) numbers,
        RECORD_KINDS(RECORD_KIND)
#undef RECORD_KIND
    };

    put_byte((uint8_t)kind);
    for (unsigned i = 0; i < counts[kind]; i++)
        put_number(numbers[i]);
}

static void publish(void)
{
    __atomic_store_n(&ring->head, head, __ATOMIC_RELEASE);
}

void record_event(enum record_kind kind, const uint64_t *numbers)
{
    put_head(kind, numbers);
    publish();
}

void record_event_bytes(enum record_kind kind, const uint64_t *numbers, const void *from, size_t size)
{
    put_head(kind, numbers);
    put_number(size);
    for (size_t i = 0; i < size; i++)
        put_byte(((const uint8_t *)from)[i]);
    publish();
}

uint64_t record_sign(int64_t number)
{
    return (uint64_t)number << 1 ^ (uint64_t)(number >> 63);
}

size_t record_put_number(uint8_t *at, uint64_t number)
{
    size_t size = 0;

    for (; number >= 0x80; number >>= 7)
        at[size++] = (uint8_t)(number | 0x80);
    at[size++] = (uint8_t)number;
    return size;
}

/* A power of two for the ring: what is left of the other half is for the header. */
bool record_open_ring(struct machine *machine)
{
    const struct record_header header = {RECORD_MAGIC, RECORD_VERSION, REFUSAL_COUNT};
    uint64_t size = ((uint64_t)PAGE_SIZE << RING_ORDER) / 2;
    mfn_t first;

    if (!machine_take(machine, RING_ORDER, &first))
        return false;
    ring = paging_ram(first.v << PAGE_SHIFT);
    bytes = (uint8_t *)ring + RECORD_RING_OFFSET;
    mask = size - 1;
    room_until = size;
    ring->size = size;
    ring->magic = RECORD_RING_MAGIC;
    for (size_t i = 0; i < sizeof(header); i++)
        put_byte(((const uint8_t *)&header)[i]);
    publish();
    print("record at %lx, %lx bytes\n", first.v << PAGE_SHIFT, size);
    return true;
}
