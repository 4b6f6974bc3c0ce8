/* SPDX-License-Identifier: MIT */
/* Emulated stores to L1 tables: which are done, and what they say.  What the entries become is swept in tests/sweep. */
#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

#define SLOT 50u

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2, .nr_guests = 2});
}

/* Where the guest sees entry SLOT of the window's L1. */
static vaddr_t target(const struct unit *unit)
{
    return VADDR(unit_vaddr(unit, unit_window_table(unit)).v + SLOT * 8);
}

static uint64_t *entry_of(const struct unit *unit)
{
    return &unit_entries(unit, unit_window_table(unit))[SLOT];
}

static struct table_write mov(vaddr_t vaddr, uint64_t value)
{
    return (struct table_write){.form = WRITE_MOV, .vaddr = vaddr, .bytes = 8, .operand = value};
}

/* ---- Forms: the guest gets back what stood there, in the width of its operand. */

struct form_row {
    enum write_form form;
    unsigned bytes, offset;
    uint64_t old, operand, expected, new;
};

/* Entries that are not present: their bits are the guest's own. */
static const struct form_row form_rows[] = {
    {WRITE_MOV, 8, 0, 0x1122334455667788, 0xfffffffffffffffe, 0, 0xfffffffffffffffe},
    {WRITE_MOV, 4, 4, 0x1122334455667788, 0xaabbccdd, 0, 0xaabbccdd55667788},
    {WRITE_MOV, 2, 2, 0x1122334455667788, 0xeeff, 0, 0x11223344eeff7788},
    {WRITE_MOV, 1, 7, 0x1122334455667788, 0x99, 0, 0x9922334455667788},
    {WRITE_MOV, 1, 7, 0x1122334455667788, 0xffffff99, 0, 0x9922334455667788}, /* the low byte of the operand */
    {WRITE_XCHG, 8, 0, 0x1122334455667788, 0, 0, 0},
    {WRITE_XCHG, 4, 0, 0x1122334455667788, 0, 0, 0x1122334400000000},
    {WRITE_CMPXCHG, 8, 0, 0x1122334455667788, 0x10, 0x1122334455667788, 0x10},
    {WRITE_CMPXCHG, 8, 0, 0x1122334455667788, 0x10, 0x1122334455667789, 0x1122334455667788},
    {WRITE_CMPXCHG, 4, 4, 0x1122334455667788, 0x10, 0x11223344, 0x0000001055667788},
    {WRITE_CMPXCHG, 4, 4, 0x1122334455667788, 0x10, 0xffffffff11223344, 0x0000001055667788},
    {WRITE_AND, 8, 0, 0x1122334455667788, 0xf0f0f0f0f0f0f0f0, 0, 0x1020304050607080},
    {WRITE_AND, 1, 1, 0x1122334455667788, 0x0f, 0, 0x1122334455660788},
    {WRITE_OR, 4, 0, 0x1122334455667788, 0x0f0f0f00, 0, 0x112233445f6f7f88},
    {WRITE_XOR, 2, 6, 0x1122334455667788, 0xffff, 0, 0xeedd334455667788},
    {WRITE_ADD, 8, 0, 0x1122334455667788, 0x10, 0, 0x1122334455667798},
    {WRITE_ADD, 2, 2, 0x11223344ffff7788, 0x0001, 0, 0x1122334400007788}, /* no carry into the next part */
};

/* Shows vm_assist.emulated. */
static void test_forms(void **state)
{
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < ARRAY_SIZE(form_rows); i++) {
        const struct form_row *row = &form_rows[i];
        struct table_write write = {
            .form = row->form,
            .vaddr = VADDR(target(&unit).v + row->offset),
            .bytes = row->bytes,
            .operand = row->operand,
            .expected = row->expected,
            .seen = 0x5555,
        };
        uint64_t mask = row->bytes == 8 ? UINT64_MAX : (UINT64_C(1) << row->bytes * 8) - 1;

        *entry_of(&unit) = row->old;
        assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
        assert_int_equal(*entry_of(&unit), row->new);
        assert_int_equal(write.seen, row->old >> row->offset * 8 & mask);
    }
    *entry_of(&unit) = 0;
    unit_destroy(&unit);
}

/* ---- What is not emulated. */

/* Shows vm_assist.emulated. */
static void test_bad_forms(void **state)
{
    struct unit unit;
    struct table_write write;

    create(&unit, state);
    for (unsigned bytes = 0; bytes <= 17; bytes++) {
        for (unsigned offset = 0; offset < 8; offset++) {
            bool good = (bytes == 1 || bytes == 2 || bytes == 4 || bytes == 8) && offset % bytes == 0;

            write = mov(VADDR(target(&unit).v + offset), 0);
            write.bytes = bytes;
            if (good)
                assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
            else
                assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_EINVAL, REFUSE_WRITE_FORM);
        }
    }
    write = mov(target(&unit), 0);
    write.form = (enum write_form)(WRITE_ADD + 1);
    assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_EINVAL, REFUSE_WRITE_FORM);
    unit_destroy(&unit);
}

