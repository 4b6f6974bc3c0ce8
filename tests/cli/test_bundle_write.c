/* SPDX-License-Identifier: MIT */
/* The bundle, read back by a reader of its own; and sizes as people write them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/bundle_write.h>
#include <cli/options_value.h>

#define HEADER_SIZE 110u

static char path[] = "/tmp/paravane-test.XXXXXX";
static struct bytes archive;

/* The number @index of the header at @at: eight hexadecimal digits. */
static uint32_t field(size_t at, unsigned index)
{
    char digits[9] = "";

    memcpy(digits, archive.data + at + 6 + 8 * index, 8);
    return (uint32_t)strtoul(digits, NULL, 16);
}

/* Check the entry at @at against what it should be; return where the next one is. */
static size_t expect(size_t at, const char *name, const void *data, size_t size)
{
    size_t name_size = strlen(name) + 1, data_at = (at + HEADER_SIZE + name_size + 3) & ~(size_t)3;

    assert_int_equal(at % 4, 0);
    assert_true(data_at + size <= archive.size);
    assert_memory_equal(archive.data + at, "070701", 6);
    assert_int_equal(field(at, 11), name_size);
    assert_string_equal((const char *)archive.data + at + HEADER_SIZE, name);
    assert_int_equal(field(at, 6), size);
    if (size) {
        assert_int_equal(field(at, 1) & 0170000, 0100000);
        assert_memory_equal(archive.data + data_at, data, size);
    }
    return (data_at + size + 3) & ~(size_t)3;
}

static void write_bundle(const struct bundle_domain *domains, unsigned count)
{
    uint64_t size;

    bytes_free(&archive);
    assert_int_equal(bundle_write(path, domains, count, &size), STATUS_GOOD);
    assert_int_equal(file_read(path, 64 * MIB, &archive), STATUS_GOOD);
    assert_int_equal(archive.size, size);
}

static void whole_bundle(void **state)
{
    static const char settings[] =
        "name=vm_linux_1_\nmemory=524288\nvcpus=1\nweight=256\nprivileged=0\non_reboot=restart\n";
    uint8_t kernel_data[4099], ramdisk_data[7] = "ramdisk";
    struct bytes kernel = {kernel_data, sizeof(kernel_data)}, ramdisk = {ramdisk_data, sizeof(ramdisk_data)};
    size_t at;

    (void)state;
    memset(kernel_data, 0x5a, sizeof(kernel_data));
    write_bundle(&(struct bundle_domain){.number = 1,
                                         .name = "vm linux\n1\x80",
                                         .memory_kib = 524288,
                                         .most_kib = 524288,
                                         .vcpus = 1,
                                         .most_vcpus = 1,
                                         .weight = 256,
                                         .kernel = &kernel,
                                         .ramdisk = &ramdisk,
                                         .cmdline = "console=hvc0"},
                 1);
    at = expect(0, "1/settings", settings, strlen(settings));
    at = expect(at, "1/kernel", kernel_data, sizeof(kernel_data));
    at = expect(at, "1/ramdisk", ramdisk_data, sizeof(ramdisk_data));
    at = expect(at, "1/cmdline", "console=hvc0", 12);
    at = expect(at, "TRAILER!!!", NULL, 0);
    assert_true(archive.size - at < 4);
}

static void privileged_and_bare(void **state)
{
    static const char settings[] = "name=k\nmemory=4\nvcpus=1\nweight=256\nprivileged=1\non_reboot=destroy\nmaxmem=8\n"
                                   "maxvcpus=3\n";
    struct bytes kernel = {(uint8_t[]){1}, 1};
    size_t at;

    (void)state;
    write_bundle(&(struct bundle_domain){.name = "k",
                                         .memory_kib = 4,
                                         .most_kib = 8,
                                         .vcpus = 1,
                                         .most_vcpus = 3,
                                         .weight = 256,
                                         .privileged = true,
                                         .ends_by_reboot = true,
                                         .kernel = &kernel},
                 1);
    at = expect(0, "0/settings", settings, strlen(settings));
    at = expect(at, "0/kernel", "\1", 1);
    expect(at, "TRAILER!!!", NULL, 0);
}

static void several(void **state)
{
    static const char settings[] = "name=a\nmemory=4\nvcpus=1\nweight=256\nprivileged=0\non_reboot=restart\n";
    struct bytes kernels[2] = {{(uint8_t[]){1}, 1}, {(uint8_t[]){2}, 1}}, ramdisk = {(uint8_t[]){3, 4}, 2};
    const struct bundle_domain domains[] = {
        {.number = 1, .name = "a", .memory_kib = 4, .vcpus = 1, .weight = 256, .kernel = &kernels[0]},
        {.number = 16,
         .name = "a",
         .memory_kib = 4,
         .vcpus = 1,
         .weight = 256,
         .kernel = &kernels[1],
         .ramdisk = &ramdisk},
    };
    size_t at;

    (void)state;
    write_bundle(domains, 2);
    at = expect(0, "1/settings", settings, strlen(settings));
    at = expect(at, "1/kernel", "\1", 1);
    at = expect(at, "16/settings", settings, strlen(settings));
    at = expect(at, "16/kernel", "\2", 1);
    at = expect(at, "16/ramdisk", "\3\4", 2);
    expect(at, "TRAILER!!!", NULL, 0);
}

