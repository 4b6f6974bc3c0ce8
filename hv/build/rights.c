/* SPDX-License-Identifier: MIT */
/* Rights to parts of the machine: what nobody may have, what others have, and the giving. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/base/layout.h>
#include <hv/build/rights.h>
#include <hv/build/rights_pci.h>
#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <hv/mem/paging.h>

_Static_assert(DOMAIN_IOMEM > BUNDLE_IOMEM_MAX + 2, "virtio-mmio, the initial domain's, and there are functions");

/*
 * What of the machine's memory outside RAM the initial domain may map: the first MiB, in which kernels look for what
 * firmware has left.  The hypervisor keeps nothing there.
 */
static const struct frame_range firmware_memory = {{0}, {0xff}};

/* Where processors and I/O APICs of a PC have their registers, and where messages become interrupts. */
static const struct frame_range interrupt_memory[] = {{{0xfec00}, {0xfecff}}, {{0xfee00}, {0xfeeff}}};

static bool overlap(const struct frame_range *a, const struct frame_range *b)
{
    return a->first.v <= b->last.v && b->first.v <= a->last.v;
}

static struct frame_range range_of(const struct bundle_frames *frames)
{
    return (struct frame_range){MFN(frames->first), MFN(frames->first + frames->count - 1)};
}

/*
 * All that a domain of @description is to have but for PCI functions, what its settings name first.  Returns the number
 * of ranges.
 */
static unsigned list_ranges(const struct bundle_domain *description, struct frame_range ranges[DOMAIN_IOMEM])
{
    unsigned count = 0;

    for (unsigned i = 0; i < description->nr_iomem; i++)
        ranges[count++] = range_of(&description->iomem[i]);
    if (description->transports.count > 0)
        ranges[count++] = range_of(&description->transports);
    if (description->privileged)
        ranges[count++] = firmware_memory;
    return count;
}

static bool has_ram(const struct machine *machine, const struct frame_range *range)
{
    for (uint64_t i = range->first.v; i <= range->last.v && i < machine->nr_frames; i++) {
        if (frame_is_ram(frame_find(machine, MFN(i))))
            return true;
    }
    return false;
}

/* The controllers may have been moved away from where they begin. */
static bool is_for_interrupts(const struct frame_range *range)
{
    for (unsigned i = 0; i < ARRAY_SIZE(interrupt_memory); i++) {
        if (overlap(range, &interrupt_memory[i]))
            return true;
    }
    for (uint64_t at = DEVICE_BASE; at < DEVICE_PAGE; at += PAGE_SIZE) {
        mfn_t own = MFN((paging_get(at) & ENTRY_FRAME) >> PAGE_SHIFT);

        if (own.v != 0 && overlap(range, &(struct frame_range){own, own}))
            return true;
    }
    return false;
}

static bool is_among(const struct frame_range *range, const struct frame_range *ranges, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        if (overlap(range, &ranges[i]))
            return true;
    }
    return false;
}

static bool is_taken(const struct machine *machine, const struct frame_range *range)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        if (domain && is_among(range, domain->engine.iomem, domain->engine.nr_iomem))
            return true;
    }
    return false;
}

static const char *find_problem(const struct machine *machine, const struct frame_range *range)
{
    if (range->last.v >> (machine->phys_bits - PAGE_SHIFT))
        return "iomem: the processor has no addresses for some of these frames";
    if (is_for_interrupts(range))
        return "iomem: some of these frames are registers of the machine's interrupt controllers, which no domain gets";
    if (has_ram(machine, range))
        return "iomem: some of these frames are RAM, of which a domain gets what memory= says";
    return NULL;
}

/*
 * ---- PCI functions.
 */

/* Add what of @function a domain may map.  False: there is no room for so much. */
static bool list_function(const struct pci_function *function, struct frame_range ranges[DOMAIN_IOMEM], unsigned *count)
{
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct frame_range parts[2];
        unsigned nr_parts = pci_bar_ranges(function, i, parts);

        if (nr_parts > DOMAIN_IOMEM - *count)
            return false;
        for (unsigned j = 0; j < nr_parts; j++)
            ranges[(*count)++] = parts[j];
    }
    return true;
}