/* Only if the guest has asked for it, and only for its kernel.  Shows vm_assist.emulation-off. */
static void test_not_offered(void **state)
{
    struct unit unit;
    struct table_write write;

    create(&unit, state);
    write = mov(target(&unit), 2);
    unit.domain->writable_tables = false;
    assert_own_fault(&unit, table_write_emulate(unit.vcpu, &write));
    unit.domain->writable_tables = true;
    unit.domain->dying = true;
    assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    if (unit_width(state) == WIDTH_64) {
        assert_int_equal(guest_new_user_baseptr(unit.vcpu, guest_root(unit.guest)), 0);
        assert_int_equal(vcpu_enter_user(unit.vcpu), 0);
        assert_own_fault(&unit, table_write_emulate(unit.vcpu, &write));
        vcpu_enter_kernel(unit.vcpu);
        assert_int_equal(guest_new_user_baseptr(unit.vcpu, MFN(0)), 0);
    }
    assert_int_equal(*entry_of(&unit), 0);
    unit_destroy(&unit);
}

/* Not an L1, not mapped read-only, not the guest's, not there.  Shows vm_assist.emulation-upper. */
static void test_bad_targets(void **state)
{
    struct table_write write;
    struct unit unit;
    mfn_t page, l2;

    create(&unit, state);
    page = unit_page(&unit);
    l2 = unit_table(&unit, 2);
    assert_int_equal(unit_map(&unit, 0, pte(l2, PTE_RO_PAGE)), 0);
    assert_int_equal(unit_map(&unit, 1, pte(unit_idle_page(&unit), PTE_RO_PAGE)), 0);
    unit.domain->privileged = true;
    assert_int_equal(guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 2),
                                                         pte(guest_mfn(unit.other, PFN(99)), PTE_RO_PAGE), 0, 1),
                     0);
    /* An L1 table is named there, but not present. */
    assert_int_equal(unit_map(&unit, 3, pte(unit_window_table(&unit), PTE_A)), 0);
    const vaddr_t bad[] = {
        unit_vaddr(&unit, page),      unit_window(&unit, 0), unit_window(&unit, 1),
        unit_window(&unit, 2),        unit_window(&unit, 3), VADDR(0),
        VADDR(HYPERVISOR_VIRT_START), VADDR(0xf5800000),
    };

    for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
        write = mov(bad[i], 2);
        write.bytes = i % 2 ? 8 : 3; /* of whatever form it is */
        assert_own_fault(&unit, table_write_emulate(unit.vcpu, &write));
    }
    assert_int_equal(guest_update_va_mapping_otherdomain(unit.vcpu, unit_window(&unit, 2), 0, 0, 1), 0);
    assert_int_equal(guest_unpin(unit.vcpu, l2), 0);
    unit_destroy(&unit);
}

/*
 * Which table an address leads to is asked of the tables as they are now (XSA-286): the one that it led to before is
 * still a table, and still writable in this way, by another address.
 */
static void test_moved_target(void **state)
{
    mfn_t above, through[2], targets[2];
    struct unit unit;
    uint64_t old;
    unsigned slot;

    create(&unit, state);
    assert_true(guest_find_entry(unit.guest, guest_root(unit.guest), unit_window(&unit, 0), 2, &above, &slot));
    old = guest_entry(unit.guest, above, slot);
    for (unsigned i = 0; i < 2; i++) {
        through[i] = unit_table(&unit, 1);
        targets[i] = unit_table(&unit, 1);
        assert_int_equal(guest_set_entry(unit.vcpu, through[i], 0, pte(targets[i], PTE_RO_PAGE)), 0);
    }
    for (unsigned round = 0; round < 4; round++) {
        struct table_write write = mov(VADDR(unit_window(&unit, 0).v + SLOT * 8), 2 * (round + 1));
        uint64_t other = unit_entries(&unit, targets[(round + 1) % 2])[SLOT];

        assert_int_equal(guest_set_entry(unit.vcpu, above, slot, pte(through[round % 2], PTE_TABLE)), 0);
        assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
        assert_int_equal(unit_entries(&unit, targets[round % 2])[SLOT], 2 * (round + 1));
        assert_int_equal(unit_entries(&unit, targets[(round + 1) % 2])[SLOT], other);
    }
    assert_int_equal(guest_set_entry(unit.vcpu, above, slot, old), 0);
    unit_destroy(&unit);
}

