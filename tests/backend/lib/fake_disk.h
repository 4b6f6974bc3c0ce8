/* SPDX-License-Identifier: MIT */
/*
 * A disk in memory, as backend/disk.h describes one: it looks at what it is given, and answers when and how it likes.
 */
#pragma once

#include <backend/disk.h>

#define FAKE_SECTORS 4096u

extern struct disk fake_disk;
extern uint8_t fake_sectors[FAKE_SECTORS][DISK_SECTOR];

/* An empty disk that has room for @room requests; one in @failing of them fails, none if it is 0. */
void fake_disk_start(unsigned room, unsigned failing);

/* Requests that it has, and how many it has been given and flushed. */
unsigned fake_disk_has(void);
extern unsigned fake_given, fake_flushes;

/* Finish up to @count of its requests, in any order. */
void fake_disk_finish(unsigned count);
