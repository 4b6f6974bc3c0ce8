/* SPDX-License-Identifier: MIT */
/* Who has which device, from giving to taking. */
#include <abi/errno.h>
#include <hv/base/print.h>
#include <hv/device/devices.h>
#include <hv/device/msix.h>
#include <hv/device/virtio_reset.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>

/* Whatever it did before, for firmware or another domain, it does no longer. */
static void still(const struct pci_function *function)
{
    uint32_t command = pci_config_read(function->place, PCI_COMMAND, 2);

    pci_config_write(function->place, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY);
    if (!virtio_reset(function))
        print("PCI function %02x:%02x.%x does not come to rest: it may still write to memory\n",
              pci_bus(function->place), pci_devfn(function->place) >> 3, pci_devfn(function->place) & 7);
    command &= ~(PCI_COMMAND_MASTER | PCI_COMMAND_IO);
    pci_config_write(function->place, PCI_COMMAND, 2, command | PCI_COMMAND_MEMORY | PCI_COMMAND_NO_INTX);
    msix_enable(function, false);
    msix_reset(function);
}

#define TRANSPORT_SIZE 0x200u

static void still_transports(const struct domain_devices *devices)
{
    for (unsigned i = 0; i < devices->nr_transports; i++) {
        uint64_t maddr = devices->transports + i * TRANSPORT_SIZE;

        if (!virtio_reset_mmio(maddr))
            print("virtio device at %lx does not come to rest: it may still write to memory\n", maddr);
    }
}

int devices_create(struct hv_domain *domain)
{
    domain->devices = allocate(sizeof(*domain->devices));
    return domain->devices ? 0 : -XEN_ENOMEM;
}

void devices_give(struct hv_domain *domain, struct pci_function *function)
{
    uint32_t command;

    still(function);
    function->owner = domain;
    command = pci_config_read(function->place, PCI_COMMAND, 2);
    pci_config_write(function->place, PCI_COMMAND, 2, command & ~PCI_COMMAND_NO_INTX);
}

void devices_give_transports(struct hv_domain *domain, uint64_t maddr, unsigned count)
{
    domain->devices->transports = maddr;
    domain->devices->nr_transports = count;
    still_transports(domain->devices);
}

void devices_destroy(struct hv_domain *domain)
{
    if (!domain->devices)
        return;
    timer_stop(&domain->devices->pause);
    pirq_unmap_all(domain);
    for (struct pci_function *function = pci_next(NULL); function; function = pci_next(function)) {
        if (function->owner == domain) {
            still(function);
            function->owner = NULL;
        }
    }
    still_transports(domain->devices);
    release(domain->devices, sizeof(*domain->devices));
    domain->devices = NULL;
}
