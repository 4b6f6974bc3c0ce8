/* SPDX-License-Identifier: MIT */
/*
 * L1 entries by update_va_mapping, and by stores of the guest to its L1 that are emulated: each form
 * of instruction, whole entries and parts of them.
 */
#include <tests/sweep/lib/sweep.h>

#define SLOT         19u
#define WRONG_RESULT 9999 /* the emulation says what stood there, and is wrong */

/* ---- update_va_mapping. */

static int64_t map(struct bed *bed, const struct attempt *attempt, uint64_t flags)
{
    vaddr_t vaddr = VADDR(bed->guest->window.v + (uint64_t)attempt->slot * PAGE_SIZE);

    return guest_update_va_mapping(bed->vcpu, vaddr, attempt->value, flags);
}

static int64_t run_map(struct bed *bed, const struct attempt *attempt)
{
    return map(bed, attempt, UVMF_NONE);
}

static int64_t run_map_flush(struct bed *bed, const struct attempt *attempt)
{
    return map(bed, attempt, UVMF_TLB_FLUSH | UVMF_ALL);
}

static int64_t run_map_page(struct bed *bed, const struct attempt *attempt)
{
    return map(bed, attempt, UVMF_INVLPG | UVMF_LOCAL);
}

static const struct way map_ways[] = {
    {.name = "update_va_mapping", .run = run_map},
    {.name = "update_va_mapping and flush", .run = run_map_flush},
    {.name = "update_va_mapping and invlpg", .run = run_map_page},
};

/* ---- Emulated stores. */

/* @bytes at @offset of the entry; what stood in that part must be what the store says it saw. */
static int64_t store(struct bed *bed, const struct attempt *attempt, struct table_write write, unsigned offset)
{
    uint64_t mask = write.bytes == 8 ? ~UINT64_C(0) : (UINT64_C(1) << write.bytes * 8) - 1;
    int error;

    write.vaddr = VADDR(bed->l1_memory.v + attempt->slot * 8 + offset);
    error = table_write_emulate(bed->vcpu, &write);
    if (!error && write.seen != (attempt->old >> offset * 8 & mask))
        return WRONG_RESULT;
    return error;
}

static int64_t run_mov(struct bed *bed, const struct attempt *attempt)
{
    return store(bed, attempt, (struct table_write){.form = WRITE_MOV, .bytes = 8, .operand = attempt->value}, 0);
}

static int64_t run_xchg(struct bed *bed, const struct attempt *attempt)
{
    return store(bed, attempt, (struct table_write){.form = WRITE_XCHG, .bytes = 8, .operand = attempt->value}, 0);
}

static int64_t cmpxchg(struct bed *bed, const struct attempt *attempt, uint64_t expected)
{
    const struct table_write write = {
        .form = WRITE_CMPXCHG,
        .bytes = 8,
        .operand = attempt->value,
        .expected = expected,
    };

    return store(bed, attempt, write, 0);
}

static int64_t run_cmpxchg(struct bed *bed, const struct attempt *attempt)
{
    return cmpxchg(bed, attempt, attempt->old);
}

static int64_t run_cmpxchg_other(struct bed *bed, const struct attempt *attempt)
{
    return cmpxchg(bed, attempt, attempt->old ^ PTE_D);
}

/* Something else stands there than was expected: nothing is written, whatever it would have been. */
static bool effect_none(const struct attempt *attempt, uint64_t *value)
{
    *value = attempt->old;
    return true;
}

static bool effect_and(const struct attempt *attempt, uint64_t *value)
{
    return (attempt->old & *value) == *value;
}

static int64_t run_and(struct bed *bed, const struct attempt *attempt)
{
    return store(bed, attempt, (struct table_write){.form = WRITE_AND, .bytes = 8, .operand = attempt->value}, 0);
}

static bool effect_or(const struct attempt *attempt, uint64_t *value)
{
    return (attempt->old | *value) == *value;
}

static int64_t run_or(struct bed *bed, const struct attempt *attempt)
{
    return store(bed, attempt, (struct table_write){.form = WRITE_OR, .bytes = 8, .operand = attempt->value}, 0);
}

static int64_t run_xor(struct bed *bed, const struct attempt *attempt)
{
    const struct table_write write = {
        .form = WRITE_XOR,
        .bytes = 8,
        .operand = attempt->value ^ attempt->old,
    };

    return store(bed, attempt, write, 0);
}

