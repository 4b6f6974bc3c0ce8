/* SPDX-License-Identifier: MIT */
/* Ports, by a list of those that nobody gets; interrupt lines. */
#include <hv/build/rights_pci.h>
#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/device/pci.h>
#include <hv/domain/domain.h>
#include <hv/time/ioapic.h>

_Static_assert(BUNDLE_PORTS_MAX <= DEVICE_PORTS && BUNDLE_LINES == DEVICE_LINES && PIRQ_LINES <= BUNDLE_LINES,
               "hv/device/devices.h");

#define NOT_GIVEN(what) "ioports: some of these ports are " what ", which no domain gets"
#define TIMER_LINES     UINT64_C(5) /* 0 and 2: hv/time/nmi_watchdog.c */

/* Whoever has one of these reaches all memory, resets the machine, or interrupts the hypervisor in its work. */
static const struct {
    struct port_range range;
    const char *problem;
} reserved[] = {
    {{0x0000, 0x00ff}, NOT_GIVEN("the machine's own: its timer, clock, controllers and reset")},
    {{0x02f8, 0x02ff}, NOT_GIVEN("the serial line of the hypervisor's log")},
    {{0x03f8, 0x03ff}, NOT_GIVEN("the serial line of the console")},
    {{0x0400, 0x04ff}, NOT_GIVEN("the machine's own: its DMA and interrupt controllers")},
    {{0x0510, 0x051b}, NOT_GIVEN("QEMU's firmware interface")},
    {{0x0cf8, 0x0cff}, NOT_GIVEN("PCI configuration space and the machine's reset")},
};

static bool overlap(uint16_t first, uint16_t last, const struct port_range *range)
{
    return first <= range->last && range->first <= last;
}

static bool is_taken(const struct hv_domain *domain, const struct bundle_ports *ports)
{
    for (unsigned i = 0; i < domain->devices->nr_ports; i++) {
        if (overlap(ports->first, ports->last, &domain->devices->ports[i]))
            return true;
    }
    return false;
}

/* The next domain of number @next or more that has devices, NULL: there is none; *@next is the number behind it. */
static const struct hv_domain *next_domain(const struct machine *machine, unsigned *next)
{
    while (*next < machine->nr_domains) {
        const struct hv_domain *domain = hv_domain_find(machine, (uint16_t)(*next)++);

        if (domain && domain->devices)
            return domain;
    }
    return NULL;
}

static const char *check_ports(const struct machine *machine, const struct bundle_ports *ports)
{
    const struct hv_domain *domain;
    unsigned next = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(reserved); i++) {
        if (overlap(ports->first, ports->last, &reserved[i].range))
            return reserved[i].problem;
    }
    while ((domain = next_domain(machine, &next))) {
        if (is_taken(domain, ports))
            return "ioports: another domain has the right to some of these ports: take them out of the settings of one";
    }
    return NULL;
}

static bool is_line_of_function(uint64_t lines)
{
    for (const struct pci_function *function = pci_next(NULL); function; function = pci_next(function)) {
        if (function->owner && function->line < BUNDLE_LINES && (lines >> function->line & 1))
            return true;
    }
    return false;
}

/* Functions of several domains may be on one line, which messages leave alone; irq= is for who has it alone. */
static const char *check_lines_of_functions(const struct machine *machine, const struct bundle_domain *description)
{
    struct pci_function *function = rights_next_function(description, NULL);
    const struct hv_domain *domain;
    unsigned next = 0;
    uint64_t lines = 0;

    for (; function; function = rights_next_function(description, function))
        lines |= function->line < BUNDLE_LINES ? UINT64_C(1) << function->line : 0;
    while ((domain = next_domain(machine, &next))) {
        if (domain->devices->lines & lines)
            return "pci: another domain has the interrupt line of a function, by irq: take it out of the settings of "
                   "one";
    }
    return NULL;
}

static const char *check_lines(const struct machine *machine, uint64_t lines)
{
    unsigned count = ioapic_lines() < PIRQ_LINES ? ioapic_lines() : PIRQ_LINES, next = 0;
    const struct hv_domain *domain;

    if (lines >> count)
        return "irq, virtio-mmio: the machine has not so many interrupt lines that a domain can have";
    if (lines & TIMER_LINES)
        return "irq, virtio-mmio: lines 0 and 2 are the hypervisor's timer's, which no domain gets";
    while ((domain = next_domain(machine, &next))) {
        if (domain->devices->lines & lines)
            return "irq, virtio-mmio: another domain has one of these lines: take it out of the settings of one";
    }
    if (is_line_of_function(lines))
        return "irq, virtio-mmio: another domain has a PCI function with one of these lines";
    return NULL;
}

const char *rights_ports_check(const struct machine *machine, const struct bundle_domain *description)
{
    const char *problem = NULL;

    for (unsigned i = 0; i < description->nr_ports && !problem; i++)
        problem = check_ports(machine, &description->ports[i]);
    if (!problem)
        problem = check_lines(machine, description->lines);
    return problem ? problem : check_lines_of_functions(machine, description);
}
