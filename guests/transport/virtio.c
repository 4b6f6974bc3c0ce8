/* SPDX-License-Identifier: MIT */
/*
 * The transmitting queue of a virtio port behind virtio-mmio, by the form before version 1.0 (legacy), which QEMU 7.2
 * has where nobody asks for another: virtio 1.1, 4.2.4 and 5.3.  A page is filled, then sent, and waited for.  What
 * driver and device tell each other of ports as they come and go is left out: QEMU takes what is sent without.
 *
 * It is port 1, because what port 0 sends, a console, QEMU 7.2 drops where its reader is slow.
 */
#include <guest/processor.h>
#include <guest/string.h>
#include <guests/transport/transport.h>

#define MMIO_FIRST 0xfeb00000u /* of QEMU's microvm */
#define MMIO_SIZE  0x200u
#define MMIO_COUNT 24u

#define MAGIC              0x74726976u
#define CONSOLE            3u
#define PAGE               4096u
#define MULTIPORT          2u /* feature */
#define TRANSMIT           5u /* the queue of port 1 */
#define STATUS_ACKNOWLEDGE 1u
#define STATUS_DRIVER      2u
#define STATUS_DRIVER_OK   4u

enum mmio {
    MMIO_MAGIC = 0x00,
    MMIO_DEVICE = 0x08,
    MMIO_DRIVER_FEATURES = 0x20,
    MMIO_PAGE_SIZE = 0x28,
    MMIO_QUEUE = 0x30,
    MMIO_QUEUE_MAX = 0x34,
    MMIO_QUEUE_SIZE = 0x38,
    MMIO_QUEUE_ALIGN = 0x3c,
    MMIO_QUEUE_PFN = 0x40,
    MMIO_NOTIFY = 0x50,
    MMIO_STATUS = 0x70,
};

#define QUEUE_SIZE 8u

static _Alignas(PAGE) struct {
    struct {
        uint64_t address;
        uint32_t length;
        uint16_t flags, next;
    } descriptors[QUEUE_SIZE];
    struct {
        uint16_t flags, index, ring[QUEUE_SIZE];
    } available;
    _Alignas(PAGE) struct {
        uint16_t flags, index;
    } used;
} queue;

static _Alignas(PAGE) uint8_t page[PAGE];
static unsigned filled;
static volatile uint32_t *mmio;

static uint32_t get(enum mmio at)
{
    return mmio[at / 4];
}

static void set(enum mmio at, uint32_t value)
{
    mmio[at / 4] = value;
}

static bool find(void)
{
    for (unsigned i = 0; i < MMIO_COUNT; i++) {
        mmio = device_at(MMIO_FIRST + i * MMIO_SIZE);
        if (get(MMIO_MAGIC) == MAGIC && get(MMIO_DEVICE) == CONSOLE)
            return true;
    }
    return false;
}

bool virtio_start(void)
{
    if (!find())
        return false;
    set(MMIO_STATUS, 0);
    set(MMIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    set(MMIO_DRIVER_FEATURES, MULTIPORT);
    set(MMIO_PAGE_SIZE, PAGE);
    set(MMIO_QUEUE, TRANSMIT);
    if (get(MMIO_QUEUE_MAX) < QUEUE_SIZE)
        return false;
    set(MMIO_QUEUE_SIZE, QUEUE_SIZE);
    set(MMIO_QUEUE_ALIGN, PAGE);
    set(MMIO_QUEUE_PFN, (uint32_t)(((uintptr_t)&queue - VIRT_BASE) / PAGE));
    queue.descriptors[0].address = (uintptr_t)page - VIRT_BASE;
    set(MMIO_STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_DRIVER_OK);
    return true;
}

static void flush(void)
{
    uint16_t next = (uint16_t)(queue.available.index + 1);

    queue.descriptors[0].length = filled;
    queue.available.ring[queue.available.index % QUEUE_SIZE] = 0;
    __atomic_store_n(&queue.available.index, next, __ATOMIC_RELEASE);
    set(MMIO_NOTIFY, TRANSMIT);
    while (__atomic_load_n(&queue.used.index, __ATOMIC_ACQUIRE) != next)
        cpu_relax();
    filled = 0;
}

void virtio_send(const uint64_t record[RECORD_WORDS])
{
    memcpy(page + filled, record, RECORD_BYTES);
    filled += RECORD_BYTES;
    if (filled + RECORD_BYTES > PAGE)
        flush();
}
