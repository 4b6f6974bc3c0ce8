/* SPDX-License-Identifier: MIT */
/*
 * Interrupts of devices as events.  The handler only counts, which also ends the sleep of the main loop; whoever
 * serves the device looks at the count.
 */
#pragma once

#include <abi/event.h>
#include <backend/pci.h>

struct interrupt {
    unsigned count; /* how often it came */
    bool is_line;   /* perhaps shared; held back until interrupt_done() */
    uint32_t pirq;
    evtchn_port_t port;
};

/*
 * Entry @entry of the function's MSI-X table, which from now on raises the interrupt.  NULL: the function has no such
 * entry, or the hypervisor gives none.
 */
struct interrupt *interrupt_bind_msix(const struct pci_function *function, unsigned entry);

/* Interrupt line @line, perhaps for several devices.  NULL: the hypervisor does not give it. */
struct interrupt *interrupt_bind_line(unsigned line);

/* The device has been seen to: its line may come again.  For an interrupt of MSI-X there is nothing to do. */
void interrupt_done(const struct interrupt *interrupt);
