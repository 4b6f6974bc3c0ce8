/* SPDX-License-Identifier: MIT */
/* Unwrapping kernels: bzImages and plain files of each compression, and damaged ones. */
#include <archive.h>
#include <archive_entry.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include <cli/image.h>

#define KERNEL_SIZE  100000u
#define PACKED_MAX   (2 * KERNEL_SIZE)
#define SETUP_SIZE   (3u * 512u) /* the boot sector and two more */
#define PAYLOAD_AT   0x40u       /* from the end of the setup */
#define HEADER_MAGIC 0x53726448u /* "HdrS" */

static uint8_t kernel[KERNEL_SIZE];
static uint8_t packed[PACKED_MAX];
static size_t packed_size;
static uint8_t file[PACKED_MAX + 2048];
static size_t file_size;
static char path[] = "/tmp/paravane-test.XXXXXX";

/* What looks like an ELF file from outside, half of it hard to compress. */
static void make_kernel(void)
{
    uint32_t seed = 1;

    memcpy(kernel,
           "\x7f"
           "ELF",
           4);
    for (size_t i = 4; i < KERNEL_SIZE; i++) {
        seed = seed * 1664525 + 1013904223;
        kernel[i] = (uint8_t)(i < KERNEL_SIZE / 2 ? seed >> 24 : i >> 8);
    }
}

static void pack(int (*add_filter)(struct archive *))
{
    struct archive *archive = archive_write_new();
    struct archive_entry *entry = archive_entry_new();

    assert_int_equal(add_filter(archive), ARCHIVE_OK);
    assert_int_equal(archive_write_set_format_raw(archive), ARCHIVE_OK);
    archive_write_set_bytes_in_last_block(archive, 1);
    assert_int_equal(archive_write_open_memory(archive, packed, sizeof(packed), &packed_size), ARCHIVE_OK);
    archive_entry_set_filetype(entry, AE_IFREG);
    assert_int_equal(archive_write_header(archive, entry), ARCHIVE_OK);
    assert_int_equal(archive_write_data(archive, kernel, KERNEL_SIZE), KERNEL_SIZE);
    assert_int_equal(archive_write_close(archive), ARCHIVE_OK);
    archive_entry_free(entry);
    archive_write_free(archive);
}

static void put32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> 8 * i);
}

/* The old framing of lz4, as Linux uses it: a magic number, then blocks with their sizes.  One block, all literals. */
static void pack_lz4_legacy(void)
{
    size_t at = 8, rest = KERNEL_SIZE - 15;

    packed[at++] = 0xf0;
    for (; rest >= 255; rest -= 255)
        packed[at++] = 255;
    packed[at++] = (uint8_t)rest;
    memcpy(packed + at, kernel, KERNEL_SIZE);
    packed_size = at + KERNEL_SIZE;
    put32(packed, 0x184c2102);
    put32(packed + 4, (uint32_t)packed_size - 8);
}

/* A bzImage around what is packed; @size_behind: the size of the kernel comes behind it. */
static void make_bzimage(bool size_behind)
{
    size_t payload = packed_size;

    memset(file, 0, sizeof(file));
    file[0x1f1] = 2;
    file[0x1fe] = 0x55;
    file[0x1ff] = 0xaa;
    put32(file + 0x202, HEADER_MAGIC);
    put32(file + 0x206, 0x20f);
    put32(file + 0x20e, 0x300);
    memcpy(file + 0x500, "9.9.9 (made by hand)", 21);
    memcpy(file + SETUP_SIZE + PAYLOAD_AT, packed, packed_size);
    if (size_behind) {
        put32(file + SETUP_SIZE + PAYLOAD_AT + packed_size, KERNEL_SIZE);
        payload += 4;
    }
    put32(file + 0x248, PAYLOAD_AT);
    put32(file + 0x24c, (uint32_t)payload);
    file_size = SETUP_SIZE + PAYLOAD_AT + payload + 100;
}

static void make_plain(void)
{
    memcpy(file, packed, packed_size);
    file_size = packed_size;
}

static enum status read_file(struct image *image)
{
    FILE *to = fopen(path, "w");

    assert_non_null(to);
    assert_int_equal(fwrite(file, 1, file_size, to), file_size);
    assert_int_equal(fclose(to), 0);
    return image_read(path, image);
}

static void assert_unpacks(const char *compression, bool is_bzimage)
{
    struct image image;

    assert_int_equal(read_file(&image), STATUS_GOOD);
    assert_int_equal(image.is_bzimage, is_bzimage);
    assert_int_equal(image.file_size, file_size);
    assert_int_equal(image.nr_layers, 1);
    assert_string_equal(image.layers[0], compression);
    assert_int_equal(image.elf.size, KERNEL_SIZE);
    assert_memory_equal(image.elf.data, kernel, KERNEL_SIZE);
    assert_string_equal(image.version, is_bzimage ? "9.9.9 (made by hand)" : "");
    image_free(&image);
}

static void assert_status(enum status wanted)
{
    struct image image;

    assert_int_equal(read_file(&image), wanted);
    assert_null(image.elf.data);
}

