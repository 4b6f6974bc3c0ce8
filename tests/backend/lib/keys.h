/* SPDX-License-Identifier: MIT */
/* A directory of the xenstore, as tests of back ends write it and xenbus_read_...() reads it: an array of keys. */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define KEYS_MAX 48u

struct key {
    const char *name, *value; /* value NULL: absent; name NULL: the end */
};

/* Of an array of KEYS_MAX. */
void keys_set(struct key *keys, const char *name, const char *value);

/* With the errors of xenbus_read_front() and xenbus_read_front_number(). */
int keys_read(const struct key *keys, const char *name, char *value, size_t size);
int keys_read_number(const struct key *keys, const char *name, uint64_t max, uint64_t *number);
