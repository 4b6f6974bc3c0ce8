/* SPDX-License-Identifier: MIT */
/* GDT, LDT and single descriptors of a vCPU. */
#include <stdlib.h>

#include <abi/errno.h>
#include <abi/segment.h>

#include <tests/unit/lib/unit.h>

#define SEGMENT UINT64_C(0x00cf92000000ffff) /* flat data, DPL 0 */
#define TSS     UINT64_C(0x0000890000000067)

static uint64_t adjusted(enum width width)
{
    return SEGMENT | (width == WIDTH_64 ? UINT64_C(3) : UINT64_C(1)) << 45;
}

static void create(struct unit *unit, void **state)
{
    unit_create(unit, &(struct unit_config){.width = unit_width(state), .nr_vcpus = 2, .nr_guests = 2});
}

static mfn_t window(const struct unit *unit, unsigned page)
{
    return sim_vcpu_of(unit->vcpu)->windows[page];
}

/* ---- The GDT. */

/*
 * All sizes: whole frames are mapped, the others are empty.  Shows segdesc.sizes, set_gdt.frames, set_gdt.entries,
 * set_gdt.loaded.
 */
static void test_sizes(void **state)
{
    static const unsigned sizes[] = {1, 511, 512, 513, 1024, 1025, 6656, 6657, 7168};
    mfn_t frames[GDT_FRAMES];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        frames[i] = unit_idle_page(&unit);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        unsigned used = (sizes[i] + 511) / 512;

        assert_int_equal(guest_set_gdt(unit.vcpu, frames, sizes[i]), 0);
        assert_int_equal(unit.vcpu->gdt_entries, sizes[i]);
        for (unsigned page = 0; page < GDT_FRAMES; page++) {
            assert_int_equal(window(&unit, page).v, page < used ? frames[page].v : MFN_NONE.v);
            assert_counts(&unit, frames[page], 1u + (page < used), TYPE_SEGDESC, page < used);
        }
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(guest_set_gdt(unit.vcpu, NULL, 0), 0);
    for (unsigned page = 0; page < GDT_FRAMES; page++) {
        assert_true(mfn_is_none(window(&unit, page)));
        assert_counts(&unit, frames[page], 1, TYPE_NONE, 0);
    }
    assert_int_equal(unit.vcpu->gdt_entries, 0);
    unit_destroy(&unit);
}

/* One frame may stand there many times, and in the tables of several vCPUs.  Shows set_gdt.own-vcpu. */
static void test_same_frame(void **state)
{
    mfn_t frames[GDT_FRAMES];
    struct unit unit;

    create(&unit, state);
    frames[0] = unit_idle_page(&unit);
    for (unsigned i = 1; i < GDT_FRAMES; i++)
        frames[i] = frames[0];
    assert_int_equal(guest_set_gdt(unit.vcpu, frames, 7168), 0);
    assert_int_equal(guest_set_gdt(guest_vcpu(unit.guest, 1), frames, 1), 0);
    assert_counts(&unit, frames[0], 16, TYPE_SEGDESC, 15);
    assert_int_equal(guest_set_gdt(unit.vcpu, frames, 0), 0);
    assert_counts(&unit, frames[0], 2, TYPE_SEGDESC, 1);
    unit_destroy(&unit);
}

/*
 * A bad frame in each position: the old table stays, whole.  Shows set_gdt.old-stays, set_gdt.not-owned,
 * set_gdt.in-use, set_gdt.bad-descriptor, set_gdt.all-checked.
 */
