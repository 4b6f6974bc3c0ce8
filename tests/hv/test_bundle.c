/* SPDX-License-Identifier: MIT */
/* The bundle: what is read from it, each reason for which one is refused, and archives that are damaged anywhere. */
/* links: hv/kernel/bundle.c hv/kernel/bundle_rights.c hv/kernel/bundle_device.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/kernel/bundle.h>

#define FILE_MODE 0100644u
#define DIR_MODE  0040755u

static struct {
    char bytes[32768];
    size_t size;
} archive;

static struct bundle bundle;

/* Append, and fill up to a multiple of four. */
static void put(const void *bytes, size_t size)
{
    assert_true(archive.size + size + 4 <= sizeof(archive.bytes));
    memcpy(archive.bytes + archive.size, bytes, size);
    archive.size += size;
    while (archive.size % 4 != 0)
        archive.bytes[archive.size++] = 0;
}

static void add_entry(const char *name, unsigned mode, const char *contents, size_t size)
{
    char header[110 + 300];
    int length;

    length = sprintf(header, "070701%08X%08X%08X%08X%08X%08X%08zX%08X%08X%08X%08X%08zX%08X%s", 1, mode, 0, 0, 1, 0,
                     size, 0, 0, 0, 0, strlen(name) + 1, 0, name);
    put(header, (size_t)length + 1);
    put(contents, size);
}

static void add(const char *name, const char *text)
{
    add_entry(name, FILE_MODE, text, strlen(text));
}

static void end(void)
{
    add_entry("TRAILER!!!", 0, "", 0);
}

/* A domain with all that it needs. */
static void begin(void)
{
    archive.size = 0;
    add("1/settings", "memory=65536\n");
    add("1/kernel", "an ELF file");
}

/* NULL: accepted.  The archive lies in memory of its own size, so that reading beyond it is found. */
static const char *parse(void)
{
    uint8_t *bytes = malloc(archive.size ? archive.size : 1);
    const char *problem = NULL;
    int error;

    assert_non_null(bytes);
    memcpy(bytes, archive.bytes, archive.size);
    error = bundle_parse(bytes, archive.size, &bundle, &problem);
    free(bytes);
    assert_true((error < 0) == (problem != NULL));
    return problem;
}

static void expect_refused(const char *part)
{
    const char *problem = parse();

    if (!problem || !strstr(problem, part))
        fail_msg("\"%s\" instead of \"...%s...\"", problem ? problem : "accepted", part);
}

static void expect_accepted(void)
{
    const char *problem = parse();

    if (problem)
        fail_msg("refused: %s", problem);
}

static bool is_text(struct blob blob, const char *text)
{
    return blob.size == strlen(text) && memcmp(blob.bytes, text, blob.size) == 0;
}

static void test_cpus(void **state)
{
    static const struct {
        const char *settings;
        uint64_t cpus;
    } lists[] = {{"memory=4\ncpus=1,4-5,63\n", UINT64_C(1) << 63 | 0x32},
                 {"memory=4\ncpus=0-63\n", UINT64_MAX},
                 {"memory=4\ncpus=2-3,0-1\n", 0xf},
                 {"memory=4\n", 0}};

    (void)state;
    for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
        archive.size = 0;
        add("1/settings", lists[i].settings);
        add("1/kernel", "an ELF file");
        end();
        expect_accepted();
        assert_true(bundle.domains[0].cpus == lists[i].cpus);
    }
}

