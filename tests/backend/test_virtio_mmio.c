/* SPDX-License-Identifier: MIT */
/*
 * Virtio devices with registers in memory, which are a page of words here: which places have one that can be used, and
 * what is written where, by the table of section 4.2.2.
 */
/* links: backend/virtio_mmio.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <guest/address.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/region.h>
#include <guest/table.h>
#include <backend/virtio_mmio.h>

#define PLACES 8u
#define MAGIC  0x74726976u
#define AREA   UINT64_C(0xfeb00000)

static uint32_t window[PLACES][0x200 / 4];
static char printed[512];
static struct interrupt line;
static unsigned bound;

uint64_t guest_option(const char *name, uint64_t otherwise)
{
    assert_int_equal(otherwise, 0);
    if (strcmp(name, "mmio") == 0)
        return AREA;
    return strcmp(name, "mmio_count") == 0 ? PLACES : 24;
}

void *region_map(uint64_t maddr, size_t size, uint64_t flags)
{
    assert_true(maddr == AREA && size == sizeof(window));
    assert_int_equal(flags & (PTE_PCD | PTE_PWT), PTE_PCD | PTE_PWT);
    return window;
}

struct interrupt *interrupt_bind_line(unsigned number)
{
    bound = number;
    return &line;
}

uint64_t virt_to_maddr(const volatile void *address)
{
    return (uint64_t)address + UINT64_C(0x500000000);
}

void print(const char *format, ...)
{
    size_t length = strlen(printed);
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(printed + length, sizeof(printed) - length, format, arguments);
    va_end(arguments);
}

static void put(unsigned place, uint32_t magic, uint32_t version, uint32_t type)
{
    window[place][0] = magic;
    window[place][1] = version;
    window[place][2] = type;
}

static int set_up(void **state)
{
    (void)state;
    memset(window, 0, sizeof(window));
    for (unsigned i = 0; i < PLACES; i++)
        put(i, MAGIC, 2, 0);
    printed[0] = '\0';
    bound = 0;
    return 0;
}

static void test_places(void **state)
{
    struct virtio_place place;
    unsigned next = 0;

    (void)state;
    put(1, MAGIC, 2, 2);
    put(2, MAGIC, 1, 1);
    put(3, 0xffffffff, 2, 1);
    put(4, MAGIC, 3, 1);
    put(7, MAGIC, 2, 1);
    assert_true(virtio_mmio_next(&next, &place));
    assert_true(place.type == 2 && place.maddr == AREA + 0x200 && place.line == 25);
    assert_ptr_equal(place.registers, window[1]);
    assert_ptr_equal(place.transport, &virtio_mmio);
    assert_true(virtio_mmio_next(&next, &place));
    assert_true(place.type == 1 && place.maddr == AREA + 0xe00 && place.line == 31);
    assert_false(virtio_mmio_next(&next, &place));
    assert_string_equal(printed,
                        "virtio device at feb00400: a legacy one; QEMU needs -global virtio-mmio.force-legacy=false\n"
                        "virtio device at feb00800: of version 3, which is not known\n");
}

static void open_device(struct virtio_device *device)
{
    unsigned next = 5;

    put(5, MAGIC, 2, 2);
    *device = (struct virtio_device){.notify = NULL};
    assert_true(virtio_mmio_next(&next, &device->place));
    assert_true(virtio_mmio.map(device) && virtio_mmio.bind(device) && virtio_mmio.connect(device));
}

static void test_device(void **state)
{
    struct virtio_device device;

    (void)state;
    open_device(&device);
    assert_true(bound == 29 && device.config_interrupt == &line && device.queue_interrupt == &line);
    assert_ptr_equal(device.config, (uint8_t *)window[5] + 0x100);
    assert_int_equal(device.config_size, 0x100);
    window[5][0x70 / 4] = 0x4f;
    assert_int_equal(virtio_mmio.status(&device), 0x4f);
    virtio_mmio.set_status(&device, 3);
    assert_int_equal(window[5][0x70 / 4], 3);
    window[5][0x10 / 4] = 0x89abcdef;
    assert_int_equal(virtio_mmio.features(&device), UINT64_C(0x89abcdef89abcdef));
    assert_int_equal(window[5][0x14 / 4], 1); /* the half selected last */
    virtio_mmio.set_features(&device, UINT64_C(0x1234567800000000));
    assert_true(window[5][0x24 / 4] == 1 && window[5][0x20 / 4] == 0x12345678);
    window[5][0x60 / 4] = 3;
    virtio_mmio.acknowledge(&device);
    assert_int_equal(window[5][0x64 / 4], 3);
    window[5][0xfc / 4] = 77;
    assert_int_equal(virtio_mmio.generation(&device), 77);
    virtio_mmio.print(&device.place);
    assert_string_equal(printed, "virtio device 2 at feb00a00");
}

static void assert_address(unsigned offset, const volatile void *page)
{
    uint64_t maddr = virt_to_maddr(page);

    assert_int_equal(window[5][offset / 4], (uint32_t)maddr);
    assert_int_equal(window[5][offset / 4 + 1], maddr >> 32);
}

static void test_queue(void **state)
{
    static struct virtq_desc desc[1];
    struct virtio_queue queue = {.index = 2};
    struct virtio_device device;

    (void)state;
    open_device(&device);
    queue.ring.desc = (void *)desc;
    queue.ring.avail = (void *)&window[0];
    queue.ring.used = (void *)&window[1];
    window[5][0x34 / 4] = 256;
    assert_int_equal(virtio_mmio.queue_size(&device, 1), 256);
    assert_int_equal(window[5][0x30 / 4], 1);
    assert_true(virtio_mmio.enable(&device, &queue, 128));
    assert_true(window[5][0x30 / 4] == 2 && window[5][0x38 / 4] == 128 && window[5][0x44 / 4] == 1);
    assert_address(0x80, queue.ring.desc);
    assert_address(0x90, queue.ring.avail);
    assert_address(0xa0, queue.ring.used);
    virtio_mmio.notify(&queue);
    assert_int_equal(window[5][0x50 / 4], 2);
    assert_false(virtio_mmio.enable(&device, &queue, 128)); /* it is in use */
    window[5][0x44 / 4] = 0;
    assert_false(virtio_mmio.enable(&device, &queue, 512));
    assert_int_equal(window[5][0x44 / 4], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_places, set_up),
        cmocka_unit_test_setup(test_device, set_up),
        cmocka_unit_test_setup(test_queue, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
