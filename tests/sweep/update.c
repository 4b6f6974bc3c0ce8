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

/*
 * Shows pte.machine-frames, pte.flags-allowed, pte.flag-global, pte.flags-refused, pte.adjusted-leaf, pte.map-readonly,
 * pte.map-writable, pte.map-shared, pte.map-foreign, pte.map-device, pte.absent, mmu_update.entry-refused,
 * mmu_update.normal, mmu_update.preserve-ad, types.own-frames.
 */
static void test_l1_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L1, ORDINARY_SLOT);
}

/*
 * Shows pte.flags-never, pte.flags-refused, pte.adjusted-upper, pte.refer-child, pte.refer-other-use, pte.refer-linear,
 * pte.absent.
 */
static void test_l2_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L2, ORDINARY_SLOT);
}

/*
 * Shows pte.flags-never, pte.flags-refused, pte.adjusted-upper, pte.refer-child, pte.refer-other-use, pte.refer-linear.
 */
static void test_l3_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L3, ORDINARY_SLOT);
}

/*
 * Shows pte.flags-never, pte.flags-refused, pte.adjusted-upper, pte.refer-child, pte.refer-other-use, pte.refer-linear.
 */
static void test_l4_64(void **state)
{
    (void)state;
    sweep_table(false, TABLE_L4, ORDINARY_SLOT);
}

/* Shows pte.adjusted-32, pte.map-readonly, pte.map-writable. */
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

/* Shows pte.flags-never, pte.adjusted-32. */
static void test_l3_pae(void **state)
{
    (void)state;
    sweep_table(true, TABLE_L3, PAE_L3_SLOT);
}

/* ---- Linear tables. */

static void sweep_linear(bool pae, bool linked)
{
    const struct bed_config config = {.pae = pae, .linear = true, .linked = linked};
    struct bed bed;

    sweep_begin();
    bed_create(&bed, &config);
    for (enum table table = TABLE_L2; table < TABLE_COUNT; table++) {
        if (bed_has_table(&bed, table))
            sweep_slot(&bed, sweep_mmu_update_ways, sweep_nr_mmu_update_ways, table,
                       pae && table == TABLE_L3 ? PAE_L3_SLOT : ORDINARY_SLOT);
    }
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.linear-self, pte.linear-other, pte.linear-readonly, pte.linear-chain, pte.linear-owner. */
static void test_linear_64(void **state)
{
    (void)state;
    sweep_linear(false, false);
}

/* Shows pte.linear-32. */
static void test_linear_pae(void **state)
{
    (void)state;
    sweep_linear(true, false);
}

/* Shows pte.linear-chain. */
static void test_linked(void **state)
{
    (void)state;
    sweep_linear(false, true);
    sweep_linear(true, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_l1_64),      cmocka_unit_test(test_l2_64),  cmocka_unit_test(test_l3_64),
        cmocka_unit_test(test_l4_64),      cmocka_unit_test(test_l1_pae), cmocka_unit_test(test_l2_pae),
        cmocka_unit_test(test_l2_top_pae), cmocka_unit_test(test_l3_pae), cmocka_unit_test(test_linear_64),
        cmocka_unit_test(test_linear_pae), cmocka_unit_test(test_linked),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
