/* SPDX-License-Identifier: MIT */
/* What a domain finds and changes in configuration space, and the ports that it has to itself. */
/* links: hv/device/pci_filter.c hv/device/pci_scan.c tests/hv/lib/pci_host.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>
#include <hv/device/devices.h>
#include <hv/domain/domain.h>
#include <tests/hv/lib/pci_host.h>

/* The machine's ports: the last access, and all of its bytes have the number of the access. */
static struct {
    unsigned count, port, bytes;
    uint32_t value;
} bus;

static uint32_t bus_access(uint16_t port, unsigned bytes, uint32_t value)
{
    bus.count++;
    bus.port = port;
    bus.bytes = bytes;
    bus.value = value;
    return 0x01010101u * bus.count;
}

#define asm_in8(port)          ((uint8_t)bus_access(port, 1, 0))
#define asm_in16(port)         ((uint16_t)bus_access(port, 2, 0))
#define asm_in32(port)         bus_access(port, 4, 0)
#define asm_out8(port, value)  ((void)bus_access(port, 1, value))
#define asm_out16(port, value) ((void)bus_access(port, 2, value))
#define asm_out32(port, value) ((void)bus_access(port, 4, value))
#include <hv/device/ports.c>

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

static void choose(unsigned place, unsigned offset)
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

        choose(OWN, offset);
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
    choose(OTHER, 0);
    assert_int_equal(ports_read(&domain, 0xcfc, 4), UINT32_MAX);
    choose(5 << 3, 0);
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
                choose(OWN, offset & ~3u);
                ports_write(&domain, (uint16_t)(0xcfc + (offset & 3)), bytes, invert ? 0 : UINT32_MAX);
            }
            for (unsigned i = 0; i < 256; i++)
                assert_int_equal(own->config[i], invert ? (uint8_t)~expected[i] : expected[i]);
            assert_int_equal(own->writes, 5);
        }
    }
    choose(OTHER, PCI_COMMAND);
    ports_write(&domain, 0xcfc, 4, UINT32_MAX);
    assert_int_equal(other->writes, 0);
    choose(OWN, PCI_COMMAND);
    ports_write(&domain, 0xcfd, 4, 0);
    assert_int_equal(own->writes, 5);
}

static bool reads(const struct hv_domain *who, uint16_t port, unsigned bytes)
{
    unsigned before = bus.count;
    uint32_t value = ports_read(who, port, bytes);

    if (bus.count == before) {
        assert_int_equal(value, UINT32_MAX);
        return false;
    }
    assert_true(bus.count == before + 1 && bus.port == port && bus.bytes == bytes);
    assert_int_equal(value, (0x01010101u * bus.count) & (UINT32_MAX >> (32 - 8 * bytes)));
    return true;
}

static bool writes(struct hv_domain *who, uint16_t port, unsigned bytes)
{
    unsigned before = bus.count;

    ports_write(who, port, bytes, 0x12345678);
    if (bus.count == before)
        return false;
    assert_true(bus.count == before + 1 && bus.port == port && bus.bytes == bytes);
    assert_int_equal(bus.value, 0x12345678 & (UINT32_MAX >> (32 - 8 * bytes)));
    return true;
}

/* Each byte of an access has to be in the area, in one of them, and by its width it reaches the machine. */
static void test_own(void **state)
{
    (void)state;
    devices.ports[0] = (struct port_range){0x3e8, 0x3ef};
    devices.ports[1] = (struct port_range){0x3f0, 0x3f0};
    devices.ports[2] = (struct port_range){0xfffe, 0xffff};
    devices.nr_ports = 3;
    for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
        for (unsigned port = 0; port <= UINT16_MAX; port++) {
            unsigned end = port + bytes;
            bool inside =
                (port >= 0x3e8 && end <= 0x3f0) || (port >= 0xfffe && end <= 0x10000) || (port == 0x3f0 && bytes == 1);

            if (port >= 0xcf8 && port <= 0xcff)
                continue; /* configuration space */
            if (reads(&domain, (uint16_t)port, bytes) != inside || writes(&domain, (uint16_t)port, bytes) != inside)
                fail_msg("%u bytes at %x", bytes, port);
        }
    }
    assert_false(reads(&none, 0x3e8, 1));
    assert_false(writes(&none, 0x3e8, 1));
    devices.nr_ports = 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_address),
        cmocka_unit_test(test_reading),
        cmocka_unit_test(test_writing),
        cmocka_unit_test(test_own),
    };

    make_machine();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
