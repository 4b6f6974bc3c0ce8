/* SPDX-License-Identifier: MIT */
/* Every flag bit in every table of both widths, by mmu_update. */
#include <tests/sweep/lib/sweep.h>

#define ORDINARY_SLOT 7u
#define PAE_L3_SLOT   1u

static void sweep_table(bool pae, enum table table, unsigned slot)
{
    const struct bed_config config = {.pae = pae};
    struct bed bed;

    sweep_begin();
    bed_create(&bed, &config);
    sweep_slot(&bed, sweep_mmu_update_ways, sweep_nr_mmu_update_ways, table, slot);
    bed_destroy(&bed);
    sweep_end();
}

static void test_l1_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L1, ORDINARY_SLOT);
}

static void test_l2_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L2, ORDINARY_SLOT);
}

static void test_l3_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L3, ORDINARY_SLOT);
}

static void test_l4_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L4, ORDINARY_SLOT);
}

static void test_l1_pae(void **state)
{
    (void)state;
    sweep_table(true, TABLE_L1, ORDINARY_SLOT);
}

static void test_l2_pae(void **state)
{
    (void)state;
    sweep_table(true, TABLE_L2, ORDINARY_SLOT);
}

static void test_l2_top_pae(void **state)
{
    (void)state;
    sweep_table(true, TABLE_L2_TOP, ORDINARY_SLOT);
}

static void test_l3_pae(void **state)
{
    (void)state;
    sweep_table(true, TABLE_L3, PAE_L3_SLOT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_l1_64),      cmocka_unit_test(test_l2_64),  cmocka_unit_test(test_l3_64),
        cmocka_unit_test(test_l4_64),      cmocka_unit_test(test_l1_pae), cmocka_unit_test(test_l2_pae),
        cmocka_unit_test(test_l2_top_pae), cmocka_unit_test(test_l3_pae),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