static void test_domains(void **state)
{
    static const uint8_t uuid[16] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff};
    const char *problem = NULL;

    (void)state;
    archive.size = 0;
    add_entry(".", DIR_MODE, "", 0);
    add_entry("12", DIR_MODE, "", 0);
    add("12/kernel", "first");
    add("./12/ramdisk", "disk");
    add("12/cmdline", "console=hvc0 x\n");
    add("12/settings", "name=web-1\nmaxmem=262144\nmaxvcpus=6\n\n"
                       "vcpus=4\non_reboot=destroy\nuuid=00112233-4455-6677-8899-aabbccddeeff\niomem=fed00,1\n"
                       "iomem=a0,20\nweight=512\nprivileged=0\nmemory=131072\nextent_order=6\nlinear_tables=1");
    add("0/settings", "memory=1\nprivileged=1\n");
    add("0/kernel", "second");
    add("0/cmdline", "");
    end();
    add("garbage", "behind the end");
    assert_int_equal(bundle_parse((const uint8_t *)archive.bytes, archive.size, &bundle, &problem), 0);
    assert_null(problem);
    assert_int_equal(bundle.nr_domains, 2);
    assert_int_equal(bundle.domains[0].id, 12);
    assert_string_equal(bundle.domains[0].name, "web-1");
    assert_true(bundle.domains[0].nr_vcpus == 4 && bundle.domains[0].max_vcpus == 6);
    assert_true(bundle.domains[1].nr_vcpus == 1 && bundle.domains[1].max_vcpus == 1);
    assert_int_equal(bundle.domains[0].weight, 512);
    assert_memory_equal(bundle.domains[0].uuid, uuid, sizeof(uuid));
    assert_memory_equal(bundle.domains[1].uuid, (uint8_t[16]){0}, 16);
    assert_true(bundle.domains[0].extent_order == 6 && bundle.domains[1].extent_order == 0);
    assert_int_equal(bundle.domains[0].nr_iomem, 2);
    assert_int_equal(bundle.domains[0].iomem[0].first, 0xfed00);
    assert_int_equal(bundle.domains[0].iomem[1].count, 0x20);
    assert_true(bundle.domains[0].linear_tables && !bundle.domains[1].linear_tables);
    assert_true(bundle.domains[0].ends_by_reboot && !bundle.domains[1].ends_by_reboot);
    assert_int_equal(bundle.domains[0].memory_kib, 131072);
    assert_int_equal(bundle.domains[0].maxmem_kib, 262144);
    assert_int_equal(bundle.domains[1].maxmem_kib, 1);
    assert_false(bundle.domains[0].privileged);
    assert_true(is_text(bundle.domains[0].kernel, "first") && is_text(bundle.domains[0].ramdisk, "disk"));
    assert_string_equal(bundle.domains[0].command_line, "console=hvc0 x");
    assert_int_equal(bundle.domains[1].id, 0);
    assert_int_equal(bundle.domains[1].nr_vcpus, 1);
    assert_int_equal(bundle.domains[1].weight, 256);
    assert_true(bundle.domains[1].privileged && bundle.domains[1].ramdisk.size == 0);
    assert_true(is_text(bundle.domains[1].kernel, "second"));
    assert_string_equal(bundle.domains[1].command_line, "");
}

static void test_most_domains(void **state)
{
    char name[32];

    (void)state;
    archive.size = 0;
    for (unsigned i = 1; i <= BUNDLE_DOMAINS_MAX; i++) {
        sprintf(name, "%u/settings", i);
        add(name, "memory=4096\n");
        sprintf(name, "%u/kernel", i);
        add(name, "kernel");
    }
    end();
    expect_accepted();
    assert_int_equal(bundle.nr_domains, BUNDLE_DOMAINS_MAX);
    add("9/kernel", "kernel"); /* behind the end */
    expect_accepted();
    archive.size = 0;
    for (unsigned i = 1; i <= BUNDLE_DOMAINS_MAX + 1; i++) {
        sprintf(name, "%u/kernel", i);
        add(name, "kernel");
    }
    end();
    expect_refused("more than 17 domains");
}

static void test_same_uuid(void **state)
{
    (void)state;
    for (unsigned last = 0; last < 2; last++) {
        char settings[128];

        archive.size = 0;
        add("1/kernel", "kernel");
        add("1/settings", "memory=4096\nuuid=00112233-4455-6677-8899-aabbccddeeff\n");
        sprintf(settings, "memory=4096\nuuid=00112233-4455-6677-8899-aabbccddeef%c\n", last ? 'f' : 'e');
        add("2/kernel", "kernel");
        add("2/settings", settings);
        end();
        if (last)
            expect_refused("two domains have the same uuid");
        else
            expect_accepted();
    }
}

