/* SPDX-License-Identifier: MIT */
/*
 * Names: of commands, known and not, and of domains, in each place where one can stand, by callers
 * that may name others and by callers that may not.
 */
#include <inttypes.h>

#include <tests/sweep/lib/sweep.h>

#define SELF_ID     0u
#define OTHER_ID    1u
#define NOBODY      5u /* no such domain, though the number could be one's */
#define NOT_WRITTEN UINT32_C(0xffffffff)

static void expect(int64_t got, int64_t expected, const char *what, uint64_t argument)
{
    sweep_count(got == expected, "%s %#" PRIx64 ": expected %" PRId64 ", got %" PRId64, what, argument, expected, got);
}

/* What a domain number leads to. */
struct named_domain {
    unsigned id;
    int64_t found;   /* an error where it cannot be resolved */
    int64_t allowed; /* an error where the caller may not use it */
    bool privileged; /* the caller of this row */
};

static const struct named_domain domains[] = {
    {DOMID_SELF, 0, 0, false},
    {DOMID_SELF, 0, 0, true},
    {SELF_ID, -XEN_ESRCH, 0, false},
    {SELF_ID, -XEN_ESRCH, 0, true},
    {OTHER_ID, 0, -XEN_EPERM, false},
    {OTHER_ID, 0, 0, true},
    {NOBODY, -XEN_ESRCH, 0, false},
    {NOBODY, -XEN_ESRCH, 0, true},
    {0x7fef, -XEN_ESRCH, 0, true},
    {DOMID_COW, -XEN_ESRCH, 0, true},
    {DOMID_INVALID, -XEN_ESRCH, 0, true},
    {DOMID_IDLE, -XEN_ESRCH, 0, true},
    {0xffff, -XEN_ESRCH, 0, true},
    {0x8000, -XEN_ESRCH, 0, true},
};

/* ---- mmu_update: the owner of the frames in the low half of foreigndom, of the tables in the high half. */

static void update_as(struct bed *bed, const struct named_domain *row)
{
    const struct mmu_update request = {pte(bed->tables[TABLE_L1], 40 * 8), 0};
    int64_t expected = row->found ? row->found : row->allowed;
    unsigned done;
    int64_t error = guest_mmu_update(bed->vcpu, &request, 1, &done, row->id);

    expect(error, expected, "mmu_update with frames of", row->id);
    expect(done, expected == 0, "mmu_update done with frames of", row->id);
    expect(guest_mmu_update(bed->vcpu, &request, 0, &done, row->id), row->found, "empty mmu_update with frames of",
           row->id);
}

/* Nothing is written to "done" where the owner of the tables does not exist. */
static void update_tables_of(struct bed *bed, unsigned id, int64_t expected, bool written)
{
    const struct mmu_update request = {pte(bed->tables[TABLE_L1], 40 * 8), 0};
    unsigned done;
    int64_t error = guest_mmu_update(bed->vcpu, &request, 1, &done, (id + 1) << 16 | DOMID_SELF);

    expect(error, expected, "mmu_update with tables of", id);
    expect(done == NOT_WRITTEN, !written, "mmu_update left done with tables of", id);
}

static void map_as(struct bed *bed, const struct named_domain *row)
{
    int64_t expected = row->found ? row->found : row->allowed;

    expect(guest_update_va_mapping_otherdomain(bed->vcpu, bed->guest->window, 0, UVMF_NONE, row->id), expected,
           "update_va_mapping with frames of", row->id);
}

/* Nothing is written to "done" where the call is refused as a whole. */
static void mmuext_as(struct bed *bed, const struct named_domain *row)
{
    enum target target = row->id == OTHER_ID ? TARGET_FOREIGN : TARGET_WRITABLE;
    const struct mmuext_op clear = {.cmd = MMUEXT_CLEAR_PAGE, .arg1.mfn = bed->targets[target].v};
    int64_t expected = row->found ? row->found : row->allowed;
    bool refused = row->found || row->allowed == -XEN_EPERM;
    unsigned done;

    expect(guest_mmuext(bed->vcpu, &clear, 1, &done, row->id), expected, "mmuext_op for", row->id);
    expect(done, refused ? NOT_WRITTEN : expected == 0, "mmuext_op done for", row->id);
}

