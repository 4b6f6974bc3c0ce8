/* SPDX-License-Identifier: MIT */
/* ACPI's tables, made as firmware has them, with one thing wrong at a time; and bytes at random in all of them. */
/* links: hv/boot/acpi.c hv/boot/acpi_tables.c hv/boot/boot_info.c hv/base/ranges.c tests/hv/lib/acpi_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/boot/acpi.h>
#include <tests/hv/lib/acpi_maker.h>

#define FADT 0x100100u
#define DSDT 0x100300u
#define CODE (DSDT + 36u)
#define LIE  0x100280u /* a table that is not asked for */

static struct power power;

/* \_S5 as QEMU's firmware has it, behind something that only looks like it. */
static const uint8_t usual_code[] = {'_',  'S',  '5',  '_',  0x08, '_', 'S',  '4',  '_', 0x12, 0x06,
                                     0x04, 0x0a, 2,    0x0a, 2,    0,   0,    0x08, '_', 'S',  '5',
                                     '_',  0x12, 0x08, 0x04, 0x0a, 5,   0x0a, 6,    0,   0};

static void put_code(const uint8_t *code, uint32_t size)
{
    put_table(DSDT, "DSDT", 36 + size);
    memcpy(ram + CODE, code, size);
}

static int set_up(void **state)
{
    (void)state;
    acpi_make(LIE, FADT);
    put_table(LIE, "APIC", 44);
    put_table(FADT, "FACP", 116);
    put(FADT + 40, DSDT, 4);
    put(FADT + 48, 0xb2, 4);
    ram[FADT + 52] = 0xf1;
    put(FADT + 56, 0x600, 4);
    put(FADT + 64, 0x604, 4);
    ram[FADT + 88] = 4;
    put_code(usual_code, sizeof(usual_code));
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acpi_unmake();
    return 0;
}

static const char *find(uint64_t rsdp)
{
    const struct boot_memory memory = acpi_memory();

    return acpi_find_power(&memory, rsdp, &power);
}

static void expect_usual(uint64_t rsdp)
{
    assert_null(find(rsdp));
    assert_int_equal(power.command, 0xb2);
    assert_int_equal(power.enable, 0xf1);
    assert_int_equal(power.control[0], 0x604);
    assert_int_equal(power.control[1], 0);
    assert_int_equal(power.sleep_type[0], 5);
    assert_int_equal(power.sleep_type[1], 6);
    assert_int_equal(power.button, 0x600);
    assert_int_equal(power.button_on, 0x602);
}

static void expect_problem(const char *part)
{
    const char *problem = find(0);

    assert_non_null(problem);
    assert_non_null(strstr(problem, part));
}

/* What leads to it: tests/hv/test_acpi_tables.c. */
static void test_missing(void **state)
{
    (void)state;
    expect_usual(0);
    expect_usual(RSDP);
    assert_non_null(find(RSDP + 16));
    put(FADT + 4, 35, 4);
    expect_problem("no FADT");
    put(FADT + 4, 50, 4); /* it ends before the ports */
    expect_problem("no port");
    put(LIST + 40, 0, 4);
    expect_problem("no FADT");
    memset(ram + RSDP, 0, 36);
    expect_problem("no ACPI tables");
}

static void test_fadt(void **state)
{
    (void)state;
    put(FADT + 68, 0xb04, 4);
    assert_null(find(0));
    assert_int_equal(power.control[1], 0xb04);
    put(FADT + 68, 0x10000, 4);
    expect_problem("no port");
    put(FADT + 68, 0, 4);
    put(FADT + 64, 0, 4);
    expect_problem("no port");
    put(FADT + 64, 0x10604, 4);
    expect_problem("no port");
    put(FADT + 64, 0x604, 4);
    put(FADT + 48, 0x100b2, 4);
    assert_null(find(0));
    assert_int_equal(power.command, 0);
    put(FADT + 48, 0xb2, 4);
    put(FADT + 112, 1 << 20, 4);
    expect_problem("no registers");
    put(FADT + 112, 0, 4);
    put(FADT + 4, 148, 4);
    expect_usual(0);
    put(FADT + 140, LIE, 8); /* the wide address counts */
    expect_problem("do not say how");
    put(FADT + 140, DSDT, 8);
    put(FADT + 40, 0, 4);
    expect_usual(0);
}

