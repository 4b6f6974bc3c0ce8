/* SPDX-License-Identifier: MIT */
/*
 * Disks of the machine, as the block back end sees them: found by name, and given requests whose data a device reads
 * and writes by machine addresses.  Nothing here looks at the data.
 *
 * A request is checked by who makes it: the device is trusted with what the segments say.
 */
#pragma once

#include <guest/types.h>

#define DISK_SECTOR   512u /* bytes of a sector, the unit of all positions and sizes here */
#define DISK_NAME_MAX 20u  /* bytes, as virtio's serial has */

enum disk_operation { DISK_READ, DISK_WRITE, DISK_FLUSH, DISK_DISCARD, DISK_WRITE_ZEROES };

/* Memory that a device reads or writes: multiples of DISK_SECTOR, within one page. */
struct disk_segment {
    uint64_t maddr; /* machine address */
    uint32_t size;  /* bytes */
};

/* The caller's, with the segments, until done() has been called. */
struct disk_request {
    enum disk_operation operation;
    uint64_t sector;
    uint64_t nr_sectors;                 /* DISK_DISCARD and DISK_WRITE_ZEROES; of reads and writes the segments say */
    const struct disk_segment *segments; /* DISK_READ and DISK_WRITE */
    unsigned nr_segments;

    /*
     * @error is 0, -XEN_EIO, or -XEN_EOPNOTSUPP from a device that knows no such operation.  Called once, from
     * disk_poll(), with events masked or not; it may not wait, and may submit another request.
     */
    void (*done)(struct disk_request *request, int error);
};

struct disk {
    char name[DISK_NAME_MAX + 1]; /* ended by a zero byte */
    uint64_t nr_sectors;
    uint32_t sector_size;         /* bytes: what the device reads and writes at least, a multiple of DISK_SECTOR */
    uint32_t physical_size;       /* bytes: what it does so without reading more, a multiple of sector_size */
    uint32_t discard_granularity; /* bytes */
    uint32_t max_discard_sectors; /* of one request, DISK_DISCARD and DISK_WRITE_ZEROES alike */
    unsigned max_segments;        /* of one request */
    bool read_only;
    bool can_flush, can_discard, can_write_zeroes;
    bool in_use; /* by the block back end, which alone sets it: one front end for a disk */
};

/* Find all disks of the machine.  What does not work is said and left out. */
void disk_init(void);

/* The disk of this name, NULL if there is none.  It stays where it is until the end. */
struct disk *disk_find(const char *name);

/*
 * Give @request to the device.  0: done() will be called.
 * -XEN_EAGAIN: no room; try again after a completion.  -XEN_EINVAL: not within the disk, too many segments, or written
 * though it is read-only.  -XEN_EOPNOTSUPP: an operation that the disk has not got.  On errors @request is still the
 * caller's.
 */
int __must_check disk_submit(struct disk *disk, struct disk_request *request);

/*
 * Call done() of what is finished, and tell the devices what they were given.  The main loop begins each turn with it,
 * so that who has something to do after done() does it in that turn.
 */
void disk_poll(void);

/* Tell the devices what they were given since: for the end of a turn. */
void disk_kick(void);