static void test_bad_frame(void **state)
{
    mfn_t old[GDT_FRAMES], frames[GDT_FRAMES], bad[6];
    struct unit unit;

    create(&unit, state);
    for (unsigned i = 0; i < GDT_FRAMES; i++) {
        old[i] = unit_idle_page(&unit);
        frames[i] = unit_idle_page(&unit);
    }
    bad[0] = unit_page(&unit);                /* mapped writable */
    bad[1] = unit_table(&unit, 1);            /* a table */
    bad[2] = guest_mfn(unit.other, PFN(100)); /* another's */
    bad[3] = MFN(UNIT_HOLE);                  /* no RAM */
    bad[4] = MFN(UINT32_MAX);                 /* nothing */
    bad[5] = unit_idle_page(&unit);           /* with a descriptor that is refused, beyond the size asked for */
    unit_entries(&unit, bad[5])[511] = TSS;
    assert_int_equal(guest_set_gdt(unit.vcpu, old, 7168), 0);
    for (unsigned position = 0; position < GDT_FRAMES; position++) {
        for (unsigned i = 0; i < ARRAY_SIZE(bad); i++) {
            mfn_t saved = frames[position];

            frames[position] = bad[i];
            assert_int_equal(guest_set_gdt(unit.vcpu, frames, position * 512 + 1), -XEN_EINVAL);
            frames[position] = saved;
            assert_counts(&unit, frames[0], 1, TYPE_NONE, 0);
            assert_counts(&unit, frames[position], 1, TYPE_NONE, 0);
            for (unsigned page = 0; page < GDT_FRAMES; page++)
                assert_int_equal(window(&unit, page).v, old[page].v);
        }
    }
    assert_int_equal(unit.vcpu->gdt_entries, 7168);
    assert_int_equal(guest_unpin(unit.vcpu, bad[1]), 0);
    unit_destroy(&unit);
}

/* Shows set_gdt.too-many, set_gdt.unreadable, set_gdt.dying. */
static void test_bad_arguments(void **state)
{
    struct unit unit;

    create(&unit, state);
    assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_set_gdt, 0, 7169, 0, 0, 0, 0), XEN_EINVAL,
                   REFUSE_TABLE_LIMIT);
    assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_set_gdt, 0, UINT32_MAX, 0, 0, 0, 0), XEN_EINVAL,
                   REFUSE_TABLE_LIMIT);
    assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_set_gdt, unit_window(&unit, 0).v, 1, 0, 0, 0, 0),
                   XEN_EFAULT, REFUSE_GUEST_FAULT);
    unit.domain->dying = true;
    assert_refused(&unit, guest_hypercall(unit.vcpu, __HYPERVISOR_set_gdt, 0, 0, 0, 0, 0, 0), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* ---- The GDT of a vCPU that does not run, from a list that is no guest's any more. */

/* Shows set_gdt.own-vcpu, vcpu_guest_context.gdt. */
static void test_set_gdt(void **state)
{
    static const unsigned sizes[] = {7168, 1, 513, 0, 512};
    mfn_t frames[GDT_FRAMES];
    struct vcpu *second;
    struct unit unit;

    create(&unit, state);
    second = guest_vcpu(unit.guest, 1);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        frames[i] = unit_idle_page(&unit);
    unit_entries(&unit, frames[0])[5] = SEGMENT;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        unsigned used = (sizes[i] + 511) / 512;

        assert_int_equal(vcpu_set_gdt(second, frames, sizes[i]), 0);
        assert_int_equal(second->gdt_entries, sizes[i]);
        for (unsigned page = 0; page < GDT_FRAMES; page++) {
            assert_int_equal(sim_vcpu_of(second)->windows[page].v, page < used ? frames[page].v : MFN_NONE.v);
            assert_int_equal(second->gdt[page].v, page < used ? frames[page].v : MFN_NONE.v);
            assert_counts(&unit, frames[page], 1u + (page < used), TYPE_SEGDESC, page < used);
            assert_true(mfn_is_none(window(&unit, page))); /* the other vCPU's */
        }
        guest_assert_clean(unit.sim);
    }
    assert_int_equal(unit_entries(&unit, frames[0])[5], adjusted(unit_width(state)));
    unit_destroy(&unit);
}

