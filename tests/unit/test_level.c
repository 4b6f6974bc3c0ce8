/* SPDX-License-Identifier: MIT */
/* The geometry of tables, against the numbers of the processor manual and the ABI. */
#include <engine/level.h>

#include <tests/unit/lib/unit.h>

struct row {
    enum width width;
    enum frame_type type;
    unsigned number, slots, hyp_first, hyp_end;
    enum frame_type child;
    uint64_t refused, added;
};

/* PWT PCD PSE G; and for a PAE L3 also bits 52 to 63. */
#define UPPER  UINT64_C(0x198)
#define PAE_L3 UINT64_C(0xfff0000000000198)

static const struct row rows[] = {
    {WIDTH_64, TYPE_L1, 1, 512, 0, 0, TYPE_WRITABLE, 0, 0},
    {WIDTH_64, TYPE_L2, 2, 512, 0, 0, TYPE_L1, UPPER, 0x4},
    {WIDTH_64, TYPE_L3, 3, 512, 0, 0, TYPE_L2, UPPER, 0x4},
    {WIDTH_64, TYPE_L4, 4, 512, 256, 272, TYPE_L3, UPPER, 0x24},
    {WIDTH_PAE, TYPE_L1, 1, 512, 0, 0, TYPE_WRITABLE, 0, 0},
    {WIDTH_PAE, TYPE_L2, 2, 512, 0, 0, TYPE_L1, UPPER, 0},
    {WIDTH_PAE, TYPE_L2_TOP, 2, 512, 428, 512, TYPE_L1, UPPER, 0},
    {WIDTH_PAE, TYPE_L3, 3, 4, 0, 0, TYPE_L2, PAE_L3, 0x6},
};

static void test_rows(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        const struct level *level = level_of(row->width, row->type);

        assert_non_null(level);
        assert_int_equal(level->type, row->type);
        assert_int_equal(level_number(row->type), row->number);
        assert_int_equal(level->slots, row->slots);
        assert_int_equal(level->child, row->child);
        assert_int_equal(level->refused, row->refused);
        assert_int_equal(level->added, row->added);
        for (unsigned slot = 0; slot < 512; slot++)
            assert_int_equal(level_slot_is_hypervisor(level, slot), slot >= row->hyp_first && slot < row->hyp_end);
    }
}

/* What a width does not have. */
static void test_absent(void **state)
{
    (void)state;
    assert_null(level_of(WIDTH_64, TYPE_L2_TOP));
    assert_null(level_of(WIDTH_PAE, TYPE_L4));
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        assert_null(level_of(width, TYPE_NONE));
        assert_null(level_of(width, TYPE_SEGDESC));
        assert_null(level_of(width, TYPE_WRITABLE));
    }
}

/* Slot 3 of a 32-bit guest's L3 leads to the table with the hypervisor's slots, no other slot of any table does. */
static void test_child(void **state)
{
    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        const struct row *row = &rows[i];
        bool pae_root = row->width == WIDTH_PAE && row->type == TYPE_L3;

        for (unsigned slot = 0; slot < row->slots; slot++)
            assert_int_equal(level_child(level_of(row->width, row->type), slot),
                             pae_root && slot == 3 ? TYPE_L2_TOP : row->child);
    }
}

static void test_index(void **state)
{
    static const vaddr_t vaddr = {0xffff880000000000 | 3ul << 39 | 5ul << 30 | 7ul << 21 | 9ul << 12 | 0x123};
    static const vaddr_t compat = {3ul << 30 | 428ul << 21 | 511ul << 12};

    (void)state;
    assert_int_equal(level_index(4, vaddr), 272 + 3);
    assert_int_equal(level_index(3, vaddr), 5);
    assert_int_equal(level_index(2, vaddr), 7);
    assert_int_equal(level_index(1, vaddr), 9);
    assert_int_equal(level_index(3, compat), 3);
    assert_int_equal(level_index(2, compat), 428);
    assert_int_equal(level_index(1, compat), 511);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows),
        cmocka_unit_test(test_absent),
        cmocka_unit_test(test_child),
        cmocka_unit_test(test_index),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
