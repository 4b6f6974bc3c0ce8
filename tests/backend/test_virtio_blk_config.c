/* SPDX-License-Identifier: MIT */
/* What a disk is by what its device says: sectors, segments, ranges; and what no disk can be. */
/* links: backend/virtio_blk_config.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <backend/virtio_blk_config.h>
#include <tests/backend/lib/blk_config.h>

static struct config config;
static struct disk disk;

void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width)
{
    (void)device;
    assert_true(width == 1 || width == 4);
    assert_int_equal(offset % width, 0);
    assert_true(offset + size <= sizeof(config));
    memcpy(to, (const char *)&config + offset, size);
}

static int set_up(void **state)
{
    (void)state;
    config = ordinary;
    return 0;
}

static bool describe(uint64_t but)
{
    const struct virtio_device device = {.features = VIRTIO_BLK_FEATURES & ~VIRTIO_BLK_F_RO & ~but};

    disk = (struct disk){.name = ""};
    return virtio_blk_describe(&device, 62, &disk);
}

static void test_ordinary(void **state)
{
    (void)state;
    assert_true(describe(0));
    assert_int_equal(disk.nr_sectors, 1000);
    assert_int_equal(disk.sector_size, 512);
    assert_int_equal(disk.physical_size, 4096);
    assert_int_equal(disk.discard_granularity, 4096);
    assert_int_equal(disk.max_discard_sectors, 300);
    assert_int_equal(disk.max_segments, 62);
    assert_true(disk.can_flush && disk.can_discard && disk.can_write_zeroes);
}

static void test_large_sectors(void **state)
{
    (void)state;
    config.blk_size = 4096;
    config.discard_alignment = 1; /* less than a sector */
    config.physical_exponent = 200;
    config.max_zeroes_sectors = ~0u;
    config.seg_max = 7;
    assert_true(describe(0));
    assert_int_equal(disk.sector_size, 4096);
    assert_int_equal(disk.physical_size, 4096);
    assert_int_equal(disk.discard_granularity, 4096);
    assert_int_equal(disk.max_discard_sectors, 400);
    assert_int_equal(disk.max_segments, 7);
}

/* What was not agreed on is not looked at. */
static void test_absent(void **state)
{
    (void)state;
    config.blk_size = 1;
    config.size_max = 1;
    assert_true(describe(~UINT64_C(0)));
    assert_int_equal(disk.sector_size, 512);
    assert_int_equal(disk.physical_size, 512);
    assert_int_equal(disk.max_segments, 1);
    assert_int_equal(disk.max_discard_sectors, 0);
    assert_false(disk.can_flush || disk.can_discard || disk.can_write_zeroes || disk.read_only);
}

/* One of the two operations on ranges alone; offered, but for no range at all. */
static void test_ranges(void **state)
{
    (void)state;
    assert_true(describe(VIRTIO_BLK_F_DISCARD));
    assert_true(!disk.can_discard && disk.can_write_zeroes);
    assert_int_equal(disk.max_discard_sectors, 300);
    assert_true(describe(VIRTIO_BLK_F_WRITE_ZEROES));
    assert_true(disk.can_discard && !disk.can_write_zeroes);
    assert_int_equal(disk.max_discard_sectors, 400);
    config.max_discard_seg = config.max_zeroes_seg = 0;
    assert_true(describe(0));
    assert_false(disk.can_discard || disk.can_write_zeroes);
}

static void test_unusable(void **state)
{
    static const uint32_t bad_sizes[] = {0, 1, 256, 513, 8192, 0x80000000};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(bad_sizes); i++) {
        config.blk_size = bad_sizes[i];
        assert_false(describe(0));
    }
    set_up(NULL);
    config.capacity = UINT64_MAX / DISK_SECTOR + 1;
    assert_false(describe(0));
    set_up(NULL);
    config.size_max = 4095;
    assert_false(describe(0));
    config.size_max = 4096;
    assert_true(describe(0));
    config.seg_max = 0;
    assert_false(describe(0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_ordinary, set_up), cmocka_unit_test_setup(test_large_sectors, set_up),
        cmocka_unit_test_setup(test_absent, set_up),   cmocka_unit_test_setup(test_ranges, set_up),
        cmocka_unit_test_setup(test_unusable, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
