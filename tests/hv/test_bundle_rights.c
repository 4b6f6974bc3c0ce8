/* SPDX-License-Identifier: MIT */
/* The lines of a domain's settings about ports, interrupt lines and virtio devices; iomem and pci: test_bundle.c. */
/* links: hv/kernel/bundle_rights.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/kernel/bundle_rights.h>

typedef int take_fn(struct bundle_domain *domain, struct blob value, const char **problem);

static struct bundle_domain domain;

/* NULL: it is taken; otherwise the message has that in it, and nothing has changed. */
static void expect(take_fn *take, const char *value, const char *part)
{
    const struct bundle_domain before = domain;
    const char *problem = NULL;

    assert_int_equal(take(&domain, (struct blob){(const uint8_t *)value, strlen(value)}, &problem),
                     part ? -XEN_EINVAL : 0);
    if (part && (!problem || !strstr(problem, part)))
        fail_msg("%s: %s", value, problem);
    if (part)
        assert_memory_equal(&domain, &before, sizeof(domain));
}

static void test_ports(void **state)
{
    static const char *const wrong[] = {"",      "-",        "2f8-",  "-2f8",    "2ff-2f8",
                                        "10000", "0-10000",  "0x2f8", "2F8-2FF", "2f8-2ff-",
                                        "2f8,8", "2f8--2ff", " 2f8",  "2f8 ",    "10000000000000000-2"};

    (void)state;
    memset(&domain, 0, sizeof(domain));
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(bundle_rights_ioports, wrong[i], "ioports is FIRST-LAST");
    expect(bundle_rights_ioports, "3e8-3ef", NULL);
    expect(bundle_rights_ioports, "378", NULL);
    expect(bundle_rights_ioports, "0-ffff", NULL);
    assert_int_equal(domain.nr_ports, 3);
    assert_true(domain.ports[0].first == 0x3e8 && domain.ports[0].last == 0x3ef);
    assert_true(domain.ports[1].first == 0x378 && domain.ports[1].last == 0x378);
    assert_true(domain.ports[2].first == 0 && domain.ports[2].last == 0xffff);
    while (domain.nr_ports < BUNDLE_PORTS_MAX)
        expect(bundle_rights_ioports, "378", NULL);
    expect(bundle_rights_ioports, "378", "at most 16 lines with ioports");
}

static void test_lines(void **state)
{
    static const char *const wrong[] = {"", "64", "-1", "0x5", "a", "5 ", "5,6", "18446744073709551616"};

    (void)state;
    memset(&domain, 0, sizeof(domain));
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(bundle_rights_irq, wrong[i], "irq is the number of an interrupt line");
    expect(bundle_rights_irq, "0", NULL);
    expect(bundle_rights_irq, "5", NULL);
    expect(bundle_rights_irq, "5", NULL);
    expect(bundle_rights_irq, "63", NULL);
    assert_int_equal(domain.lines, UINT64_C(0x8000000000000021));
}

static void test_transports(void **state)
{
    static const char *const wrong[] = {
        "",
        "feb00",
        "feb00,3",
        "feb00,3,",
        "feb00,,18",
        ",3,18",
        "feb00,0,18",
        "feb00,3,29",
        "feb00,9,0",
        "feb00,1,39",
        "feb00,1,40",
        "feb00,3,18,",
        "feb00,3,0x18",
        "FEB00,3,18",
        "feb00-feb02,18",
        "10000000001,1,0",
        "feb00,1,ffffffffffffffff",
    };

    (void)state;
    memset(&domain, 0, sizeof(domain));
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        expect(bundle_rights_virtio_mmio, wrong[i], "virtio-mmio is START,COUNT,LINE");
    expect(bundle_rights_irq, "5", NULL);
    expect(bundle_rights_virtio_mmio, "feb00,3,18", NULL);
    assert_true(domain.transports.first == 0xfeb00 && domain.transports.count == 3);
    assert_int_equal(domain.lines, UINT64_C(0xffffff000020));
    expect(bundle_rights_virtio_mmio, "feb00,3,18", "at most one line with virtio-mmio");
    memset(&domain, 0, sizeof(domain));
    expect(bundle_rights_virtio_mmio, "feb00,8,0", NULL);
    assert_int_equal(domain.lines, UINT64_MAX);
    memset(&domain, 0, sizeof(domain));
    expect(bundle_rights_virtio_mmio, "feb00,1,38", NULL);
    assert_int_equal(domain.lines, UINT64_C(0xff00000000000000));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ports),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_transports),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
