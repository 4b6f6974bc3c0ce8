/* SPDX-License-Identifier: MIT */
/* In order: keys; states. */
#include <abi/errno.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/device.h>
#include <guests/tests/lib/test.h>

#define MS UINT64_C(1000000)

/*
 * ---- Keys.
 */

/* Until the next call. */
static const char *path_of(const char *directory, const char *key)
{
    static char text[192];

    (void)print_to(text, sizeof(text), "%s/%s", directory, key);
    return text;
}

unsigned device_list(const char *type, char *names, size_t size)
{
    size_t used = 0;
    unsigned count = 0;

    if (xenstore_directory(0, path_of("device", type), names, size, &used))
        return 0;
    for (size_t at = 0; at < used; at += strlen(names + at) + 1)
        count++;
    return count;
}

void device_find(struct device *device, const char *type, const char *id)
{
    uint64_t domain;

    memset(device, 0, sizeof(*device));
    (void)print_to(device->front, sizeof(device->front), "device/%s/%s", type, id);
    test_need(xenstore_read(0, path_of(device->front, "backend"), device->back, sizeof(device->back)), "backend");
    test_need(xenstore_read_number(0, path_of(device->front, "backend-id"), UINT16_MAX, &domain), "backend-id");
    device->back_domain = (unsigned)domain;
}

static uint64_t number_at(const char *path)
{
    uint64_t number = 0;

    return xenstore_read_number(0, path, UINT64_MAX, &number) ? 0 : number;
}

uint64_t device_back_number(const struct device *device, const char *key)
{
    return number_at(path_of(device->back, key));
}

uint64_t device_front_number(const struct device *device, const char *key)
{
    return number_at(path_of(device->front, key));
}

void device_write(const struct device *device, const char *key, const char *value)
{
    test_need(xenstore_write(0, path_of(device->front, key), value), key);
}

void device_write_number(const struct device *device, const char *key, uint64_t number)
{
    test_need(xenstore_write_number(0, path_of(device->front, key), number), key);
}

void device_remove(const struct device *device, const char *key)
{
    int error = xenstore_remove(0, path_of(device->front, key));

    test_need(error == -XEN_ENOENT ? 0 : error, key);
}

/*
 * ---- States.
 */

void device_set_state(const struct device *device, unsigned state)
{
    device_write_number(device, "state", state);
}

unsigned device_back_state(const struct device *device)
{
    return (unsigned)device_back_number(device, "state");
}

bool device_await_state(const struct device *device, unsigned state)
{
    uint64_t end = time_now() + DEVICE_PATIENCE;

    while (device_back_state(device) != state) {
        if (time_now() > end)
            return false;
        time_sleep(MS);
    }
    return true;
}

bool device_close(const struct device *device)
{
    bool good;

    device_set_state(device, 5);
    good = device_await_state(device, 5);
    device_set_state(device, 6);
    good = device_await_state(device, 6) && good;
    device_set_state(device, 1);
    return device_await_state(device, 2) && good;
}
