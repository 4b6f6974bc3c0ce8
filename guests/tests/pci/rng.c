/* SPDX-License-Identifier: MIT */
/* Virtual I/O Device specification 1.1: 4.1.4.3 for the registers, 2.6 for the queue, 5.4 for the device. */
#include <guest/memory.h>
#include <guests/tests/pci/rng.h>

/* The common configuration. */
#define DEVICE_FEATURE_SELECT 0
#define DRIVER_FEATURE_SELECT 8
#define DRIVER_FEATURE        12
#define CONFIG_VECTOR         16
#define STATUS                20
#define QUEUE_SELECT          22
#define QUEUE_SIZE            24
#define QUEUE_VECTOR          26
#define QUEUE_ENABLE          28
#define QUEUE_DESCRIPTORS     32
#define QUEUE_DRIVER          40
#define QUEUE_DEVICE          48

#define STATUS_ACKNOWLEDGE 1
#define STATUS_DRIVER      2
#define STATUS_DRIVER_OK   4
#define STATUS_FEATURES_OK 8
#define VERSION_1          1u /* of the features from 32 on */

#define SIZE          4 /* of the queue */
#define DEVICE_WRITES 2
#define BYTES         16

struct descriptor {
    uint64_t maddr;
    uint32_t size;
    uint16_t flags, next;
};

static struct queue {
    struct descriptor descriptors[SIZE];
    uint16_t flags, index, ring[SIZE]; /* the driver's */
    uint8_t gap[2048 - sizeof(struct descriptor) * SIZE - 4 - 2 * SIZE];
    uint16_t used_flags, used_index; /* the device's */
} * queue;

static volatile uint8_t *registers, *doorbell;

static void write8(unsigned at, uint8_t value)
{
    registers[at] = value;
}

static void write16(unsigned at, uint16_t value)
{
    *(volatile uint16_t *)(registers + at) = value;
}

static void write32(unsigned at, uint32_t value)
{
    *(volatile uint32_t *)(registers + at) = value;
}

static void write64(unsigned at, uint64_t value)
{
    write32(at, (uint32_t)value);
    write32(at + 4, (uint32_t)(value >> 32));
}

static uint64_t maddr_of(const void *pointer)
{
    return virt_to_mfn(pointer).v << PAGE_SHIFT | (uintptr_t)pointer % PAGE_SIZE;
}

static bool start_queue(uint16_t entry)
{
    write16(QUEUE_SELECT, 0);
    write16(QUEUE_SIZE, SIZE);
    write64(QUEUE_DESCRIPTORS, maddr_of(queue->descriptors));
    write64(QUEUE_DRIVER, maddr_of(&queue->flags));
    write64(QUEUE_DEVICE, maddr_of(&queue->used_flags));
    write16(QUEUE_VECTOR, entry);
    if (*(volatile uint16_t *)(registers + QUEUE_VECTOR) != entry)
        return false;
    write16(QUEUE_ENABLE, 1);
    return true;
}

bool rng_start(volatile uint8_t *common, volatile uint8_t *notify, uint16_t entry)
{
    registers = common;
    doorbell = notify;
    if (!queue)
        queue = page_alloc();
    *queue = (struct queue){.descriptors[0] = {.maddr = maddr_of(page_alloc()), .size = BYTES, .flags = DEVICE_WRITES}};
    write8(STATUS, 0);
    while (registers[STATUS] != 0)
        ;
    write8(STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER);
    write32(DRIVER_FEATURE_SELECT, 1);
    write32(DRIVER_FEATURE, VERSION_1);
    write8(STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK);
    if (!(registers[STATUS] & STATUS_FEATURES_OK) || !start_queue(entry))
        return false;
    write8(STATUS, STATUS_ACKNOWLEDGE | STATUS_DRIVER | STATUS_FEATURES_OK | STATUS_DRIVER_OK);
    return true;
}

void rng_ask(void)
{
    uint16_t index = queue->index;

    queue->ring[index % SIZE] = 0;
    __atomic_store_n(&queue->index, (uint16_t)(index + 1), __ATOMIC_RELEASE);
    __atomic_thread_fence(__ATOMIC_SEQ_CST);
    *(volatile uint16_t *)doorbell = 0;
}

bool rng_is_done(void)
{
    return __atomic_load_n(&queue->used_index, __ATOMIC_ACQUIRE) == queue->index;
}