/* Not one frame more than the entries need is looked at. */
static void test_set_gdt_reads(void **state)
{
    struct unit unit;
    mfn_t *frame;

    create(&unit, state);
    frame = malloc(sizeof(*frame));
    assert_non_null(frame);
    *frame = unit_idle_page(&unit);
    assert_int_equal(vcpu_set_gdt(guest_vcpu(unit.guest, 1), frame, 512), 0);
    free(frame);
    assert_int_equal(vcpu_set_gdt(guest_vcpu(unit.guest, 1), NULL, 0), 0);
    unit_destroy(&unit);
}

static void test_set_gdt_refused(void **state)
{
    mfn_t old, frames[GDT_FRAMES];
    struct vcpu *second;
    struct unit unit;

    create(&unit, state);
    second = guest_vcpu(unit.guest, 1);
    old = unit_idle_page(&unit);
    for (unsigned i = 0; i < GDT_FRAMES; i++)
        frames[i] = unit_idle_page(&unit);
    assert_int_equal(vcpu_set_gdt(second, &old, 3), 0);
    assert_refused(&unit, vcpu_set_gdt(second, frames, 7169), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, vcpu_set_gdt(second, frames, UINT32_MAX), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    frames[13] = unit_page(&unit);
    assert_refused(&unit, vcpu_set_gdt(second, frames, 7168), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_null(unit.sim->last_refusal.vcpu); /* the hypervisor asks, on whosever behalf */
    frames[13] = guest_mfn(unit.other, PFN(100));
    assert_refused(&unit, vcpu_set_gdt(second, frames, 7168), XEN_EINVAL, REFUSE_NOT_OWNED);
    frames[13] = MFN(UINT64_MAX);
    assert_refused(&unit, vcpu_set_gdt(second, frames, 7168), XEN_EINVAL, REFUSE_NOT_OWNED);
    unit_entries(&unit, frames[2])[511] = TSS;
    assert_refused(&unit, vcpu_set_gdt(second, frames, 1537), XEN_EINVAL, REFUSE_DESCRIPTOR);
    unit.domain->dying = true;
    assert_refused(&unit, vcpu_set_gdt(second, frames, 1), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    assert_int_equal(second->gdt_entries, 3);
    assert_int_equal(sim_vcpu_of(second)->windows[0].v, old.v);
    for (unsigned i = 0; i < GDT_FRAMES - 1; i++)
        assert_counts(&unit, frames[i], 1, TYPE_NONE, 0);
    unit_destroy(&unit);
}

/* ---- The LDT. */

/* Shows mmuext_op.ldt-on-demand, mmuext_op.ldt-dropped, segdesc.not-writable, segdesc.read-back. */
static void test_ldt_on_demand(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    unit_entries(&unit, page)[5] = SEGMENT;
    assert_int_equal(unit_map(&unit, 1, pte(page, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), 600), 0);
    assert_counts(&unit, page, 2, TYPE_NONE, 0); /* nothing is looked at before it is needed */
    assert_own_fault(&unit, ldt_fault(unit.vcpu, 0));
    assert_int_equal(ldt_fault(unit.vcpu, 1), 0);
    assert_counts(&unit, page, 3, TYPE_SEGDESC, 1);
    assert_int_equal(window(&unit, LDT_WINDOW + 1).v, page.v);
    assert_int_equal(unit_entries(&unit, page)[5], adjusted(unit_width(state)));
    assert_int_equal(ldt_fault(unit.vcpu, 1), 0); /* it is there already */
    assert_counts(&unit, page, 3, TYPE_SEGDESC, 1);
    assert_int_equal(unit_map(&unit, 2, pte(page, PTE_RW_PAGE)), -XEN_EBUSY);
    assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), 600), 0); /* a new one: all are dropped */
    assert_counts(&unit, page, 2, TYPE_NONE, 0);
    assert_true(mfn_is_none(window(&unit, LDT_WINDOW + 1)));
    unit_destroy(&unit);
}