/* Lines of settings: NULL, or a part of what is said against them. */
static const struct {
    const char *text, *part; /* no part: accepted */
} settings[] = {
    {"name=a", NULL},
    {"name=0123456789012345678901234567890", NULL},
    {"name=01234567890123456789012345678901", "a name has"},
    {"name=", "a name has"},
    {"name=a b", "a name has"},
    {"name=a\tb", "a name has"},
    {"name=\377", "a name has"},
    {"maxmem=4095", "maxmem is less than memory"},
    {"maxmem=4096", NULL},
    {"maxmem=0", "memory is a number"},
    {"maxmem=4398046511105", "memory is a number"},
    {"memory=0", "memory is a number"},
    {"memory=", "memory is a number"},
    {"memory=-1", "memory is a number"},
    {"memory=64M", "memory is a number"},
    {"memory=4398046511104", NULL},
    {"memory=4398046511105", "memory is a number"},
    {"memory=18446744073709551616", "memory is a number"},
    {"memory=99999999999999999999999", "memory is a number"},
    {"cpus=0", NULL},
    {"cpus=0-63", NULL},
    {"cpus=", "cpus is a list"},
    {"cpus=64", "cpus is a list"},
    {"cpus=0-64", "cpus is a list"},
    {"cpus=3-2", "cpus is a list"},
    {"cpus=1,", "cpus is a list"},
    {"cpus=,1", "cpus is a list"},
    {"cpus=1-", "cpus is a list"},
    {"cpus=-1", "cpus is a list"},
    {"cpus=1-2-3", "cpus is a list"},
    {"cpus=all", "cpus is a list"},
    {"vcpus=32", NULL},
    {"vcpus=33", "vcpus is a number"},
    {"vcpus=0", "vcpus is a number"},
    {"vcpus=x", "vcpus is a number"},
    {"maxvcpus=32", NULL},
    {"maxvcpus=33", "maxvcpus is a number"},
    {"maxvcpus=0", "maxvcpus is a number"},
    {"vcpus=3\nmaxvcpus=2", "maxvcpus is less than vcpus"},
    {"vcpus=3\nmaxvcpus=3", NULL},
    {"on_reboot=restart", NULL},
    {"on_reboot=destroy", NULL},
    {"on_reboot=", "on_reboot is restart or destroy"},
    {"on_reboot=destroyed", "on_reboot is restart or destroy"},
    {"uuid=00112233-4455-6677-8899-aabbccddeeff", NULL},
    {"uuid=00112233-4455-6677-8899-aabbccddeefg", "uuid has 32 hexadecimal digits"},
    {"uuid=00112233-4455-6677-8899-AABBCCDDEEFF", "uuid has 32 hexadecimal digits"},
    {"uuid=00112233-4455-6677-8899-aabbccddeef", "uuid has 32 hexadecimal digits"},
    {"uuid=00112233-4455-6677-8899-aabbccddeeff0", "uuid has 32 hexadecimal digits"},
    {"uuid=00112233-4455-6677-8899aabbccddeeff0", "uuid has 32 hexadecimal digits"},
    {"uuid=0011223344556677-8899-aabb-ccddeeff0", "uuid has 32 hexadecimal digits"},
    {"uuid=", "uuid has 32 hexadecimal digits"},
    {"pci=1af4", NULL},
    {"pci=0000\npci=fffe\npci=1af4\npci=1af4", NULL},
    {"pci=0000\npci=fffe\npci=1af4\npci=1af4\npci=8086", "at most 4 lines with pci"},
    {"pci=", "pci is the number of a vendor"},
    {"pci=1af", "pci is the number of a vendor"},
    {"pci=01af4", "pci is the number of a vendor"},
    {"pci=1AF4", "pci is the number of a vendor"},
    {"pci=ffff", "pci is the number of a vendor"},
    {"iomem=fee00,1", NULL},
    {"iomem=0,100\niomem=a0000,10000000000", NULL},
    {"iomem=", "iomem is START,COUNT"},
    {"iomem=fee00", "iomem is START,COUNT"},
    {"iomem=fee00,", "iomem is START,COUNT"},
    {"iomem=fee00,0", "iomem is START,COUNT"},
    {"iomem=,1", "iomem is START,COUNT"},
    {"iomem=0xfee00,1", "iomem is START,COUNT"},
    {"iomem=FEE00,1", "iomem is START,COUNT"},
    {"iomem=fee00,1,1", "iomem is START,COUNT"},
    {"iomem=fee00-fee01", "iomem is START,COUNT"},
    {"iomem=10000000001,1", "iomem is START,COUNT"},
    {"iomem=1,10000000001", "iomem is START,COUNT"},
    {"iomem=00000000000000001,1", NULL},
    {"iomem=10000000000000001,1", "iomem is START,COUNT"},
    {"extent_order=0\nextent_order=9", NULL},
    {"extent_order=10", "extent_order is a number from 0 to 9"},
    {"extent_order=", "extent_order is a number from 0 to 9"},
    {"weight=1", NULL},
    {"weight=65535", NULL},
    {"weight=65536", "weight is a number"},
    {"weight=0", "weight is a number"},
    {"weight=", "weight is a number"},
    {"linear_tables=0", NULL},
    {"linear_tables=2", "linear_tables is 0 or 1"},
    {"privileged=2", "privileged is"},
    {"backend=0", NULL},
    {"backend=1", NULL},
    {"backend=2", "backend is"},
    {"backend=1\nprivileged=1", "is not privileged"},
    {"device=vbd/1 2", "no domain of the bundle"},
    {"device=vbd/1", "device is"},
    {"front=key value", "there is none"},
    {"back=key value", "there is none"},
    {"privileged=yes", "privileged is"},
    {"privileged", "key=value"},
    {"colour=blue", "the keys are name, memory, maxmem, "},
    {"=1", "the keys are"},
    {" memory=1", "the keys are"},
};

