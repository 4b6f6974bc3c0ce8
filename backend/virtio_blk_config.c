/* SPDX-License-Identifier: MIT */
/* Fields of the configuration, each read by its width and believed within bounds only. */
#include <backend/virtio_blk_config.h>

/* Offsets in the configuration. */
#define CAPACITY             0u
#define SIZE_MAX_BYTES       8u
#define SEG_MAX              12u
#define BLK_SIZE             20u
#define PHYSICAL_EXPONENT    24u
#define MAX_DISCARD_SECTORS  36u
#define MAX_DISCARD_SEGMENTS 40u
#define DISCARD_ALIGNMENT    44u
#define MAX_ZEROES_SECTORS   48u
#define MAX_ZEROES_SEGMENTS  52u

#define PHYSICAL_EXPONENT_MAX 8u

static uint32_t read32(const struct virtio_device *device, unsigned offset)
{
    uint32_t value;

    virtio_config_read(device, offset, &value, sizeof(value), sizeof(value));
    return value;
}

static bool has(const struct virtio_device *device, uint64_t feature)
{
    return device->features & feature;
}

/* A page or less, since that is what segments lie in. */
static bool describe_sectors(const struct virtio_device *device, struct disk *disk)
{
    uint32_t size = has(device, VIRTIO_BLK_F_BLK_SIZE) ? read32(device, BLK_SIZE) : DISK_SECTOR;
    uint8_t exponent = 0;

    if (has(device, VIRTIO_BLK_F_TOPOLOGY))
        virtio_config_read(device, PHYSICAL_EXPONENT, &exponent, 1, 1);
    if (size < DISK_SECTOR || size > PAGE_SIZE || (size & (size - 1)))
        return false;
    disk->sector_size = size;
    disk->physical_size = size << (exponent <= PHYSICAL_EXPONENT_MAX ? exponent : 0);
    virtio_config_read(device, CAPACITY, &disk->nr_sectors, sizeof(disk->nr_sectors), sizeof(uint32_t));
    return disk->nr_sectors <= UINT64_MAX / DISK_SECTOR;
}

static bool describe_segments(const struct virtio_device *device, unsigned max, struct disk *disk)
{
    uint32_t offered = has(device, VIRTIO_BLK_F_SEG_MAX) ? read32(device, SEG_MAX) : 1;

    disk->max_segments = offered < max ? offered : max;
    return disk->max_segments && !(has(device, VIRTIO_BLK_F_SIZE_MAX) && read32(device, SIZE_MAX_BYTES) < PAGE_SIZE);
}

/* The operations on a range: one range a request, no longer than the shorter of both limits. */
static void describe_ranges(const struct virtio_device *device, struct disk *disk)
{
    uint32_t discard = 0, zeroes = 0;

    if (has(device, VIRTIO_BLK_F_DISCARD) && read32(device, MAX_DISCARD_SEGMENTS)) {
        uint32_t alignment = read32(device, DISCARD_ALIGNMENT);

        discard = read32(device, MAX_DISCARD_SECTORS);
        disk->discard_granularity = disk->sector_size;
        if (alignment && alignment <= UINT32_MAX / DISK_SECTOR && alignment * DISK_SECTOR % disk->sector_size == 0)
            disk->discard_granularity = alignment * DISK_SECTOR;
    }
    if (has(device, VIRTIO_BLK_F_WRITE_ZEROES) && read32(device, MAX_ZEROES_SEGMENTS))
        zeroes = read32(device, MAX_ZEROES_SECTORS);
    disk->can_discard = discard && !disk->read_only;
    disk->can_write_zeroes = zeroes && !disk->read_only;
    disk->max_discard_sectors = discard && (!zeroes || discard < zeroes) ? discard : zeroes;
}

bool virtio_blk_describe(const struct virtio_device *device, unsigned max_segments, struct disk *disk)
{
    disk->read_only = has(device, VIRTIO_BLK_F_RO);
    disk->can_flush = has(device, VIRTIO_BLK_F_FLUSH);
    if (!describe_sectors(device, disk) || !describe_segments(device, max_segments, disk))
        return false;
    describe_ranges(device, disk);
    return true;
}
