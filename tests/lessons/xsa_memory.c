/* SPDX-License-Identifier: MIT */
/* Frames that come and go: flags, orders and counts that make no sense, quotas, contents, who may name them. */
#include <tests/lessons/lib/lesson.h>

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};
static const unsigned commands[] = {XENMEM_increase_reservation, XENMEM_decrease_reservation, XENMEM_populate_physmap};

/*
 * ---- 14, 231: flags.
 */

/* One call of each kind with @flags; it does its work or refuses, and nothing is lost. */
static void try_flags(const struct lesson *lesson, unsigned flags)
{
    struct guest *guest = lesson->guest;
    uint64_t before = lesson_count_frames(lesson->sim), in, out;
    pfn_t pfn = lesson_unmapped_page(guest);
    int64_t result;

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        uint64_t extents[2] = {guest->nr_pages, guest->nr_pages + 1};

        if (commands[i] == XENMEM_decrease_reservation)
            extents[0] = extents[1] = guest_mfn(lesson->guest, pfn).v;
        result = guest_reservation(lesson->vcpu, commands[i], extents, 2, 0, flags);
        assert_true(result >= 0 && result <= 2);
        if (commands[i] != XENMEM_decrease_reservation)
            assert_int_equal(
                guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, extents, (unsigned)result, 0, 0), result);
        else if (result == 1)
            assert_int_equal(domain_populate(guest->domain, pfn, &guest->p2m[pfn.v]), 0);
    }
    in = guest_mfn(guest, pfn).v;
    out = pfn.v;
    if (guest_exchange(lesson->vcpu, &in, 1, 0, &out, 1, 0, flags, NULL) == 0)
        guest->p2m[pfn.v] = MFN(out);
    assert_true(lesson_count_frames(lesson->sim) == before);
    lesson_page_return(guest, pfn);
}

static void xsa_14_flags_that_are_not_for_such_guests(void **state)
{
    (void)state;
    for (unsigned kind = 0; kind < 4; kind++) {
        struct sim_config config = lesson_config(widths[kind % 2], 1);
        struct lesson lesson;

        config.domains[0].privileged = kind / 2;
        lesson_begin(&lesson, &config);
        for (unsigned bit = 0; bit < 32; bit++)
            try_flags(&lesson, 1u << bit);
        try_flags(&lesson, ~0u);
        try_flags(&lesson, XENMEMF_populate_on_demand | XENMEMF_vnode);
        guest_assert_clean(lesson.sim);
        lesson_end(&lesson);
    }
}

/* Shows memory_op.nodes. */
static void xsa_231_every_node_number(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned node = 0; node < 256; node++) {
        try_flags(&lesson, XENMEMF_node(node));
        try_flags(&lesson, XENMEMF_exact_node(node));
    }
    lesson_end(&lesson);
}

/*
 * ---- 31, 158: orders and counts.
 */

static void try_extents(const struct lesson *lesson, unsigned command, unsigned order, uint64_t count)
{
    struct guest *guest = lesson->guest;
    const struct xen_memory_reservation wide = {
        .extent_start = command == XENMEM_increase_reservation ? 0 : guest->window.v, /* not mapped */
        .nr_extents = count,
        .extent_order = order,
        .domid = DOMID_SELF,
    };
    const struct compat_xen_memory_reservation narrow = {
        .extent_start = (uint32_t)wide.extent_start,
        .nr_extents = (uint32_t)count,
        .extent_order = order,
        .domid = DOMID_SELF,
    };
    bool is_wide = guest->domain->width == WIDTH_64;
    const void *argument = is_wide ? (const void *)&wide : (const void *)&narrow;
    uint64_t points = lesson->sim->preempt_points, before = guest->domain->nr_frames, given;
    vaddr_t at = guest_put(lesson->vcpu, argument, is_wide ? sizeof(wide) : sizeof(narrow));
    int64_t result = guest_memory_op(lesson->vcpu, command, at);

    given = guest->domain->nr_frames - before;
    guest_scratch_reset(lesson->vcpu);
    assert_true(result >= 0);
    assert_true(guest->domain->nr_frames <= guest->domain->max_frames);
    assert_true(lesson->sim->preempt_points - points <= (uint64_t)result + 1);
    if (command == XENMEM_increase_reservation)
        assert_true(order < 64 ? given == (uint64_t)result << order : given == 0 && result == 0);
    else
        assert_true(result == 0 && given == 0);
}

