/* SPDX-License-Identifier: MIT */
/*
 * Grants mapped and copied: what a mapping holds, which entry it can be undone by, and which page is meant.  Domain 1,
 * which a scene gives any width, grants to domain 0.  The table itself: xsa_grant_tables.c.
 */
#include <tests/lessons/lib/lesson.h>
#include <tests/support/guest_grant.h>

#define REF     20u
#define GRANTER 1u
#define WINDOW  10u

/* Two guests, of the same width, with tables of version 1. */
static void begin_seeded(struct lesson *lesson, enum width width, uint64_t seed)
{
    struct sim_config config = lesson_config(width, 2);

    config.seed = seed;
    config.nr_domains = 2;
    config.domains[1].width = width;
    lesson_begin(lesson, &config);
    guest_grants_begin(lesson->guest, 1);
    guest_grants_begin(lesson->other, 1);
}

static void begin(struct lesson *lesson, enum width width)
{
    begin_seeded(lesson, width, lesson_config(width, 2).seed);
}

/* A page of domain 1's that is mapped nowhere, so that whether it can be a table says whether anybody writes it. */
static mfn_t grant_page(const struct lesson *lesson, unsigned flags)
{
    mfn_t mfn = guest_mfn(lesson->other, lesson_unmapped_page(lesson->other));

    guest_grant(lesson->other, REF, 0, mfn, flags);
    return mfn;
}

static vaddr_t window(const struct lesson *lesson, unsigned n)
{
    return lesson_window(lesson->guest, WINDOW + n);
}

static int16_t map(const struct lesson *lesson, unsigned n, unsigned flags, grant_handle_t *handle)
{
    return guest_grant_map(lesson->vcpu, GRANTER, REF, window(lesson, n).v, flags, handle);
}

/* Nobody writes or uses the page any more, and the granter has been told. */
static void assert_free(const struct lesson *lesson, mfn_t page)
{
    assert_int_equal(guest_grant_use(lesson->other, REF), 0);
    assert_int_equal(lesson_frame(lesson, page)->refs, 1);
    assert_true(lesson_can_be_table(lesson->other_vcpu, page));
    guest_assert_clean(lesson->sim);
}

/*
 * ---- XSA-224: each part of a mapping, in each order, and what it leaves.
 */

/* Undo @parts of the mapping at once; the page is in use until none is left. */
static void undo(const struct lesson *lesson, mfn_t page, grant_handle_t handle, unsigned parts, unsigned left)
{
    uint64_t host = parts & GNTMAP_host_map ? window(lesson, 0).v : 0;
    uint64_t device = parts & GNTMAP_device_map ? page.v << PAGE_SHIFT : 0;

    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, host, device), GNTST_okay);
    guest_assert_clean(lesson->sim);
    assert_true(!guest_grant_use(lesson->other, REF) == !left);
}

/* Map @parts, then undo @first of them and after that the rest, if there is any. */
static void map_and_undo(const struct lesson *lesson, mfn_t page, unsigned flags, unsigned first)
{
    unsigned parts = flags & (GNTMAP_host_map | GNTMAP_device_map), rest = parts & ~first;
    bool written = !(flags & GNTMAP_readonly);
    grant_handle_t handle;

    assert_int_equal(map(lesson, 0, flags, &handle), GNTST_okay);
    assert_int_equal(guest_grant_use(lesson->other, REF), written ? GTF_reading | GTF_writing : GTF_reading);
    assert_int_equal(lesson_can_be_table(lesson->other_vcpu, page), !written);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, 0, 0), GNTST_okay); /* neither part */
    undo(lesson, page, handle, parts & first, rest);
    assert_int_equal(lesson_can_be_table(lesson->other_vcpu, page), !written || !rest);
    if (rest)
        undo(lesson, page, handle, rest, 0);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 0).v, 0), GNTST_bad_handle);
    assert_free(lesson, page);
}

