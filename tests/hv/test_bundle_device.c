/* SPDX-License-Identifier: MIT */
/* Devices in the settings of a domain: what is read, each reason for which a line is refused, and who may serve. */
/* links: hv/kernel/bundle_device.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/kernel/bundle_device.h>

static struct bundle_domain domain;
static const char *problem;

/* A line in memory of its own size, so that reading beyond it is found; it stays, as the archive does. */
static struct blob line(const char *text)
{
    static uint8_t *lines[512];
    static unsigned count;
    size_t size = strlen(text);
    uint8_t *bytes = malloc(size ? size : 1);

    assert_non_null(bytes);
    memcpy(bytes, text, size);
    free(lines[count % 512]);
    lines[count++ % 512] = bytes;
    return (struct blob){bytes, size};
}

static bool is_text(struct blob blob, const char *text)
{
    return blob.size == strlen(text) && memcmp(blob.bytes, text, blob.size) == 0;
}

static int add(const char *text)
{
    return bundle_device_add(&domain, line(text), &problem);
}

static int add_node(bool back, const char *text)
{
    return bundle_device_add_node(&domain, back, line(text), &problem);
}

static int begin(void **state)
{
    (void)state;
    memset(&domain, 0, sizeof(domain));
    problem = NULL;
    return 0;
}

static void assert_refused(int error, const char *part)
{
    assert_true(error < 0);
    if (!problem || !strstr(problem, part))
        fail_msg("\"%s\" instead of \"...%s...\"", problem ? problem : "nothing", part);
    problem = NULL;
}

static void test_read(void **state)
{
    const struct bundle_device *device = domain.devices;

    (void)state;
    assert_int_equal(add("vbd/51712 2"), 0);
    assert_int_equal(add_node(false, "virtual-device 51712"), 0);
    assert_int_equal(add_node(true, "params vbd-1-51712"), 0);
    assert_int_equal(add_node(true, "empty "), 0);
    assert_int_equal(add_node(true, "virtual-device of the other end"), 0);
    assert_int_equal(add("vif/0 32751"), 0);
    assert_int_equal(add_node(false, "mac 00:16:3e:00:00:01"), 0);
    assert_null(problem);
    assert_int_equal(domain.nr_devices, 2);
    assert_true(is_text(device->type, "vbd"));
    assert_int_equal(device->id, 51712);
    assert_int_equal(device->backend, 2);
    assert_int_equal(device->nr_nodes, 4);
    assert_true(is_text(bundle_node_key(&device->nodes[0]), "virtual-device"));
    assert_true(is_text(bundle_node_value(&device->nodes[0]), "51712"));
    assert_false(device->nodes[0].back);
    assert_true(device->nodes[1].back);
    assert_true(is_text(bundle_node_value(&device->nodes[1]), "vbd-1-51712"));
    assert_true(is_text(bundle_node_value(&device->nodes[2]), ""));
    assert_true(is_text(bundle_node_value(&device->nodes[3]), "of the other end"));
    assert_int_equal(device[1].id, 0);
    assert_int_equal(device[1].backend, 32751);
    assert_true(is_text(bundle_node_value(&device[1].nodes[0]), "00:16:3e:00:00:01"));
}

static void test_refused_devices(void **state)
{
    static const char *const lines[] = {
        "",
        "vbd",
        "vbd/",
        "vbd/1",
        "vbd/1 ",
        "vbd/1 x",
        "vbd/1 2 3",
        "vbd/1  2",
        "/1 2",
        "v bd/1 2",
        "vbd/x 2",
        "vbd/ 2",
        "vbd/01 2",
        "vbd/1/2 2",
        "vbd/1000000000 2",
        "vbd/18446744073709551617 2",
        "vbd/1 32752",
        "vbd/1 18446744073709551617",
        "vb.d/1 2",
        "vb@d/1 2",
        "\xc3\xa4/1 2",
        "../1 2",
        "a23456789012345678901234567890123/1 2",
    };

    (void)state;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_refused(add(lines[i]), "device is TYPE/ID BACKEND");
    assert_int_equal(domain.nr_devices, 0);
    assert_int_equal(add("a234567890123456789012345678901/999999999 2"), 0);
}

