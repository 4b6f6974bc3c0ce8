/* SPDX-License-Identifier: MIT */
/* The calls of backend/xenbus.h but for those that write, which the test has. */
#include <tests/backend/lib/bus.h>

const struct xenbus_type *bus_type;
struct key bus_front[KEYS_MAX], bus_back[KEYS_MAX];
unsigned bus_failures;

void xenbus_register(const struct xenbus_type *registered)
{
    bus_type = registered;
}

void xenbus_fail(struct xenbus_device *failed, const char *format, ...)
{
    (void)format;
    failed->failed = true;
    bus_failures++;
}

int xenbus_read_back(struct xenbus_device *of, const char *key, char *value, size_t size)
{
    (void)of;
    return keys_read(bus_back, key, value, size);
}

int xenbus_read_back_number(struct xenbus_device *of, const char *key, uint64_t max, uint64_t *number)
{
    (void)of;
    return keys_read_number(bus_back, key, max, number);
}

int xenbus_read_front(struct xenbus_device *of, const char *key, char *value, size_t size)
{
    (void)of;
    return keys_read(bus_front, key, value, size);
}

int xenbus_read_front_number(struct xenbus_device *of, const char *key, uint64_t max, uint64_t *number)
{
    (void)of;
    return keys_read_number(bus_front, key, max, number);
}
