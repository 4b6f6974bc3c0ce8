/* SPDX-License-Identifier: MIT */
/* The PCI functions of the machine: which there are, and what of memory each has. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/machine.h>
#include <hv/device/pci_config.h>

struct hv_domain;

#define PCI_BARS      6u
#define PCI_FUNCTIONS 256u /* more are left out, with a message */

/* An area of memory that a function answers to. */
struct pci_bar {
    uint64_t maddr, size; /* size 0: there is none of this number, or it is one of ports */
};

/* MSI-X: PCI Local Bus Specification 3.0, section 6.8.2. */
struct pci_msix {
    unsigned capability; /* its offset; 0: there is none */
    unsigned nr_entries;
    unsigned bar; /* that has the table */
    uint64_t table;
};

struct pci_function {
    pci_place_t place;
    uint16_t vendor, device;
    uint8_t header; /* PCI_HEADER_DEVICE, ... */
    uint8_t line;   /* where firmware has routed its interrupt pin; 0xff: nowhere, or it has none */
    /* From here on once pci_measure() has looked at it. */
    bool measured;
    const char *problem; /* why no domain can have it; NULL: one can */
    struct pci_bar bars[PCI_BARS];
    struct pci_msix msix;
    struct hv_domain *owner; /* NULL: the hypervisor, which leaves it alone */
};

/* Look for all functions, on all buses behind bridges as well.  Only the first time that it is called. */
void pci_scan(void);

/* The next function after @previous, or the first for NULL; NULL: there are no more. */
struct pci_function *pci_next(const struct pci_function *previous);

/* The function at @place, NULL: there is none. */
struct pci_function *pci_find(pci_place_t place);

/* Find out where its memory is, and whether a domain could have it.  Its decoding is off meanwhile. */
void pci_measure(struct pci_function *function);

/* The offset of the next capability @id of @function behind that at @after, or the first for 0; 0: it has no more. */
unsigned pci_capability(const struct pci_function *function, unsigned id, unsigned after);

/*
 * The frames of BAR @bar of @function that a domain may map, which are those without entries of its MSI-X table: no
 * more than two ranges.  Returns how many.
 */
unsigned pci_bar_ranges(const struct pci_function *function, unsigned bar, struct frame_range ranges[2]);

/* All frames of BAR @bar, which has a size. */
struct frame_range pci_bar_frames(const struct pci_function *function, unsigned bar);
