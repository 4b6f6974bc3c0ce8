/* SPDX-License-Identifier: MIT */
/* Ports and interrupt lines: what nobody gets, to the port and the line, and what others have. */
/* links: hv/build/rights_ports.c hv/build/rights_pci.c hv/device/pci_scan.c hv/device/pci_measure.c */
/* links: tests/hv/lib/pci_host.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <hv/time/ioapic.h>
#include <tests/hv/lib/pci_host.h>

static struct hv_domain other;
static struct domain_devices devices;
static struct domain *table[3];
static const struct machine machine = {.domains = table, .nr_domains = 3};
static unsigned nr_lines;

unsigned ioapic_lines(void)
{
    return nr_lines;
}

static void expect(const struct bundle_domain *description, const char *part)
{
    const char *problem = rights_ports_check(&machine, description);

    if (!part && problem)
        fail_msg("refused: %s", problem);
    if (part && (!problem || !strstr(problem, part)))
        fail_msg("wanted %s: %s", part, problem ? problem : "given");
}

static void expect_ports(uint16_t first, uint16_t last, const char *part)
{
    const struct bundle_domain description = {.ports = {{0x378, 0x37a}, {first, last}}, .nr_ports = 2};

    expect(&description, part);
}

static void expect_lines(uint64_t lines, const char *part)
{
    const struct bundle_domain description = {.lines = lines};

    expect(&description, part);
}

static int set_up(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    memset(&devices, 0, sizeof(devices));
    memset(&other, 0, sizeof(other));
    other.devices = &devices;
    nr_lines = 48;
    return 0;
}

static void test_reserved_ports(void **state)
{
    static const struct {
        uint16_t first, last;
        const char *part;
    } areas[] = {
        {0x000, 0x0ff, "timer"}, {0x2f8, 0x2ff, "log"},      {0x3f8, 0x3ff, "console"},
        {0x400, 0x4ff, "DMA"},   {0x510, 0x51b, "firmware"}, {0xcf8, 0xcff, "PCI"},
    };

    (void)state;
    for (unsigned i = 0; i < sizeof(areas) / sizeof(areas[0]); i++) {
        for (unsigned port = areas[i].first; port <= areas[i].last; port++)
            expect_ports((uint16_t)port, (uint16_t)port, areas[i].part);
        expect_ports(areas[i].first, areas[i].last, areas[i].part);
        expect_ports(areas[i].last, 0xffff, areas[i].part);
        if (areas[i].last != 0x3ff)
            expect_ports((uint16_t)(areas[i].last + 1), (uint16_t)(areas[i].last + 1), NULL);
        if (areas[i].first != 0 && areas[i].first != 0x400)
            expect_ports((uint16_t)(areas[i].first - 1), (uint16_t)(areas[i].first - 1), NULL);
    }
    expect_ports(0, 0xffff, "no domain gets");
    expect_ports(0x3e8, 0x3ef, NULL);
    expect_ports(0xffff, 0xffff, NULL);
}

static void test_taken_ports(void **state)
{
    (void)state;
    devices.ports[0] = (struct port_range){0x3e8, 0x3ef};
    devices.ports[1] = (struct port_range){0x600, 0x600};
    devices.nr_ports = 2;
    table[2] = &other.engine;
    expect_ports(0x3ef, 0x3f0, "another domain");
    expect_ports(0x3e7, 0x3e8, "another domain");
    expect_ports(0x600, 0x600, "another domain");
    expect_ports(0x3f0, 0x3f7, NULL);
    expect_ports(0x3e0, 0x3e7, NULL);
    other.ended = true;
    expect_ports(0x3e8, 0x3ef, NULL);
    other.ended = false;
    other.devices = NULL;
    expect_ports(0x3e8, 0x3ef, NULL);
}

static void test_lines(void **state)
{
    (void)state;
    for (unsigned line = 0; line < 64; line++) {
        const char *part = line >= 48 ? "not so many" : line == 0 || line == 2 ? "timer" : NULL;

        expect_lines(UINT64_C(1) << line, part);
    }
    nr_lines = 24;
    expect_lines(UINT64_C(1) << 23, NULL);
    expect_lines(UINT64_C(1) << 24, "not so many");
    nr_lines = 64; /* more than a domain can map */
    expect_lines(UINT64_C(1) << 48, "not so many");
    nr_lines = 0;
    expect_lines(UINT64_C(1) << 5, "not so many");
    expect_lines(0, NULL);
}

/* By such a right, or with a PCI function that is on it. */
static void test_taken_lines(void **state)
{
    struct pci_function *function = pci_find(PCI_PLACE(8));

    (void)state;
    devices.lines = UINT64_C(1) << 5 | UINT64_C(1) << 40;
    table[1] = &other.engine;
    expect_lines(UINT64_C(1) << 5, "another domain has one of these lines");
    expect_lines(UINT64_C(3) << 39, "another domain has one of these lines");
    expect_lines(UINT64_C(1) << 6, NULL);
    expect_lines(UINT64_C(1) << 11, NULL);
    function->owner = &other;
    expect_lines(UINT64_C(1) << 11, "another domain has a PCI function");
    function->line = 0xff;
    expect_lines(UINT64_C(1) << 11, NULL);
    function->owner = NULL;
}

/* The same in the other order. */
static void test_function_on_a_taken_line(void **state)
{
    const struct bundle_domain description = {.pci = {0x8086}, .nr_pci = 1};

    (void)state;
    pci_find(PCI_PLACE(8))->line = 11;
    table[1] = &other.engine;
    devices.lines = UINT64_C(1) << 10;
    expect(&description, NULL);
    devices.lines = UINT64_C(1) << 11;
    expect(&description, "pci: another domain has the interrupt line of a function");
    expect(&(struct bundle_domain){.pci = {0x1af4}, .nr_pci = 1}, NULL);
    pci_find(PCI_PLACE(8))->line = 0xff;
    devices.lines = UINT64_MAX;
    expect(&description, NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_reserved_ports, set_up),
        cmocka_unit_test_setup(test_taken_ports, set_up),
        cmocka_unit_test_setup(test_lines, set_up),
        cmocka_unit_test_setup(test_taken_lines, set_up),
        cmocka_unit_test_setup(test_function_on_a_taken_line, set_up),
    };

    pci_host_begin();
    fake_set(pci_host_add(8, 0x8086), PCI_INTERRUPT_LINE, 1, 11);
    pci_scan();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
