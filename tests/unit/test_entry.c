/* SPDX-License-Identifier: MIT */
/*
 * Entries: judging one takes nothing; what one needs is taken wholly or not at all.  The rules themselves are swept in
 * tests/sweep.
 */
#include <abi/errno.h>
#include <engine/entry.h>

#include <tests/unit/lib/unit.h>

#define SLOT 33u

static struct slot slot_of(const struct unit *unit, unsigned level)
{
    return (struct slot){unit_window_table(unit), level, SLOT};
}

static int decode(struct unit *unit, struct op *op, unsigned level, uint64_t raw, struct entry *entry)
{
    return entry_decode(op, level_of(unit->domain->width, (enum frame_type)level), slot_of(unit, level), raw, entry);
}

/* What an entry needs, by level and flags. */
static void test_needs(void **state)
{
    mfn_t page, table;
    struct entry entry;
    struct unit unit;
    struct op op;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_page(&unit);
    table = unit_table(&unit, 1);
    op = unit_begin(&unit);
    assert_int_equal(decode(&unit, &op, 1, pte(page, PTE_RO_PAGE), &entry), 0);
    assert_ptr_equal(entry.frame, unit_frame(&unit, page));
    assert_int_equal(entry.type, TYPE_NONE);
    assert_int_equal(decode(&unit, &op, 1, pte(page, PTE_RW_PAGE), &entry), 0);
    assert_int_equal(entry.type, TYPE_WRITABLE);
    assert_int_equal(decode(&unit, &op, 2, pte(table, PTE_TABLE), &entry), 0);
    assert_int_equal(entry.type, TYPE_L1);
    assert_int_equal(decode(&unit, &op, 1, pte(page, PTE_RW), &entry), 0);
    assert_null(entry.frame);
    assert_int_equal(entry.bits, pte(page, PTE_RW));
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, table, 2, TYPE_L1, 1);
    unit_end(&op);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* A refused entry leaves a record of where and why. */
static void test_record(void **state)
{
    const struct refusal *refusal;
    struct entry entry;
    struct unit unit;
    struct op op;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_page(&unit);
    op = unit_begin(&unit);
    refusal = &unit.sim->last_refusal;
    assert_refused(&unit, decode(&unit, &op, 1, pte(page, PTE_P | PTE_PCD), &entry), XEN_EINVAL, REFUSE_CACHE_FLAGS);
    assert_int_equal(refusal->slot.table.v, unit_window_table(&unit).v);
    assert_int_equal(refusal->slot.level, 1);
    assert_int_equal(refusal->slot.index, SLOT);
    assert_int_equal(refusal->frame.v, page.v);
    assert_int_equal(type_of(refusal->type), TYPE_WRITABLE);
    assert_ptr_equal(refusal->vcpu, unit.vcpu);
    assert_refused(&unit, decode(&unit, &op, 2, pte(page, PTE_P | PTE_PS), &entry), XEN_EINVAL, REFUSE_BAD_FLAGS);
    assert_refused(&unit, decode(&unit, &op, 2, pte(MFN(UNIT_HOLE), PTE_P), &entry), XEN_EINVAL, REFUSE_NO_SUCH_FRAME);
    assert_refused(&unit, decode(&unit, &op, 1, pte(MFN(UNIT_HOLE), PTE_P), &entry), XEN_EPERM, REFUSE_NOT_RAM);
    assert_refused(&unit, decode(&unit, &op, 1, PTE_FRAME | PTE_P, &entry), XEN_EINVAL, REFUSE_NO_SUCH_FRAME);
    unit_end(&op);
    unit_destroy(&unit);
}

