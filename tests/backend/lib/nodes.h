/* SPDX-License-Identifier: MIT */
/* A xenstore of a few nodes, as guest/xenstore.h asks it.  What is changed is told when xenstore_poll() is called. */
#pragma once

#include <guest/xenstore.h>

void nodes_start(void);

/* Of the other end, and of whoever makes devices; @value NULL removes the node and what is below. */
void nodes_set(const char *path, const char *value);

/* NULL: there is none. */
const char *nodes_get(const char *path);

/* One in @failing transactions has to be tried again, none if it is 0. */
void nodes_make_conflicts(unsigned failing);

/* Watches that are set. */
unsigned nodes_watched(void);