static void xsa_31_orders_and_counts(void **state)
{
    static const uint64_t counts[] = {0, 1, 2, 1u << 20, UINT32_MAX, UINT64_C(1) << 40, ~UINT64_C(0)};

    (void)state;
    for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
        for (unsigned order = 0; order <= 64; order++) {
            struct sim_config config = lesson_config(widths[w], 1);
            struct lesson lesson;

            config.domains[0].max_frames = LESSON_PAGES + 40;
            lesson_begin(&lesson, &config);
            for (unsigned i = 0; i < ARRAY_SIZE(counts) * ARRAY_SIZE(commands); i++)
                try_extents(&lesson, commands[i % 3], order == 64 ? ~0u : order, counts[i / 3]);
            lesson_end(&lesson);
        }
    }
}

static void xsa_31_orders_of_an_exchange(void **state)
{
    static const unsigned orders[] = {10, 11, 31, 32, 63, 64, 65, ~0u};

    (void)state;
    for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
        struct sim_config config = lesson_config(widths[w], 1);
        struct picture before;
        struct lesson lesson;
        uint64_t in, out = 1000;

        lesson_begin(&lesson, &config);
        in = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
        before = lesson_picture(&lesson);
        for (unsigned i = 0; i < ARRAY_SIZE(orders); i++) {
            uint64_t extent = in;

            assert_int_equal(guest_exchange(lesson.vcpu, &in, 1, orders[i], &out, 1, 0, 0, NULL), -XEN_EPERM);
            assert_int_equal(guest_exchange(lesson.vcpu, &in, 1, 0, &out, 1, orders[i], 0, NULL), -XEN_EPERM);
            assert_int_equal(guest_exchange(lesson.vcpu, &in, 1, orders[i], &out, 1, orders[i], 0, NULL), -XEN_EPERM);
            assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &extent, 1, orders[i], 0), 0);
            lesson_assert_unchanged(&lesson, &before);
        }
        lesson_end(&lesson);
    }
}

/*
 * ---- 385: more than the domain may have.
 */

static void xsa_385_the_quota_does_not_overflow(void **state)
{
    static const uint64_t limits[] = {UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX, UINT64_MAX - 1, INT64_MAX};
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct domain *domain;
    uint64_t real, most;

    (void)state;
    lesson_begin(&lesson, &config);
    domain = lesson.guest->domain;
    real = domain->nr_frames;
    most = domain->max_frames;
    for (unsigned i = 0; i < ARRAY_SIZE(limits); i++) {
        domain->max_frames = limits[i];
        for (unsigned order = 0; order <= 6; order++) {
            uint64_t extent = 1000;

            /* Room for one frame less than is asked for. */
            domain->nr_frames = limits[i] - (UINT64_C(1) << order) + 1;
            assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_populate_physmap, &extent, 1, order, 0), 0);
        }
    }
    domain->nr_frames = real;
    domain->max_frames = most;
    lesson_end(&lesson);
}

/* A frame that was given back but is still mapped is the domain's still, and counts. */
static void xsa_385_what_is_given_back_but_kept_counts(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    uint64_t owned = 0;

    (void)state;
    config.domains[0].max_frames = LESSON_PAGES;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < 50; i++) {
        uint64_t mfn = guest_mfn(lesson.guest, lesson_page(lesson.guest)).v, extent = 1000 + i;

        assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &mfn, 1, 0, 0), 1);
        (void)guest_reservation(lesson.vcpu, XENMEM_populate_physmap, &extent, 1, 0, 0);
    }
    for (uint64_t mfn = 0; mfn < lesson.sim->machine.nr_frames; mfn++)
        owned += lesson_frame(&lesson, MFN(mfn))->owner == 0;
    assert_true(owned <= LESSON_PAGES + 1); /* shared_info is the hypervisor's gift */
    lesson_end(&lesson);
}

/*
 * ---- 100: what a frame held before.
 */

#define PATTERN UINT64_C(0x5ec2675ec2e75ec2) /* no present entry, no present descriptor */

static pfn_t secret_page(struct guest *guest)
{
    pfn_t pfn = lesson_unmapped_page(guest);
    uint64_t *words = sim_frame_entries(guest->sim, guest_mfn(guest, pfn));

    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        words[i] = PATTERN;
    return pfn;
}

