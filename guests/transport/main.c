/* SPDX-License-Identifier: MIT */
/*
 * Records sent on one of several ways, on bare hardware; it says when it begins and when the last one is sent, and then
 * stands still, with nothing more done for what is under way.
 *
 *   way=N      which of those below
 *   records=N  how many
 *   ring=N     memory of the machine from this address on is the ring, of way 2
 */
#include <guest/guest.h>
#include <guest/port.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guests/transport/transport.h>

/* Counted by tools/count-instructions.c. */
#define MARK(number) __asm__ volatile("nopl 0x4d5650" #number "(%%rax)" ::: "memory")

#define DEVICES      0xc0000000u /* the first address that device_at() knows */
#define LARGE_PAGE   0x200000u
#define PTE_LARGE    UINT64_C(0x83) /* present, writable, 2 MiB */
#define PTE_TABLE_HW UINT64_C(0x03)
#define ADDRESS_MASK UINT64_C(0x000ffffffffff000)
#define LAST_GIB     0xffffffffc0000000

/*
 * ---- Devices, mapped as the last GiB of addresses, which nothing else is in.
 */

static _Alignas(4096) uint64_t devices_l2[512];

static uint64_t *table_of(uint64_t entry)
{
    return (uint64_t *)(uintptr_t)(VIRT_BASE + (entry & ADDRESS_MASK));
}

static void map_devices(void)
{
    uint64_t root, *l3;

    __asm__ volatile("mov %%cr3, %0" : "=r"(root));
    l3 = table_of(table_of(root)[511]);
    for (unsigned i = 0; i < ARRAY_SIZE(devices_l2); i++)
        devices_l2[i] = (DEVICES + (uint64_t)i * LARGE_PAGE) | PTE_LARGE;
    l3[511] = ((uintptr_t)devices_l2 - VIRT_BASE) | PTE_TABLE_HW;
}

volatile void *device_at(uint32_t maddr)
{
    return (volatile void *)(uintptr_t)(LAST_GIB + (maddr - DEVICES));
}

/*
 * ---- A ring in memory: hv/domain/trace.c has the same stores, with a lock around them.
 */

static struct ring {
    uint64_t head; /* in words, written by the machine; then the ring itself, from the second page on */
} * ring;
static uint64_t *ring_words, ring_mask, ring_head;

static bool use_ring(uintptr_t at)
{
    ring = (struct ring *)at;
    ring_words = (uint64_t *)(at + 4096);
    ring_mask = guest_option("records", 0) * RECORD_WORDS;
    for (uint64_t bit = 1; bit <= ring_mask; bit *= 2)
        ring_mask |= bit;
    return true;
}

static bool memory_start(void)
{
    return use_ring((uintptr_t)(VIRT_BASE + guest_option("ring", 0)));
}

static void ring_send(const uint64_t record[RECORD_WORDS])
{
    for (unsigned i = 0; i < RECORD_WORDS; i++)
        ring_words[(ring_head + i) & ring_mask] = record[i];
    ring_head += RECORD_WORDS;
    __atomic_store_n(&ring->head, ring_head, __ATOMIC_RELEASE);
}

/*
 * ---- The same in the memory of a device: ivshmem-plain's second BAR, found in configuration space.
 */

#define CONFIG_ADDRESS 0xcf8u
#define CONFIG_DATA    0xcfcu
#define CONFIG_ON      0x80000000u
#define CONFIG_COMMAND 0x04u
#define CONFIG_BAR2    0x18u
#define COMMAND_MEMORY 2u
#define IVSHMEM        0x11101af4u /* device and vendor */

static uint32_t config_read(unsigned slot, unsigned at)
{
    out32(CONFIG_ADDRESS, CONFIG_ON | slot << 11 | at);
    return in32(CONFIG_DATA);
}

static bool ivshmem_start(void)
{
    for (unsigned slot = 0; slot < 32; slot++) {
        uint32_t bar, high;

        if (config_read(slot, 0) != IVSHMEM)
            continue;
        bar = config_read(slot, CONFIG_BAR2) & ~15u;
        high = config_read(slot, CONFIG_BAR2 + 4);
        if (bar < DEVICES || high)
            return false;
        out32(CONFIG_ADDRESS, CONFIG_ON | slot << 11 | CONFIG_COMMAND);
        out32(CONFIG_DATA, in32(CONFIG_DATA) | COMMAND_MEMORY);
        return use_ring((uintptr_t)device_at(bar));
    }
    return false;
}

/*
 * ---- Ports.
 */

#define UART       0x2f8u
#define UART_DEPTH 16u
#define DEBUG_PORT 0xe9u

/* 115200 baud, 8 bits, queues on; what is written in loopback comes back, if there is one. */
static bool uart_start(void)
{
    static const uint8_t settings[][2] = {{1, 0}, {3, 0x80}, {0, 1}, {1, 0}, {3, 3}, {2, 7}, {4, 0x1e}, {0, 0xae}};
    bool answers = false;

    for (unsigned i = 0; i < ARRAY_SIZE(settings); i++)
        out8((uint16_t)(UART + settings[i][0]), settings[i][1]);
    for (unsigned i = 0; i < 2000 && !answers; i++)
        answers = in8(UART) == 0xae;
    out8(UART + 4, 0x0f);
    return answers;
}

static void uart_send(const uint64_t record[RECORD_WORDS])
{
    const uint8_t *bytes = (const uint8_t *)record;

    for (unsigned i = 0; i < RECORD_BYTES; i++) {
        while (i % UART_DEPTH == 0 && !(in8(UART + 5) & 0x20))
            cpu_relax();
        out8(UART, bytes[i]);
    }
}

static bool debug_start(void)
{
    return in8(DEBUG_PORT) == DEBUG_PORT;
}

static void debug_send(const uint64_t record[RECORD_WORDS])
{
    unsigned long count = RECORD_BYTES;

    __asm__ volatile("rep outsb" : "+S"(record), "+c"(count) : "d"(DEBUG_PORT) : "memory");
}

/*
 * ---- All of it.
 */

/* By number, from 1 on; the first one has only to make its records. */
static bool nothing_start(void)
{
    return true;
}

static void nothing_send(const uint64_t record[RECORD_WORDS])
{
    __asm__ volatile("" : : "r"(record) : "memory");
}

static const struct way ways[] = {
    {"nothing", nothing_start, nothing_send}, {"memory", memory_start, ring_send},
    {"ivshmem", ivshmem_start, ring_send},    {"virtio", virtio_start, virtio_send},
    {"debug", debug_start, debug_send},       {"uart", uart_start, uart_send},
};

/* Words that count, so that whoever reads sees what is missing. */
static void run(const struct way *way, uint64_t records)
{
    uint64_t record[RECORD_WORDS], next = 1;

    MARK(01);
    for (uint64_t i = 0; i < records; i++) {
        for (unsigned word = 0; word < RECORD_WORDS; word++)
            record[word] = next++;
        way->send(record);
    }
    MARK(02);
}

void guest_main(void)
{
    uint64_t number = guest_option("way", 1);
    const struct way *way;

    if (!guest.native || number == 0 || number > ARRAY_SIZE(ways))
        guest_panic("this kernel is for bare hardware, and knows the ways 1 to %u", (unsigned)ARRAY_SIZE(ways));
    way = &ways[number - 1];
    map_devices();
    if (!way->start()) {
        print("transport: %s: not on this machine\n", way->name);
        return;
    }
    print("transport: %s: begin\n", way->name);
    run(way, guest_option("records", 0));
    print("transport: %s: end\n", way->name);
    for (;;)
        __asm__ volatile("cli; hlt");
}
