/* SPDX-License-Identifier: MIT */
/* A function goes from nobody to a domain and back: what is off, and in which order. */
/* links: hv/device/devices.c hv/device/pci_scan.c tests/hv/lib/pci_host.c tests/hv/lib/objects.c */
/* links: tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/device/devices.h>
#include <hv/device/msix.h>
#include <hv/device/virtio_reset.h>
#include <hv/domain/domain.h>
#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/pci_host.h>
#include <tests/hv/lib/said.h>

static struct hv_domain domain, other;
static struct fake_function *fakes[3];
static char told[256]; /* in order */
static bool fails, master, restless;
static unsigned nr_transports; /* that were told */

static void tell(const char *what)
{
    strcat(told, what);
}

/* It is asked for that while it still can finish. */
bool virtio_reset(const struct pci_function *function)
{
    master = pci_config_read(function->place, PCI_COMMAND, 2) & PCI_COMMAND_MASTER;
    assert_true(pci_config_read(function->place, PCI_COMMAND, 2) & PCI_COMMAND_MEMORY);
    tell("rest ");
    return !restless;
}

bool virtio_reset_mmio(uint64_t maddr)
{
    assert_int_equal(maddr, UINT64_C(0xfeb00000) + 0x200 * nr_transports);
    nr_transports++;
    return !restless;
}

void msix_enable(const struct pci_function *function, bool enable)
{
    assert_false(enable);
    assert_int_equal(pci_config_read(function->place, PCI_COMMAND, 2) & (PCI_COMMAND_MASTER | PCI_COMMAND_MEMORY),
                     PCI_COMMAND_MEMORY); /* so that it obeys, and does nothing else */
    tell("off ");
}

void msix_reset(const struct pci_function *function)
{
    (void)function;
    tell("reset ");
}

void pirq_unmap_all(struct hv_domain *of)
{
    assert_ptr_equal(of, &domain);
    tell("unmap ");
}

void timer_stop(struct timer *timer)
{
    assert_ptr_equal(timer, &domain.devices->pause);
    tell("stop ");
}

static bool object_does_fail(void)
{
    return fails;
}

static void test_give_and_take(void **state)
{
    (void)state;
    object_fails = object_does_fail;
    fails = true;
    assert_int_equal(devices_create(&domain), -XEN_ENOMEM);
    assert_null(domain.devices);
    devices_destroy(&domain);
    assert_string_equal(told, "");
    fails = false;
    assert_int_equal(devices_create(&domain), 0);
    for (unsigned i = 0; i < 3; i++)
        fake_set(fakes[i], PCI_COMMAND, 2, PCI_COMMAND_MASTER | PCI_COMMAND_IO | PCI_COMMAND_NO_INTX);
    devices_give(&domain, pci_find(PCI_PLACE(8)));
    devices_give(&domain, pci_find(PCI_PLACE(16)));
    assert_string_equal(told, "rest off reset rest off reset ");
    assert_ptr_equal(pci_find(PCI_PLACE(8))->owner, &domain);
    assert_int_equal(fake_get(fakes[0], PCI_COMMAND, 2), PCI_COMMAND_MEMORY);
    assert_int_equal(fake_get(fakes[2], PCI_COMMAND, 2), PCI_COMMAND_MASTER | PCI_COMMAND_IO | PCI_COMMAND_NO_INTX);
    pci_find(PCI_PLACE(24))->owner = &other;
    fake_set(fakes[1], PCI_COMMAND, 2, PCI_COMMAND_MASTER);
    assert_string_equal(said, "");
    told[0] = '\0';
    restless = true;
    devices_destroy(&domain);
    assert_string_equal(told, "stop unmap rest off reset rest off reset ");
    assert_int_equal(fake_get(fakes[1], PCI_COMMAND, 2), PCI_COMMAND_MEMORY | PCI_COMMAND_NO_INTX);
    assert_true(master);
    assert_said("PCI function 00:02.0 does not come to rest");
    assert_null(pci_find(PCI_PLACE(8))->owner);
    assert_ptr_equal(pci_find(PCI_PLACE(24))->owner, &other);
    assert_true(!domain.devices && objects == 0);
}

/* Each of them before its domain has it, and again when it has it no more. */
static void test_transports(void **state)
{
    (void)state;
    restless = false;
    told[0] = said[0] = '\0';
    assert_int_equal(devices_create(&domain), 0);
    devices_give_transports(&domain, UINT64_C(0xfeb00000), 24);
    assert_int_equal(nr_transports, 24);
    assert_string_equal(said, "");
    nr_transports = 0;
    restless = true;
    devices_destroy(&domain);
    assert_int_equal(nr_transports, 24);
    assert_said("virtio device at feb02e00 does not come to rest");
    assert_string_equal(told, "stop unmap ");
    assert_true(!domain.devices && objects == 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_give_and_take), cmocka_unit_test(test_transports)};

    pci_host_begin();
    for (unsigned i = 0; i < 3; i++)
        fakes[i] = pci_host_add((i + 1) << 3, 0x1af4);
    pci_scan();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
