/* SPDX-License-Identifier: MIT */
/* Names of disks against numbers that were worked out by hand. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cli/disk_name.h>

static const struct {
    const char *name;
    unsigned number; /* 0: it is none */
} cases[] = {
    {"xvda", 51712},
    {"xvda1", 51713},
    {"xvda15", 51727},
    {"xvda16", 0x10000010},
    {"xvdb", 51728},
    {"xvdp", 51952},
    {"xvdp15", 51967},
    {"xvdq", 0x10001000},
    {"xvdz1", 0x10001901},
    {"xvdaa", 0x10001a00},
    {"xvdaa255", 0x10001aff},
    {"xvdaa256", 0},
    {"sda", 2048},
    {"sdb3", 2067},
    {"sdp15", 2303},
    {"sdq", 0},
    {"sda16", 0},
    {"hda", 768},
    {"hda63", 831},
    {"hdb", 832},
    {"hdb1", 833},
    {"hdc", 5632},
    {"hdd", 5696},
    {"hde", 0},
    {"hda64", 0},
    {"", 0},
    {"xvd", 0},
    {"xvd1", 0},
    {"xvda0", 0},
    {"xvda01", 0},
    {"xvda1x", 0},
    {"xvdA", 0},
    {"vda", 0},
    {" xvda", 0},
    {"xvda ", 0},
    {"xvda1234", 0},
    {"xvdzzzzzzzzzzz", 0},
    {"xvdzzzzzzzzzzzzzzzzzzzzzzzzzzzz", 0},
};

static void numbers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        print_message("\"%s\"\n", cases[i].name);
        assert_int_equal(disk_name_number(cases[i].name), cases[i].number);
    }
}

static void names(void **state)
{
    char name[DISK_NAME_MAX + 1];

    (void)state;
    disk_name_make(0, name);
    assert_string_equal(name, "xvda");
    disk_name_make(25, name);
    assert_string_equal(name, "xvdz");
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(numbers), cmocka_unit_test(names)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
