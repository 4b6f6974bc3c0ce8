/* SPDX-License-Identifier: MIT */
/*
 * A directory of the host's, which a device of the machine serves by 9P messages, request and reply.
 *
 * There are a few messages for each share, with memory of their own: so many requests are under way at most.  A message
 * is the caller's from share_get() to share_send() and from share_receive() to share_put(), the device's in between.
 */
#pragma once

#include <guest/types.h>

#define SHARE_NAME_MAX    31u
#define SHARE_MESSAGE_MAX 65536u /* bytes of a request, and of a reply */
#define SHARE_MESSAGES    4u

struct share_message {
    struct share_message *next; /* for who has it */
    void *owner;                /* the caller's, unchanged when it comes back */
    uint32_t entry;             /* the same */
    uint8_t *request, *reply;   /* room for SHARE_MESSAGE_MAX bytes each */
    uint32_t request_size, reply_size;
};

struct share {
    char name[SHARE_NAME_MAX + 1];
    bool in_use; /* the caller's */
};

/* Find all. */
void share_init(void);

/* NULL: there is none of that name. */
struct share *share_find(const char *name);

/* Begin anew: of what clients had open before nothing is left.  -XEN_EIO: the device does not start. */
int __must_check share_start(struct share *share);

/* Stop it, whatever is under way; all messages are the share's again. */
void share_stop(struct share *share);

/* Nothing is under way. */
bool __must_check share_is_idle(const struct share *share);

/* The device has failed, or answered what cannot be; until share_stop() nothing comes back. */
bool __must_check share_has_failed(const struct share *share);

/* A message for a request.  NULL: all are in use, until one is put. */
struct share_message *share_get(struct share *share);
void share_put(struct share *share, struct share_message *message);

/* Give the device a request, of request_size bytes.  -XEN_EIO: it has failed, and the message is still the caller's. */
int __must_check share_send(struct share *share, struct share_message *message);

/* The next reply, of reply_size bytes, which is what its first four bytes say.  NULL: there is none now. */
struct share_message *share_receive(struct share *share);

/* For the main loop, after everything else: tell devices of their requests, and see whether they have failed. */
void share_poll(void);
