/* SPDX-License-Identifier: MIT */
/* A pirq for each interrupt, from the hypervisor, and an event channel for each pirq. */
#include <abi/physdev.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <backend/interrupt.h>

#define INTERRUPTS_MAX 128u

#define MSIX_CONTROL      2u
#define MSIX_CONTROL_SIZE 0x7ffu /* entries, less one */
#define MSIX_TABLE        4u
#define MSIX_TABLE_BAR    0x7u

static struct interrupt interrupts[INTERRUPTS_MAX];
static unsigned nr_interrupts;

static void note(evtchn_port_t port)
{
    for (unsigned i = 0; i < nr_interrupts; i++) {
        if (interrupts[i].port == port)
            interrupts[i].count++;
    }
}

static void unmap(uint32_t pirq)
{
    struct physdev_unmap_pirq unmap_pirq = {.domid = DOMID_SELF, .pirq = (int32_t)pirq};

    (void)hypercall_physdev_op(PHYSDEVOP_unmap_pirq, &unmap_pirq);
}

/* The pirq of @map becomes an interrupt; one that cannot be bound is given back. */
static struct interrupt *bind(struct physdev_map_pirq *map, bool is_line)
{
    struct interrupt *interrupt = &interrupts[nr_interrupts];

    if (nr_interrupts == INTERRUPTS_MAX || hypercall_physdev_op(PHYSDEVOP_map_pirq, map))
        return NULL;
    *interrupt = (struct interrupt){.is_line = is_line, .pirq = (uint32_t)map->pirq};
    if (event_bind_pirq(interrupt->pirq, is_line ? BIND_PIRQ__WILL_SHARE : 0, note, &interrupt->port)) {
        unmap(interrupt->pirq);
        return NULL;
    }
    nr_interrupts++;
    return interrupt;
}

struct interrupt *interrupt_bind_msix(const struct pci_function *function, unsigned entry)
{
    unsigned capability = pci_capability(function, PCI_CAPABILITY_MSIX, 0);
    struct physdev_map_pirq map = {
        .domid = DOMID_SELF,
        .type = MAP_PIRQ_TYPE_MSI_SEG,
        .index = -1,
        .pirq = -1,
        .bus = function->bus,
        .devfn = function->devfn,
        .entry_nr = (int32_t)entry,
    };

    if (!capability || entry > (pci_read16(function, capability + MSIX_CONTROL) & MSIX_CONTROL_SIZE))
        return NULL;
    map.table_base = pci_bar(function, pci_read32(function, capability + MSIX_TABLE) & MSIX_TABLE_BAR);
    return bind(&map, false);
}

struct interrupt *interrupt_bind_line(unsigned line)
{
    struct physdev_map_pirq map = {
        .domid = DOMID_SELF,
        .type = MAP_PIRQ_TYPE_GSI,
        .index = (int32_t)line,
        .pirq = (int32_t)line,
    };

    for (unsigned i = 0; i < nr_interrupts; i++) {
        if (interrupts[i].is_line && interrupts[i].pirq == line)
            return &interrupts[i];
    }
    return bind(&map, true);
}

void interrupt_done(const struct interrupt *interrupt)
{
    struct physdev_eoi eoi = {.irq = interrupt->pirq};

    if (interrupt->is_line)
        (void)hypercall_physdev_op(PHYSDEVOP_eoi, &eoi);
}