static int add_lzma(struct archive *archive)
{
    return archive_write_add_filter_lzma(archive);
}

static const struct {
    const char *name;
    int (*add_filter)(struct archive *);
    bool size_behind;
} kinds[] = {
    {"gzip", archive_write_add_filter_gzip, false},  {"xz", archive_write_add_filter_xz, true},
    {"zstd", archive_write_add_filter_zstd, true},   {"lz4", archive_write_add_filter_lz4, true},
    {"bzip2", archive_write_add_filter_bzip2, true}, {"lzma", add_lzma, true},
};

#define NR_KINDS (sizeof(kinds) / sizeof(kinds[0]))

static void each_compression(void **state)
{
    (void)state;
    for (size_t i = 0; i < NR_KINDS; i++) {
        print_message("%s\n", kinds[i].name);
        pack(kinds[i].add_filter);
        make_bzimage(kinds[i].size_behind);
        assert_unpacks(kinds[i].name, true);
        make_plain();
        assert_unpacks(kinds[i].name, false);
    }
}

static void lz4_legacy(void **state)
{
    (void)state;
    pack_lz4_legacy();
    make_bzimage(true);
    assert_unpacks("lz4 (legacy frames)", true);
    make_plain();
    assert_unpacks("lz4 (legacy frames)", false);
}

static void lzo_is_refused(void **state)
{
    (void)state;
    memcpy(packed, "\x89LZO\0\r\n\x1a\n", 9);
    packed_size = 1000;
    make_bzimage(true);
    assert_status(STATUS_REFUSED);
}

static void uncompressed(void **state)
{
    struct image image;

    (void)state;
    memcpy(packed, kernel, KERNEL_SIZE);
    packed_size = KERNEL_SIZE;
    make_bzimage(false);
    assert_int_equal(read_file(&image), STATUS_GOOD);
    assert_true(image.is_bzimage);
    assert_int_equal(image.nr_layers, 0);
    assert_int_equal(image.elf.size, KERNEL_SIZE);
    assert_memory_equal(image.elf.data, kernel, KERNEL_SIZE);
    image_free(&image);
}

static void cut_off(void **state)
{
    (void)state;
    for (size_t i = 0; i < NR_KINDS; i++) {
        print_message("%s\n", kinds[i].name);
        pack(kinds[i].add_filter);
        make_bzimage(kinds[i].size_behind);
        file_size -= 200;
        assert_status(STATUS_REFUSED);
        make_plain();
        file_size /= 2;
        assert_status(STATUS_REFUSED);
    }
}

static void wrong_size_behind(void **state)
{
    (void)state;
    pack(archive_write_add_filter_xz);
    make_bzimage(true);
    file[SETUP_SIZE + PAYLOAD_AT + packed_size]++;
    assert_status(STATUS_REFUSED);
}

static void damaged_inside(void **state)
{
    (void)state;
    pack(archive_write_add_filter_xz);
    make_bzimage(true);
    file[SETUP_SIZE + PAYLOAD_AT + packed_size / 2] ^= 0x10;
    assert_status(STATUS_REFUSED);
}

static void payload_out_of_the_file(void **state)
{
    static const uint32_t places[][2] = {{0xffffffff, 0xffffffff}, {PAYLOAD_AT, 0xffffffff}, {0xfffffff0, 100}, {0, 4}};

    (void)state;
    pack(archive_write_add_filter_gzip);
    for (size_t i = 0; i < sizeof(places) / sizeof(places[0]); i++) {
        make_bzimage(false);
        put32(file + 0x248, places[i][0]);
        put32(file + 0x24c, places[i][1]);
        assert_status(STATUS_REFUSED);
    }
}

static void old_protocol(void **state)
{
    (void)state;
    pack(archive_write_add_filter_gzip);
    make_bzimage(false);
    file[0x206] = 7;
    assert_status(STATUS_REFUSED);
}

static void no_kernel(void **state)
{
    (void)state;
    memset(file, 'x', 5000);
    file_size = 5000;
    assert_status(STATUS_USAGE);
    file_size = 0;
    assert_status(STATUS_USAGE);
    /* Compressed, but nothing that is a kernel. */
    memset(kernel, 'x', KERNEL_SIZE);
    pack(archive_write_add_filter_gzip);
    make_kernel();
    make_plain();
    assert_status(STATUS_USAGE);
}

static int begin(void **state)
{
    int fd = mkstemp(path);

    (void)state;
    make_kernel();
    return fd < 0 ? -1 : close(fd);
}

static int end(void **state)
{
    (void)state;
    return unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_compression), cmocka_unit_test(lz4_legacy),
        cmocka_unit_test(lzo_is_refused),   cmocka_unit_test(uncompressed),
        cmocka_unit_test(cut_off),          cmocka_unit_test(wrong_size_behind),
        cmocka_unit_test(damaged_inside),   cmocka_unit_test(payload_out_of_the_file),
        cmocka_unit_test(old_protocol),     cmocka_unit_test(no_kernel),
    };

    return cmocka_run_group_tests(tests, begin, end);
}