/* Device memory above the frame table that is mapped read-only: no frame at all. */
static void test_device_target(void **state)
{
    static const struct frame_range above = {{0x10000}, {0x1000f}};
    struct table_write write;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state), .devices = true});
    unit.domain->iomem = &above;
    assert_int_equal(unit_map(&unit, 0, pte(above.first, PTE_P)), 0);
    write = mov(unit_window(&unit, 0), 0);
    assert_own_fault(&unit, table_write_emulate(unit.vcpu, &write));
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/* ---- Values. */

/* Shows vm_assist.emulation-refused. */
static void test_refused_value(void **state)
{
    struct table_write write;
    struct unit unit;

    create(&unit, state);
    write = mov(target(&unit), pte(guest_root(unit.guest), PTE_RW_PAGE));
    assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_EBUSY, REFUSE_TYPE_CONFLICT);
    write = mov(target(&unit), pte(MFN(UNIT_HOLE), PTE_P));
    assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_EPERM, REFUSE_NOT_RAM);
    assert_int_equal(*entry_of(&unit), 0);
    unit_destroy(&unit);
}

/*
 * A 32-bit guest writes an entry in two halves.  What its upper half alone would make is refused: then it stands, but
 * not present, and the references of what stood there are gone.
 */
static void test_halves(void **state)
{
    struct table_write write;
    struct unit unit;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE});
    page = unit_page(&unit);
    assert_int_equal(unit_map(&unit, SLOT, pte(page, PTE_RW_PAGE)), 0);
    write =
        (struct table_write){.form = WRITE_MOV, .vaddr = VADDR(target(&unit).v + 4), .bytes = 4, .operand = 0x80000001};
    assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
    assert_int_equal(*entry_of(&unit), ((uint64_t)0x80000001 << 32 | (uint32_t)pte(page, PTE_RW_PAGE)) & ~PTE_P);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    write.operand = 0;
    assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
    write.vaddr = target(&unit);
    write.operand = (uint32_t)pte(page, PTE_RW_PAGE);
    assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    write.operand = (uint32_t)pte(guest_root(unit.guest), PTE_RW_PAGE); /* the lower half has no such grace */
    assert_int_equal(table_write_emulate(unit.vcpu, &write), -XEN_EBUSY);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_int_equal(unit_map(&unit, SLOT, 0), 0);
    unit_destroy(&unit);
}

/* That grace makes nothing acceptable that is refused without the present bit too. */
static void test_halves_l1tf(void **state)
{
    struct table_write write = {.form = WRITE_MOV, .bytes = 4, .operand = 0};
    struct unit unit;
    mfn_t page;

    (void)state;
    unit_create(&unit, &(struct unit_config){.width = WIDTH_PAE, .l1tf = true});
    page = unit_page(&unit);
    for (unsigned present = 0; present < 2; present++) {
        uint64_t old = pte(page, PTE_RW) | UINT64_C(1) << 44 | present;

        *entry_of(&unit) = old;
        write.vaddr = VADDR(target(&unit).v + 4);
        if (present) /* clearing the upper half makes an entry for a page of the guest: nothing is wrong with it */
            assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
        else
            assert_refused(&unit, table_write_emulate(unit.vcpu, &write), XEN_EINVAL, REFUSE_L1TF);
        assert_int_equal(!!(*entry_of(&unit) & PTE_P), present);
    }
    assert_int_equal(unit_map(&unit, SLOT, 0), 0);
    unit_destroy(&unit);
}

/* A processor that sets accessed and dirty bits meanwhile is not overlooked: its bits survive a read-modify-write. */
static void test_against_processor(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    unit.sim->speculate_per_256 = 200;
    for (unsigned i = 0; i < 200; i++) {
        struct table_write write = {.form = WRITE_OR, .vaddr = target(&unit), .bytes = 8, .operand = 0x200};
        uint64_t word;

        assert_int_equal(unit_map(&unit, SLOT, pte(page, PTE_P | PTE_RW)), 0);
        assert_true(guest_read(guest_vcpu(unit.guest, 1), unit_window(&unit, SLOT), &word, 8));
        *entry_of(&unit) &= ~(PTE_A | PTE_D); /* the processor has it cached, and may walk there at any time */
        assert_int_equal(table_write_emulate(unit.vcpu, &write), 0);
        assert_true(*entry_of(&unit) & 0x200);
        assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    }
    unit.sim->speculate_per_256 = 0;
    assert_int_equal(unit_map(&unit, SLOT, 0), 0);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_forms),         unit_test_both(test_bad_forms),
        unit_test_both(test_not_offered),   unit_test_both(test_bad_targets),
        unit_test_both(test_device_target), unit_test_both(test_refused_value),
        unit_test_both(test_moved_target),  cmocka_unit_test(test_halves),
        cmocka_unit_test(test_halves_l1tf), unit_test_both(test_against_processor),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
