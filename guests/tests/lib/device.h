/* SPDX-License-Identifier: MIT */
/* The directories of a split device, as its front end sees them: keys and states.  xenstore_init() comes first. */
#pragma once

#include <guest/types.h>

/*
 * Nanoseconds to wait for what must come.  They are long, since virtual time passes fast where all wait for the host,
 * and there to find what hangs.
 */
#define DEVICE_PATIENCE UINT64_C(600000000000)

struct device {
    char front[64], back[128]; /* the directories of both ends */
    unsigned back_domain;
};

/* The number of devices of @type, whose names @names gets, each with its zero byte. */
unsigned device_list(const char *type, char *names, size_t size);

/* Find both ends of device @id of @type. */
void device_find(struct device *device, const char *type, const char *id);

/* A number of the back end's directory, of the front end's, 0 if there is none. */
uint64_t device_back_number(const struct device *device, const char *key);
uint64_t device_front_number(const struct device *device, const char *key);

/* Keys of the front end's directory; it need not be there for device_remove(). */
void device_write(const struct device *device, const char *key, const char *value);
void device_write_number(const struct device *device, const char *key, uint64_t number);
void device_remove(const struct device *device, const char *key);

/* The front end's state; the back end's, waited for, for DEVICE_PATIENCE. */
void device_set_state(const struct device *device, unsigned state);
unsigned device_back_state(const struct device *device);
bool device_await_state(const struct device *device, unsigned state);

/* Own state 5, 6 and 1, each as soon as the back end has answered the one before.  False: it does not. */
bool device_close(const struct device *device);
