/* SPDX-License-Identifier: MIT */
/* Who may have which PCI functions, and what memory comes with them: hv/build/rights*.c on a machine made up. */
/* links: hv/build/rights.c hv/build/rights_pci.c hv/device/pci_scan.c hv/device/pci_measure.c */
/* links: tests/hv/lib/pci_host.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/build/rights.h>
#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/pci_host.h>
#include <tests/hv/lib/said.h>

#define FRAMES 16u /* in the table; 4, 5 and 9 of them are device memory */

static struct frame frames[FRAMES];
static struct domain *table[4];
static struct machine machine = {
    .frames = frames, .nr_frames = FRAMES, .domains = table, .nr_domains = 4, .phys_bits = 40};

/* The interrupt controllers are where they always are. */
uint64_t paging_get(uint64_t vaddr)
{
    (void)vaddr;
    return 0;
}

static struct domain_devices devices;
static bool no_memory;

/* Neither ports nor lines: tests/hv/test_rights_ports.c. */
const char *rights_ports_check(const struct machine *of, const struct bundle_domain *description)
{
    (void)of;
    (void)description;
    return NULL;
}

void devices_give_transports(struct hv_domain *domain, uint64_t maddr, unsigned count)
{
    (void)domain;
    (void)maddr;
    (void)count;
    fail();
}

int devices_create(struct hv_domain *domain)
{
    if (no_memory)
        return -XEN_ENOMEM;
    domain->devices = &devices;
    return 0;
}

void devices_give(struct hv_domain *domain, struct pci_function *function)
{
    assert_ptr_equal(domain->devices, &devices);
    function->owner = domain;
}

/* The functions that the machine has, beside one of another vendor's; all of one vendor, the second out of order. */
static void add_functions(void)
{
    struct fake_function *function;

    pci_host_begin();
    function = pci_host_add(1 << 3, 0x8086);
    fake_bar(function, 0, false, 0x20000000, 0x1000);
    function = pci_host_add(2 << 3, 0x1af4);
    fake_bar(function, 1, false, 0x30000000, 0x1000);
    fake_bar(function, 4, true, UINT64_C(0xfc0000000), 0x4000);
    fake_msix(function, 1, 0, 2);
    function = pci_host_add(3 << 3, 0x1af4);
    fake_bar(function, 0, false, 0, 0x1000);
    function = pci_host_add(4 << 3, 0x1af4);
    fake_bar(function, 0, false, 0x40000000, 0x8000);
    fake_msix(function, 0, 0x2000, 2);
    function = pci_host_add(5 << 3, 0x1af4);
    fake_set(function, PCI_HEADER, 1, PCI_HEADER_BRIDGE);
    function = pci_host_add(6 << 3, 0x4321);
    fake_bar(function, 0, false, 0x4000, 0x1000);
    function = pci_host_add(7 << 3, 0x4322);
    fake_bar(function, 0, false, 0x7000, 0x1000);
    function = pci_host_add(8 << 3, 0x1111);
    fake_set(function, PCI_HEADER, 1, PCI_HEADER_BRIDGE);
    fake_set(function, PCI_SECONDARY_BUS, 1, 1);
    for (unsigned i = 0; i < 40; i++) {
        function = pci_host_add(1 << 8 | i, 0x4444);
        fake_set(function, PCI_HEADER, 1, PCI_HEADER_MULTI);
        for (unsigned j = 0; j < 3; j++)
            fake_bar(function, j, false, 0x50000000 + (i << 16) + (j << 12), 0x1000);
    }
}

static int set_up(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    for (struct pci_function *function = pci_next(NULL); function; function = pci_next(function))
        function->owner = NULL;
    said[0] = '\0';
    no_memory = false;
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i].owner = i == 4 || i == 5 || i == 9 ? DOMID_IO : OWNER_NONE;
    return 0;
}

/* A domain that is to have these frames and no function; NULL: it may, else a part of the message. */
static void expect(uint64_t first, uint64_t count, const char *part)
{
    const struct bundle_domain description = {.iomem = {{first, count}}, .nr_iomem = 1};
    const char *problem = NULL;

    assert_int_equal(rights_check(&machine, &description, &problem), part ? -XEN_EINVAL : 0);
    if (part && (!problem || !strstr(problem, part)))
        fail_msg("%s", problem);
}

