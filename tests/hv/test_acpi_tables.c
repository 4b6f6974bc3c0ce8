/* SPDX-License-Identifier: MIT */
/* Where ACPI's tables are: the root pointer, wherever it may be, and lists of both widths; and what may be wrong. */
/* links: hv/boot/acpi_tables.c hv/boot/boot_info.c hv/base/ranges.c tests/hv/lib/acpi_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/boot/acpi_tables.h>
#include <tests/hv/lib/acpi_maker.h>

#define OTHER 0x100280u /* a table that is not asked for */
#define TABLE 0x100100u

static int set_up(void **state)
{
    (void)state;
    acpi_make(OTHER, TABLE);
    put_table(OTHER, "APIC", 44);
    put_table(TABLE, "FACP", 116);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acpi_unmake();
    return 0;
}

static bool has_root(uint64_t at)
{
    const struct boot_memory memory = acpi_memory();
    struct acpi_root root;

    return acpi_find_root(&memory, at, &root);
}

static uint64_t find(void)
{
    const struct boot_memory memory = acpi_memory();
    struct acpi_root root;

    assert_true(acpi_find_root(&memory, 0, &root));
    return acpi_find_table(&memory, &root, "FACP");
}

/* In the last 128 KiB of firmware, the first KiB of its data area, or where the loader says, and then nowhere else. */
static void test_root(void **state)
{
    (void)state;
    assert_true(has_root(0));
    assert_true(has_root(RSDP));
    assert_false(has_root(RSDP + 16));
    assert_false(has_root(SIZE - 19));
    memset(ram + RSDP, 0, 36);
    assert_false(has_root(0));
    put_rsdp(EBDA + 1024 - 16, 0);
    assert_false(has_root(0)); /* nobody has said where that area is */
    put(0x40e, EBDA >> 4, 2);
    assert_true(has_root(0));
    ram[EBDA + 1024 - 16 + 8]++;
    assert_false(has_root(0));
    memset(ram + EBDA + 1024 - 16, 0, 36);
    put_rsdp(0x100000 - 16, 2); /* its end is in the next page, or nowhere */
    assert_int_equal(find(), 0);
}

static void test_wide(void **state)
{
    (void)state;
    put_rsdp(RSDP, 2);
    assert_int_equal(find(), TABLE); /* there is no other list */
    put(RSDP + 24, LIST, 8);
    assert_int_equal(find(), 0);
    put_table(LIST, "XSDT", 36 + 16);
    put(LIST + 36, OTHER, 8);
    put(LIST + 44, TABLE, 8);
    assert_int_equal(find(), TABLE);
    put(LIST + 44, UINT64_C(1) << 32 | TABLE, 8); /* out of reach */
    assert_int_equal(find(), 0);
    put(LIST + 44, TABLE, 8);
    put_rsdp(RSDP, 0); /* an old one ends before that */
    put(RSDP + 24, LIST, 8);
    assert_int_equal(find(), 0);
}

static void test_list(void **state)
{
    (void)state;
    put(LIST + 4, 36 + 7, 4); /* the table is not all in it */
    assert_int_equal(find(), 0);
    put(LIST + 4, 35, 4);
    assert_int_equal(find(), 0);
    put(LIST + 4, UINT32_MAX, 4);
    assert_int_equal(find(), 0);
    put(LIST + 4, 36 + 8, 4);
    put(LIST + 36, 0, 4);
    assert_int_equal(find(), TABLE);
    put(TABLE + 4, 35, 4);
    assert_int_equal(find(), 0);
    put(TABLE + 4, (16u << 20) + 1, 4);
    assert_int_equal(find(), 0);
    put(TABLE + 4, 16u << 20, 4);
    assert_int_equal(find(), TABLE);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {TEST(test_root), TEST(test_wide), TEST(test_list)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
