/* SPDX-License-Identifier: MIT */
/* TABLE_FIND(): a number that a table has nothing for finds nothing. */
#include <tests/unit/lib/unit.h>

static const char *const words[] = {[1] = "one", [4] = "four"};

struct pair {
    unsigned size;
    const char *word;
};
static const struct pair pairs[] = {[0] = {0, "empty"}, [1] = {8, "one"}, [3] = {16, "three"}};

static void pointers(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < 100; i++) {
        const char *found = TABLE_FIND(words, i);

        assert_ptr_equal(found, i == 1 ? words[1] : i == 4 ? words[4] : NULL);
    }
    assert_null(TABLE_FIND(words, UINT64_MAX));
    assert_null(TABLE_FIND(words, (UINT64_C(1) << 32) + 1));
}

static void structures(void **state)
{
    (void)state;
    for (uint32_t i = 0; i < 100; i++) {
        const struct pair *found = TABLE_FIND_BY(pairs, i, size);

        assert_ptr_equal(found, i == 1 || i == 3 ? &pairs[i] : NULL);
    }
    assert_null(TABLE_FIND_BY(pairs, UINT64_MAX, size));
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(pointers), cmocka_unit_test(structures)};

    return cmocka_run_group_tests_name("types", tests, NULL, NULL);
}