/* Part with secret pages in every way there is. */
static void release_secrets(const struct lesson *lesson)
{
    struct guest *guest = lesson->guest;
    uint64_t mfn, out = 9;
    mfn_t kept;

    mfn = guest_mfn(guest, secret_page(guest)).v;
    assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, &mfn, 1, 0, 0), 1);
    mfn = guest_mfn(guest, secret_page(guest)).v;
    assert_int_equal(guest_exchange(lesson->vcpu, &mfn, 1, 0, &out, 1, 0, 0, NULL), 0);
    /* As a table, which leaves with its pin; as a GDT; while it is mapped. */
    kept = guest_mfn(guest, secret_page(guest));
    assert_int_equal(guest_pin(lesson->vcpu, kept, 3), 0);
    assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, &kept.v, 1, 0, 0), 1);
    assert_int_equal(guest_unpin(lesson->vcpu, kept), 0);
    kept = guest_mfn(guest, secret_page(guest));
    assert_int_equal(guest_set_gdt(lesson->vcpu, &kept, 1), 0);
    assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, &kept.v, 1, 0, 0), 1);
    assert_int_equal(guest_set_gdt(lesson->vcpu, NULL, 0), 0);
    kept = guest_mfn(guest, secret_page(guest));
    assert_int_equal(lesson_map(lesson->vcpu, 1, kept, PTE_RW_PAGE), 0);
    assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, &kept.v, 1, 0, 0), 1);
    assert_int_equal(lesson_unmap(lesson->vcpu, 1), 0);
    secret_page(guest); /* and with the domain */
}

/* Shows memory_op.wiped. */
static void xsa_100_nothing_of_the_last_owner(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    uint64_t extents[LESSON_FRAMES];
    struct lesson lesson;
    unsigned left;

    (void)state;
    config.nr_domains = 2;
    config.domains[1].width = WIDTH_PAE;
    lesson_begin(&lesson, &config);
    release_secrets(&lesson);
    assert_int_equal(guest_destroy(lesson.guest), 0);
    left = (unsigned)sim_pool_count(lesson.sim);
    for (unsigned i = 0; i < left; i++)
        extents[i] = 1000 + i;
    assert_int_equal(guest_reservation(lesson.other_vcpu, XENMEM_populate_physmap, extents, left, 0, 0), left);
    for (unsigned i = 0; i < left; i++) {
        const uint64_t *words = sim_frame_entries(lesson.sim, MFN(extents[i]));

        for (unsigned j = 0; j < ENTRIES_PER_TABLE; j++)
            assert_true(words[j] == 0);
    }
    lesson_end(&lesson);
}

/*
 * ---- 248: which frames a guest can name.
 */

static void xsa_248_exactly_its_own_frames(void **state)
{
    const struct frame_range hole = {MFN(600), MFN(640)}, kept = {MFN(700), MFN(720)};

    (void)state;
    for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
        struct sim_config config = lesson_config(widths[w], 1);
        struct lesson lesson;

        config.nr_domains = 2;
        config.holes = &hole;
        config.nr_holes = 1;
        config.reserved = &kept;
        config.nr_reserved = 1;
        lesson_begin(&lesson, &config);
        for (uint64_t mfn = 0; mfn < lesson.sim->machine.nr_frames + 8; mfn++) {
            bool own = false, table = false;

            for (uint64_t pfn = 0; pfn < LESSON_PAGES; pfn++) {
                own |= guest_mfn(lesson.guest, PFN(pfn)).v == mfn;
                table |= guest_mfn(lesson.guest, PFN(pfn)).v == mfn && pfn >= lesson.guest->root.v &&
                         pfn < lesson.guest->root.v + lesson.guest->nr_tables;
            }
            assert_int_equal(lesson_map(lesson.vcpu, 1, MFN(mfn), PTE_RO_PAGE) == 0, own);
            assert_int_equal(lesson_map(lesson.vcpu, 1, MFN(mfn), PTE_RW_PAGE) == 0, own && !table);
            assert_int_equal(lesson_unmap(lesson.vcpu, 1), 0);
            assert_true(own || guest_pin(lesson.vcpu, MFN(mfn), 1) == -XEN_EINVAL);
            assert_true(own || guest_set_gdt(lesson.vcpu, &MFN(mfn), 1) == -XEN_EINVAL);
        }
        lesson_end(&lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_14_flags_that_are_not_for_such_guests),
        LESSON(xsa_31_orders_and_counts),
        LESSON(xsa_31_orders_of_an_exchange),
        LESSON(xsa_100_nothing_of_the_last_owner),
        LESSON(xsa_231_every_node_number),
        LESSON(xsa_248_exactly_its_own_frames),
        LESSON(xsa_385_the_quota_does_not_overflow),
        LESSON(xsa_385_what_is_given_back_but_kept_counts),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
