/* SPDX-License-Identifier: MIT */
/* Configuration mechanism 1 with a bridge that is made up: one address of 32 bits, and a window onto one word. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <hv/base/asm.h>

static void out8(uint16_t port, uint8_t value);
static void out16(uint16_t port, uint16_t value);
static void out32(uint16_t port, uint32_t value);
static uint8_t in8(uint16_t port);
static uint16_t in16(uint16_t port);
static uint32_t in32(uint16_t port);

#define asm_out8  out8
#define asm_out16 out16
#define asm_out32 out32
#define asm_in8   in8
#define asm_in16  in16
#define asm_in32  in32
#include <hv/device/pci_config.c>

static struct {
    bool is_there;
    uint32_t address, value;
    unsigned port, bytes; /* of the last access to the window */
} bridge;

static void out(uint16_t port, uint32_t value, unsigned bytes)
{
    if (port == 0xcf8) {
        assert_int_equal(bytes, 4);
        bridge.address = value;
        return;
    }
    bridge.port = port;
    bridge.bytes = bytes;
    bridge.value = value;
}

static uint32_t in(uint16_t port, unsigned bytes)
{
    if (!bridge.is_there)
        return UINT32_MAX;
    if (port == 0xcf8)
        return bridge.address;
    bridge.port = port;
    bridge.bytes = bytes;
    return 0x87654321;
}

static void out8(uint16_t port, uint8_t value)
{
    out(port, value, 1);
}

static void out16(uint16_t port, uint16_t value)
{
    out(port, value, 2);
}

static void out32(uint16_t port, uint32_t value)
{
    out(port, value, 4);
}

static uint8_t in8(uint16_t port)
{
    return (uint8_t)in(port, 1);
}

static uint16_t in16(uint16_t port)
{
    return (uint16_t)in(port, 2);
}

static uint32_t in32(uint16_t port)
{
    return in(port, 4);
}

static void test_presence(void **state)
{
    (void)state;
    bridge.is_there = false;
    assert_false(pci_config_exists());
    bridge.is_there = true;
    assert_true(pci_config_exists());
}

static void test_access(void **state)
{
    static const uint32_t values[] = {0, 0x21, 0x4321, 0, 0x87654321};

    (void)state;
    bridge.is_there = true;
    for (unsigned bytes = 1; bytes <= 4; bytes *= 2) {
        for (unsigned offset = 0; offset < 256; offset += bytes) {
            assert_int_equal(pci_config_read(PCI_PLACE(0x12 << 8 | 3 << 3 | 5), offset, bytes), values[bytes]);
            assert_int_equal(bridge.address, 0x80000000 | 0x12 << 16 | 3 << 11 | 5 << 8 | (offset & ~3u));
            assert_true(bridge.port == 0xcfc + offset % 4 && bridge.bytes == bytes);
            bridge.port = 0;
            pci_config_write(PCI_PLACE(0x12 << 8 | 3 << 3 | 5), offset, bytes, values[bytes]);
            assert_true(bridge.port == 0xcfc + offset % 4 && bridge.bytes == bytes && bridge.value == values[bytes]);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_presence),
        cmocka_unit_test(test_access),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
