/* SPDX-License-Identifier: MIT */
/* HYPERVISOR_update_va_mapping: which entry, what is flushed where, whose frames. */
#include <string.h>

#include <abi/errno.h>

#include <tests/unit/lib/unit.h>

#define VCPUS 4u

static void create(struct unit *unit, void **state)
{
    unit_create(
        unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = VCPUS, .nr_guests = 2, .privileged = true});
}

/* ---- Flushes: for each kind and each set of vCPUs, what each processor has seen. */

struct flush_row {
    uint64_t kind;
    int set; /* -1: all; else a bitmap; 0x100: the local vCPU, without a bitmap */
    uint64_t full, page;
};

#define LOCAL 0x100

static const struct flush_row flush_rows[] = {
    {UVMF_NONE, LOCAL, 0x0, 0x0},      {UVMF_NONE, -1, 0x0, 0x0},      {UVMF_NONE, 0x3, 0x0, 0x0},
    {UVMF_TLB_FLUSH, LOCAL, 0x1, 0x0}, {UVMF_TLB_FLUSH, -1, 0xf, 0x0}, {UVMF_TLB_FLUSH, 0xa, 0xa, 0x0},
    {UVMF_TLB_FLUSH, 0x0, 0x0, 0x0},   {UVMF_INVLPG, LOCAL, 0x0, 0x1}, {UVMF_INVLPG, -1, 0x0, 0xf},
    {UVMF_INVLPG, 0x6, 0x0, 0x6},      {UVMF_INVLPG, 0xf6, 0x0, 0x6},  {UVMF_FLUSHTYPE_MASK, -1, 0x0, 0x0},
};

static void check_flushes(const struct unit *unit, const struct sim_cpu *before, const struct flush_row *row)
{
    for (unsigned cpu = 0; cpu < VCPUS; cpu++) {
        assert_int_equal(unit->sim->cpus[cpu].full_flushes - before[cpu].full_flushes, row->full >> cpu & 1);
        assert_int_equal(unit->sim->cpus[cpu].page_flushes - before[cpu].page_flushes, row->page >> cpu & 1);
    }
}

/* Shows update_va_mapping.flush-kinds, update_va_mapping.flush-sets. */
static void test_flushes(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(flush_rows); i++) {
        const struct flush_row *row = &flush_rows[i];
        uint64_t flags = row->kind | (row->set == -1 ? UVMF_ALL : 0);
        struct sim_cpu before[VCPUS];

        if (row->set >= 0 && row->set < LOCAL)
            flags |= guest_put(unit.vcpu, &(uint32_t){(uint32_t)row->set}, 4).v;
        for (unsigned entry = 0; entry < 2; entry++) {
            memcpy(before, unit.sim->cpus, sizeof(before));
            assert_int_equal(
                guest_update_va_mapping(unit.vcpu, unit_window(&unit, 9), entry ? 0 : pte(page, PTE_RW_PAGE), flags),
                0);
            check_flushes(&unit, before, row);
        }
    }
    unit_destroy(&unit);
}

/*
 * Where the update is refused nothing is flushed; where the bitmap cannot be read, the update has been made.  Shows
 * update_va_mapping.mask-nowhere, update_va_mapping.entry-refused.
 */
static void test_flush_errors(void **state)
{
    static const struct flush_row none = {0, 0, 0, 0};
    struct sim_cpu before[VCPUS];
    struct unit unit;
    uint64_t unreadable;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    unreadable = unit_window(&unit, 100).v;
    memcpy(before, unit.sim->cpus, sizeof(before));
    assert_refused(&unit,
                   guest_update_va_mapping(unit.vcpu, unit_window(&unit, 9), pte(MFN(UNIT_HOLE), PTE_P),
                                           UVMF_TLB_FLUSH | UVMF_ALL),
                   XEN_EPERM, REFUSE_NOT_RAM);
    check_flushes(&unit, before, &none);
    assert_refused(
        &unit,
        guest_update_va_mapping(unit.vcpu, unit_window(&unit, 9), pte(page, PTE_RW_PAGE), UVMF_TLB_FLUSH | unreadable),
        XEN_EFAULT, REFUSE_VCPU_MASK);
    check_flushes(&unit, before, &none);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 2);
    assert_refused(&unit, guest_update_va_mapping(unit.vcpu, unit_window(&unit, 9), 0, UVMF_INVLPG | unreadable),
                   XEN_EFAULT, REFUSE_VCPU_MASK);
    assert_counts(&unit, page, 2, TYPE_WRITABLE, 1);
    unit_destroy(&unit);
}

