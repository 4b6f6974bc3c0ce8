/* SPDX-License-Identifier: MIT */
/* Counts at their maximum: one more is refused, nothing wraps, nothing is written for a reference that was not got. */
#include <abi/mmuext.h>
#include <tests/lessons/lib/lesson.h>

/* A frame is made to look as if it were referenced as often as it can be, and as it was again. */
static struct frame fill_type_count(struct frame *frame)
{
    struct frame before = *frame;

    frame->type.v |= TYPE_COUNT_MAX;
    return before;
}

static struct frame fill_references(struct frame *frame)
{
    struct frame before = *frame;

    frame->refs = FRAME_REFS_MAX;
    return before;
}

static bool same_frame(const struct frame *a, const struct frame *b)
{
    return a->type.v == b->type.v && a->refs == b->refs && a->owner == b->owner && a->flags == b->flags;
}

/*
 * An attempt to take one reference more on @frame, whose count is full: refused with @expected, and no field of the
 * frame has changed, the one that is full or another.
 */
struct attempt {
    const struct lesson *lesson;
    struct frame *frame;
    mfn_t mfn;
};

static void assert_refused(const struct attempt *at, int64_t result, int expected, struct frame full)
{
    assert_int_equal(result, expected);
    assert_true(same_frame(at->frame, &full));
}

static struct attempt attempt_on(const struct lesson *lesson, mfn_t mfn)
{
    return (struct attempt){lesson, lesson_frame(lesson, mfn), mfn};
}

/* Entry @slot of the live table of @level takes no reference on the frame, and is not written. */
static void try_entry(const struct attempt *at, unsigned level, unsigned slot, uint64_t flags, int expected)
{
    mfn_t table = lesson_table(at->lesson->guest, level);
    struct frame full = *at->frame;

    for (unsigned command = MMU_NORMAL_PT_UPDATE; command <= MMU_PT_UPDATE_PRESERVE_AD; command += 2) {
        int64_t result = lesson_update(at->lesson->vcpu, table, slot, pte(at->mfn, flags), command);

        assert_refused(at, result, expected, full);
        assert_true(guest_entry(at->lesson->guest, table, slot) == 0);
    }
}

static void xsa_249_the_count_of_writable_uses(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct attempt at;
    struct frame before;

    (void)state;
    lesson_begin(&lesson, &config);
    at = attempt_on(&lesson, guest_mfn(lesson.guest, lesson_page(lesson.guest)));
    before = fill_type_count(at.frame);
    try_entry(&at, 1, 9, PTE_RW_PAGE, -XEN_EBUSY);
    *at.frame = before;
    assert_int_equal(lesson_map(lesson.vcpu, 9, at.mfn, PTE_RW_PAGE), 0);
    assert_int_equal(lesson_unmap(lesson.vcpu, 9), 0);
    lesson_end(&lesson);
}

static void try_table(const struct lesson *lesson, unsigned level)
{
    struct attempt at = attempt_on(lesson, lesson_table(lesson->guest, level));
    struct frame before = fill_type_count(at.frame);
    struct frame full = *at.frame;

    if (level < 4)
        try_entry(&at, level + 1, 300, PTE_TABLE, -XEN_EINVAL);
    assert_refused(&at, guest_pin(lesson->vcpu, at.mfn, level), -XEN_EINVAL, full);
    if (level == 4) {
        assert_refused(&at, guest_new_baseptr(lesson->vcpu, at.mfn), -XEN_EINVAL, full);
        assert_refused(&at, guest_new_user_baseptr(lesson->vcpu, at.mfn), -XEN_EINVAL, full);
    }
    if (level > 1)
        assert_refused(&at, guest_set_entry(lesson->vcpu, at.mfn, 300, 0), -XEN_EINVAL, full);
    *at.frame = before;
}

static void xsa_249_the_count_of_uses_as_a_table(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned level = 1; level <= 4; level++)
        try_table(&lesson, level);
    lesson_end(&lesson);
}

static void xsa_249_the_count_of_uses_for_descriptors(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 2);
    struct lesson lesson;
    struct attempt at;
    struct frame before;

    (void)state;
    lesson_begin(&lesson, &config);
    at = attempt_on(&lesson, guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest)));
    assert_int_equal(guest_set_gdt(lesson.second, &at.mfn, 1), 0);
    before = fill_type_count(at.frame);
    assert_refused(&at, guest_set_gdt(lesson.vcpu, &at.mfn, 1), -XEN_EINVAL, *at.frame);
    assert_int_equal(lesson.vcpu->gdt_entries, 0);
    *at.frame = before;
    assert_int_equal(guest_set_gdt(lesson.second, NULL, 0), 0);
    lesson_end(&lesson);
}

