/* SPDX-License-Identifier: MIT */
/* Tables of grants and the calls on them: what is listed, what a change of version does, how long a list takes. */
#include <string.h>

#include <abi/errno.h>
#include <tests/lessons/lib/lesson.h>
#include <tests/support/guest_grant.h>

#define CALL __HYPERVISOR_grant_table_op

static void begin(struct lesson *lesson, enum width width)
{
    struct sim_config config = lesson_config(width, 1);

    lesson_begin(lesson, &config);
    guest_grants_begin(lesson->guest, 1);
}

static struct domain_grants *grants_of(const struct lesson *lesson)
{
    return &lesson->guest->domain->grants;
}

static uint64_t *status_words(const struct lesson *lesson)
{
    return sim_frame_entries(lesson->sim, grants_of(lesson)->status_frames[0]);
}

static int64_t set_version(const struct lesson *lesson, uint32_t version)
{
    return guest_grant_set_version(lesson->vcpu, &version);
}

/*
 * ---- Lists: read one element at a time, in the size of the width, and preempted as often as it is asked for.
 */

/* To the end of what the guest has, and not beyond: the page behind is not mapped. */
static void xsa_24_lists_of_a_narrow_guest(void **state)
{
    const unsigned count = PAGE_SIZE / sizeof(struct compat_gnttab_copy);
    struct compat_gnttab_copy *copies;
    struct lesson lesson;
    mfn_t page;

    (void)state;
    begin(&lesson, WIDTH_PAE);
    page = guest_mfn(lesson.guest, lesson_page(lesson.guest));
    copies = (struct compat_gnttab_copy *)(void *)sim_frame_entries(lesson.sim, page);
    for (unsigned i = 0; i < count; i++)
        copies[i] = (struct compat_gnttab_copy){.source.domid = 7, .status = 7};
    assert_int_equal(lesson_map(lesson.vcpu, 1, page, PTE_RW_PAGE), 0);
    assert_int_equal(
        guest_hypercall(lesson.vcpu, CALL, GNTTABOP_copy, lesson_window(lesson.guest, 1).v, INT32_MAX, 0, 0, 0),
        -XEN_EFAULT);
    for (unsigned i = 0; i < count; i++)
        assert_int_equal(copies[i].status, GNTST_bad_domain);
    assert_int_equal(
        guest_hypercall(lesson.vcpu, CALL, GNTTABOP_copy, lesson_window(lesson.guest, 1).v, UINT64_C(1) << 31, 0, 0, 0),
        -XEN_EINVAL);
    lesson_end(&lesson);
}

static void interrupted(struct lesson *lesson)
{
    struct gnttab_copy copies[16];
    uint64_t before = lesson->sim->yields;

    for (unsigned i = 0; i < ARRAY_SIZE(copies); i++)
        copies[i] = (struct gnttab_copy){.source.domid = 7, .status = 7};
    lesson->sim->preemption = SIM_PREEMPT_ALWAYS;
    assert_int_equal(guest_grant_copy(lesson->vcpu, copies, ARRAY_SIZE(copies)), 0);
    lesson->sim->preemption = SIM_PREEMPT_NEVER;
    assert_int_equal(lesson->sim->yields - before, ARRAY_SIZE(copies));
    for (unsigned i = 0; i < ARRAY_SIZE(copies); i++)
        assert_int_equal(copies[i].status, GNTST_bad_domain);
}

static void xsa_318_every_element_can_be_interrupted(void **state)
{
    (void)state;
    lesson_of_either_width(begin, interrupted);
}

/*
 * ---- Results: 0 or negative, for each command, for good arguments and bad ones.
 */

static const struct {
    size_t size, status;
} commands[] = {
    [GNTTABOP_map_grant_ref] = {sizeof(struct gnttab_map_grant_ref), offsetof(struct gnttab_map_grant_ref, status)},
    [GNTTABOP_unmap_grant_ref] = {sizeof(struct gnttab_unmap_grant_ref),
                                  offsetof(struct gnttab_unmap_grant_ref, status)},
    [GNTTABOP_setup_table] = {sizeof(struct gnttab_setup_table), offsetof(struct gnttab_setup_table, status)},
    [GNTTABOP_dump_table] = {sizeof(struct gnttab_dump_table), offsetof(struct gnttab_dump_table, status)},
    [GNTTABOP_transfer] = {sizeof(struct gnttab_transfer), offsetof(struct gnttab_transfer, status)},
    [GNTTABOP_copy] = {sizeof(struct gnttab_copy), offsetof(struct gnttab_copy, status)},
    [GNTTABOP_query_size] = {sizeof(struct gnttab_query_size), offsetof(struct gnttab_query_size, status)},
    [GNTTABOP_unmap_and_replace] = {sizeof(struct gnttab_unmap_and_replace),
                                    offsetof(struct gnttab_unmap_and_replace, status)},
    [GNTTABOP_swap_grant_ref] = {sizeof(struct gnttab_swap_grant_ref), offsetof(struct gnttab_swap_grant_ref, status)},
};

/* Bytes, half of them zero, so that domains and references that exist come up. */
static void fill(struct sim *sim, uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size; i++)
        bytes[i] = sim_chance(sim, 128) ? (uint8_t)sim_random(sim) : 0;
}

static void xsa_316_a_status_is_zero_or_negative(void **state)
{
    struct lesson lesson;

    (void)state;
    begin(&lesson, WIDTH_64);
    for (grant_ref_t ref = 0; ref < 256; ref++)
        guest_grant(lesson.guest, ref, 0, guest_mfn(lesson.guest, lesson.guest->shared_info), GTF_permit_access);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned command = round % ARRAY_SIZE(commands);
        uint8_t element[64];
        int16_t status;
        int64_t result;

        if (commands[command].size == 0)
            continue;
        fill(lesson.sim, element, sizeof(element));
        result = guest_grant_op(lesson.vcpu, command, element, commands[command].size, 1);
        assert_true(result <= 0);
        memcpy(&status, element + commands[command].status, sizeof(status));
        assert_true(result < 0 || status <= 0);
    }
    lesson_end(&lesson);
}

