/* SPDX-License-Identifier: MIT */
/* Configuration space in memory: pci_host.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/pci_host.h>

static struct fake_function functions[FAKE_FUNCTIONS];
static unsigned nr_functions;
static bool has_space;

void pci_host_begin(void)
{
    nr_functions = 0;
    has_space = true;
}

void pci_host_remove_space(void)
{
    has_space = false;
}

void fake_set(struct fake_function *function, unsigned offset, unsigned bytes, uint32_t value)
{
    memcpy(function->config + offset, &value, bytes);
}

uint32_t fake_get(const struct fake_function *function, unsigned offset, unsigned bytes)
{
    uint32_t value = 0;

    memcpy(&value, function->config + offset, bytes);
    return value;
}

struct fake_function *pci_host_add(unsigned place, unsigned vendor)
{
    struct fake_function *function = &functions[nr_functions++];

    assert_true(nr_functions <= FAKE_FUNCTIONS);
    *function = (struct fake_function){.place = PCI_PLACE(place)};
    fake_set(function, PCI_VENDOR, 2, vendor);
    fake_set(function, PCI_DEVICE, 2, 0x1000 + nr_functions);
    fake_set(function, PCI_INTERRUPT_LINE, 2, 0x010b);
    function->writable[PCI_COMMAND] = function->writable[PCI_COMMAND + 1] = 0xff;
    return function;
}

void fake_bar(struct fake_function *function, unsigned bar, bool wide, uint64_t maddr, uint64_t size)
{
    uint64_t mask = ~(size - 1) & ~UINT64_C(0xf);
    unsigned offset = PCI_BAR0 + 4 * bar;

    fake_set(function, offset, 4, (uint32_t)maddr | (wide ? 4 : 0));
    memcpy(function->writable + offset, &mask, wide ? 8 : 4);
    if (wide)
        fake_set(function, offset + 4, 4, (uint32_t)(maddr >> 32));
}

void fake_msix(struct fake_function *function, unsigned bar, uint32_t offset, unsigned entries)
{
    fake_set(function, PCI_STATUS, 2, PCI_STATUS_CAPABILITIES);
    fake_set(function, PCI_CAPABILITIES, 1, 0x40);
    fake_set(function, 0x40, 4, (entries - 1) << 16 | 0x11);
    fake_set(function, 0x44, 4, offset | bar);
    function->writable[0x43] = 0xc0;
}

static struct fake_function *find(pci_place_t place)
{
    for (unsigned i = 0; i < nr_functions; i++) {
        if (functions[i].place.v == place.v)
            return &functions[i];
    }
    return NULL;
}

bool pci_config_exists(void)
{
    return has_space;
}

uint32_t pci_config_read(pci_place_t place, unsigned offset, unsigned bytes)
{
    const struct fake_function *function = find(place);

    assert_true(has_space && offset % bytes == 0 && offset + bytes <= PCI_CONFIG_SIZE);
    return function ? fake_get(function, offset, bytes) : UINT32_MAX >> (32 - 8 * bytes);
}

void pci_config_write(pci_place_t place, unsigned offset, unsigned bytes, uint32_t value)
{
    struct fake_function *function = find(place);

    assert_true(has_space && offset % bytes == 0 && offset + bytes <= PCI_CONFIG_SIZE);
    assert_non_null(function);
    function->writes++;
    for (unsigned i = 0; i < bytes; i++) {
        uint8_t mask = function->writable[offset + i], byte = (uint8_t)(value >> 8 * i);

        function->config[offset + i] = (uint8_t)((function->config[offset + i] & ~mask) | (byte & mask));
    }
}