static void all_parts(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access);

    for (unsigned parts = 1; parts < 4; parts++) {
        for (unsigned first = 1; first < 4; first++) {
            map_and_undo(lesson, page, parts, first);
            map_and_undo(lesson, page, parts | GNTMAP_readonly, first);
        }
    }
}

static void xsa_224_every_part_in_every_order(void **state)
{
    (void)state;
    lesson_of_either_width(begin, all_parts);
}

/* All combinations of flags, and of domains that grant nothing: what is refused holds nothing. */
static void all_flags(struct lesson *lesson)
{
    static const uint16_t domids[] = {0, 2, 7, 0x7fef, DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_INVALID};
    mfn_t page = grant_page(lesson, GTF_permit_access | GTF_readonly);
    struct picture before;

    /* The first takes memory for its record, and the first use leaves its frame there. */
    assert_true(guest_grant_map(lesson->vcpu, GRANTER, REF, 0, GNTMAP_host_map | GNTMAP_readonly, NULL) < 0);
    before = lesson_picture(lesson);
    for (unsigned flags = 0; flags < 64; flags++) {
        bool maps = flags & (GNTMAP_host_map | GNTMAP_device_map);

        for (unsigned i = 0; i < ARRAY_SIZE(domids); i++)
            assert_true(guest_grant_map(lesson->vcpu, domids[i], REF, window(lesson, 0).v, flags, NULL) < 0);
        if (!(flags & GNTMAP_readonly))
            assert_int_equal(map(lesson, 0, flags, NULL), maps ? GNTST_general_error : GNTST_bad_gntref);
        assert_true(guest_grant_map(lesson->vcpu, GRANTER, REF, HYPERVISOR_VIRT_START, flags | GNTMAP_host_map, NULL) <
                    0);
    }
    lesson_assert_unchanged(lesson, &before);
    assert_free(lesson, page);
}

static void xsa_224_no_combination_of_flags_holds_what_is_refused(void **state)
{
    (void)state;
    lesson_of_either_width(begin, all_flags);
}

/*
 * ---- XSA-234: the entry that is undone is the one that was made.
 */

/* What may stand there instead, so that nothing is undone. */
static void assert_not_undone(const struct lesson *lesson, grant_handle_t handle)
{
    unsigned use = guest_grant_use(lesson->other, REF);

    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 0).v, 0), GNTST_general_error);
    assert_int_equal(guest_grant_use(lesson->other, REF), use);
    guest_assert_clean(lesson->sim);
}

static void entries(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access), own = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    grant_handle_t writable, readonly;

    assert_int_equal(map(lesson, 0, GNTMAP_host_map, &writable), GNTST_okay);
    assert_int_equal(map(lesson, 1, GNTMAP_host_map | GNTMAP_readonly, &readonly), GNTST_okay);
    /* Where the other one stands: the same page, other rights. */
    assert_int_equal(guest_grant_unmap(lesson->vcpu, readonly, window(lesson, 0).v, 0), GNTST_general_error);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, writable, window(lesson, 1).v, 0), GNTST_general_error);
    assert_false(lesson_can_be_table(lesson->other_vcpu, page));
    /* Nothing, and a page of the guest's own, with either right. */
    assert_int_equal(lesson_map(lesson->vcpu, WINDOW, own, PTE_RW_PAGE), 0);
    assert_not_undone(lesson, writable);
    assert_int_equal(lesson_map(lesson->vcpu, WINDOW, own, PTE_RO_PAGE), 0);
    assert_not_undone(lesson, writable);
    assert_int_equal(lesson_unmap(lesson->vcpu, WINDOW), 0);
    assert_not_undone(lesson, writable);
    /* The page itself cannot come back but by the grant; then either handle can undo that entry, once. */
    assert_true(lesson_map(lesson->vcpu, WINDOW, page, PTE_RW_PAGE) < 0);
    assert_true(lesson_map(lesson->vcpu, WINDOW, page, PTE_RO_PAGE) < 0);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, readonly, window(lesson, 1).v, 0), GNTST_okay);
    assert_int_equal(map(lesson, 0, GNTMAP_host_map, &readonly), GNTST_okay);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, readonly, window(lesson, 0).v, 0), GNTST_okay);
    assert_not_undone(lesson, writable);
    /* What nobody can undo stays in use, until the guest ends. */
    assert_false(lesson_can_be_table(lesson->other_vcpu, page));
    assert_int_equal(guest_grant_use(lesson->other, REF), GTF_reading | GTF_writing);
}

