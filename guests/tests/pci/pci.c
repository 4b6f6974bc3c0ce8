/* SPDX-License-Identifier: MIT */
/*
 * A domain with a PCI function, which has to be QEMU's virtio-rng-pci: its configuration space, and that there is
 * nothing else in it; its memory, but for the table of interrupts; its interrupts.  With the word "functions=0": a
 * domain that has none.
 */
#include <abi/errno.h>
#include <abi/physdev.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/pci/config.h>
#include <guests/tests/pci/pci.h>

#define WINDOW  UINT64_C(0x30000000)
#define NOTHING UINT32_MAX

#define ID           0x00
#define COMMAND      0x04
#define BAR0         0x10
#define BARS         6
#define CAPABILITIES 0x34
#define LINE         0x3c

#define COMMAND_MEMORY  0x2u
#define COMMAND_MASTER  0x4u
#define CAPABILITY_MSIX 0x11u
#define VIRTIO_VENDOR   0x1af4u
#define PART_COMMON     1
#define PART_NOTIFY     2
#define PART_ISR        3
#define CACHE_FLAGS     (PTE_PWT | PTE_PCD | PTE_PAT)

static long map(mfn_t mfn, uint64_t flags)
{
    return hypercall_update_va_mapping(WINDOW, pte_make(mfn, flags), UVMF_INVLPG);
}

/* All places of the first bus, and of some that firmware may have given behind bridges. */
static unsigned find_functions(unsigned *place)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 4 * 256; i++) {
        if (config_read(i, ID) != NOTHING) {
            *place = i;
            count++;
        }
    }
    return count;
}

static unsigned capability(unsigned place, unsigned id)
{
    unsigned at = config_read(place, CAPABILITIES) & 0xfc;

    while (at && (config_read(place, at) & 0xff) != id)
        at = config_read(place, at) >> 8 & 0xfc;
    return at;
}

static void nothing(void)
{
    unsigned place;

    test_equal("no function", find_functions(&place), 0);
    test_equal("the address of configuration space", in32(CONFIG_ADDRESS), NOTHING);
}

/* The ports themselves: one address of 32 bits, and a window onto it by bytes, words and all. */
static void ports(unsigned place)
{
    uint16_t port = config_select(place, ID);
    uint32_t id = in32(port);

    test_equal("the address", in32(CONFIG_ADDRESS), CONFIG_ENABLE | place << 8);
    test_equal("the vendor", in16(port), id & 0xffff);
    test_equal("the device", in16((uint16_t)(port + 2)), id >> 16);
    test_equal("a byte", in8((uint16_t)(port + 1)), id >> 8 & 0xff);
    test_equal("across the end", in32((uint16_t)(port + 2)), NOTHING);
    test_equal("a byte of the address", in8(CONFIG_ADDRESS), 0xff);
    out8(CONFIG_ADDRESS, 0);
    out16(CONFIG_ADDRESS, 0);
    out8(0xcf9, 0x06); /* of some machines this is the reset */
    test_equal("the address stays", in32(CONFIG_ADDRESS), CONFIG_ENABLE | place << 8);
    out32(CONFIG_ADDRESS, place << 8);
    test_equal("not enabled", in32(CONFIG_DATA), NOTHING);
    test_equal("another port", in32(0xcf4), NOTHING);
}

static void writes(unsigned place)
{
    uint32_t command = config_read(place, COMMAND), before[64];

    for (unsigned i = 0; i < 64; i++)
        before[i] = config_read(place, i * 4);
    config_write(place, COMMAND, command & ~COMMAND_MEMORY);
    test_equal("memory stays decoded", config_read(place, COMMAND) & COMMAND_MEMORY, COMMAND_MEMORY);
    config_write(place, COMMAND, command | COMMAND_MASTER);
    test_equal("bus mastering", config_read(place, COMMAND) & COMMAND_MASTER, COMMAND_MASTER);
    config_write(place, COMMAND, command);
    test_equal("no more", config_read(place, COMMAND) & COMMAND_MASTER, 0);
    for (unsigned i = 0; i < 64; i++) {
        if (i * 4 == COMMAND || i * 4 == LINE || i == 3)
            continue;
        config_write(place, i * 4, ~before[i]);
        out8(config_select(place, i * 4 + 3), 0xff);
        if (config_read(place, i * 4) != before[i])
            test_not_ok("nothing else can be changed", "offset %x: %x, then %x", i * 4, before[i],
                        config_read(place, i * 4));
    }
    test_ok("all else has been tried");
}