/* Its areas as a whole: the tables of interrupts among them are no domain's. */
static const char *find_problem_of_function(const struct machine *machine, const struct pci_function *function,
                                            const struct frame_range *own, unsigned nr_own)
{
    if (function->owner)
        return "pci: another domain has a function of this vendor: take it out of the settings of one";
    for (unsigned i = 0; i < PCI_BARS; i++) {
        struct frame_range range = pci_bar_frames(function, i);

        if (function->bars[i].size == 0)
            continue;
        if (find_problem(machine, &range) || rights_is_function(&range))
            return "pci: firmware has put a function where something else is";
        if (is_taken(machine, &range) || is_among(&range, own, nr_own))
            return "pci: iomem has given memory of a function away: leave that out, it comes with the function";
    }
    return NULL;
}

/* @ranges, @count of them, is what the domain is to have beside its functions. */
static const char *check_functions(const struct machine *machine, const struct bundle_domain *description,
                                   struct frame_range ranges[DOMAIN_IOMEM], unsigned count)
{
    struct pci_function *function = rights_next_function(description, NULL);
    unsigned nr_own = count;
    const char *problem = NULL;

    for (; function && !problem; function = rights_next_function(description, function)) {
        problem = find_problem_of_function(machine, function, ranges, nr_own);
        if (!problem && !list_function(function, ranges, &count))
            problem = "pci: a domain cannot have so many functions";
    }
    return problem;
}

/*
 * ---- Checking, and giving.
 */

/* RAM in the first MiB is nothing to worry about here: the engine never takes it for a device. */
int rights_check(const struct machine *machine, const struct bundle_domain *description, const char **problem)
{
    struct frame_range ranges[DOMAIN_IOMEM];
    unsigned count = list_ranges(description, ranges);
    unsigned named = description->nr_iomem + (description->transports.count > 0);

    *problem = rights_ports_check(machine, description);
    for (unsigned i = 0; i < named && !*problem; i++)
        *problem = find_problem(machine, &ranges[i]);
    for (unsigned i = 0; i < count && !*problem; i++) {
        if (is_taken(machine, &ranges[i]) || rights_is_function(&ranges[i]))
            *problem =
                "iomem: another domain has the right to some of these frames: take it out of the settings of one";
    }
    if (!*problem)
        *problem = check_functions(machine, description, ranges, count);
    return *problem ? -XEN_EINVAL : 0;
}

static void give_functions(struct hv_domain *domain, const struct bundle_domain *description)
{
    unsigned count = domain->engine.nr_iomem;

    for (struct pci_function *function = rights_next_function(description, NULL); function;
         function = rights_next_function(description, function)) {
        CHECK(list_function(function, domain->iomem, &count)); /* rights_check() has */
        devices_give(domain, function);
    }
    domain->engine.nr_iomem = count;
    rights_report_functions(description);
}

static bool has_devices(const struct bundle_domain *description)
{
    return description->nr_pci > 0 || description->nr_ports > 0 || description->lines != 0;
}

static void give_lines_and_ports(struct domain_devices *devices, const struct bundle_domain *description)
{
    devices->lines = description->lines;
    for (unsigned i = 0; i < description->nr_ports; i++)
        devices->ports[devices->nr_ports++] =
            (struct port_range){description->ports[i].first, description->ports[i].last};
}

/* Where there are transports, there are lines. */
int rights_give(struct hv_domain *domain, const struct bundle_domain *description)
{
    const struct bundle_frames *transports = &description->transports;
    int error = has_devices(description) ? devices_create(domain) : 0;

    if (error)
        return error;
    domain->engine.iomem = domain->iomem;
    domain->engine.nr_iomem = list_ranges(description, domain->iomem);
    if (!domain->devices)
        return 0;
    give_lines_and_ports(domain->devices, description);
    if (transports->count > 0)
        devices_give_transports(domain, transports->first << PAGE_SHIFT,
                                (unsigned)transports->count * BUNDLE_TRANSPORTS_PER_FRAME);
    give_functions(domain, description);
    return 0;
}
