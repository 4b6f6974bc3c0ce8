/* SPDX-License-Identifier: MIT */
/* The devices of a guest, by what people call them. */
#pragma once

#include <cli/options.h>

#define DEVICE_NAME_MAX SHARE_TAG_MAX

/*
 * The place in the guest's settings of the device of that name: xvdb, a disk; vif0, its first network interface, or
 * that one's address; the tag of a directory.  Of two with one name the first.  False: it has none.
 */
bool device_place_find(const struct guest_options *guest, const char *name, unsigned *place);

/* The other way round, the first of its names.  False: the guest has no device at that place. */
bool device_place_name(const struct guest_options *guest, unsigned place, char name[DEVICE_NAME_MAX + 1]);
