/* SPDX-License-Identifier: MIT */
/*
 * The same entries under other rights: with devices, with frames of another domain or of devices
 * named, on a processor with the L1TF flaw.
 */
#include <tests/sweep/lib/sweep.h>

#define ORDINARY_SLOT 13u
#define PAE_L3_SLOT   1u
#define OTHER_DOMAIN  1u

static int64_t run_naming(struct bed *bed, const struct attempt *attempt, unsigned domid)
{
    struct mmu_update request = {pte(bed->tables[attempt->table], attempt->slot * 8u), attempt->value};

    return guest_mmu_update(bed->vcpu, &request, 1, NULL, domid);
}

static int64_t run_other(struct bed *bed, const struct attempt *attempt)
{
    return run_naming(bed, attempt, OTHER_DOMAIN);
}

static int64_t run_device(struct bed *bed, const struct attempt *attempt)
{
    return run_naming(bed, attempt, DOMID_IO);
}

static vaddr_t window(const struct bed *bed, const struct attempt *attempt)
{
    return VADDR(bed->guest->window.v + (uint64_t)attempt->slot * PAGE_SIZE);
}

static int64_t run_va_other(struct bed *bed, const struct attempt *attempt)
{
    return guest_update_va_mapping_otherdomain(bed->vcpu, window(bed, attempt), attempt->value, UVMF_NONE,
                                               OTHER_DOMAIN);
}

static int64_t run_va_device(struct bed *bed, const struct attempt *attempt)
{
    return guest_update_va_mapping_otherdomain(bed->vcpu, window(bed, attempt), attempt->value, UVMF_NONE, DOMID_IO);
}

/* An L1 entry that keeps its frame and its rights keeps its references: their owner is not asked for. */
static void settle(const struct bed *bed, const struct attempt *attempt, struct answer *answer)
{
    struct answer own = sweep_answer(bed, attempt->table, attempt->slot, NAMING_SELF, attempt->value);

    if (attempt->table == TABLE_L1 && !own.error && expect_is_touch_up(attempt->old, own.bits))
        *answer = own;
}

static const struct way other_ways[] = {
    {.name = "mmu_update naming a domain", .naming = NAMING_OTHER, .settle = settle, .run = run_other},
    {.name = "update_va_mapping naming a domain", .naming = NAMING_OTHER, .settle = settle, .run = run_va_other},
};

static const struct way device_ways[] = {
    {.name = "mmu_update naming DOMID_IO", .naming = NAMING_DEVICE, .settle = settle, .run = run_device},
    {.name = "update_va_mapping naming DOMID_IO", .naming = NAMING_DEVICE, .settle = settle, .run = run_va_device},
};

/* The first way in all tables, the second in the L1 alone. */
static void sweep_bed(const struct bed_config *config, const struct way *ways, unsigned nr_ways)
{
    struct bed bed;

    sweep_begin();
    bed_create(&bed, config);
    for (enum table table = 0; table < TABLE_COUNT; table++) {
        unsigned slot = table == TABLE_L3 && config->pae ? PAE_L3_SLOT : ORDINARY_SLOT;

        if (bed_has_table(&bed, table))
            sweep_slot(&bed, ways, table == TABLE_L1 ? nr_ways : 1, table, slot);
    }
    bed_destroy(&bed);
    sweep_end();
}

/* Shows pte.flags-cache, pte.map-device, pte.device-uncached. */
static void test_devices(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++)
        sweep_bed(&(struct bed_config){.pae = pae, .devices = true}, sweep_mmu_update_ways, sweep_nr_mmu_update_ways);
}

/* Shows pte.map-foreign, types.own-frames. */
static void test_other_domain(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++)
        sweep_bed(&(struct bed_config){.pae = pae, .privileged = true}, other_ways, ARRAY_SIZE(other_ways));
}

static void test_device_domain(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++)
        sweep_bed(&(struct bed_config){.pae = pae, .devices = true}, device_ways, ARRAY_SIZE(device_ways));
}

/* Shows pte.absent-l1tf. */
static void test_l1tf(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++)
        sweep_bed(&(struct bed_config){.pae = pae, .l1tf = true}, sweep_mmu_update_ways, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_devices),
        cmocka_unit_test(test_other_domain),
        cmocka_unit_test(test_device_domain),
        cmocka_unit_test(test_l1tf),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