/* Its functions but for bridges and those that nobody can have, and of their memory all but tables of interrupts. */
static void test_functions(void **state)
{
    static const struct frame_range expected[] = {
        {{9}, {9}}, {{0xfc0000}, {0xfc0003}}, {{0x40000}, {0x40001}}, {{0x40003}, {0x40007}}};
    static const struct bundle_domain description = {
        .id = 3, .name = "driver", .iomem = {{9, 1}}, .nr_iomem = 1, .pci = {0x1234, 0x1af4}, .nr_pci = 2};
    static struct hv_domain domain;
    const char *problem;

    (void)state;
    assert_int_equal(rights_check(&machine, &description, &problem), 0);
    assert_string_equal(said, "");
    no_memory = true;
    assert_int_equal(rights_give(&domain, &description), -XEN_ENOMEM);
    assert_true(domain.engine.nr_iomem == 0 && !pci_find(PCI_PLACE(2 << 3))->owner);
    no_memory = false;
    assert_int_equal(rights_give(&domain, &description), 0);
    assert_int_equal(domain.engine.nr_iomem, 4);
    assert_memory_equal(domain.iomem, expected, sizeof(expected));
    for (unsigned i = 1; i < 8; i++)
        assert_ptr_equal(pci_find(PCI_PLACE(i << 3))->owner, i == 2 || i == 4 ? &domain : NULL);
    assert_said("domain 3 (driver): has PCI function 00:02.0, 1af4:1002\n");
    assert_said("domain 3 (driver): without PCI function 00:03.0, 1af4:1003: firmware has given");
    assert_said("has PCI function 00:04.0");
    assert_unsaid("00:05.0");

    /* Now they are another's, with all of their memory. */
    table[3] = &domain.engine;
    assert_int_equal(rights_check(&machine, &description, &problem), -XEN_EINVAL);
    expect(0x30000, 1, "another domain"); /* a table of interrupts */
    expect(0x40002, 1, "another domain");
    expect(0x40007, 2, "another domain");
    expect(0x40008, 1, NULL);
    expect(0xfc0000, 1, "another domain");
    expect(0x20000, 1, NULL);
}

/* A domain that is to have the functions of @vendor and the frame @mfn. */
static void expect_pci(uint16_t vendor, uint64_t mfn, const char *part)
{
    const struct bundle_domain description = {.iomem = {{mfn, 1}}, .nr_iomem = 1, .pci = {vendor}, .nr_pci = 1};
    const char *problem = NULL;

    assert_int_equal(rights_check(&machine, &description, &problem), part ? -XEN_EINVAL : 0);
    if (part && (!problem || !strstr(problem, part)))
        fail_msg("%s", problem);
}

static void test_functions_refused(void **state)
{
    static struct hv_domain other;
    static struct domain owner;

    (void)state;
    expect_pci(0x1af4, 4, NULL);
    expect_pci(0x1af4, 0x40007, "leave that out"); /* its own */
    expect_pci(0x1af4, 0x30000, "leave that out"); /* the table */
    expect_pci(0x4321, 5, NULL);
    expect_pci(0x4322, 5, "something else"); /* RAM */
    expect_pci(0x4444, 5, "so many functions");
    other.engine.iomem = other.iomem;
    other.engine.nr_iomem = 1;
    other.iomem[0] = (struct frame_range){MFN(0x30000), MFN(0x30000)};
    table[1] = &other.engine;
    expect_pci(0x1af4, 4, "leave that out");
    other.iomem[0].first = other.iomem[0].last = MFN(0x30001);
    expect_pci(0x1af4, 4, NULL);
    pci_find(PCI_PLACE(4 << 3))->owner = hv_domain_of(&owner);
    expect_pci(0x1af4, 4, "another domain");
}

/* Somebody who wants what there is not is told. */
static void test_no_functions(void **state)
{
    static const struct bundle_domain description = {.id = 2, .name = "none", .pci = {0xabcd}, .nr_pci = 1};
    static struct hv_domain domain;
    const char *problem;

    (void)state;
    assert_int_equal(rights_check(&machine, &description, &problem), 0);
    assert_int_equal(rights_give(&domain, &description), 0);
    assert_int_equal(domain.engine.nr_iomem, 0);
    assert_said("domain 2 (none): the machine has no PCI function of its vendors\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_functions, set_up),
        cmocka_unit_test_setup(test_functions_refused, set_up),
        cmocka_unit_test_setup(test_no_functions, set_up),
    };

    add_functions();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