/* Shows grant_table_op.unmap-elsewhere. */
static void xsa_234_only_the_entry_that_was_made(void **state)
{
    (void)state;
    lesson_of_either_width(begin, entries);
}

/* Handles that name nothing, or nothing any more. */
static void handles(struct lesson *lesson)
{
    static const grant_handle_t wrong[] = {0, 1, 7, 0x7fffffff, 0xffffffff};
    mfn_t page = grant_page(lesson, GTF_permit_access);
    grant_handle_t handle;

    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++) {
            struct gnttab_unmap_and_replace replace = {window(lesson, 0).v, window(lesson, 1).v, wrong[i], 7, 0};

            assert_int_equal(guest_grant_unmap(lesson->vcpu, wrong[i], window(lesson, 0).v, 0), GNTST_bad_handle);
            assert_int_equal(guest_grant_unmap(lesson->vcpu, wrong[i], 0, 0x1000), GNTST_bad_handle);
            assert_int_equal(guest_grant_op(lesson->vcpu, GNTTABOP_unmap_and_replace, &replace, sizeof(replace), 1), 0);
            assert_int_equal(replace.status, GNTST_bad_handle);
        }
        assert_int_equal(map(lesson, 0, GNTMAP_host_map, &handle), GNTST_okay);
        assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 0).v, 0), GNTST_okay);
    }
    assert_free(lesson, page);
}

static void xsa_234_no_handle_is_undone_twice(void **state)
{
    (void)state;
    lesson_of_either_width(begin, handles);
}

/*
 * ---- XSA-227, XSA-230, XSA-394: where the entry lies; what a copy leaves; what undoes nothing.
 */

/* An entry has an address that is a multiple of its size, in an L1 table of the caller's. */
static void addresses(struct lesson *lesson)
{
    uint64_t entry = lesson_maddr(lesson_table(lesson->guest, 1), lesson_slot(lesson->guest, 1, WINDOW));
    mfn_t page = grant_page(lesson, GTF_permit_access), own = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    const uint64_t wrong[] = {
        pte(own, 0),    pte(lesson_table(lesson->guest, 2), 0), pte(lesson_table(lesson->other, 1), 0), pte(page, 0),
        UINT64_MAX - 7, pte(lesson->sim->hypervisor_first, 0)};
    const unsigned flags = GNTMAP_host_map | GNTMAP_contains_pte;
    grant_handle_t handle;
    struct picture before;

    assert_int_equal(guest_grant_map(lesson->vcpu, GRANTER, REF, entry, flags, &handle), GNTST_okay);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, entry, 0), GNTST_okay);
    before = lesson_picture(lesson);
    for (unsigned offset = 1; offset < 8; offset++)
        assert_true(guest_grant_map(lesson->vcpu, GRANTER, REF, entry + offset, flags, NULL) < 0);
    for (unsigned i = 0; i < ARRAY_SIZE(wrong); i++)
        assert_true(guest_grant_map(lesson->vcpu, GRANTER, REF, wrong[i], flags, NULL) < 0);
    lesson_assert_unchanged(lesson, &before);
    assert_int_equal(guest_grant_map(lesson->vcpu, GRANTER, REF, entry, flags, &handle), GNTST_okay);
    for (unsigned offset = 1; offset < 8; offset++)
        assert_true(guest_grant_unmap(lesson->vcpu, handle, entry + offset, 0) < 0);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, entry, 0), GNTST_okay);
    assert_free(lesson, page);
}