/* ---- Which entry. */

/* Shows update_va_mapping.nowhere. */
static void test_nowhere(void **state)
{
    static const uint64_t wide[] = {
        0, 0x800000000000, HYPERVISOR_VIRT_START, HYPERVISOR_VIRT_END - 1, 0xffffffffffffffff, 0x1234567890abcdef};
    static const uint64_t narrow[] = {0, 0xf5800000, 0xffe00000, 0xffffffff};
    bool pae = unit_width(state) == WIDTH_PAE;
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < (pae ? ARRAY_SIZE(narrow) : ARRAY_SIZE(wide)); i++)
        assert_refused(&unit, guest_update_va_mapping(unit.vcpu, VADDR(pae ? narrow[i] : wide[i]), 0, UVMF_TLB_FLUSH),
                       XEN_EINVAL, REFUSE_NO_L1_ENTRY);
    unit_destroy(&unit);
}

/* The page offset does not matter.  Shows update_va_mapping.any-address, update_va_mapping.found-by-address. */
static void test_offset(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    assert_int_equal(
        guest_update_va_mapping(unit.vcpu, VADDR(unit_window(&unit, 4).v + 0xfff), pte(page, PTE_RO_PAGE), UVMF_NONE),
        0);
    assert_int_equal(pte_mfn(guest_entry(unit.guest, unit_window_table(&unit), 4)).v, page.v);
    assert_int_equal(unit_map(&unit, 4, 0), 0);
    unit_destroy(&unit);
}

/* ---- Frames of another domain. */

static int64_t map_other(struct unit *unit, uint64_t entry, unsigned domid)
{
    return guest_update_va_mapping_otherdomain(unit->vcpu, unit_window(unit, 2), entry, UVMF_INVLPG, domid);
}

/* Shows update_va_mapping.page-owner, update_va_mapping.no-domain, update_va_mapping.no-right. */
static void test_otherdomain(void **state)
{
    struct unit unit;
    mfn_t page, own;
    uint64_t word = 0x1234;

    create(&unit, state);
    page = guest_mfn(unit.other, guest_page_alloc(unit.other));
    own = unit_page(&unit);
    assert_int_equal(map_other(&unit, pte(page, PTE_RW_PAGE), 1), 0);
    assert_true(guest_write(unit.vcpu, unit_window(&unit, 2), &word, 8));
    assert_int_equal(unit_entries(&unit, page)[0], 0x1234);
    assert_refused(&unit, map_other(&unit, pte(own, PTE_RW_PAGE), 1), XEN_EBUSY, REFUSE_NOT_OWNED);
    assert_refused(&unit, map_other(&unit, pte(page, PTE_RO_PAGE), DOMID_SELF), XEN_EBUSY, REFUSE_NOT_OWNED);
    assert_refused(&unit, map_other(&unit, pte(guest_root(unit.other), PTE_RW_PAGE), 1), XEN_EBUSY,
                   REFUSE_TYPE_CONFLICT);
    assert_int_equal(map_other(&unit, pte(guest_root(unit.other), PTE_RO_PAGE), 1), 0);
    assert_int_equal(map_other(&unit, pte(own, PTE_RW_PAGE), DOMID_SELF), 0);
    assert_int_equal(map_other(&unit, 0, DOMID_IO), 0);
    assert_refused(&unit, map_other(&unit, 0, 0), XEN_ESRCH, REFUSE_NO_SUCH_DOMAIN);
    unit.domain->privileged = false;
    assert_refused(&unit, map_other(&unit, 0, 1), XEN_EPERM, REFUSE_NOT_PRIVILEGED);
    unit_destroy(&unit);
}

/* Shows update_va_mapping.dying. */
static void test_dying(void **state)
{
    struct unit unit;

    create(&unit, state);
    unit.domain->dying = true;
    assert_refused(&unit, unit_map(&unit, 0, 0), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit.other->domain->dying = true;
    assert_refused(&unit, map_other(&unit, 0, 1), XEN_ESRCH, REFUSE_DYING);
    unit.other->domain->dying = false;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_flushes), unit_test_both(test_flush_errors), unit_test_both(test_nowhere),
        unit_test_both(test_offset),  unit_test_both(test_otherdomain),  unit_test_both(test_dying),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
