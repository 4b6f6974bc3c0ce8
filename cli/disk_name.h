/* SPDX-License-Identifier: MIT */
/* The names that guests know disks by, and their numbers. */
#pragma once

#include <cli/device.h>

/*
 * "xvda", "sdb1", "hdc": the number that a front end is given for it.  Returns 0 if it is none: xvd takes any disk, sd
 * the first 16, hd the first 4.
 */
unsigned disk_name_number(const char *name);

/* The name of the disk at @place, from 0 to 25: "xvda" and so on. */
void disk_name_make(unsigned place, char name[DISK_NAME_MAX + 1]);
