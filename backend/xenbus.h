/* SPDX-License-Identifier: MIT */
/*
 * The devices that this domain serves, as the xenstore describes them: what all types have in common.
 *
 * A device is a directory backend/TYPE/DOMAIN/ID of this domain's, with `state` in it, and another of the front end's,
 * /local/domain/DOMAIN/device/TYPE/ID.  Nothing in the latter is to be trusted.  A type says by struct xenbus_type how
 * its devices are offered, connected and disconnected; when that is done is decided here, see xenbus_state.h.
 */
#pragma once

#include <guest/xenstore.h>
#include <backend/xenbus_state.h>

#define XENBUS_DEVICES_MAX 64u
#define XENBUS_TYPES_MAX   4u
#define XENBUS_PATH_MAX    96u

struct xenbus_device {
    const struct xenbus_type *type; /* NULL: no device */
    void *data;                     /* the type's */
    unsigned domain;                /* of the front end */
    char back[XENBUS_PATH_MAX];     /* this domain's directory of it */
    char front[XENBUS_PATH_MAX];    /* the front end's */
    enum xenbus_state state;        /* this domain's, as in the xenstore */
    uint32_t transaction;           /* in which publish() and announce() read and write */
    bool failed;                    /* the front end did what it may not, or it cannot be served */
    bool open;                      /* connect() has succeeded, and disconnect() not been done since */
    bool changed;                   /* it is to be looked at */
    bool wanted;                    /* it is to be served */
    bool asked;                     /* the front end may ask for something, as far as is known */
    bool vanished;                  /* its directory has gone: to be freed as soon as nothing is in use */
    unsigned nr_told;               /* failures */
    struct xenstore_watch watch;    /* of the front end's state */
};

/* None of these may wait for the front end. */
struct xenbus_type {
    const char *name; /* as in paths */

    /* A new device: set its data.  -XEN_ENOMEM: it cannot be served, and nothing is kept. */
    int (*create)(struct xenbus_device *device);

    /*
     * Read what this domain's directory says of the device, and write there what is offered.  Called whenever the
     * device is offered, and again if the transaction has to be tried again.  An error: the device cannot be served.
     */
    int (*publish)(struct xenbus_device *device);

    /* Read what the front end wrote, map and bind.  On errors nothing is left of it; the front end is closed. */
    int (*connect)(struct xenbus_device *device);

    /* Write what the front end reads once it is connected.  May be NULL; called again as publish() is. */
    int (*announce)(struct xenbus_device *device);

    /*
     * One turn of a connected device: a bounded amount of work, and work_again() if there is more.  Called in each turn
     * of the loop, whatever that is for.  May be NULL.
     */
    void (*turn)(struct xenbus_device *device);

    /*
     * After connect() has succeeded: take nothing new, and true when nothing is in flight and nothing of the front
     * end's in use, mapped or bound.  Until then it is called in each turn.
     */
    bool (*disconnect)(struct xenbus_device *device);

    /* The device is disconnected and goes. */
    void (*destroy)(struct xenbus_device *device);

    /*
     * In each turn between that decision and disconnect(), for as long as the front end may not have heard of it:
     * answer what it asks for, by errors.  NULL: what it asks for then is lost.
     */
    void (*refuse)(struct xenbus_device *device);
};

/* Serve devices of this type.  Before xenbus_init(). */
void xenbus_register(const struct xenbus_type *type);

/* Look for devices from now on.  0, or why the xenstore cannot be used. */
int __must_check xenbus_init(void);

/* One turn: what has changed in the xenstore, one step of each device concerned, the turns of those connected. */
void xenbus_turn(void);

/*
 * The front end broke a rule: say so in one line, and close the device in the next turn.  Only the first time counts,
 * until it has begun anew; and of a front end that does so again and again not all is said, for the log is others' too.
 */
__attribute__((format(printf, 2, 3))) void xenbus_fail(struct xenbus_device *device, const char *format, ...);

/*
 * Keys of the device.  @key may have parts, as in "queue-1/event-channel".  Errors as of guest/xenstore.h.
 */
int __must_check xenbus_read_front(struct xenbus_device *device, const char *key, char *value, size_t size);
int __must_check xenbus_read_front_number(struct xenbus_device *device, const char *key, uint64_t max,
                                          uint64_t *number);
int __must_check xenbus_read_back(struct xenbus_device *device, const char *key, char *value, size_t size);
int __must_check xenbus_read_back_number(struct xenbus_device *device, const char *key, uint64_t max, uint64_t *number);
int __must_check xenbus_write(struct xenbus_device *device, const char *key, const char *value);
int __must_check xenbus_write_number(struct xenbus_device *device, const char *key, uint64_t number);
