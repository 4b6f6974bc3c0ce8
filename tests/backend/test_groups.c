/* SPDX-License-Identifier: MIT */
/* A list of groups against a plain one with a place for each. */
/* links: backend/groups.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/groups.h>
#include <tests/backend/lib/draw.h>

#define KNOWN (GROUPS_MAX + 20u)

static struct groups groups;

/* They differ in the last byte or in the first one. */
static const uint8_t *group(unsigned number)
{
    static uint8_t mac[MAC_SIZE] = {1, 0, 0x5e};

    mac[0] = number % 2 ? 1 : 0x33;
    mac[5] = (uint8_t)(number / 2);
    return mac;
}

static void test_list(void **state)
{
    bool there[KNOWN] = {false};
    unsigned count = 0;

    (void)state;
    for (unsigned i = 0; i < 20000; i++) {
        unsigned number = draw_below(KNOWN);

        if (draw_below(i % 4000 < 2000 ? 8 : 2)) {
            int expected = there[number] || count < GROUPS_MAX ? 0 : -XEN_ENOSPC;

            assert_int_equal(groups_add(&groups, group(number)), expected);
            count += !expected && !there[number];
            there[number] = there[number] || !expected;
        } else {
            groups_remove(&groups, group(number));
            count -= there[number];
            there[number] = false;
        }
        assert_int_equal(groups.count, count);
        number = draw_below(KNOWN);
        assert_int_equal(groups_has(&groups, group(number)), there[number]);
    }
}

/* One host's address, and that of all, are none of a group. */
static void test_no_groups(void **state)
{
    static const uint8_t no_groups[][MAC_SIZE] = {{0}, {2, 0, 0x5e}, {255, 255, 255, 255, 255, 255}, {254}};
    static const uint8_t near[MAC_SIZE] = {255, 255, 255, 255, 255, 254};

    (void)state;
    groups = (struct groups){0};
    for (unsigned i = 0; i < sizeof(no_groups) / sizeof(no_groups[0]); i++) {
        assert_false(groups_is_group(no_groups[i]));
        assert_int_equal(groups_add(&groups, no_groups[i]), -XEN_EINVAL);
        groups_remove(&groups, no_groups[i]);
    }
    assert_int_equal(groups.count, 0);
    assert_int_equal(groups_add(&groups, near), 0);
    assert_true(groups_has(&groups, near));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_list),
        cmocka_unit_test(test_no_groups),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