static void test_settings(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(settings) / sizeof(settings[0]); i++) {
        char text[128];

        archive.size = 0;
        sprintf(text, "memory=4096\n%s\n", settings[i].text);
        add("1/kernel", "kernel");
        add("1/settings", text);
        end();
        if (settings[i].part)
            expect_refused(settings[i].part);
        else
            expect_accepted();
    }
}

/* Which lines belong together, and what is there beside them. */
static void test_devices(void **state)
{
    (void)state;
    archive.size = 0;
    add("1/settings", "device=vbd/51712 9\nfront=virtual-device 51712\nmemory=4096\nback=params a=b\n"
                      "device=vif/0 9\nback=mac 1\n");
    add("1/kernel", "kernel");
    add("9/kernel", "kernel");
    add("9/settings", "backend=1\nmemory=4096");
    end();
    expect_accepted();
    assert_false(bundle.domains[0].is_back_end);
    assert_true(bundle.domains[1].is_back_end);
    assert_int_equal(bundle.domains[0].memory_kib, 4096);
    assert_int_equal(bundle.domains[0].nr_devices, 2);
    assert_int_equal(bundle.domains[0].devices[0].nr_nodes, 2);
    assert_int_equal(bundle.domains[0].devices[0].nodes[1].value_size, 3);
    assert_true(bundle.domains[0].devices[0].nodes[1].back);
    assert_int_equal(bundle.domains[0].devices[1].id, 0);
    assert_int_equal(bundle.domains[0].devices[1].nr_nodes, 1);
    assert_int_equal(bundle.domains[1].nr_devices, 0);
}

static void test_command_lines(void **state)
{
    char line[MAX_GUEST_CMDLINE + 2];

    (void)state;
    memset(line, 'x', sizeof(line));
    line[MAX_GUEST_CMDLINE - 1] = '\n';
    begin();
    add_entry("1/cmdline", FILE_MODE, line, MAX_GUEST_CMDLINE);
    end();
    expect_accepted();
    assert_int_equal(strlen(bundle.domains[0].command_line), MAX_GUEST_CMDLINE - 1);
    begin();
    line[MAX_GUEST_CMDLINE - 1] = 'x';
    add_entry("1/cmdline", FILE_MODE, line, MAX_GUEST_CMDLINE);
    end();
    expect_refused("longer than 1023");
    begin();
    add_entry("1/cmdline", FILE_MODE, "a\0b", 3);
    end();
    expect_refused("zero byte");
}