/* Device memory: what was asked for, and what becomes of it.  PWT 8, PCD 0x10, PAT 0x80.  Shows pte.device-uncached. */
static void test_memory_types(void **state)
{
    static const uint64_t rows[][2] = {
        {0x00, 0x18}, {0x08, 0x18}, {0x10, 0x10}, {0x18, 0x18}, {0x80, 0x80}, {0x88, 0x18}, {0x90, 0x90}, {0x98, 0x98},
    };
    struct entry entry;
    struct unit unit;
    struct op op;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .devices = true});
    op = unit_begin(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        uint64_t raw = pte(MFN(UNIT_HOLE + i), PTE_P | PTE_RW | PTE_US | PTE_KERNEL | rows[i][0]);

        assert_int_equal(decode(&unit, &op, 1, raw, &entry), 0);
        assert_int_equal(entry.bits & 0x98, rows[i][1]);
        assert_int_equal(entry.bits & ~UINT64_C(0x98), raw & ~UINT64_C(0x98));
        assert_null(entry.frame);
    }
    unit_end(&op);
    unit_destroy(&unit);
}

/* ---- Counts at their maximum: refused, nothing held, nothing wrapped. */

/* Shows pte.exhausted. */
static void test_references_exhausted(void **state)
{
    mfn_t page, table;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_page(&unit);
    table = unit_table(&unit, 1);
    unit_frame(&unit, page)->refs = FRAME_REFS_MAX;
    unit_frame(&unit, table)->refs = FRAME_REFS_MAX;
    assert_refused(&unit, unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), XEN_EBUSY, REFUSE_REFERENCES_EXHAUSTED);
    assert_refused(&unit, unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), XEN_EBUSY, REFUSE_REFERENCES_EXHAUSTED);
    assert_counts(&unit, page, FRAME_REFS_MAX, TYPE_WRITABLE, 1);
    unit_frame(&unit, page)->refs = 2;
    unit_frame(&unit, table)->refs = 2;
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* Shows pte.exhausted. */
static void test_uses_exhausted(void **state)
{
    struct unit unit;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    page = unit_page(&unit);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    assert_refused(&unit, unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), XEN_EBUSY, REFUSE_TYPE_COUNT_EXHAUSTED);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, TYPE_COUNT_MAX);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_frame(&unit, page)->type = type_word(TYPE_WRITABLE, 0, 1);
    unit_destroy(&unit);
}

/* Shows pte.exhausted. */
static void test_upper_exhausted(void **state)
{
    mfn_t table, parent;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    table = unit_table(&unit, 1);
    parent = unit_table(&unit, 2);
    unit_frame(&unit, table)->refs = FRAME_REFS_MAX;
    assert_refused(&unit, guest_set_entry(unit.vcpu, parent, 0, pte(table, PTE_TABLE)), XEN_EINVAL,
                   REFUSE_REFERENCES_EXHAUSTED);
    assert_counts(&unit, table, FRAME_REFS_MAX, TYPE_L1, 1);
    unit_frame(&unit, table)->refs = 2;
    unit_frame(&unit, table)->type = type_word(TYPE_L1, TYPE_VALIDATED | TYPE_PINNED, TYPE_COUNT_MAX);
    assert_refused(&unit, guest_set_entry(unit.vcpu, parent, 0, pte(table, PTE_TABLE)), XEN_EINVAL,
                   REFUSE_TYPE_COUNT_EXHAUSTED);
    assert_counts(&unit, table, 2, TYPE_L1, TYPE_COUNT_MAX);
    unit_frame(&unit, table)->type = type_word(TYPE_L1, TYPE_VALIDATED | TYPE_PINNED, 1);
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    assert_int_equal(guest_unpin(unit.vcpu, parent), 0);
    unit_destroy(&unit);
}

/* ---- A frame that was written through an uncached mapping is flushed from caches before it is anything else. */

static void test_incoherent(void **state)
{
    struct unit unit;
    uint64_t caches;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .devices = true});
    page = unit_idle_page(&unit);
    caches = unit.sim->cpus[0].cache_flushes;
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE | PTE_PCD)), 0); /* nothing is written through it */
    assert_false(unit_frame(&unit, page)->flags & FRAME_INCOHERENT);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE | PTE_PCD)), 0);
    assert_true(unit_frame(&unit, page)->flags & FRAME_INCOHERENT);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RW_PAGE)), 0);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    assert_int_equal(unit.sim->cpus[0].cache_flushes, caches);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(unit.sim->cpus[0].cache_flushes, caches + 1);
    assert_false(unit_frame(&unit, page)->flags & FRAME_INCOHERENT);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    assert_int_equal(guest_pin(unit.vcpu, page, 1), 0);
    assert_int_equal(unit.sim->cpus[0].cache_flushes, caches + 1);
    assert_int_equal(guest_unpin(unit.vcpu, page), 0);
    unit_destroy(&unit);
}

