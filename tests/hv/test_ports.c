/* SPDX-License-Identifier: MIT */
/* What a domain finds and changes in configuration space. */
/* links: hv/device/ports.c hv/device/pci_filter.c hv/device/pci_scan.c tests/hv/lib/pci_host.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/device/devices.h>
#include <hv/device/ports.h>
#include <hv/domain/domain.h>
#include <tests/hv/lib/pci_host.h>

#define OWN   (3u << 3)
#define OTHER (4u << 3)

static struct hv_domain domain, none;
static struct domain_devices devices;
static struct fake_function *own, *other;

static void make_machine(void)
{
    pci_host_begin();
    own = pci_host_add(OWN, 0x1af4);
    other = pci_host_add(OTHER, 0x1af4);
    pci_scan();
    domain.devices = &devices;
    pci_find(PCI_PLACE(OWN))->owner = &domain;
    pci_find(PCI_PLACE(OTHER))->owner = &none;
}

static void select(unsigned place, unsigned offset)
{
    ports_write(&domain, 0xcf8, 4, 0x80000000 | place << 8 | offset);
}

static void test_address(void **state)
{
    (void)state;
    ports_write(&domain, 0xcf8, 4, UINT32_MAX);
    assert_int_equal(ports_read(&domain, 0xcf8, 4), 0x80fffffc);
    ports_write(&domain, 0xcf8, 2, 0);
    ports_write(&domain, 0xcf9, 1, 0);
    ports_write(&domain, 0xcf4, 4, 0);
    assert_int_equal(ports_read(&domain, 0xcf8, 4), 0x80fffffc);
    assert_int_equal(ports_read(&domain, 0xcf8, 2), UINT32_MAX);
    ports_write(&none, 0xcf8, 4, 0x80000000 | OTHER << 8);
    assert_int_equal(ports_read(&none, 0xcf8, 4), UINT32_MAX);
    assert_int_equal(ports_read(&none, 0xcfc, 4), UINT32_MAX);
}

static void test_reading(void **state)
{
    (void)state;
    for (unsigned offset = 0; offset < 256; offset += 4) {
        uint32_t value = fake_get(own, offset, 4);

        select(OWN, offset);
        assert_int_equal(ports_read(&domain, 0xcfc, 4), value);
        for (unsigned i = 0; i < 4; i++)
            assert_int_equal(ports_read(&domain, (uint16_t)(0xcfc + i), 1), value >> 8 * i & 0xff);
        assert_int_equal(ports_read(&domain, 0xcfc, 2), value & 0xffff);
        assert_int_equal(ports_read(&domain, 0xcfe, 2), value >> 16);
        for (uint16_t port = 0xcfd; port < 0xd04; port++)
            assert_int_equal(ports_read(&domain, port, 4), UINT32_MAX);
        assert_int_equal(ports_read(&domain, 0xcfd, 2), UINT32_MAX);
        assert_int_equal(ports_read(&domain, 0xcff, 2), UINT32_MAX);
    }
    select(OTHER, 0);
    assert_int_equal(ports_read(&domain, 0xcfc, 4), UINT32_MAX);
    select(5 << 3, 0);
    assert_int_equal(ports_read(&domain, 0xcfc, 4), UINT32_MAX);
    ports_write(&domain, 0xcf8, 4, OWN << 8);
    assert_int_equal(ports_read(&domain, 0xcfc, 4), UINT32_MAX);
}

/* By bytes, words and all: the same bits change, and what is beside them is not even written. */
static void test_writing(void **state)
{
    uint8_t expected[PCI_CONFIG_SIZE] = {[PCI_COMMAND] = 0x54,
                                         [PCI_COMMAND + 1] = 0x05,
                                         [PCI_CACHE_LINE] = 0xff,
                                         [PCI_LATENCY] = 0xff,
                                         [PCI_INTERRUPT_LINE] = 0xff};

    (void)state;
    memset(own->writable, 0xff, sizeof(own->writable));
    for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
        for (unsigned invert = 0; invert < 2; invert++) {
            memset(own->config, invert ? 0xff : 0, sizeof(own->config));
            own->writes = 0;
            for (unsigned offset = 0; offset < 256; offset += bytes) {
                select(OWN, offset & ~3u);
                ports_write(&domain, (uint16_t)(0xcfc + (offset & 3)), bytes, invert ? 0 : UINT32_MAX);
            }
            for (unsigned i = 0; i < 256; i++)
                assert_int_equal(own->config[i], invert ? (uint8_t)~expected[i] : expected[i]);
            assert_int_equal(own->writes, 5);
        }
    }
    select(OTHER, PCI_COMMAND);
    ports_write(&domain, 0xcfc, 4, UINT32_MAX);
    assert_int_equal(other->writes, 0);
    select(OWN, PCI_COMMAND);
    ports_write(&domain, 0xcfd, 4, 0);
    assert_int_equal(own->writes, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
    };

    make_machine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
