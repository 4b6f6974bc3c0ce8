/* SPDX-License-Identifier: MIT */
/* One page of the table at a time is mapped. */
#include <hv/device/device_page.h>
#include <hv/device/msix.h>
#include <hv/time/apic.h>

#define CONTROL        2u
#define CONTROL_MASKED (1u << 14)
#define CONTROL_ENABLE (1u << 15)

#define ENTRY_SIZE    16u
#define ENTRY_MASKED  1u
#define MESSAGE_TO    UINT32_C(0xfee00000) /* Intel SDM volume 3, 11.11.1 */
#define PROCESSOR_BIT 12u

/* The words of an entry. */
enum {
    WORD_ADDRESS,
    WORD_ADDRESS_HIGH,
    WORD_DATA,
    WORD_CONTROL,
};

static volatile uint32_t *map_entry(const struct pci_function *function, unsigned entry)
{
    return device_page_map(function->msix.table + entry * ENTRY_SIZE);
}

void msix_mask(const struct pci_function *function, unsigned entry, bool mask)
{
    map_entry(function, entry)[WORD_CONTROL] = mask ? ENTRY_MASKED : 0;
}

static void write_entry(const struct pci_function *function, unsigned entry, uint32_t address, uint32_t data)
{
    volatile uint32_t *words = map_entry(function, entry);

    words[WORD_CONTROL] = ENTRY_MASKED;
    words[WORD_ADDRESS] = address;
    words[WORD_ADDRESS_HIGH] = 0;
    words[WORD_DATA] = data;
}

void msix_set(const struct pci_function *function, unsigned entry, unsigned vector)
{
    write_entry(function, entry, MESSAGE_TO | apic_id() << PROCESSOR_BIT, vector);
}

void msix_reset(const struct pci_function *function)
{
    for (unsigned entry = 0; function->msix.capability && entry < function->msix.nr_entries; entry++)
        write_entry(function, entry, 0, 0);
}

void msix_enable(const struct pci_function *function, bool enable)
{
    unsigned at = function->msix.capability + CONTROL;
    uint32_t control;

    if (!function->msix.capability)
        return;
    control = pci_config_read(function->place, at, 2) & ~(CONTROL_ENABLE | CONTROL_MASKED);
    pci_config_write(function->place, at, 2, enable ? control | CONTROL_ENABLE : control);
}
