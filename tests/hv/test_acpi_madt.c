/* SPDX-License-Identifier: MIT */
/* Processors as the MADT tells of them, ACPI 6.5, 5.2.12: those that run may be started, and each of them once. */
/* links: hv/boot/acpi_madt.c hv/boot/acpi_tables.c hv/boot/boot_info.c hv/base/ranges.c tests/hv/lib/acpi_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/boot/acpi_madt.h>
#include <tests/hv/lib/acpi_maker.h>

#define MADT  0x100100u
#define FIRST (MADT + 44)

static unsigned end;
static struct processors found;

static int set_up(void **state)
{
    (void)state;
    acpi_make(0, MADT);
    put_table(MADT, "APIC", 44);
    end = FIRST;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    acpi_unmake();
    return 0;
}

/* An entry of a type, a size, and bytes that are not looked at. */
static unsigned put_entry(unsigned type, unsigned size)
{
    unsigned at = end;

    memset(ram + at, 0xee, size);
    put(at, type, 1);
    put(at + 1, size, 1);
    end += size;
    put(MADT + 4, end - MADT, 4);
    return at;
}

static unsigned put_apic(unsigned id, uint32_t flags)
{
    unsigned at = put_entry(0, 8);

    put(at + 3, id, 1);
    put(at + 4, flags, 4);
    return at;
}

static unsigned put_x2apic(uint32_t id, uint32_t flags)
{
    unsigned at = put_entry(9, 16);

    put(at + 4, id, 4);
    put(at + 8, flags, 4);
    return at;
}

static const char *find(void)
{
    const struct boot_memory memory = acpi_memory();

    return acpi_find_processors(&memory, 0, &found);
}

static void expect(unsigned count, const uint32_t *ids)
{
    assert_null(find());
    assert_int_equal(found.count, count);
    assert_int_equal(found.left_out, 0);
    assert_memory_equal(found.apics, ids, count * sizeof(ids[0]));
}

static void expect_problem(const char *part)
{
    const char *problem = find();

    assert_non_null(problem);
    assert_non_null(strstr(problem, part));
    assert_int_equal(found.count, 0);
}

/* Of both kinds, among entries of other kinds. */
static void test_kinds(void **state)
{
    static const uint32_t ids[] = {0, 4, 254, 0x12345, 255};

    (void)state;
    put_apic(0, 1);
    put_entry(1, 12); /* an I/O APIC */
    put(put_apic(4, 0xffffffff) + 2, 0x83, 1);
    put_entry(4, 6);
    put_apic(254, 1);
    put(put_x2apic(0x12345, 1) + 12, 0x98765432, 4);
    put_entry(0x7f, 2);
    put_x2apic(255, 3);
    expect(5, ids);
    assert_true(found.uids[1] == 0x83 && found.uids[3] == 0x98765432);
}

/* A place where one may be plugged in is no processor; nor is the number by which all are named. */
static void test_absent(void **state)
{
    static const uint32_t ids[] = {2, 6};

    (void)state;
    put_apic(1, 0);
    put_apic(2, 1);
    put_apic(3, 2);
    put_x2apic(4, 0);
    put_x2apic(5, 2);
    put_x2apic(6, 1);
    put_apic(255, 1);
    put_x2apic(0xffffffff, 1);
    expect(2, ids);
}

/* Firmware that tells of one twice, in either kind. */
static void test_twice(void **state)
{
    static const uint32_t ids[] = {7, 8};

    (void)state;
    put_apic(7, 1);
    put_apic(8, 1);
    put_apic(7, 1);
    put_x2apic(8, 1);
    expect(2, ids);
}

static void test_many(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 64; i++)
        put_apic(i, 1);
    assert_null(find());
    assert_int_equal(found.count, 64);
    assert_int_equal(found.left_out, 0);
    for (unsigned i = 0; i < 70; i++)
        put_x2apic(i + 60, 1);
    assert_null(find());
    assert_int_equal(found.count, 64);
    assert_int_equal(found.apics[63], 63);
    assert_int_equal(found.left_out, 66);
}

/* What is wrong with an entry ends the list, or only makes it none. */
static void test_damaged(void **state)
{
    static const uint32_t ids[] = {1, 2, 3};
    unsigned at;

    (void)state;
    expect_problem("no processor");
    put_apic(1, 1);
    at = put_apic(2, 1);
    put_apic(3, 1);
    expect(3, ids);
    put(at + 1, 0, 1); /* no way on */
    expect(1, ids);
    put(at + 1, 1, 1);
    expect(1, ids);
    put(at + 1, 8, 1);
    put(MADT + 4, end - MADT - 1, 4); /* the last is not all in the table */
    expect(2, ids);
    put(MADT + 4, end - MADT - 7, 4); /* of its head one byte is */
    expect(2, ids);
    put(MADT + 4, 43, 4);
    expect_problem("no MADT");
    put_table(MADT, "CIPA", 52);
    expect_problem("no MADT");
    memset(ram + RSDP, 0, 36);
    expect_problem("no ACPI");
    put_rsdp(RSDP, 0);
    put_table(MADT, "APIC", 44 + 6);
    put(FIRST, 0x600, 2); /* of that type, but smaller */
    expect_problem("no processor");
}

/* The table goes on where memory does not. */
static void test_end_of_memory(void **state)
{
    static const uint32_t ids[] = {9};

    (void)state;
    put(LIST + 40, SIZE - 44 - 8 - 2, 4);
    put_table(SIZE - 44 - 8 - 2, "APIC", 4096);
    end = SIZE - 8 - 2;
    put(end, 0x0800, 2);
    put(end + 3, 9, 1);
    put(end + 4, 1, 4);
    put(SIZE - 2, 0x0800, 2);
    expect(1, ids);
}

/* Whatever it has, nothing but the table is read: the sanitizers look on.  None is there twice. */
static void test_random(void **state)
{
    unsigned good = 0;

    (void)state;
    srand(1);
    for (unsigned i = 0; i < 20000; i++) {
        if (i % 16 == 0) {
            end = FIRST;
            for (unsigned j = 0; j < 8; j++)
                rand() % 2 ? put_apic((unsigned)rand() % 16, 1) : put_x2apic((unsigned)rand() % 16, 1);
        }
        ram[LIST + (unsigned)rand() % (end - LIST)] = (uint8_t)rand();
        if (!find())
            good++;
        assert_true(found.count <= 64);
        for (unsigned j = 0; j < found.count; j++)
            for (unsigned k = 0; k < j; k++)
                assert_int_not_equal(found.apics[j], found.apics[k]);
        if (i % 16 == 15) {
            acpi_unmake();
            set_up(NULL);
        }
    }
    assert_in_range(good, 1000, 19999);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_kinds),   TEST(test_absent),        TEST(test_twice),  TEST(test_many),
        TEST(test_damaged), TEST(test_end_of_memory), TEST(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