static int64_t run_add(struct bed *bed, const struct attempt *attempt)
{
    const struct table_write write = {
        .form = WRITE_ADD,
        .bytes = 8,
        .operand = attempt->value - attempt->old,
    };

    return store(bed, attempt, write, 0);
}

/* ---- Parts of an entry. */

static uint64_t part(uint64_t old, uint64_t value, unsigned offset, unsigned bytes)
{
    uint64_t mask = ((UINT64_C(1) << bytes * 8) - 1) << offset * 8;

    return (old & ~mask) | (value & mask);
}

static int64_t store_part(struct bed *bed, const struct attempt *attempt, unsigned offset, unsigned bytes)
{
    const struct table_write write = {
        .form = WRITE_MOV,
        .bytes = bytes,
        .operand = attempt->value >> offset * 8,
    };

    return store(bed, attempt, write, offset);
}

static bool effect_low(const struct attempt *attempt, uint64_t *value)
{
    *value = part(attempt->old, attempt->value, 0, 4);
    return true;
}

static int64_t run_low(struct bed *bed, const struct attempt *attempt)
{
    return store_part(bed, attempt, 0, 4);
}

static bool effect_high(const struct attempt *attempt, uint64_t *value)
{
    *value = part(attempt->old, attempt->value, 4, 4);
    return true;
}

static int64_t run_high(struct bed *bed, const struct attempt *attempt)
{
    return store_part(bed, attempt, 4, 4);
}

/* A 32-bit guest that writes the upper half first: what would be refused stands, but not present. */
static void settle_high(const struct bed *bed, const struct attempt *attempt, struct answer *answer)
{
    uint64_t value;

    (void)effect_high(attempt, &value);
    if (bed->config.pae && answer->error && (value & PTE_P))
        *answer = (struct answer){.bits = value & ~PTE_P};
}

/* The part of @bytes bytes that holds the lowest bit in which the two differ. */
static unsigned differing(const struct attempt *attempt, unsigned bytes)
{
    uint64_t changed = attempt->old ^ attempt->value;

    return changed ? (unsigned)__builtin_ctzll(changed) / (bytes * 8) * bytes : 0;
}

static bool effect_byte(const struct attempt *attempt, uint64_t *value)
{
    *value = part(attempt->old, attempt->value, differing(attempt, 1), 1);
    return true;
}

static int64_t run_byte(struct bed *bed, const struct attempt *attempt)
{
    return store_part(bed, attempt, differing(attempt, 1), 1);
}

static bool effect_word(const struct attempt *attempt, uint64_t *value)
{
    *value = part(attempt->old, attempt->value, differing(attempt, 2), 2);
    return true;
}

static int64_t run_word(struct bed *bed, const struct attempt *attempt)
{
    return store_part(bed, attempt, differing(attempt, 2), 2);
}

static const struct way store_ways[] = {
    {.name = "mov", .run = run_mov},
    {.name = "xchg", .run = run_xchg},
    {.name = "cmpxchg", .run = run_cmpxchg},
    {.name = "cmpxchg that fails", .effective = effect_none, .run = run_cmpxchg_other},
    {.name = "and", .effective = effect_and, .run = run_and},
    {.name = "or", .effective = effect_or, .run = run_or},
    {.name = "xor", .run = run_xor},
    {.name = "add", .run = run_add},
    {.name = "mov of the low half", .effective = effect_low, .run = run_low},
    {.name = "mov of the high half", .effective = effect_high, .settle = settle_high, .run = run_high},
    {.name = "mov of a byte", .effective = effect_byte, .run = run_byte},
    {.name = "mov of a word", .effective = effect_word, .run = run_word},
};

static void sweep_bed(const struct bed_config *config, const struct way *ways, unsigned nr_ways)
{
    struct bed bed;

    sweep_begin();
    bed_create(&bed, config);
    sweep_slot(&bed, ways, nr_ways, TABLE_L1, SLOT);
    bed_destroy(&bed);
    sweep_end();
}

/* Shows update_va_mapping.as-update, update_va_mapping.entry-refused. */
static void test_va_mapping(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        sweep_bed(&(struct bed_config){.pae = i & 1, .devices = i & 2}, map_ways, ARRAY_SIZE(map_ways));
}

static void test_stores(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 4; i++)
        sweep_bed(&(struct bed_config){.pae = i & 1, .devices = i & 2}, store_ways, ARRAY_SIZE(store_ways));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_va_mapping),
        cmocka_unit_test(test_stores),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
