/* SPDX-License-Identifier: MIT */
/* Who may have which device memory: hv/build/rights.c against a machine of a few frames. */
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
#include <hv/base/layout.h>
#include <hv/build/rights.h>
#include <hv/build/rights_ports.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/pci_host.h>

#define FRAMES 16u /* in the table; 4 and 5 of them are device memory */

static struct frame frames[FRAMES];
static struct domain *table[4];
static struct machine machine = {
    .frames = frames, .nr_frames = FRAMES, .domains = table, .nr_domains = 4, .phys_bits = 40};
static uint64_t apic_page, apic_at;

uint64_t paging_get(uint64_t vaddr)
{
    return vaddr == apic_page ? apic_at : 0;
}

static struct domain_devices devices;
static bool has_devices; /* may it? */
static uint64_t transports;
static unsigned nr_transports;

int devices_create(struct hv_domain *domain)
{
    assert_true(has_devices);
    domain->devices = &devices;
    return 0;
}

void devices_give_transports(struct hv_domain *domain, uint64_t maddr, unsigned count)
{
    assert_ptr_equal(domain->devices, &devices);
    transports = maddr;
    nr_transports = count;
}

static const char *ports_problem;

const char *rights_ports_check(const struct machine *of, const struct bundle_domain *description)
{
    assert_true(of == &machine && description);
    return ports_problem;
}

/* None of these is to have functions: tests/hv/test_rights_pci.c. */
void devices_give(struct hv_domain *domain, struct pci_function *function)
{
    (void)domain;
    (void)function;
    fail();
}

static int set_up(void **state)
{
    (void)state;
    memset(table, 0, sizeof(table));
    apic_at = 0;
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i].owner = i == 4 || i == 5 ? DOMID_IO : i < 8 ? OWNER_NONE : DOMID_XEN;
    return 0;
}

/* A domain that is to have these frames; NULL: it may, else a part of the message. */
static void expect(uint64_t first, uint64_t count, const char *part)
{
    const struct bundle_domain description = {.iomem = {{first, count}}, .nr_iomem = 1};
    const char *problem = NULL;

    assert_int_equal(rights_check(&machine, &description, &problem), part ? -XEN_EINVAL : 0);
    if (part && (!problem || !strstr(problem, part)))
        fail_msg("%s", problem);
}

static void test_what_nobody_gets(void **state)
{
    (void)state;
    expect(4, 2, NULL);
    expect(FRAMES, 1000, NULL);
    for (uint64_t mfn = 0; mfn < FRAMES; mfn++)
        expect(mfn, 1, mfn == 4 || mfn == 5 ? NULL : "are RAM");
    expect(3, 2, "are RAM");
    expect(5, 2, "are RAM");
    expect(4, 1000, "are RAM");
    expect(0xfec00, 1, "interrupt controllers");
    expect(0xfebff, 2, "interrupt controllers");
    expect(0xfecff, 2, "interrupt controllers");
    expect(0xfed00, 0x100, NULL);
    expect(0xfed00, 0x101, "interrupt controllers");
    expect(0xfeeff, 1, "interrupt controllers");
    expect(0xfef00, 1, NULL);
    expect((1u << 28) - 1, 1, NULL);
    expect((1u << 28) - 1, 2, "no addresses");
    expect(UINT64_C(1) << 40, UINT64_C(1) << 40, "no addresses"); /* and no sum overflows */
    apic_at = UINT64_C(0x12345000) | MAP_DATA;
    for (apic_page = DEVICE_BASE; apic_page < DEVICE_PAGE; apic_page += PAGE_SIZE) {
        expect(0x12345, 1, "interrupt controllers");
        expect(0x12346, 1, NULL);
    }
    expect(0x12345, 1, NULL); /* that of a device */
}

static void test_giving(void **state)
{
    static const struct bundle_domain description = {.iomem = {{0x100, 1}, {4, 2}}, .nr_iomem = 2};
    static struct hv_domain domain, initial;
    static const struct bundle_domain first = {.privileged = true};
    const char *problem;

    (void)state;
    assert_int_equal(rights_give(&domain, &description), 0);
    assert_int_equal(domain.engine.nr_iomem, 2);
    assert_ptr_equal(domain.engine.iomem, domain.iomem);
    assert_int_equal(domain.iomem[1].first.v, 4);
    assert_int_equal(domain.iomem[1].last.v, 5);
    assert_int_equal(rights_give(&initial, &first), 0);
    assert_int_equal(initial.engine.nr_iomem, 1);
    assert_int_equal(initial.iomem[0].first.v, 0);
    assert_int_equal(initial.iomem[0].last.v, 0xff);
    table[2] = &domain.engine;
    expect(5, 1, "another domain");
    expect(0x100, 1, "another domain");
    expect(0x101, 1, NULL);
    domain.ended = true; /* what is left of it needs no right */
    expect(5, 1, NULL);
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i].owner = DOMID_IO;
    assert_int_equal(rights_check(&machine, &first, &problem), 0);
    domain.ended = false; /* it has some of the initial domain's */
    assert_int_equal(rights_check(&machine, &first, &problem), -XEN_EINVAL);
}

/* Ports, lines and virtio devices; the frames of the latter are looked at like any. */
static void test_devices(void **state)
{
    static const struct bundle_domain description = {
        .iomem = {{4, 1}},
        .nr_iomem = 1,
        .ports = {{0x3e8, 0x3ef}, {0x378, 0x378}},
        .nr_ports = 2,
        .lines = UINT64_C(0xff0020),
        .transports = {0x100, 1},
    };
    static const struct bundle_domain in_ram = {.transports = {1, 1}, .lines = 0xff}, port = {.nr_ports = 1};
    static struct hv_domain domain, other;
    const char *problem;

    (void)state;
    assert_int_equal(rights_check(&machine, &in_ram, &problem), -XEN_EINVAL);
    assert_non_null(strstr(problem, "are RAM"));
    assert_int_equal(rights_check(&machine, &description, &problem), 0);
    ports_problem = "ports";
    assert_int_equal(rights_check(&machine, &description, &problem), -XEN_EINVAL);
    assert_ptr_equal(problem, ports_problem);
    ports_problem = NULL;
    has_devices = true;
    assert_int_equal(rights_give(&domain, &description), 0);
    assert_true(domain.engine.nr_iomem == 2 && domain.iomem[1].first.v == 0x100 && domain.iomem[1].last.v == 0x100);
    assert_true(transports == 0x100000 && nr_transports == 8 && devices.lines == description.lines);
    assert_true(devices.nr_ports == 2 && devices.ports[0].last == 0x3ef && devices.ports[1].first == 0x378);
    table[2] = &domain.engine;
    expect(0x100, 1, "another domain");
    memset(&devices, 0, sizeof(devices));
    nr_transports = 0;
    assert_int_equal(rights_give(&other, &port), 0);
    assert_true(devices.nr_ports == 1 && devices.lines == 0 && nr_transports == 0);
    has_devices = false;
}

static void test_none(void **state)
{
    static const struct bundle_domain description;
    static struct hv_domain domain;
    const char *problem;

    (void)state;
    assert_int_equal(rights_check(&machine, &description, &problem), 0);
    assert_int_equal(rights_give(&domain, &description), 0);
    assert_int_equal(domain.engine.nr_iomem, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_what_nobody_gets, set_up),
        cmocka_unit_test_setup(test_giving, set_up),
        cmocka_unit_test_setup(test_devices, set_up),
        cmocka_unit_test_setup(test_none, set_up),
    };

    pci_host_begin();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