static void xsa_249_the_count_of_references(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct attempt at;
    struct frame before, full;
    struct mmuext_op copy = {.cmd = MMUEXT_COPY_PAGE};

    (void)state;
    lesson_begin(&lesson, &config);
    at = attempt_on(&lesson, guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest)));
    before = fill_references(at.frame);
    full = *at.frame;
    try_entry(&at, 1, 9, PTE_RO_PAGE, -XEN_EBUSY);
    try_entry(&at, 1, 9, PTE_RW_PAGE, -XEN_EBUSY);
    for (unsigned level = 2; level <= 4; level++)
        try_entry(&at, level, 300, PTE_TABLE, -XEN_EINVAL);
    for (unsigned level = 1; level <= 4; level++)
        assert_refused(&at, guest_pin(lesson.vcpu, at.mfn, level), -XEN_EINVAL, full);
    assert_refused(&at, guest_new_baseptr(lesson.vcpu, at.mfn), -XEN_EINVAL, full);
    assert_refused(&at, guest_new_user_baseptr(lesson.vcpu, at.mfn), -XEN_EINVAL, full);
    assert_refused(&at, guest_set_gdt(lesson.vcpu, &at.mfn, 1), -XEN_EINVAL, full);
    assert_refused(&at, guest_update_descriptor(lesson.vcpu, lesson_maddr(at.mfn, 0), 0), -XEN_EINVAL, full);
    copy.arg1.mfn = at.mfn.v;
    copy.arg2.src_mfn = guest_mfn(lesson.guest, PFN(0)).v;
    assert_refused(&at, guest_mmuext(lesson.vcpu, &copy, 1, NULL, DOMID_SELF), -XEN_EINVAL, full);
    *at.frame = before;
    lesson_end(&lesson);
}

/* What was refused is not there: not even as an entry that has no reference behind it. */
static void xsa_250_no_entry_without_its_reference(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct attempt at;
    struct frame before;
    pfn_t table;

    (void)state;
    lesson_begin(&lesson, &config);
    at = attempt_on(&lesson, guest_mfn(lesson.guest, lesson_page(lesson.guest)));
    table = lesson_readonly_page(lesson.guest);
    for (unsigned slot = 0; slot < 512; slot += 73)
        sim_frame_entries(lesson.sim, guest_mfn(lesson.guest, table))[slot] = pte(at.mfn, PTE_RW_PAGE);
    before = *at.frame;
    /* Room for some of the entries, but not for all. */
    at.frame->refs = FRAME_REFS_MAX - 3;
    assert_int_equal(guest_pin(lesson.vcpu, guest_mfn(lesson.guest, table), 1), -XEN_EBUSY);
    assert_int_equal(at.frame->refs, FRAME_REFS_MAX - 3);
    *at.frame = before;
    at.frame->type.v += TYPE_COUNT_MAX - 4;
    assert_int_equal(guest_pin(lesson.vcpu, guest_mfn(lesson.guest, table), 1), -XEN_EBUSY);
    assert_int_equal(type_count(at.frame->type), type_count(before.type) + TYPE_COUNT_MAX - 4);
    *at.frame = before;
    assert_int_equal(guest_pin(lesson.vcpu, guest_mfn(lesson.guest, table), 1), 0);
    assert_int_equal(guest_unpin(lesson.vcpu, guest_mfn(lesson.guest, table)), 0);
    assert_true(lesson_is_sole(lesson.guest, table));
    lesson_end(&lesson);
}

/*
 * A guest with enough memory can refer to a pinned table as often as can be counted.  Dropping the pin must not need
 * one reference more, neither for the guest nor when the domain ends.
 */
static void destroy_domain(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    domain_destroy(vcpu->domain);
}

static void xsa_249_a_pin_is_dropped_at_the_maximum(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    struct lesson lesson;
    struct attempt at;
    struct frame before;

    (void)state;
    lesson_begin(&lesson, &config);
    at = attempt_on(&lesson, guest_mfn(lesson.guest, lesson_readonly_page(lesson.guest)));
    assert_int_equal(guest_pin(lesson.vcpu, at.mfn, 1), 0);
    before = fill_references(at.frame);
    assert_int_equal(guest_unpin(lesson.vcpu, at.mfn), 0);
    assert_int_equal(at.frame->refs, FRAME_REFS_MAX - 1);
    assert_false(type_is_validated(at.frame->type));
    at.frame->refs = before.refs - 1;
    assert_int_equal(guest_pin(lesson.vcpu, at.mfn, 1), 0);
    fill_references(at.frame);
    assert_false(sim_fails(lesson.sim, destroy_domain, lesson.vcpu, NULL));
    sim_destroy(lesson.sim); /* not lesson_end(): the references that we made up are left */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_249_the_count_of_writable_uses),        LESSON(xsa_249_the_count_of_uses_as_a_table),
        LESSON(xsa_249_the_count_of_uses_for_descriptors), LESSON(xsa_249_the_count_of_references),
        LESSON(xsa_249_a_pin_is_dropped_at_the_maximum),   LESSON(xsa_250_no_entry_without_its_reference),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
