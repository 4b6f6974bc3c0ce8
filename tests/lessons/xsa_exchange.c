/* SPDX-License-Identifier: MIT */
/* Exchanges of frames that fail, that are cut short, and what is left of them. */
#include <tests/lessons/lib/race.h>

static const enum width widths[] = {WIDTH_64, WIDTH_PAE};

static void exchange_with_failures(const struct lesson *lesson, unsigned in_order, unsigned out_order, unsigned fail)
{
    struct guest *guest = lesson->guest;
    unsigned nr_in = 8u >> in_order, nr_out = 8u >> out_order;
    uint64_t in[8], out[8], done, before = lesson_count_frames(lesson->sim), owned = guest->domain->nr_frames;
    mfn_t first;
    int64_t result;

    assert_int_equal(frames_allocate(guest->domain, 3, &first), 0);
    for (unsigned i = 0; i < 8; i++) {
        in[i] = first.v + (i << in_order);
        out[i] = 1000 + (i << out_order);
    }
    lesson->sim->pool_fail_after = fail;
    result = guest_exchange(lesson->vcpu, in, nr_in, in_order, out, nr_out, out_order, 0, &done);
    lesson->sim->pool_fail_after = UINT64_MAX;
    assert_true(result == 0 || result == -XEN_ENOMEM);
    assert_true(result == 0 ? done == nr_in : done < nr_in);
    assert_true(lesson_count_frames(lesson->sim) == before && guest->domain->nr_frames == owned + 8);
    guest_assert_clean(lesson->sim);
    /* The guest holds what the count says: so many new ones, and the rest of the old. */
    done = (done << in_order) >> out_order;
    assert_int_equal(guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, out, (unsigned)done, out_order, 0),
                     done);
    done = (done << out_order) >> in_order;
    assert_int_equal(
        guest_reservation(lesson->vcpu, XENMEM_decrease_reservation, in + done, nr_in - (unsigned)done, in_order, 0),
        nr_in - done);
    assert_true(guest->domain->nr_frames == owned);
}

static void xsa_159_exchanges_that_fail(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < 16; i++) {
        for (unsigned fail = 0; fail <= 8; fail++)
            exchange_with_failures(&lesson, i / 4, i % 4, fail);
    }
    lesson_end(&lesson);
}

/* What the guest cannot be told of, because the list cannot be written, it does not get; what it gave it keeps. */
static void xsa_159_a_list_that_cannot_be_written(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct xen_memory_exchange exchange = {.in = {.nr_extents = 1, .domid = DOMID_SELF}};
    struct picture before;
    struct lesson lesson;
    uint64_t *words, in;
    pfn_t list;

    (void)state;
    lesson_begin(&lesson, &config);
    list = lesson_readonly_page(lesson.guest);
    words = sim_frame_entries(lesson.sim, guest_mfn(lesson.guest, list));
    words[0] = 1000;
    in = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
    exchange.out = exchange.in;
    exchange.out.extent_start = guest_vaddr(lesson.guest, list).v;
    before = lesson_picture(&lesson);
    for (unsigned i = 0; i < 3; i++) {
        vaddr_t at = guest_put(lesson.vcpu, &exchange.out, sizeof(exchange.out));

        assert_int_equal(guest_memory_op(lesson.vcpu, XENMEM_populate_physmap, at), 0);
        lesson_assert_unchanged(&lesson, &before);
        assert_int_equal(guest_memory_op(lesson.vcpu, XENMEM_increase_reservation, at), 0);
        lesson_assert_unchanged(&lesson, &before);
        exchange.in.extent_start = guest_put(lesson.vcpu, &in, sizeof(in)).v;
        at = guest_put(lesson.vcpu, &exchange, sizeof(exchange));
        assert_int_equal(guest_memory_op(lesson.vcpu, XENMEM_exchange, at), -XEN_EFAULT);
        lesson_assert_unchanged(&lesson, &before);
        guest_scratch_reset(lesson.vcpu);
    }
    lesson_end(&lesson);
}

/* The domain is destroyed while it exchanges. */
static void prepare_exchange(struct race *race)
{
    struct guest *guest = race->lesson.guest;
    struct vcpu *vcpu = race->lesson.vcpu;
    uint64_t in[4], out[4];
    struct xen_memory_exchange exchange = {
        .in = {.nr_extents = 4, .domid = DOMID_SELF},
        .out = {.nr_extents = 4, .domid = DOMID_SELF},
    };

    for (unsigned i = 0; i < 4; i++) {
        in[i] = guest_mfn(guest, lesson_unmapped_page(guest)).v;
        out[i] = 1000 + i;
    }
    exchange.in.extent_start = guest_put(vcpu, in, sizeof(in)).v;
    exchange.out.extent_start = guest_put(vcpu, out, sizeof(out)).v;
    race->arguments[0] = guest_put(vcpu, &exchange, sizeof(exchange));
}

static void act_exchange(struct race *race, struct vcpu *vcpu)
{
    race->results[0] = guest_memory_op(vcpu, XENMEM_exchange, race->arguments[0]);
}

static void destroy_domain(struct race *race, struct vcpu *vcpu)
{
    (void)vcpu;
    race->results[1] = (int64_t)domain_destroy(race->lesson.guest->domain);
}

static void check_destroyed(struct race *race)
{
    assert_true(race->results[0] == 0 || race->results[0] == -XEN_ESRCH || race->results[0] == -XEN_EFAULT);
    assert_int_equal(race->results[1], 0);
}

static void xsa_159_destroyed_in_an_exchange(void **state)
{
    const struct scene scene = {
        .config = lesson_config(WIDTH_64, 1),
        .prepare = prepare_exchange,
        .act = act_exchange,
        .others = {destroy_domain},
        .check = check_destroyed,
    };

    (void)state;
    race_play(&scene);
    race_scramble(&scene, 40);
}

/* The old frame belongs to nobody and its note in the M2P is gone; the new one is the guest's, once, and noted. */
static void xsa_284_one_owner_before_and_after(void **state)
{
    (void)state;
    for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
        struct sim_config config = lesson_config(widths[w], 1);
        const struct frame *old, *new;
        struct lesson lesson;
        uint64_t in, out = 77;

        lesson_begin(&lesson, &config);
        in = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
        assert_int_equal(guest_exchange(lesson.vcpu, &in, 1, 0, &out, 1, 0, 0, NULL), 0);
        old = lesson_frame(&lesson, MFN(in));
        new = lesson_frame(&lesson, MFN(out));
        assert_true(in != out);
        assert_true(old->owner == OWNER_NONE && old->refs == 0 && !(old->flags & FRAME_ALLOCATED));
        assert_true(new->owner == 0 && new->refs == 1 && new->flags == FRAME_ALLOCATED);
        assert_int_equal(type_of(new->type), TYPE_NONE);
        assert_true(lesson.sim->machine.m2p[in] == MACH2PHYS_INVALID && lesson.sim->machine.m2p[out] == 77);
        assert_true(lesson.sim->machine.compat_m2p[in] == COMPAT_MACH2PHYS_INVALID &&
                    lesson.sim->machine.compat_m2p[out] == 77);
        lesson_end(&lesson);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_159_exchanges_that_fail),
        LESSON(xsa_159_a_list_that_cannot_be_written),
        LESSON(xsa_159_destroyed_in_an_exchange),
        LESSON(xsa_284_one_owner_before_and_after),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
