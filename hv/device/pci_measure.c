/* SPDX-License-Identifier: MIT */
/*
 * Where the memory of a function is, in parts: capabilities, its BARs, its MSI-X table, what speaks against giving it
 * to a domain.  A device's answers are not believed: what makes no sense is a problem.
 */
#include <stddef.h>

#include <hv/device/pci.h>

#define CAPABILITIES_MOST 48u /* so many fit in */
#define CAPABILITY_MSIX   0x11u

#define BAR_PORTS   1u
#define BAR_TYPE    6u
#define BAR_64      4u
#define BAR_FLAGS   UINT64_C(0xf)
#define BRIDGE_BARS 2u

#define MSIX_CONTROL 2u
#define MSIX_TABLE   4u
#define MSIX_COUNT   0x7ffu
#define MSIX_BAR     7u
#define MSIX_ENTRY   16u

unsigned pci_capability(const struct pci_function *function, unsigned id, unsigned after)
{
    unsigned at;

    if (!(pci_config_read(function->place, PCI_STATUS, 2) & PCI_STATUS_CAPABILITIES))
        return 0;
    at = pci_config_read(function->place, after ? after + 1 : PCI_CAPABILITIES, 1) & ~3u;
    for (unsigned i = 0; i < CAPABILITIES_MOST && at >= PCI_CAPABILITY_FIRST; i++) {
        if (pci_config_read(function->place, at, 1) == id)
            return at;
        at = pci_config_read(function->place, at + 1, 1) & ~3u;
    }
    return 0;
}

/*
 * ---- BARs.
 */

static unsigned bar_offset(unsigned bar)
{
    return PCI_BAR0 + 4 * bar;
}

static uint64_t read_bar(const struct pci_function *function, unsigned bar, bool wide)
{
    uint64_t value = pci_config_read(function->place, bar_offset(bar), 4);

    return wide ? value | (uint64_t)pci_config_read(function->place, bar_offset(bar) + 4, 4) << 32 : value;
}

static void write_bar(const struct pci_function *function, unsigned bar, bool wide, uint64_t value)
{
    pci_config_write(function->place, bar_offset(bar), 4, (uint32_t)value);
    if (wide)
        pci_config_write(function->place, bar_offset(bar) + 4, 4, (uint32_t)(value >> 32));
}

/* How much it decodes: the bits that cannot be set.  0: nothing. */
static uint64_t measure_bar(const struct pci_function *function, unsigned bar, bool wide)
{
    uint64_t before = read_bar(function, bar, wide), seen;

    write_bar(function, bar, wide, UINT64_MAX);
    seen = read_bar(function, bar, wide) & ~BAR_FLAGS;
    write_bar(function, bar, wide, before);
    if (!wide && seen)
        seen |= UINT64_C(0xffffffff00000000);
    return ~seen + 1;
}

static const char *check_bar(const struct pci_bar *bar)
{
    if (bar->size & (bar->size - 1))
        return "one of its areas has a size that there is not";
    if (bar->maddr == 0)
        return "firmware has given one of its areas no address";
    return NULL;
}

static bool is_wide(uint32_t low)
{
    return !(low & BAR_PORTS) && (low & BAR_TYPE) == BAR_64;
}

static const char *measure_bars(struct pci_function *function)
{
    const char *problem = NULL;

    for (unsigned i = 0; i < PCI_BARS && !problem; i++) {
        uint32_t low = (uint32_t)read_bar(function, i, false);
        struct pci_bar *bar = &function->bars[i];
        bool wide = is_wide(low);

        if (low & BAR_PORTS)
            continue;
        if (wide && i + 1 == PCI_BARS)
            return "its last area has half an address";
        bar->size = measure_bar(function, i, wide);
        bar->maddr = read_bar(function, i, wide) & ~BAR_FLAGS;
        problem = bar->size ? check_bar(bar) : NULL;
        i += wide;
    }
    return problem;
}

