/* SPDX-License-Identifier: MIT */
/* Rights to device memory: what nobody may have, what others have, and the giving. */
#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/base/layout.h>
#include <hv/build/rights.h>
#include <hv/domain/domain.h>
#include <hv/mem/paging.h>

_Static_assert(DOMAIN_IOMEM == BUNDLE_IOMEM_MAX + 1, "the initial domain has one more");

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

/* All that a domain of @description is to have.  Returns the number of ranges. */
static unsigned list_ranges(const struct bundle_domain *description, struct frame_range ranges[DOMAIN_IOMEM])
{
    unsigned count = 0;

    for (unsigned i = 0; i < description->nr_iomem; i++) {
        const struct bundle_frames *frames = &description->iomem[i];

        ranges[count++] = (struct frame_range){MFN(frames->first), MFN(frames->first + frames->count - 1)};
    }
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
    for (uint64_t at = DEVICE_BASE; at < DEVICE_BASE + 2 * PAGE_SIZE; at += PAGE_SIZE) {
        mfn_t own = MFN((paging_get(at) & ENTRY_FRAME) >> PAGE_SHIFT);

        if (own.v != 0 && overlap(range, &(struct frame_range){own, own}))
            return true;
    }
    return false;
}

static bool is_taken(const struct machine *machine, const struct frame_range *range)
{
    for (unsigned i = 0; i < machine->nr_domains; i++) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)i);

        for (unsigned j = 0; domain && j < domain->engine.nr_iomem; j++) {
            if (overlap(range, &domain->engine.iomem[j]))
                return true;
        }
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

/* RAM in the first MiB is nothing to worry about here: the engine never takes it for a device. */
int rights_check(const struct machine *machine, const struct bundle_domain *description, const char **problem)
{
    struct frame_range ranges[DOMAIN_IOMEM];
    unsigned count = list_ranges(description, ranges);

    *problem = NULL;
    for (unsigned i = 0; i < description->nr_iomem && !*problem; i++)
        *problem = find_problem(machine, &ranges[i]);
    for (unsigned i = 0; i < count && !*problem; i++) {
        if (is_taken(machine, &ranges[i]))
            *problem =
                "iomem: another domain has the right to some of these frames: take it out of the settings of one";
    }
    return *problem ? -XEN_EINVAL : 0;
}

void rights_give(struct hv_domain *domain, const struct bundle_domain *description)
{
    domain->engine.iomem = domain->iomem;
    domain->engine.nr_iomem = list_ranges(description, domain->iomem);
}
