/* SPDX-License-Identifier: MIT */
/* What is particular to Multiboot 2. */
/* links: hv/boot/boot.c hv/boot/boot_info.c hv/boot/boot_mb1.c hv/boot/boot_mb2.c hv/boot/boot_pvh.c */
/* links: hv/base/ranges.c tests/hv/lib/boot_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tests/hv/lib/boot_maker.h>

static void test_mb2(void **state)
{
    (void)state;
    mb2_put(usual, USUAL);
    put32(mb2_line_tag + 4, 7);
    expect_problem(MB2_MAGIC, "size of a tag");
    put32(mb2_line_tag + 4, 0xfffffff9);
    expect_problem(MB2_MAGIC, "size of a tag");
    put32(mb2_line_tag + 4, 8);
    expect_problem(MB2_MAGIC, "");
    mb2_put(usual, USUAL);
    put32(mb2_line_tag + 4, 8 + 17); /* without its end */
    expect_problem(MB2_MAGIC, "no end");
    mb2_put(usual, USUAL);
    put32(mb2_module_tag + 4, 12);
    put32(mb2_module_tag + 16, 99); /* the rest becomes a tag that nobody knows */
    put32(mb2_module_tag + 20, 8);
    expect_problem(MB2_MAGIC, "module's tag");
    mb2_put(usual, USUAL);
    put32(mb2_map_tag + 8, 23);
    expect_problem(MB2_MAGIC, "too short");
    put32(mb2_map_tag + 8, 0);
    expect_problem(MB2_MAGIC, "too short");
    put32(mb2_map_tag + 8, 0xffffffff); /* no room for one entry */
    expect_problem(MB2_MAGIC, "without RAM");
    mb2_put(usual, USUAL);
    put32(mb2_end_tag, 98); /* no end tag */
    expect_problem(MB2_MAGIC, "no end");
    mb2_put(usual, USUAL);
    put32(START, 4);
    expect_problem(MB2_MAGIC, "out of reach");
    put32(START, SIZE);
    put32(START, SIZE - START + 1);
    expect_problem(MB2_MAGIC, "out of reach");
}

/* Entries of a later version are longer; sizes serve where there is no map. */
static void test_mb2_variants(void **state)
{
    (void)state;
    mb2_put(usual, 4);
    put32(mb2_map_tag + 8, 48); /* of four entries, the first and the third */
    assert_int_equal(parse(MB2_MAGIC), 0);
    assert_int_equal(info.ram.count, 1);
    expect_ram(0, 0, 0x9f000);
    mb2_put(usual, 1);
    put32(mb2_map_tag, 4);
    put32(mb2_map_tag + 8, 640);
    put32(mb2_map_tag + 12, 0x10000);
    assert_int_equal(parse(MB2_MAGIC), 0);
    expect_ram(1, 0x100000, 0x4100000);
}

/* The root pointer of ACPI is in a tag itself; of two forms the wide one counts. */
static void test_mb2_rsdp(void **state)
{
    (void)state;
    mb2_put(usual, USUAL);
    assert_int_equal(parse(MB2_MAGIC), 0);
    assert_int_equal(info.rsdp, 0);
    put32(mb2_end_tag, 15);
    put32(mb2_end_tag + 4, 8 + 36);
    put32(mb2_end_tag + 48, 14);
    put32(mb2_end_tag + 52, 8 + 20);
    put32(mb2_end_tag + 80 + 4, 8);
    put32(START, mb2_end_tag + 88 - START);
    assert_int_equal(parse(MB2_MAGIC), 0);
    assert_int_equal(info.rsdp, mb2_end_tag + 8);
    put32(mb2_end_tag, 99);
    assert_int_equal(parse(MB2_MAGIC), 0);
    assert_int_equal(info.rsdp, mb2_end_tag + 48 + 8);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_mb2),
        TEST(test_mb2_variants),
        TEST(test_mb2_rsdp),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