/*
 * ---- Its table of interrupts.
 */

static const char *find_msix(struct pci_function *function)
{
    struct pci_msix *msix = &function->msix;
    uint32_t table;

    msix->capability = pci_capability(function, CAPABILITY_MSIX, 0);
    if (msix->capability == 0)
        return NULL;
    msix->nr_entries = (pci_config_read(function->place, msix->capability + MSIX_CONTROL, 2) & MSIX_COUNT) + 1;
    table = pci_config_read(function->place, msix->capability + MSIX_TABLE, 4);
    msix->bar = table & MSIX_BAR;
    table &= ~MSIX_BAR;
    if (msix->bar >= PCI_BARS || (uint64_t)table + msix->nr_entries * MSIX_ENTRY > function->bars[msix->bar].size)
        return "its table of interrupts lies nowhere";
    msix->table = function->bars[msix->bar].maddr + table;
    return NULL;
}

/*
 * ---- Others.
 */

struct frame_range pci_bar_frames(const struct pci_function *function, unsigned bar)
{
    const struct pci_bar *area = &function->bars[bar];

    return (struct frame_range){MFN(area->maddr >> PAGE_SHIFT), MFN((area->maddr + area->size - 1) >> PAGE_SHIFT)};
}

static bool is_in(const struct frame_range *range, uint64_t maddr)
{
    return maddr >> PAGE_SHIFT >= range->first.v && maddr >> PAGE_SHIFT <= range->last.v;
}

/* Areas of a page and more have their pages to themselves: they lie at multiples of their size. */
static bool begins_in(const struct pci_function *other, const struct frame_range *range)
{
    unsigned count = other->header == PCI_HEADER_DEVICE ? PCI_BARS : BRIDGE_BARS;

    for (unsigned i = 0; i < count; i++) {
        uint32_t low = (uint32_t)read_bar(other, i, false);
        bool wide = is_wide(low) && i + 1 < count;

        if (!(low & BAR_PORTS) && is_in(range, read_bar(other, i, wide) & ~BAR_FLAGS))
            return true;
        i += wide;
    }
    return false;
}

static const char *find_neighbours(const struct pci_function *function)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct frame_range range = pci_bar_frames(function, i);

        for (struct pci_function *other = pci_next(NULL); other; other = pci_next(other)) {
            if (function->bars[i].size && other != function && begins_in(other, &range))
                return "another function has registers in the same page";
        }
    }
    return NULL;
}

void pci_measure(struct pci_function *function)
{
    uint32_t command;

    if (function->measured)
        return;
    function->measured = true;
    command = pci_config_read(function->place, PCI_COMMAND, 2);
    pci_config_write(function->place, PCI_COMMAND, 2, command & ~(PCI_COMMAND_IO | PCI_COMMAND_MEMORY));
    function->problem = measure_bars(function);
    pci_config_write(function->place, PCI_COMMAND, 2, command);
    if (!function->problem)
        function->problem = find_msix(function);
    if (!function->problem)
        function->problem = find_neighbours(function);
}

unsigned pci_bar_ranges(const struct pci_function *function, unsigned bar, struct frame_range ranges[2])
{
    const struct pci_msix *msix = &function->msix;
    struct frame_range all = pci_bar_frames(function, bar);
    mfn_t first = MFN(msix->table >> PAGE_SHIFT);
    mfn_t last = MFN((msix->table + msix->nr_entries * MSIX_ENTRY - 1) >> PAGE_SHIFT);
    unsigned count = 0;

    if (function->bars[bar].size == 0)
        return 0;
    if (msix->capability == 0 || last.v < all.first.v || first.v > all.last.v) {
        ranges[0] = all;
        return 1;
    }
    if (first.v > all.first.v)
        ranges[count++] = (struct frame_range){all.first, MFN(first.v - 1)};
    if (last.v < all.last.v)
        ranges[count++] = (struct frame_range){MFN(last.v + 1), all.last};
    return count;
}
