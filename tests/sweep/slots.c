/* SPDX-License-Identifier: MIT */
/* The slots that are not the guest's, and their neighbours that are. */
#include <tests/sweep/lib/sweep.h>

struct slot_sweep {
    enum table table;
    unsigned slot;
    enum target target;
};

static void try_value(struct bed *bed, void *arg, unsigned bit, uint64_t value)
{
    const struct slot_sweep *sweep = arg;
    struct attempt attempt = {sweep->table, sweep->slot, sweep_entry(bed, sweep->table, sweep->slot), value};

    (void)bit;
    for (unsigned i = 0; i < sweep_nr_mmu_update_ways; i++)
        sweep_try(bed, &sweep_mmu_update_ways[i], &attempt, sweep->target, "as it was");
}

/* A slot of the hypervisor's: no value is accepted, and none of them changes it. */
static void sweep_fixed(struct bed *bed, enum table table, unsigned slot)
{
    struct slot_sweep sweep = {.table = table, .slot = slot};
    struct attempt same = {table, slot, sweep_entry(bed, table, slot), 0};

    sweep_try(bed, &sweep_mmu_update_ways[0], &same, TARGET_IDLE, "cleared");
    same.value = same.old;
    sweep_try(bed, &sweep_mmu_update_ways[0], &same, TARGET_HYPERVISOR, "rewritten");
    for (sweep.target = 0; sweep.target < TARGET_COUNT; sweep.target++) {
        mfn_t mfn = bed_target(bed, table, sweep.target);

        if (!mfn_is_none(mfn))
            sweep_values(bed, mfn, try_value, &sweep);
    }
    bed_check(bed);
}

static void sweep_open(struct bed *bed, enum table table, unsigned slot)
{
    sweep_slot(bed, sweep_mmu_update_ways, 1, table, slot);
}

/* Shows pte.slots-64, layout.low-64, layout.high-64, layout.hypervisor-64, types.hypervisor. */
static void test_l4(void **state)
{
    static const unsigned fixed[] = {256, 257, 263, 271}, open[] = {255, 272, 511};
    struct bed bed;

    (void)state;
    sweep_begin();
    bed_create(&bed, &(struct bed_config){.pae = false});
    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
        sweep_fixed(&bed, TABLE_L4, fixed[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(open); i++)
        sweep_open(&bed, TABLE_L4, open[i]);
    bed_destroy(&bed);
    sweep_end();
}

/* The same numbers mean nothing in the tables below. */
static void test_l3_and_below(void **state)
{
    static const unsigned open[] = {0, 256, 271, 428, 511};
    struct bed bed;

    (void)state;
    sweep_begin();
    bed_create(&bed, &(struct bed_config){.pae = false});
    for (unsigned i = 1; i < ARRAY_SIZE(open); i++) {
        for (enum table table = TABLE_L1; table <= TABLE_L3; table++) {
            if (bed_has_table(&bed, table))
                sweep_open(&bed, table, open[i]);
        }
    }
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.slots-32, layout.boundary-32, layout.low-32. */
static void test_top_l2(void **state)
{
    static const unsigned fixed[] = {428, 429, 470, 511}, open[] = {0, 427};
    struct bed bed;

    (void)state;
    sweep_begin();
    bed_create(&bed, &(struct bed_config){.pae = true});
    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++) {
        sweep_fixed(&bed, TABLE_L2_TOP, fixed[i]);
        sweep_open(&bed, TABLE_L2, fixed[i]);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(open); i++)
        sweep_open(&bed, TABLE_L2_TOP, open[i]);
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.slots-32. */
static void test_pae_l3(void **state)
{
    static const unsigned fixed[] = {3, 4, 5, 256, 511}, open[] = {1, 2};
    struct bed bed;

    (void)state;
    sweep_begin();
    bed_create(&bed, &(struct bed_config){.pae = true});
    for (unsigned i = 0; i < ARRAY_SIZE(fixed); i++)
        sweep_fixed(&bed, TABLE_L3, fixed[i]);
    for (unsigned i = 0; i < ARRAY_SIZE(open); i++)
        sweep_open(&bed, TABLE_L3, open[i]);
    bed_destroy(&bed);
    sweep_end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_l4),
        cmocka_unit_test(test_l3_and_below),
        cmocka_unit_test(test_top_l2),
        cmocka_unit_test(test_pae_l3),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
