/* SPDX-License-Identifier: MIT */
/* The configuration of a virtio block device as it lies in memory (virtio 1.x, section 5.2.4), and an ordinary one. */
#pragma once

#include <stdint.h>

struct __attribute__((packed)) config {
    uint64_t capacity;
    uint32_t size_max, seg_max, geometry, blk_size;
    uint8_t physical_exponent, alignment_offset;
    uint16_t min_io;
    uint32_t opt_io;
    uint8_t writeback, unused;
    uint16_t num_queues;
    uint32_t max_discard_sectors, max_discard_seg, discard_alignment, max_zeroes_sectors, max_zeroes_seg;
    uint8_t may_unmap, unused2[3];
};
_Static_assert(sizeof(struct config) == 60, "config");

static const struct config ordinary = {
    .capacity = 1000,
    .size_max = 1 << 20,
    .seg_max = 254,
    .blk_size = 512,
    .physical_exponent = 3,
    .max_discard_sectors = 400,
    .max_discard_seg = 1,
    .discard_alignment = 8,
    .max_zeroes_sectors = 300,
    .max_zeroes_seg = 1,
};
