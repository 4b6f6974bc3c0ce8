/* SPDX-License-Identifier: MIT */
/* One end of the xenstore's wire: requests out, whatever they are, replies and watch events in. */
#pragma once

#include <guest/xenstore_ring.h>

/* Whether there is a ring with somebody at its other end; ready for store_call() then. */
bool store_init(void);

/*
 * Send one request with @size bytes and wait for its reply, at most some seconds: false if none comes.  Watch events
 * that come before are kept for store_event().
 */
bool store_call(uint32_t type, uint32_t transaction, const void *payload, uint32_t size,
                struct xenstore_message *reply);

/* The same with a path, and with a path and a value. */
bool store_path(uint32_t type, uint32_t transaction, const char *path, struct xenstore_message *reply);
bool store_pair(uint32_t type, uint32_t transaction, const char *path, const char *value, uint32_t value_size,
                struct xenstore_message *reply);

/* The oldest watch event, waited for; false if none comes. */
bool store_event(struct xenstore_message *event);