static void test_refused_files(void **state)
{
    static const char *const names[] = {
        "kernel", "x/kernel",   "/kernel", "1x/kernel", "-1/kernel", "32752/kernel", "18446744073709551617/kernel",
        "",       "../1/kernel"};
    static const char *const others[] = {"1/", "1/kernel2", "1/2/kernel", "1/Kernel"};
    static const char *const twice[] = {"1/kernel", "1/settings", "./1/kernel"};

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
        begin();
        add(names[i], "memory=1");
        end();
        expect_refused("in the directory of a domain");
    }
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        begin();
        add(others[i], "memory=1");
        end();
        expect_refused("the bundle has another");
    }
    for (size_t i = 0; i < sizeof(twice) / sizeof(twice[0]); i++) {
        begin();
        add(twice[i], "memory=1");
        end();
        expect_refused("twice");
    }
    begin();
    add_entry("1/ramdisk", 0120777, "kernel", 6);
    end();
    expect_refused("neither a file nor a directory");
}

static void test_refused_domains(void **state)
{
    (void)state;
    archive.size = 0;
    end();
    expect_refused("empty");
    archive.size = 0;
    add("1/kernel", "kernel");
    end();
    expect_refused("how much memory");
    archive.size = 0;
    add("1/settings", "memory=4096");
    end();
    expect_refused("no kernel");
    add("1/kernel", "");
    end();
    expect_refused("no kernel");
}

static void test_refused_archives(void **state)
{
    char name[300];

    (void)state;
    begin();
    expect_refused("cut short"); /* no end */
    archive.size = 0;
    expect_refused("not a cpio archive");
    begin();
    archive.bytes[5] = '2';
    expect_refused("not a cpio archive");
    begin();
    archive.bytes[6 + 6 * 8] = 'g'; /* in the size */
    expect_refused("not a cpio archive");
    begin();
    memset(archive.bytes + 6 + 6 * 8, 'f', 8);
    expect_refused("a file of the bundle is cut short");
    begin();
    memset(archive.bytes + 6 + 11 * 8, 'F', 8);
    expect_refused("the name of a file");
    begin();
    memset(archive.bytes + 6 + 11 * 8, '0', 8);
    expect_refused("the name of a file");
    begin();
    archive.bytes[110 + 3] = 0; /* in the name */
    expect_refused("does not end where it says");
    memset(name, '1', sizeof(name) - 1);
    name[sizeof(name) - 1] = 0;
    begin();
    add(name, "");
    expect_refused("in the directory of a domain");
}

/* Whatever the archive is, parsing ends, stays inside, and says what is wrong. */
static void test_damage(void **state)
{
    static const char values[] = {0, '0', '1', '7', 'f', '/', '=', '\n', (char)0xff};
    size_t full;

    (void)state;
    begin();
    add("1/cmdline", "console=hvc0\n");
    add("2/settings", "memory=1\ndevice=vbd/1 3\nfront=a b\nback=c d\n");
    add("2/kernel", "an ELF file");
    add("3/settings", "memory=1\nbackend=1\n");
    add("3/kernel", "an ELF file");
    end();
    full = archive.size;
    for (size_t size = 0; size < full; size++) {
        archive.size = size;
        if (size < full - 1)
            assert_true(parse() != NULL || size > full - 4); /* the end may lack what it is filled up with */
    }
    archive.size = full;
    for (size_t i = 0; i < full; i++) {
        char old = archive.bytes[i];

        for (size_t j = 0; j < sizeof(values); j++) {
            archive.bytes[i] = values[j];
            if (!parse())
                assert_in_range(bundle.nr_domains, 1, 4);
        }
        archive.bytes[i] = old;
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cpus),
        cmocka_unit_test(test_domains),
        cmocka_unit_test(test_most_domains),
        cmocka_unit_test(test_same_uuid),
        cmocka_unit_test(test_settings),
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_command_lines),
        cmocka_unit_test(test_refused_files),
        cmocka_unit_test(test_refused_domains),
        cmocka_unit_test(test_refused_archives),
        cmocka_unit_test(test_damage),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
