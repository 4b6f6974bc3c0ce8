/* SPDX-License-Identifier: MIT */
/* The machine is looked through only where a domain is to have functions. */
#include <hv/base/print.h>
#include <hv/build/rights_pci.h>

static bool is_wanted(const struct bundle_domain *description, const struct pci_function *function)
{
    for (unsigned i = 0; i < description->nr_pci; i++) {
        if (function->vendor == description->pci[i])
            return function->header == PCI_HEADER_DEVICE;
    }
    return false;
}

/* The next of its vendors', whether it can be had or not. */
static struct pci_function *next_wanted(const struct bundle_domain *description, const struct pci_function *previous)
{
    struct pci_function *function;

    if (description->nr_pci == 0)
        return NULL;
    pci_scan();
    function = pci_next(previous);
    while (function && !is_wanted(description, function))
        function = pci_next(function);
    if (function)
        pci_measure(function);
    return function;
}

struct pci_function *rights_next_function(const struct bundle_domain *description, const struct pci_function *previous)
{
    struct pci_function *function = next_wanted(description, previous);

    while (function && function->problem)
        function = next_wanted(description, function);
    return function;
}

bool rights_is_function(const struct frame_range *range)
{
    for (const struct pci_function *function = pci_next(NULL); function; function = pci_next(function)) {
        for (unsigned i = 0; function->owner && i < PCI_BARS; i++) {
            struct frame_range frames = pci_bar_frames(function, i);

            if (function->bars[i].size && range->first.v <= frames.last.v && frames.first.v <= range->last.v)
                return true;
        }
    }
    return false;
}

static void report(const struct bundle_domain *description, const struct pci_function *function)
{
    print("domain %u (%s): %s PCI function %02x:%02x.%x, %04x:%04x%s%s\n", description->id, description->name,
          function->problem ? "without" : "has", pci_bus(function->place), pci_devfn(function->place) >> 3,
          pci_devfn(function->place) & 7, function->vendor, function->device, function->problem ? ": " : "",
          function->problem ? function->problem : "");
}

void rights_report_functions(const struct bundle_domain *description)
{
    const struct pci_function *function = next_wanted(description, NULL);

    if (description->nr_pci > 0 && !function)
        print("domain %u (%s): the machine has no PCI function of its vendors\n", description->id, description->name);
    for (; function; function = next_wanted(description, function))
        report(description, function);
}