static void xsa_227_an_entry_by_its_machine_address(void **state)
{
    (void)state;
    lesson_of_either_width(begin, addresses);
}

static int16_t copy_to(const struct lesson *lesson, mfn_t to)
{
    struct gnttab_copy copy = {{.u.ref = REF, .domid = GRANTER, .offset = 0},
                               {.u.gmfn = to.v, .domid = DOMID_SELF, .offset = 0},
                               .len = sizeof(uint64_t),
                               .flags = GNTCOPY_source_gref,
                               .status = 7};

    assert_int_equal(guest_grant_copy(lesson->vcpu, &copy, 1), 0);
    return copy.status;
}

/* The end of a copy is not the end of a mapping for devices. */
static void copies_beside(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access), to = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    grant_handle_t handle;

    for (unsigned readonly = 0; readonly <= GNTMAP_readonly; readonly += GNTMAP_readonly) {
        unsigned use = readonly ? GTF_reading : GTF_reading | GTF_writing;

        assert_int_equal(map(lesson, 0, GNTMAP_device_map | readonly, &handle), GNTST_okay);
        assert_int_equal(copy_to(lesson, to), GNTST_okay);
        assert_int_equal(guest_grant_use(lesson->other, REF), use);
        assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, 0, page.v << PAGE_SHIFT), GNTST_okay);
        assert_int_equal(guest_grant_use(lesson->other, REF), 0);
    }
    assert_free(lesson, page);
}

static void xsa_230_a_copy_ends_no_mapping(void **state)
{
    (void)state;
    lesson_of_either_width(begin, copies_beside);
}

/* However often a part is undone that is not there, or no part at all, the others stay as they are. */
static void undone_again(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access);
    const uint64_t device = page.v << PAGE_SHIFT;
    grant_handle_t handle;

    assert_int_equal(map(lesson, 0, GNTMAP_host_map | GNTMAP_device_map, &handle), GNTST_okay);
    for (unsigned i = 0; i < 5; i++) {
        assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, 0, 0), GNTST_okay);
        assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, 0, device), GNTST_okay); /* the first time */
        assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 1).v, 0), GNTST_general_error);
        assert_int_equal(guest_grant_use(lesson->other, REF), GTF_reading | GTF_writing);
        assert_false(lesson_can_be_table(lesson->other_vcpu, page));
        guest_assert_clean(lesson->sim);
    }
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 0).v, device), GNTST_okay);
    assert_free(lesson, page);
}

static void xsa_394_what_undoes_nothing(void **state)
{
    (void)state;
    lesson_of_either_width(begin, undone_again);
}

/*
 * ---- XSA-500: of a page that is in use the entry has no say any more.
 */

static void changed_entry(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access), to = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    mfn_t second = guest_mfn(lesson->other, lesson_page(lesson->other));
    grant_handle_t handle;

    sim_frame_entries(lesson->sim, page)[0] = 0x1111;
    sim_frame_entries(lesson->sim, second)[0] = 0x2222;
    assert_int_equal(map(lesson, 0, GNTMAP_host_map, &handle), GNTST_okay);
    guest_grant(lesson->other, REF, 0, second, GTF_permit_access);
    assert_int_equal(copy_to(lesson, to), GNTST_okay);
    assert_int_equal(sim_frame_entries(lesson->sim, to)[0], 0x1111);
    assert_int_equal(guest_grant_unmap(lesson->vcpu, handle, window(lesson, 0).v, 0), GNTST_okay);
    assert_int_equal(copy_to(lesson, to), GNTST_okay);
    assert_int_equal(sim_frame_entries(lesson->sim, to)[0], 0x2222);
    sim_frame_entries(lesson->sim, page)[0] = 0;
    assert_free(lesson, page);
}

static void xsa_500_a_page_in_use_is_the_one_that_is_copied(void **state)
{
    (void)state;
    lesson_of_either_width(begin, changed_entry);
}

