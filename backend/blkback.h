/* SPDX-License-Identifier: MIT */
/* The block back end: disks of the machine for front ends of type "vbd". */
#pragma once

/*
 * Serve them.  disk_init() comes first, xenbus_init() behind.  Of its own directory it reads
 *   params           the name of the disk
 *   mode             "r": the front end may not write
 *   removable        1: say so
 *   discard-enable   0: offer no discard
 */
void blkback_init(void);