/* Nothing is mapped beyond the limit (XSA-298).  Shows mmuext_op.ldt, segdesc.sizes. */
static void test_ldt_limit(void **state)
{
    static const unsigned limits[] = {0, 1, 512, 513, 8191, 8192};
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_idle_page(&unit);
    for (unsigned i = 0; i < LDT_FRAMES + 1; i++)
        assert_int_equal(unit_map(&unit, i, pte(page, PTE_RO_PAGE)), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
        unsigned pages = (limits[i] + 511) / 512;

        assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), limits[i]), 0);
        assert_int_equal(sim_vcpu_of(unit.vcpu)->ldt_entries, limits[i]); /* the processor's limit as well */
        for (unsigned n = 0; n < LDT_FRAMES + 2; n++) {
            if (n < pages)
                assert_int_equal(ldt_fault(unit.vcpu, n), 0);
            else
                assert_own_fault(&unit, ldt_fault(unit.vcpu, n));
        }
    }
    assert_int_equal(guest_set_ldt(unit.vcpu, VADDR(0), 0), 0);
    unit_destroy(&unit);
}

/* Pages that cannot be descriptor tables.  Shows mmuext_op.ldt-on-demand. */
static void test_ldt_refused(void **state)
{
    struct unit unit;
    mfn_t page, bad;

    create(&unit, state);
    page = unit_page(&unit);
    bad = unit_idle_page(&unit);
    unit_entries(&unit, bad)[7] = TSS;
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0); /* it is mapped writable elsewhere */
    assert_int_equal(unit_map(&unit, 1, pte(guest_root(unit.guest), PTE_RO_PAGE)), 0);
    assert_int_equal(unit_map(&unit, 2, pte(bad, PTE_RO_PAGE)), 0);
    assert_int_equal(guest_set_ldt(unit.vcpu, unit_window(&unit, 0), 8192), 0);
    assert_refused(&unit, ldt_fault(unit.vcpu, 0), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_int_equal(unit.sim->last_refusal.call, CALL_LDT_USE);
    assert_refused(&unit, ldt_fault(unit.vcpu, 1), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, ldt_fault(unit.vcpu, 2), XEN_EINVAL, REFUSE_DESCRIPTOR);
    assert_counts(&unit, page, 3, TYPE_WRITABLE, 1);
    assert_counts(&unit, bad, 2, TYPE_NONE, 0);
    unit.domain->dying = true;
    assert_refused(&unit, ldt_fault(unit.vcpu, 0), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    unit_destroy(&unit);
}

/* The LDT of a vCPU that does not run: the same rules, and the same on demand. */
static void test_set_ldt(void **state)
{
    struct vcpu *second;
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    second = guest_vcpu(unit.guest, 1);
    page = unit_idle_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    assert_int_equal(vcpu_set_ldt(second, unit_window(&unit, 0), 512), 0);
    assert_int_equal(second->ldt_entries, 512);
    assert_int_equal(second->ldt_base.v, unit_window(&unit, 0).v);
    assert_int_equal(unit.vcpu->ldt_entries, 0);
    assert_int_equal(ldt_fault(second, 0), 0);
    assert_counts(&unit, page, 3, TYPE_SEGDESC, 1);
    assert_refused(&unit, vcpu_set_ldt(second, unit_window(&unit, 0), 8193), XEN_EINVAL, REFUSE_TABLE_LIMIT);
    assert_refused(&unit, vcpu_set_ldt(second, VADDR(unit_window(&unit, 0).v + 8), 1), XEN_EINVAL, REFUSE_MISALIGNED);
    assert_refused(&unit, vcpu_set_ldt(second, VADDR(HYPERVISOR_VIRT_START), 1), XEN_EINVAL, REFUSE_NOT_CANONICAL);
    assert_null(unit.sim->last_refusal.vcpu);
    unit.domain->dying = true;
    assert_refused(&unit, vcpu_set_ldt(second, unit_window(&unit, 0), 1), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    assert_int_equal(second->ldt_entries, 512);
    assert_counts(&unit, page, 3, TYPE_SEGDESC, 1);
    assert_int_equal(vcpu_set_ldt(second, VADDR(0), 0), 0);
    assert_int_equal(second->ldt_entries, 0);
    assert_counts(&unit, page, 2, TYPE_NONE, 0);
    unit_destroy(&unit);
}

/* ---- update_descriptor. */

/* Shows update_descriptor.in-table, update_descriptor.in-memory, segdesc.read-back. */
static void test_update(void **state)
{
    uint64_t expected = adjusted(unit_width(state));
    mfn_t pages[3];
    struct unit unit;

    create(&unit, state);
    pages[0] = unit_page(&unit);
    pages[1] = unit_idle_page(&unit);
    pages[2] = unit_idle_page(&unit);
    assert_int_equal(guest_set_gdt(unit.vcpu, &pages[2], 512), 0);
    for (unsigned i = 0; i < ARRAY_SIZE(pages); i++) {
        assert_int_equal(guest_update_descriptor(unit.vcpu, pte(pages[i], 0xff8), SEGMENT), 0);
        assert_int_equal(unit_entries(&unit, pages[i])[511], expected);
        assert_int_equal(guest_update_descriptor(unit.vcpu, pte(pages[i], 0), 0), 0);
    }
    assert_counts(&unit, pages[0], 2, TYPE_WRITABLE, 1);
    assert_counts(&unit, pages[1], 1, TYPE_NONE, 0);
    assert_counts(&unit, pages[2], 2, TYPE_SEGDESC, 1);
    unit_destroy(&unit);
}

/*
 * Shows update_descriptor.misaligned, update_descriptor.refused, update_descriptor.not-owned, update_descriptor.in-use,
 * update_descriptor.dying.
 */
static void test_update_refused(void **state)
{
    struct unit unit;
    mfn_t page, table;

    create(&unit, state);
    page = unit_page(&unit);
    table = unit_table(&unit, 1);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(page, 4), 0), XEN_EINVAL, REFUSE_MISALIGNED);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(page, 8), TSS), XEN_EINVAL, REFUSE_DESCRIPTOR);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(table, 8), 0), XEN_EINVAL, REFUSE_TYPE_CONFLICT);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(MFN(UNIT_HOLE), 8), 0), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(guest_mfn(unit.other, PFN(99)), 8), 0), XEN_EINVAL,
                   REFUSE_NOT_OWNED);
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(MFN(0xffffffff), 8), 0), XEN_EINVAL, REFUSE_NOT_OWNED);
    assert_int_equal(unit_entries(&unit, page)[1], 0);
    assert_int_equal(unit_entries(&unit, table)[1], 0);
    unit.domain->dying = true;
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(page, 8), 0), XEN_ESRCH, REFUSE_DYING);
    unit.domain->dying = false;
    assert_int_equal(guest_unpin(unit.vcpu, table), 0);
    unit_destroy(&unit);
}

/* A frame of the own that cannot be referenced once more.  Shows update_descriptor.not-owned. */
static void test_update_exhausted(void **state)
{
    struct unit unit;
    mfn_t page;

    create(&unit, state);
    page = unit_page(&unit);
    unit_frame(&unit, page)->refs = FRAME_REFS_MAX;
    assert_refused(&unit, guest_update_descriptor(unit.vcpu, pte(page, 8), 0), XEN_EINVAL, REFUSE_REFERENCES_EXHAUSTED);
    assert_counts(&unit, page, FRAME_REFS_MAX, TYPE_WRITABLE, 1);
    unit_frame(&unit, page)->refs = 2;
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_sizes),         unit_test_both(test_same_frame),       unit_test_both(test_bad_frame),
        unit_test_both(test_bad_arguments), unit_test_both(test_ldt_on_demand),    unit_test_both(test_ldt_limit),
        unit_test_both(test_ldt_refused),   unit_test_both(test_update),           unit_test_both(test_update_refused),
        unit_test_both(test_set_gdt),       unit_test_both(test_set_gdt_reads),    unit_test_both(test_set_gdt_refused),
        unit_test_both(test_set_ldt),       unit_test_both(test_update_exhausted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