/* Where it is not there, or not in the registers, all else is. */
static void test_button(void **state)
{
    (void)state;
    ram[FADT + 88] = 8;
    assert_null(find(0));
    assert_int_equal(power.button_on, 0x604);
    put(FADT + 56, 0xfffc, 4);
    assert_null(find(0));
    assert_int_equal(power.button, 0);
    put(FADT + 56, 0, 4);
    assert_null(find(0));
    assert_int_equal(power.button, 0);
    put(FADT + 56, 0x600, 4);
    ram[FADT + 88] = 3;
    assert_null(find(0));
    assert_int_equal(power.button, 0);
    ram[FADT + 88] = 4;
    put(FADT + 112, 1 << 4, 4);
    assert_null(find(0));
    assert_int_equal(power.button, 0);
    put(FADT + 112, 0, 4);
    expect_usual(0);
}

struct s5 {
    uint8_t code[24];
    uint32_t size;
    bool is_good;
    uint8_t types[2];
};

static void test_s5(void **state)
{
    static const struct s5 rows[] = {
        {{8, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0}, 12, true, {0, 0}},
        {{8, '\\', '_', 'S', '5', '_', 0x12, 6, 4, 1, 0x0a, 7}, 12, true, {1, 7}},
        {{8, '_', 'S', '5', '_', 0x12, 0x49, 0, 2, 1, 1}, 11, true, {1, 1}}, /* a length of two bytes */
        {{8, '_', 'S', '5', '_', 0x12, 4, 1, 0x0a, 3}, 10, true, {3, 0}},
        {{8, '_', 'S', '5', '_', 0x12, 6, 2, 0, 'x', 8, '_', 'S', '5', '_', 0x12, 4, 1, 0x0a, 3}, 20, true, {3, 0}},
        {{8, '_', 'S', '5', '_', 0x12, 4, 1, 0x0a}, 9, false, {0, 0}}, /* the end comes too early, here and there */
        {{8, '_', 'S', '5', '_', 0x12, 4, 1}, 8, false, {0, 0}},
        {{8, '_', 'S', '5', '_', 0x12, 0xff, 1, 0, 0}, 10, false, {0, 0}},
        {{8, '_', 'S', '5', '_'}, 5, false, {0, 0}},
        {{8, '_', 'S', '5'}, 4, false, {0, 0}},
        {{8, '_', 'S', '5', '_', 0x12, 6, 0, 0, 0}, 10, false, {0, 0}},          /* empty */
        {{8, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 8, 0, 0}, 12, false, {0, 0}}, /* no type of sleep */
        {{8, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0x0a, 8}, 11, false, {0, 0}},
        {{8, '_', 'S', '5', '_', 0x12, 6, 4, 'x', 0, 0}, 11, false, {0, 0}},  /* no number */
        {{8, '_', 'S', '5', '_', 0x0d, 6, 4, 0, 0, 0, 0}, 12, false, {0, 0}}, /* no package */
        {{9, '_', 'S', '5', '_', 0x12, 6, 4, 0, 0, 0, 0}, 12, false, {0, 0}}, /* no definition */
        {{9, '\\', '_', 'S', '5', '_', 0x12, 6, 4, 0, 0}, 11, false, {0, 0}},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        put_code(rows[i].code, rows[i].size);
        if (!rows[i].is_good) {
            expect_problem("do not say how");
            continue;
        }
        assert_null(find(0));
        assert_memory_equal(power.sleep_type, rows[i].types, 2);
    }
    put_table(DSDT, "DSDT", UINT32_MAX);
    expect_problem("do not say how");
    put_table(DSDT, "SSDT", 36 + 16);
    expect_problem("do not say how");
    put(FADT + 40, SIZE - 8, 4);
    expect_problem("do not say how");
}

/* Whatever the tables have, nothing but them is read: the sanitizers look on.  What is found can be used. */
static void test_random(void **state)
{
    unsigned found = 0;

    (void)state;
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        unsigned at = LIST + (unsigned)rand() % 0x380;
        uint8_t old = ram[at];

        ram[at] = (uint8_t)rand();
        if (!find(0)) {
            found++;
            assert_true(power.control[0] != 0 && power.sleep_type[0] <= 7 && power.sleep_type[1] <= 7);
        }
        if (rand() % 4)
            ram[at] = old;
        if (i % 16 == 15) {
            acpi_unmake();
            set_up(NULL);
        }
    }
    assert_in_range(found, 1000, 19999);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_missing), TEST(test_fadt), TEST(test_button), TEST(test_s5), TEST(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