static void test_refused_nodes(void **state)
{
    static const char *const lines[] = {"",          "key",        " value",
                                        "k/y value", "k\ty value", "key v\talue",
                                        "key v\x7f", "key \xff",   "a2345678901234567890123456789012 value"};
    static const struct {
        bool back;
        const char *line;
    } reserved[] = {
        {false, "backend x"},    {false, "backend-id 2"}, {false, "state 4"}, {true, "frontend x"},
        {true, "frontend-id 1"}, {true, "online 0"},      {true, "state 4"},
    };
    char longest[256] = "key ";

    (void)state;
    assert_refused(add_node(false, "key value"), "there is none");
    assert_int_equal(add("vbd/1 2"), 0);
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++)
        assert_refused(add_node(true, lines[i]), "KEY VALUE");
    for (size_t i = 0; i < sizeof(reserved) / sizeof(reserved[0]); i++)
        assert_refused(add_node(reserved[i].back, reserved[i].line), "writes itself");
    assert_int_equal(add_node(true, "backend x"), 0);
    assert_int_equal(add_node(false, "online x"), 0);
    memset(longest + 4, 'v', BUNDLE_NODE_VALUE_MAX + 1);
    assert_refused(add_node(false, longest), "at most 127");
    longest[4 + BUNDLE_NODE_VALUE_MAX] = '\0';
    assert_int_equal(add_node(false, longest), 0);
    assert_int_equal(bundle_node_value(&domain.devices[0].nodes[2]).size, BUNDLE_NODE_VALUE_MAX);
}

static void test_twice(void **state)
{
    (void)state;
    assert_int_equal(add("vbd/1 2"), 0);
    assert_refused(add("vbd/1 3"), "same device twice");
    assert_int_equal(add("vbd/2 2"), 0);
    assert_int_equal(add("vif/1 2"), 0);
    assert_int_equal(add_node(false, "key value"), 0);
    assert_refused(add_node(false, "key other"), "a node twice");
    assert_int_equal(add_node(true, "key value"), 0);
    assert_int_equal(add_node(false, "ke value"), 0);
}

static void test_too_many(void **state)
{
    char text[64];

    (void)state;
    for (unsigned i = 0; i < BUNDLE_DEVICES_MAX; i++) {
        sprintf(text, "vbd/%u 2", i);
        assert_int_equal(add(text), 0);
    }
    assert_refused(add("vif/0 2"), "at most 16 devices");
    for (unsigned i = 0; i < BUNDLE_NODES_MAX; i++) {
        sprintf(text, "key%u value", i);
        assert_int_equal(add_node(i % 2, text), 0);
    }
    assert_refused(add_node(false, "another value"), "at most 12 lines");
    assert_int_equal(domain.nr_devices, BUNDLE_DEVICES_MAX);
    assert_int_equal(domain.devices[BUNDLE_DEVICES_MAX - 1].nr_nodes, BUNDLE_NODES_MAX);
}

/* Domain 1 with a device of domain 2's. */
static struct bundle *pair(void)
{
    static struct bundle bundle;

    memset(&bundle, 0, sizeof(bundle));
    bundle.nr_domains = 2;
    bundle.domains[0] = (struct bundle_domain){.id = 1, .nr_devices = 1, .devices = {{.backend = 2}}};
    bundle.domains[1] = (struct bundle_domain){.id = 2, .is_back_end = true};
    return &bundle;
}

static void test_who_serves(void **state)
{
    struct bundle *bundle = pair();

    (void)state;
    assert_int_equal(bundle_device_check_all(bundle, &problem), 0);
    bundle->domains[1].is_back_end = false;
    assert_refused(bundle_device_check_all(bundle, &problem), "no domain of the bundle with backend=1");
    bundle = pair();
    bundle->domains[0].devices[0].backend = 3;
    assert_refused(bundle_device_check_all(bundle, &problem), "no domain of the bundle with backend=1");
    bundle = pair();
    bundle->domains[1].nr_devices = 1;
    bundle->domains[1].devices[0].backend = 2;
    assert_refused(bundle_device_check_all(bundle, &problem), "has no devices itself");
    bundle = pair();
    bundle->domains[1].privileged = true;
    assert_refused(bundle_device_check_all(bundle, &problem), "is not privileged");
    bundle = pair();
    bundle->domains[0].privileged = true;
    assert_refused(bundle_device_check_all(bundle, &problem), "the initial domain has no device");
}

#define TEST(function) cmocka_unit_test_setup(function, begin)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_read),  TEST(test_refused_devices), TEST(test_refused_nodes),
        TEST(test_twice), TEST(test_too_many),        TEST(test_who_serves),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