/*
 * ---- Transfer, of any page to anybody.
 */

static void transfers(struct lesson *lesson)
{
    static const uint16_t domids[] = {0, 1, 2, 0x7fef, DOMID_SELF, DOMID_IO, DOMID_XEN, DOMID_INVALID};
    mfn_t own = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    struct picture before;

    guest_grant(lesson->other, REF, 0, MFN(0), GTF_accept_transfer);
    guest_grant(lesson->guest, REF, 0, MFN(0), GTF_accept_transfer);
    before = lesson_picture(lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(domids); i++) {
        struct gnttab_transfer wide = {.mfn = own.v, .domid = domids[i], .ref = REF, .status = 7};
        struct compat_gnttab_transfer compat = {
            .mfn = (compat_pfn_t)own.v, .domid = domids[i], .ref = REF, .status = 7};
        bool is_64 = lesson->guest->domain->width == WIDTH_64;

        assert_int_equal(guest_grant_op(lesson->vcpu, GNTTABOP_transfer, is_64 ? (void *)&wide : &compat,
                                        is_64 ? sizeof(wide) : sizeof(compat), 1),
                         0);
        assert_true((is_64 ? wide.status : compat.status) < 0);
    }
    lesson_assert_unchanged(lesson, &before);
}

/* Shows grant_table_op.transfer. */
static void xsa_214_nothing_is_transferred(void **state)
{
    (void)state;
    lesson_of_either_width(begin, transfers);
}

/*
 * ---- XSA-218: two vCPUs undo the parts of one mapping at once.  The release of the entry exchanges the locks.
 */

struct undoing {
    grant_handle_t handle;
    uint64_t host_addr, dev_bus_addr;
    int16_t status;
};

static void undo_part(struct vcpu *vcpu, void *arg)
{
    struct undoing *undoing = arg;

    undoing->status = guest_grant_unmap(vcpu, undoing->handle, undoing->host_addr, undoing->dev_bus_addr);
}

/* Each part is undone once, and the last of the two ends the mapping, whichever that is. */
static void undo_at_once(struct lesson *lesson)
{
    mfn_t page = grant_page(lesson, GTF_permit_access);
    struct undoing host = {.host_addr = window(lesson, 0).v}, device = {.dev_bus_addr = page.v << PAGE_SHIFT};

    assert_int_equal(map(lesson, 0, GNTMAP_host_map | GNTMAP_device_map, &host.handle), GNTST_okay);
    device.handle = host.handle;
    lesson->sim->preemption = SIM_PREEMPT_RANDOM;
    lesson->sim->preempt_per_256 = 128;
    sim_spawn(lesson->sim, lesson->vcpu, undo_part, &host);
    sim_spawn(lesson->sim, lesson->second, undo_part, &device);
    sim_run(lesson->sim);
    lesson->sim->preemption = SIM_PREEMPT_NEVER;
    assert_int_equal(host.status | device.status, GNTST_okay);
    assert_free(lesson, page);
}

static void xsa_218_two_vcpus_undo_one_mapping(void **state)
{
    (void)state;
    for (unsigned seed = 1; seed <= 40; seed++) {
        struct lesson lesson;

        begin_seeded(&lesson, WIDTH_64, seed);
        undo_at_once(&lesson);
        lesson_end(&lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_214_nothing_is_transferred),
        LESSON(xsa_218_two_vcpus_undo_one_mapping),
        LESSON(xsa_224_every_part_in_every_order),
        LESSON(xsa_224_no_combination_of_flags_holds_what_is_refused),
        LESSON(xsa_227_an_entry_by_its_machine_address),
        LESSON(xsa_230_a_copy_ends_no_mapping),
        LESSON(xsa_234_only_the_entry_that_was_made),
        LESSON(xsa_234_no_handle_is_undone_twice),
        LESSON(xsa_394_what_undoes_nothing),
        LESSON(xsa_500_a_page_in_use_is_the_one_that_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