/* What tests/hv/test_bundle.c reads. */
static void devices(void **state)
{
    static const char guest[] = "name=a\nmemory=4\nvcpus=1\nweight=256\nprivileged=0\non_reboot=restart\n"
                                "device=vbd/51712 2\nfront=virtual-device 51712\nback=params vbd-1-51712\nback=empty \n"
                                "device=vif/0 2\n";
    static const char server[] = "name=b\nmemory=4\nvcpus=1\nweight=512\nprivileged=0\non_reboot=restart\n"
                                 "extent_order=6\nbackend=1\n";
    static const struct bundle_node nodes[] = {
        {"virtual-device", "51712", false}, {"params", "vbd-1-51712", true}, {"empty", "", true}};
    static const struct bundle_device list[] = {
        {.type = "vbd", .id = 51712, .backend = 2, .nodes = nodes, .nr_nodes = 3},
        {.type = "vif", .backend = 2},
    };
    struct bytes kernel = {(uint8_t[]){1}, 1};
    const struct bundle_domain domains[] = {
        {.number = 1,
         .name = "a",
         .memory_kib = 4,
         .vcpus = 1,
         .weight = 256,
         .kernel = &kernel,
         .devices = list,
         .nr_devices = 2},
        {.number = 2,
         .name = "b",
         .memory_kib = 4,
         .vcpus = 1,
         .weight = 512,
         .extent_order = 6,
         .kernel = &kernel,
         .is_back_end = true},
    };
    size_t at;

    (void)state;
    write_bundle(domains, 2);
    at = expect(0, "1/settings", guest, strlen(guest));
    at = expect(at, "1/kernel", "\1", 1);
    at = expect(at, "2/settings", server, strlen(server));
    at = expect(at, "2/kernel", "\1", 1);
    expect(at, "TRAILER!!!", NULL, 0);
}

static void long_name(void **state)
{
    struct bytes kernel = {(uint8_t[]){1}, 1};
    char name[301];

    (void)state;
    memset(name, 'n', 300);
    name[300] = '\0';
    write_bundle(&(struct bundle_domain){.name = name, .memory_kib = 4, .vcpus = 1, .weight = 256, .kernel = &kernel},
                 1);
    assert_non_null(strstr((const char *)archive.data + 124, "nnn\nmemory=4\n"));
}

static void not_writable(void **state)
{
    struct bytes kernel = {(uint8_t[]){1}, 1};
    uint64_t size;

    (void)state;
    assert_int_equal(bundle_write("/nowhere/bundle",
                                  &(struct bundle_domain){
                                      .name = "k", .memory_kib = 4, .vcpus = 1, .weight = 256, .kernel = &kernel},
                                  1, &size),
                     STATUS_FAILED);
    assert_int_equal(bundle_write("/dev/full",
                                  &(struct bundle_domain){
                                      .name = "k", .memory_kib = 4, .vcpus = 1, .weight = 256, .kernel = &kernel},
                                  1, &size),
                     STATUS_FAILED);
}

static void sizes(void **state)
{
    static const struct {
        const char *text;
        uint64_t kib; /* 0: refused */
    } cases[] = {
        {"512", 524288},
        {"512M", 524288},
        {"512m", 524288},
        {"512MiB", 524288},
        {"4K", 4},
        {"2G", 2097152},
        {"1T", 1073741824},
        {"16T", 17179869184},
        {"17T", 0},
        {"0", 0},
        {"5K", 0},
        {"", 0},
        {"M", 0},
        {"-1", 0},
        {"+1", 0},
        {" 1", 0},
        {"1.5G", 0},
        {"512MB", 0},
        {"512Mx", 0},
        {"99999999999999999999", 0},
        {"18014398509481985K", 0},
        {"0x10", 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        uint64_t kib = 0;
        bool is_good = options_parse_memory(cases[i].text, &kib);

        print_message("\"%s\"\n", cases[i].text);
        assert_int_equal(is_good, cases[i].kib != 0);
        if (is_good)
            assert_int_equal(kib, cases[i].kib);
    }
}

static int begin(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    bytes_free(&archive);
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_bundle), cmocka_unit_test(privileged_and_bare), cmocka_unit_test(several),
        cmocka_unit_test(devices),      cmocka_unit_test(long_name),           cmocka_unit_test(not_writable),
        cmocka_unit_test(sizes),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