/*
 * ---- Versions: what a change of version frees, reuses or leaves.
 */

/* Status frames stay the guest's when it goes back: nothing that it may have mapped is freed. */
static void change_to_and_fro(struct lesson *lesson)
{
    uint64_t count;
    mfn_t first;

    assert_int_equal(set_version(lesson, 2), 0);
    assert_int_equal(grants_of(lesson)->nr_status_frames, 1);
    first = grants_of(lesson)->status_frames[0];
    count = sim_pool_count(lesson->sim);
    for (unsigned i = 0; i < 10; i++) {
        memset(status_words(lesson), 0xff, PAGE_SIZE);
        assert_int_equal(set_version(lesson, 1 + i % 2), 0);
        assert_int_equal(grants_of(lesson)->nr_status_frames, 1);
        assert_int_equal(grants_of(lesson)->status_frames[0].v, first.v);
        assert_int_equal(*status_words(lesson), 0);
    }
    assert_int_equal(sim_pool_count(lesson->sim), count);
}

static void xsa_255_a_change_of_version_frees_nothing(void **state)
{
    (void)state;
    lesson_of_either_width(begin, change_to_and_fro);
}

/* Where there is no frame for the status, version and table are as before. */
static void change_that_fails(struct lesson *lesson)
{
    struct picture before;

    guest_grant(lesson->guest, 300, 7, MFN(5), GTF_permit_access);
    before = lesson_picture(lesson);
    lesson->sim->pool_fail_after = 0;
    assert_int_equal(set_version(lesson, 2), -XEN_ENOMEM);
    lesson->sim->pool_fail_after = UINT64_MAX;
    assert_int_equal(grants_of(lesson)->version, 1);
    assert_int_equal(set_version(lesson, 1), 0); /* the version that there is already is no change either */
    assert_int_equal(set_version(lesson, 0), -XEN_EINVAL);
    assert_int_equal(set_version(lesson, 3), -XEN_EINVAL);
    lesson_assert_unchanged(lesson, &before);
}

static void xsa_382_a_change_that_fails_changes_nothing(void **state)
{
    (void)state;
    lesson_of_either_width(begin, change_that_fails);
}

/* Of each number that can be asked for, so many are listed, in words of 8 bytes whatever the width, or none. */
static void list_status(struct lesson *lesson)
{
    static const uint64_t zeroes[GRANT_STATUS_MAX + 8];

    assert_int_equal(set_version(lesson, 2), 0);
    for (uint32_t count = 0; count <= GRANT_STATUS_MAX + 8; count++) {
        vaddr_t list = guest_put(lesson->vcpu, zeroes, sizeof(zeroes));
        uint64_t words[ARRAY_SIZE(zeroes)];

        assert_int_equal(guest_grant_list_status(lesson->vcpu, DOMID_SELF, count, list.v),
                         count <= 1 ? GNTST_okay : GNTST_general_error);
        guest_take(lesson->vcpu, list, words, sizeof(words));
        assert_int_equal(words[0], count == 1 ? grants_of(lesson)->status_frames[0].v : 0);
        assert_memory_equal(words + 1, zeroes, sizeof(words) - 8);
        guest_scratch_reset(lesson->vcpu);
    }
}

static void xsa_382_status_frames_that_are_listed(void **state)
{
    (void)state;
    lesson_of_either_width(begin, list_status);
}

/* The list of frames goes where the guest says, frame by frame, each checked; what does not exist is not listed. */
static void list_frames(struct lesson *lesson)
{
    static const uint64_t nowhere[] = {0, UINT64_C(0xffff830000000000), UINT64_C(0xfffffffffffffff8), 1};
    const unsigned size = lesson->guest->domain->width == WIDTH_64 ? 8 : 4;
    vaddr_t list = guest_put(lesson->vcpu, &(uint64_t[3]){0}, 24);
    uint8_t words[24];

    assert_int_equal(guest_grant_setup(lesson->vcpu, DOMID_SELF, 2, list.v), GNTST_okay);
    guest_take(lesson->vcpu, list, words, sizeof(words));
    for (unsigned i = 0; i < 3; i++) {
        uint64_t word = 0;

        memcpy(&word, words + i * size, size);
        assert_int_equal(word, i < 2 ? grants_of(lesson)->frames[i].v : 0);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(nowhere); i++)
        assert_int_equal(guest_grant_setup(lesson->vcpu, DOMID_SELF, 2, nowhere[i]), GNTST_bad_virt_addr);
    assert_int_equal(guest_grant_setup(lesson->vcpu, DOMID_SELF, GRANT_FRAMES_MAX + 1, list.v), GNTST_general_error);
    assert_int_equal(grants_of(lesson)->nr_frames, 2);
}

static void xsa_32_frames_that_are_listed(void **state)
{
    (void)state;
    lesson_of_either_width(begin, list_frames);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_24_lists_of_a_narrow_guest),
        LESSON(xsa_32_frames_that_are_listed),
        LESSON(xsa_255_a_change_of_version_frees_nothing),
        LESSON(xsa_316_a_status_is_zero_or_negative),
        LESSON(xsa_318_every_element_can_be_interrupted),
        LESSON(xsa_382_a_change_that_fails_changes_nothing),
        LESSON(xsa_382_status_frames_that_are_listed),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
