/* SPDX-License-Identifier: MIT */
/* What is particular to PVH. */
/* links: hv/boot/boot.c hv/boot/boot_info.c hv/boot/boot_mb1.c hv/boot/boot_mb2.c hv/boot/boot_pvh.c */
/* links: hv/base/ranges.c tests/hv/lib/boot_maker.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <tests/hv/lib/boot_maker.h>

static void test_pvh(void **state)
{
    (void)state;
    pvh_put(usual, USUAL);
    put32(START, 0);
    expect_problem(PVH_MAGIC, "magic");
    pvh_put(usual, USUAL);
    put32(START + 4, 0);
    expect_problem(PVH_MAGIC, "version 0");
    pvh_put(usual, USUAL);
    put64(START + 40, UINT64_MAX - 30); /* the second entry would wrap around */
    expect_problem(PVH_MAGIC, "memory map lies out of reach");
    pvh_put(usual, USUAL);
    put32(START + 48, 0xffffffff);
    assert_int_not_equal(parse(PVH_MAGIC), 0);
    pvh_put(usual, USUAL);
    put64(START + 16, UINT64_MAX);
    expect_problem(PVH_MAGIC, "list of modules");
    pvh_put(usual, USUAL);
    put64(MODS + 8, UINT64_MAX);
    expect_problem(PVH_MAGIC, "module goes beyond");
    pvh_put(usual, USUAL);
    put64(START + 24, UINT64_MAX);
    expect_problem(PVH_MAGIC, "command line");
    put64(START + 24, 0);
    assert_int_equal(parse(PVH_MAGIC), 0);
    assert_string_equal(info.command_line, "");
    assert_int_equal(info.rsdp, 0);
    put64(START + 32, 0x123456789);
    assert_int_equal(parse(PVH_MAGIC), 0);
    assert_int_equal(info.rsdp, 0x123456789);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_pvh),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
