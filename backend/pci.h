/* SPDX-License-Identifier: MIT */
/*
 * PCI functions: configuration space by mechanism 1 (ports 0xcf8 and 0xcfc), which the hypervisor emulates.  A function
 * that is not the domain's reads as all ones, as one that is not there.  Where its registers lie was decided before.
 */
#pragma once

#include <guest/types.h>

struct pci_function {
    uint8_t bus;
    uint8_t devfn; /* device << 3 | function */
    uint16_t vendor, device;
};

/* Bytes of configuration space, and what every function has in it. */
#define PCI_CONFIG_SIZE     256u
#define PCI_COMMAND         0x04u
#define PCI_COMMAND_MEMORY  0x0002u
#define PCI_COMMAND_MASTER  0x0004u
#define PCI_COMMAND_NO_INTX 0x0400u
#define PCI_INTERRUPT_LINE  0x3cu
#define PCI_INTERRUPT_PIN   0x3du
#define PCI_NR_BARS         6u

#define PCI_CAPABILITY_VENDOR 0x09u
#define PCI_CAPABILITY_MSIX   0x11u

/* The next function of the domain's after @previous, by address, or the first for NULL; NULL: there are no more. */
const struct pci_function *pci_next(const struct pci_function *previous);

/* A register, which lies at a multiple of its size. */
uint8_t pci_read8(const struct pci_function *function, unsigned offset);
uint16_t pci_read16(const struct pci_function *function, unsigned offset);
uint32_t pci_read32(const struct pci_function *function, unsigned offset);
void pci_write16(const struct pci_function *function, unsigned offset, uint16_t value);

/*
 * The offset of capability @id that comes after @nth others of the same id; 0: there are not so many.  A list that
 * bites its tail ends.
 */
unsigned pci_capability(const struct pci_function *function, uint8_t id, unsigned nth);

/* The machine address of the memory of BAR @bar, 0 where there is none: an I/O BAR, one without an address, no BAR. */
uint64_t pci_bar(const struct pci_function *function, unsigned bar);

/* Let the function answer to its memory and reach that of the machine; or the latter no more. */
void pci_enable(const struct pci_function *function);
void pci_quiet(const struct pci_function *function);
