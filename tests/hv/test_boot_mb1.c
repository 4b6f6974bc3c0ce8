/* SPDX-License-Identifier: MIT */
/* What is particular to Multiboot 1. */
/* links: hv/boot/boot.c hv/boot/boot_info.c hv/boot/boot_mb1.c hv/boot/boot_mb2.c hv/boot/boot_pvh.c */
/* links: hv/base/ranges.c tests/hv/lib/boot_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tests/hv/lib/boot_maker.h>

static void test_mb1(void **state)
{
    (void)state;
    mb1_put(usual, USUAL);
    put32(MAP + 24, 19);
    expect_problem(MB1_MAGIC, "too small");
    put32(MAP + 24, 0xffffffff); /* the next entry lies beyond the map: it ends here */
    put32(START + 44, 2 * 24);
    assert_int_equal(parse(MB1_MAGIC), 0);
    put32(MAP + 24, 20);
    put32(START + 44, USUAL * 24 - 1);
    expect_problem(MB1_MAGIC, "ends within an entry");
    put32(START + 48, 0xffffff00);
    expect_problem(MB1_MAGIC, "out of reach");
    mb1_put(usual, USUAL);
    put32(START + 24, 0xfffffff8);
    expect_problem(MB1_MAGIC, "list of modules");
    mb1_put(usual, USUAL);
    put32(START + 16, SIZE);
    expect_problem(MB1_MAGIC, "command line");
    put32(START, 1u << 6);
    assert_int_equal(parse(MB1_MAGIC), 0);
    assert_false(info.has_bundle);
    assert_string_equal(info.command_line, "");
    put32(START, 1u << 0);
    put32(START + 4, 640);
    put32(START + 8, 0x10000);
    assert_int_equal(parse(MB1_MAGIC), 0);
    expect_ram(0, 0, 0xa0000);
    expect_ram(1, 0x100000, 0x4100000);
}

static void test_mb1_entries_of_other_sizes(void **state)
{
    (void)state;
    mb1_put(usual, 1);
    put32(MAP, 28); /* eight bytes more than we know of */
    put32(MAP + 32, 20);
    put64(MAP + 36, 0x100000);
    put64(MAP + 44, 0x100000);
    put32(MAP + 52, RAM);
    put32(START + 44, 32 + 24);
    assert_int_equal(parse(MB1_MAGIC), 0);
    assert_int_equal(info.ram.count, 2);
    expect_ram(1, 0x100000, 0x200000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mb1),
        TEST(test_mb1_entries_of_other_sizes),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
