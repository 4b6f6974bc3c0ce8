/* SPDX-License-Identifier: MIT */
/*
 * All combinations of the twelve low bits, of bit 52 and of NX, in one entry of every table, fresh
 * and over an entry for the same frame.
 */
#include <tests/sweep/lib/sweep.h>

#define ORDINARY_SLOT 11u
#define PAE_L3_SLOT   2u

static uint64_t high_bits(unsigned which)
{
    return (which & 1 ? PTE_KERNEL : 0) | (which & 2 ? PTE_NX : 0);
}

/* An entry for the frame that an entry of any level may have. */
static uint64_t plain(mfn_t mfn)
{
    return pte(mfn, PTE_P | PTE_US);
}

static void sweep_flag_bits(struct bed *bed, enum table table, enum target target)
{
    unsigned slot = table == TABLE_L3 && bed->config.pae ? PAE_L3_SLOT : ORDINARY_SLOT;
    mfn_t mfn = bed_target(bed, table, target);

    for (unsigned high = 0; high < 4; high++) {
        for (uint64_t low = 0; low < 4096; low++) {
            struct attempt attempt = {table, slot, 0, pte(mfn, low) | high_bits(high)};

            if (sweep_prepare(bed, &attempt, 0))
                sweep_try(bed, &sweep_mmu_update_ways[0], &attempt, target, "fresh");
            if (sweep_prepare(bed, &attempt, plain(mfn)))
                sweep_try(bed, &sweep_mmu_update_ways[1], &attempt, target, "in place");
        }
    }
    bed_set(bed, bed->tables[table], slot, 0);
    bed_check(bed);
}

/* A target that is legal, at least read-only, for each table. */
static enum target target_of(enum table table)
{
    switch (table) {
    case TABLE_L1:
        return TARGET_LIVE_L1;
    case TABLE_L2:
    case TABLE_L2_TOP:
        return TARGET_LIVE_L1;
    case TABLE_L3:
        return TARGET_LIVE_L2;
    default:
        return TARGET_LIVE_L3;
    }
}

static void sweep_bed(const struct bed_config *config)
{
    struct bed bed;

    sweep_begin();
    bed_create(&bed, config);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        if (bed_has_table(&bed, table))
            sweep_flag_bits(&bed, table, target_of(table));
    }
    sweep_flag_bits(&bed, TABLE_L1, TARGET_WRITABLE);
    if (config->devices)
        sweep_flag_bits(&bed, TABLE_L1, TARGET_PERMITTED_DEVICE);
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.flags-allowed, pte.flags-cache, pte.flags-never, pte.flags-refused. */
static void test_64(void **state)
{
    (void)state;
    sweep_bed(&(struct bed_config){.pae = false});
}

/* Shows pte.flags-allowed, pte.flags-never, pte.adjusted-32. */
static void test_pae(void **state)
{
    (void)state;
    sweep_bed(&(struct bed_config){.pae = true});
}

/* Shows pte.flags-cache. */
static void test_64_with_devices(void **state)
{
    (void)state;
    sweep_bed(&(struct bed_config){.pae = false, .devices = true});
}

static void test_pae_with_devices(void **state)
{
    (void)state;
    sweep_bed(&(struct bed_config){.pae = true, .devices = true});
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_64),
        cmocka_unit_test(test_pae),
        cmocka_unit_test(test_64_with_devices),
        cmocka_unit_test(test_pae_with_devices),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