static void test_domains(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++) {
        bool privileged = i & 2;
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = i & 1, .privileged = privileged});
        for (unsigned j = 0; j < ARRAY_SIZE(domains); j++) {
            if (domains[j].privileged != privileged)
                continue;
            update_as(&bed, &domains[j]);
            map_as(&bed, &domains[j]);
            mmuext_as(&bed, &domains[j]);
        }
        update_tables_of(&bed, SELF_ID, 0, true);
        update_tables_of(&bed, OTHER_ID, privileged ? -XEN_EINVAL : -XEN_EPERM, true);
        update_tables_of(&bed, NOBODY, -XEN_ESRCH, false);
        update_tables_of(&bed, DOMID_SELF, -XEN_ESRCH, false);
        update_tables_of(&bed, DOMID_IO, -XEN_ESRCH, false);
        update_tables_of(&bed, 0xfffe, -XEN_ESRCH, false);
        bed_destroy(&bed);
        sweep_end();
    }
}

/* The hypervisor's own frames, for those who may name them: none can be mapped as anybody's. */
static void test_hypervisor_domain(void **state)
{
    (void)state;
    for (unsigned privileged = 0; privileged < 2; privileged++) {
        struct mmu_update request;
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.privileged = privileged});
        request =
            (struct mmu_update){pte(bed.tables[TABLE_L1], 40 * 8), pte(bed.targets[TARGET_WRITABLE], PTE_RW_PAGE)};
        expect(guest_mmu_update(bed.vcpu, &request, 1, NULL, DOMID_XEN), privileged ? -XEN_EBUSY : -XEN_EPERM,
               "mmu_update with frames of", DOMID_XEN);
        bed_destroy(&bed);
        sweep_end();
    }
}

/* ---- Commands. */

/* Shows mmu_update.unknown-command, mmu_update.no-translate. */
static void test_update_commands(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        for (unsigned command = 0; command < 8; command++) {
            const struct mmu_update request = {pte(bed.tables[TABLE_L1], 40 * 8 + command), 0};

            expect(guest_mmu_update(bed.vcpu, &request, 1, NULL, DOMID_SELF), command < 4 ? 0 : -XEN_ENOSYS,
                   "mmu_update command", command);
        }
        /* The last word on a command is said before the caller's rights are looked at. */
        expect(guest_mmu_update(bed.vcpu, &(struct mmu_update){7, 0}, 1, NULL, OTHER_ID), -XEN_ENOSYS,
               "mmu_update command without rights", 7);
        bed_destroy(&bed);
        sweep_end();
    }
}

/* Shows mmuext_op.done, mmuext_op.unknown-command. */
static void test_mmuext_commands(void **state)
{
    static const uint32_t unknown[] = {14, 21, 22, 31, 0x7fffffff, 0x80000000, 0xfffffffe, 0xffffffff};

    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct bed bed;
        unsigned done;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++) {
            const struct mmuext_op ops[] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = unknown[i]}};

            expect(guest_mmuext(bed.vcpu, ops, 2, &done, DOMID_SELF), -XEN_ENOSYS, "mmuext_op command", unknown[i]);
            expect(done, 1, "mmuext_op done before command", unknown[i]);
        }
        bed_destroy(&bed);
        sweep_end();
    }
}

/* Calls that nobody offers.  Shows memory_op.unknown-command. */
static void test_hypercall_numbers(void **state)
{
    static const unsigned unknown[] = {3, 4, 7, 11, 15, 17, 27, 38, 47, 49, 127, 0x7fffffff, 0x80000000, 0xffffffff};

    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        for (unsigned i = 0; i < ARRAY_SIZE(unknown); i++)
            expect(guest_hypercall(bed.vcpu, unknown[i], 1, 2, 3, 4, 5, 6), -XEN_ENOSYS, "hypercall", unknown[i]);
        for (unsigned command = 16; command < 64; command++)
            expect(guest_memory_op(bed.vcpu, command, VADDR(0)), -XEN_ENOSYS, "memory_op command", command);
        bed_destroy(&bed);
        sweep_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_domains),           cmocka_unit_test(test_hypervisor_domain),
        cmocka_unit_test(test_update_commands),   cmocka_unit_test(test_mmuext_commands),
        cmocka_unit_test(test_hypercall_numbers),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
