/* SPDX-License-Identifier: MIT */
/* What a virtio block device says of itself: its features and its configuration (virtio 1.x, sections 5.2.3 and .4). */
#pragma once

#include <backend/disk.h>
#include <backend/virtio.h>

#define VIRTIO_BLK_F_SIZE_MAX     (UINT64_C(1) << 1)
#define VIRTIO_BLK_F_SEG_MAX      (UINT64_C(1) << 2)
#define VIRTIO_BLK_F_RO           (UINT64_C(1) << 5)
#define VIRTIO_BLK_F_BLK_SIZE     (UINT64_C(1) << 6)
#define VIRTIO_BLK_F_FLUSH        (UINT64_C(1) << 9)
#define VIRTIO_BLK_F_TOPOLOGY     (UINT64_C(1) << 10)
#define VIRTIO_BLK_F_DISCARD      (UINT64_C(1) << 13)
#define VIRTIO_BLK_F_WRITE_ZEROES (UINT64_C(1) << 14)

/* Those that virtio_blk_describe() knows. */
#define VIRTIO_BLK_FEATURES                                                                                        \
    (VIRTIO_BLK_F_SIZE_MAX | VIRTIO_BLK_F_SEG_MAX | VIRTIO_BLK_F_RO | VIRTIO_BLK_F_BLK_SIZE | VIRTIO_BLK_F_FLUSH | \
     VIRTIO_BLK_F_TOPOLOGY | VIRTIO_BLK_F_DISCARD | VIRTIO_BLK_F_WRITE_ZEROES)

/*
 * Fill in @disk, but for its name, by the features that were agreed on; at most @max_segments for a request.  False:
 * the device says what cannot be, or has sectors or segments that nobody can use.
 */
bool __must_check virtio_blk_describe(const struct virtio_device *device, unsigned max_segments, struct disk *disk);
