/* SPDX-License-Identifier: MIT */
/* The xenbus of a test with one front end: the back end's type, and both directories as arrays of keys. */
#pragma once

#include <backend/xenbus.h>
#include <tests/backend/lib/keys.h>

extern const struct xenbus_type *bus_type; /* the last one that was registered */
extern struct key bus_front[KEYS_MAX], bus_back[KEYS_MAX];
extern unsigned bus_failures; /* calls of xenbus_fail() */