/* ---- The L1TF policy: entries that are not present must not name what lies below the end of RAM, frame 0 excepted. */

/* Shows pte.absent-l1tf. */
static void test_l1tf(void **state)
{
    struct entry entry;
    struct unit unit;
    struct op op;
    mfn_t page;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .l1tf = true});
    page = unit_page(&unit);
    op = unit_begin(&unit);
    assert_int_equal(decode(&unit, &op, 1, 0, &entry), 0);
    assert_refused(&unit, decode(&unit, &op, 1, pte(page, 0), &entry), XEN_EINVAL, REFUSE_L1TF);
    assert_refused(&unit, decode(&unit, &op, 2, pte(page, PTE_RW), &entry), XEN_EINVAL, REFUSE_L1TF);
    assert_refused(&unit, decode(&unit, &op, 1, pte(MFN(UNIT_HOLE), 0), &entry), XEN_EINVAL, REFUSE_L1TF);
    for (unsigned level = 1; level <= 3; level++) { /* no frame, or frame 0, which is nobody's */
        assert_int_equal(decode(&unit, &op, level, PTE_RW, &entry), 0);
        assert_int_equal(decode(&unit, &op, level, PTE_NX | PTE_A | PTE_D | PTE_RW, &entry), 0);
        assert_refused(&unit, decode(&unit, &op, level, pte(MFN(1), 0), &entry), XEN_EINVAL, REFUSE_L1TF);
    }
    assert_int_equal(decode(&unit, &op, 1, PTE_PS, &entry), 0);                            /* PAT there */
    assert_refused(&unit, decode(&unit, &op, 2, PTE_PS, &entry), XEN_EINVAL, REFUSE_L1TF); /* 2 MiB from frame 0 on */
    assert_int_equal(decode(&unit, &op, 1, pte(MFN(unit.machine->nr_frames), 0), &entry), 0);
    assert_int_equal(decode(&unit, &op, 1, ~PTE_P, &entry), 0);
    assert_refused(&unit, decode(&unit, &op, 2, ~PTE_P, &entry), XEN_EINVAL, REFUSE_L1TF); /* a superpage */
    assert_int_equal(decode(&unit, &op, 2, ~(PTE_P | PTE_PS), &entry), 0);
    unit_end(&op);
    unit_destroy(&unit);
}

/* ---- Frames of another domain. */

/* A foreign mapping is replaced by a call that names somebody else: its references are dropped all the same. */
static void test_foreign_release(void **state)
{
    struct unit unit;
    mfn_t page, own;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .nr_guests = 2, .privileged = true});
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    own = unit_page(&unit);
    for (unsigned writable = 0; writable < 2; writable++) {
        uint64_t entry = pte(page, writable ? PTE_RW_PAGE : PTE_RO_PAGE);

        assert_int_equal(guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 0), entry, 0, 1), 0);
        assert_counts(&unit, page, 3, TYPE_WRITABLE, 1 + writable);
        guest_assert_clean(unit.sim);
        assert_int_equal(unit_map(&unit, 0, pte(own, PTE_RW_PAGE)), 0);
        assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
        assert_int_equal(guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 0), entry, 0, 1), 0);
        assert_int_equal(guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 0), 0, 0, DOMID_IO), 0);
        assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    }
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_needs),           unit_test_both(test_record),
        unit_test_both(test_memory_types),    unit_test_both(test_references_exhausted),
        unit_test_both(test_uses_exhausted),  unit_test_both(test_upper_exhausted),
        unit_test_both(test_incoherent),      unit_test_both(test_l1tf),
        unit_test_both(test_foreign_release),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