/* The address of BAR @bar, 0 for one of ports or none. */
static uint64_t bar_address(unsigned place, unsigned bar)
{
    uint32_t low = config_read(place, BAR0 + 4 * bar);

    if (low & 1)
        return 0;
    return (low & ~0xfu) | ((low & 4) ? (uint64_t)config_read(place, BAR0 + 4 * bar + 4) << 32 : 0);
}

/* Where the part of that type of virtio's registers is. */
static uint64_t find_part(unsigned place, unsigned type)
{
    unsigned at = config_read(place, CAPABILITIES) & 0xfc;

    while (at && ((config_read(place, at) & 0xff) != 9 || config_read(place, at) >> 24 != type))
        at = config_read(place, at) >> 8 & 0xfc;
    test_check(at != 0, "a part of virtio", "there is none");
    return bar_address(place, config_read(place, at + 4) & 0xff) + config_read(place, at + 8);
}

static uint64_t find_table(unsigned place)
{
    unsigned msix = capability(place, CAPABILITY_MSIX);

    test_check(msix != 0, "MSI-X", "there is none");
    return bar_address(place, config_read(place, msix + 4) & 7);
}

static void memory(unsigned place)
{
    uint64_t common = find_part(place, PART_COMMON), bits = 0, table = find_table(place);

    test_result("map the configuration", map(MFN(common >> PAGE_SHIFT), PTE_KERNEL), 0);
    test_check(table_walk(WINDOW, &bits) && (bits & CACHE_FLAGS) == (PTE_PWT | PTE_PCD), "uncached", "%" PRIx64, bits);
    *(volatile uint8_t *)(WINDOW + 20) = 0;
    test_equal("status after reset", *(volatile uint8_t *)(WINDOW + 20), 0);
    *(volatile uint8_t *)(WINDOW + 20) = 1;
    test_equal("status", *(volatile uint8_t *)(WINDOW + 20), 1);
    test_result("map the table of interrupts", map(MFN(table >> PAGE_SHIFT), PTE_KERNEL), -XEN_EPERM);
    test_result("only to read", map(MFN(table >> PAGE_SHIFT), PTE_READONLY), -XEN_EPERM);
    test_result("behind the configuration", map(MFN((common >> PAGE_SHIFT) + 4), PTE_READONLY), -XEN_EPERM);
    test_result("no longer", map(MFN(0), 0), 0);
}

/* The part of that type, mapped in a page of its own behind the window. */
static volatile uint8_t *map_part(unsigned place, unsigned type)
{
    uint64_t maddr = find_part(place, type), vaddr = WINDOW + type * PAGE_SIZE;

    test_result("map it", hypercall_update_va_mapping(vaddr, pte_make(MFN(maddr >> PAGE_SHIFT), PTE_KERNEL), 0), 0);
    return (volatile uint8_t *)(uintptr_t)(vaddr + maddr % PAGE_SIZE);
}

static void find_function(unsigned place, struct function *function)
{
    unsigned msix = capability(place, CAPABILITY_MSIX);

    *function = (struct function){
        .place = place,
        .table = find_table(place),
        .nr_entries = (config_read(place, msix) >> 16 & 0x7ff) + 1,
        .line = config_read(place, LINE) & 0xff,
        .common = map_part(place, PART_COMMON),
        .notify = map_part(place, PART_NOTIFY),
        .isr = map_part(place, PART_ISR),
    };
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    struct function function;
    unsigned place = 0, count;

    test_result("ports", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    test_need(table_make(WINDOW), "tables");
    if (guest_option("functions", 2) == 0) {
        nothing();
        return;
    }
    count = find_functions(&place);
    if (count == 0)
        test_skip("no function");
    test_equal("one function", count, 1);
    test_equal("of the vendor", config_read(place, ID) & 0xffff, VIRTIO_VENDOR);
    ports(place);
    writes(place);
    memory(place);
    find_function(place, &function);
    interrupts(&function);
}
