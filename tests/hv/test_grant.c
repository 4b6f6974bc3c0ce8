/* SPDX-License-Identifier: MIT */
/* The frames of a grant table: made, made longer, converted to the other version and back. */
/* links: hv/service/grant.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/grant.h>
#include <engine/engine.h>
#include <hv/domain/domain.h>
#include <hv/domain/share.h>
#include <hv/service/grant.h>
#include <hv/service/services.h>

#define FRAMES     48u /* that there are */
#define FIRST      100u
#define V2_PER     256u
#define STATUS_PER 2048u

static _Alignas(4096) uint8_t memory[FRAMES][4096];
static unsigned taken, left;
static uint64_t mapped; /* the frame that the guest has mapped */
static struct domain_services services;
static struct hv_domain domain = {.services = &services};
static jmp_buf ended;

void *port_frame_map(mfn_t mfn)
{
    assert_in_range(mfn.v, FIRST, FIRST + taken - 1);
    return memory[mfn.v - FIRST];
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, 4096);
}

int share_new(struct hv_domain *which, mfn_t *mfn)
{
    assert_ptr_equal(which, &domain);
    if (left == 0)
        return -XEN_ENOMEM;
    left--;
    memset(memory[taken], 0, 4096);
    *mfn = MFN(FIRST + taken++);
    return 0;
}

bool domain_shared_is_mapped(struct domain *which, mfn_t mfn)
{
    assert_ptr_equal(which, &domain.engine);
    return mfn.v == mapped;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(ended, 1);
}

static struct grant_entry_v1 *v1(unsigned ref)
{
    return (struct grant_entry_v1 *)(void *)memory[services.grants.frames[ref / 512].v - FIRST] + ref % 512;
}

static struct grant_entry_v2 *v2(unsigned ref)
{
    return (struct grant_entry_v2 *)(void *)memory[services.grants.frames[ref / V2_PER].v - FIRST] + ref % V2_PER;
}

static void make(mfn_t console, mfn_t store)
{
    memset(&services, 0xee, sizeof(services));
    taken = 0;
    left = FRAMES;
    mapped = 0;
    assert_int_equal(grant_create(&domain, console, store), 0);
}

static int set_up(void **state)
{
    (void)state;
    make(MFN(0x55), MFN(0x66));
    return 0;
}

static void assert_zero(mfn_t mfn, unsigned from)
{
    static const uint8_t zeroes[4096];

    assert_memory_equal(memory[mfn.v - FIRST] + from, zeroes, 4096 - from);
}

static void assert_v1(unsigned ref, unsigned flags, unsigned domid, uint32_t frame)
{
    assert_int_equal(v1(ref)->flags, flags);
    assert_int_equal(v1(ref)->domid, domid);
    assert_int_equal(v1(ref)->frame, frame);
}

static void assert_v2(unsigned ref, unsigned flags, unsigned domid, uint64_t frame)
{
    assert_int_equal(v2(ref)->flags, flags);
    assert_int_equal(v2(ref)->domid, domid);
    assert_int_equal(v2(ref)->frame, frame);
    assert_int_equal(v2(ref)->page_off | v2(ref)->length, 0);
}

/* The rings are granted to domain 0, which would be at their other end: abi/grant.h. */
static void test_create(void **state)
{
    (void)state;
    assert_int_equal(services.grants.version, 1);
    assert_int_equal(services.grants.nr_frames, 1);
    assert_int_equal(services.grants.nr_status_frames, 0);
    assert_v1(0, 1, 0, 0x55);
    assert_v1(1, 1, 0, 0x66);
    assert_zero(services.grants.frames[0], 16);
    make(MFN_NONE, MFN(0x66));
    assert_v1(0, 0, 0, 0);
    assert_v1(1, 1, 0, 0x66);
    make(MFN(UINT32_MAX), MFN(UINT64_C(1) << 32)); /* a number that fits, and one that does not */
    assert_v1(0, 1, 0, UINT32_MAX);
    assert_v1(1, 0, 0, 0);
    left = 0;
    assert_int_equal(grant_create(&domain, MFN(1), MFN(2)), -XEN_ENOMEM);
}

static void test_destroy(void **state)
{
    (void)state;
    assert_int_equal(grant_set_version(&domain, 2), 0);
    grant_destroy(&domain);
    assert_int_equal(services.grants.version, 1);
    assert_int_equal(services.grants.nr_frames | services.grants.nr_status_frames, 0);
}

/* Frames are added, and those that there are stay. */
static void test_grow(void **state)
{
    (void)state;
    assert_int_equal(grant_grow(&domain, 1), 0);
    assert_int_equal(grant_grow(&domain, 0), 0);
    assert_int_equal(services.grants.nr_frames, 1);
    assert_int_equal(grant_grow(&domain, 5), 0);
    assert_int_equal(services.grants.nr_frames, 5);
    left = 2;
    assert_int_equal(grant_grow(&domain, 9), -XEN_ENOMEM);
    assert_int_equal(services.grants.nr_frames, 7); /* a part longer */
    left = FRAMES - taken;
    assert_int_equal(grant_grow(&domain, GRANT_FRAMES_MAX), 0);
    assert_int_equal(taken, GRANT_FRAMES_MAX);
    for (unsigned i = 0; i < GRANT_FRAMES_MAX; i++)
        assert_int_equal(services.grants.frames[i].v, FIRST + i);
    assert_int_equal(services.grants.nr_status_frames, 0);
    assert_v1(0, 1, 0, 0x55);
    if (setjmp(ended) == 0) {
        (void)!grant_grow(&domain, GRANT_FRAMES_MAX + 1);
        fail_msg("a table longer than there are places for");
    }
}

/* Of version 2 there is a status, of two bytes, for each entry. */
static void test_grow_version_2(void **state)
{
    (void)state;
    assert_int_equal(grant_set_version(&domain, 2), 0);
    assert_int_equal(services.grants.nr_status_frames, 1);
    for (unsigned nr_frames = 1; nr_frames <= GRANT_FRAMES_MAX; nr_frames++) {
        assert_int_equal(grant_grow(&domain, nr_frames), 0);
        assert_int_equal(services.grants.nr_frames, nr_frames);
        assert_true(services.grants.nr_status_frames * STATUS_PER >= nr_frames * V2_PER);
        assert_true((services.grants.nr_status_frames - 1) * STATUS_PER < nr_frames * V2_PER);
    }
    assert_int_equal(services.grants.nr_status_frames, GRANT_STATUS_MAX);
    make(MFN_NONE, MFN_NONE);
    assert_int_equal(grant_set_version(&domain, 2), 0);
    left = 8;
    assert_int_equal(grant_grow(&domain, 10), -XEN_ENOMEM);
    assert_true(services.grants.nr_status_frames * STATUS_PER >= services.grants.nr_frames * V2_PER);
}

static void test_version_2(void **state)
{
    (void)state;
    assert_int_equal(grant_grow(&domain, 3), 0);
    *v1(7) = (struct grant_entry_v1){GTF_permit_access | GTF_readonly, 9, UINT32_MAX};
    *v1(8) = *v1(0); /* none of the reserved entries */
    *v1(2 * 512 + 3) = *v1(0);
    assert_int_equal(grant_set_version(&domain, 2), 0);
    assert_int_equal(services.grants.version, 2);
    assert_int_equal(services.grants.nr_frames, 3);
    assert_v2(0, 1, 0, 0x55);
    assert_v2(1, 1, 0, 0x66);
    assert_v2(7, 5, 9, UINT32_MAX);
    for (unsigned ref = 2; ref < 7; ref++)
        assert_v2(ref, 0, 0, 0);
    assert_zero(services.grants.frames[0], 8 * 16);
    assert_zero(services.grants.frames[1], 0);
    assert_zero(services.grants.frames[2], 0);
    assert_int_equal(services.grants.nr_status_frames, 1);
    assert_zero(services.grants.status_frames[0], 0);
}

/* Back: what version 1 cannot say becomes invalid. */
static void test_version_1(void **state)
{
    (void)state;
    assert_int_equal(grant_set_version(&domain, 2), 0);
    *v2(2) = (struct grant_entry_v2){.flags = GTF_permit_access | GTF_readonly, .domid = 3, .frame = UINT32_MAX};
    *v2(3) = (struct grant_entry_v2){.flags = GTF_permit_access, .domid = 3, .frame = UINT64_C(1) << 32};
    *v2(4) = (struct grant_entry_v2){.flags = GTF_accept_transfer, .domid = 3, .frame = 7};
    *v2(5) = (struct grant_entry_v2){.flags = 3, .domid = 3, .frame = 7}; /* by way of another domain */
    *v2(6) = (struct grant_entry_v2){.flags = GTF_invalid, .domid = 3, .frame = 7};
    *v2(8) = *v2(0);
    memset(memory[services.grants.status_frames[0].v - FIRST], 0xff, 4096);
    assert_int_equal(grant_set_version(&domain, 1), 0);
    assert_int_equal(services.grants.version, 1);
    assert_v1(0, 1, 0, 0x55);
    assert_v1(1, 1, 0, 0x66);
    assert_v1(2, 5, 3, UINT32_MAX);
    for (unsigned ref = 3; ref < 8; ref++)
        assert_v1(ref, 0, 0, 0);
    assert_zero(services.grants.frames[0], 8 * 8);
    assert_zero(services.grants.status_frames[0], 0);
}

/* Nothing has changed: no memory, a status frame that is mapped, the version that there is. */
static void test_no_change(void **state)
{
    uint8_t before[4096];

    (void)state;
    *v1(20) = *v1(0);
    memcpy(before, memory[0], sizeof(before));
    left = 0;
    assert_int_equal(grant_set_version(&domain, 2), -XEN_ENOMEM);
    assert_int_equal(services.grants.version, 1);
    assert_int_equal(grant_set_version(&domain, 1), 0);
    assert_memory_equal(memory[0], before, sizeof(before));
    left = FRAMES - taken;
    assert_int_equal(grant_grow(&domain, 9), 0);
    assert_int_equal(grant_set_version(&domain, 2), 0);
    assert_int_equal(services.grants.nr_status_frames, 2);
    *v2(20) = *v2(0);
    memcpy(before, memory[0], sizeof(before));
    mapped = services.grants.status_frames[1].v;
    assert_int_equal(grant_set_version(&domain, 1), -XEN_EBUSY);
    assert_int_equal(services.grants.version, 2);
    assert_int_equal(grant_set_version(&domain, 2), 0);
    assert_memory_equal(memory[0], before, sizeof(before));
}

/* Status frames are kept for the next time. */
static void test_to_and_fro(void **state)
{
    unsigned before;

    (void)state;
    assert_int_equal(grant_set_version(&domain, 2), 0);
    before = taken;
    left = 0;
    for (unsigned i = 0; i < 10; i++) {
        assert_int_equal(grant_set_version(&domain, 1), 0);
        assert_int_equal(grant_set_version(&domain, 2), 0);
    }
    assert_int_equal(taken, before);
    assert_v2(0, 1, 0, 0x55);
    assert_v2(1, 1, 0, 0x66);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_create, set_up),    cmocka_unit_test_setup(test_destroy, set_up),
        cmocka_unit_test_setup(test_grow, set_up),      cmocka_unit_test_setup(test_grow_version_2, set_up),
        cmocka_unit_test_setup(test_version_2, set_up), cmocka_unit_test_setup(test_version_1, set_up),
        cmocka_unit_test_setup(test_no_change, set_up), cmocka_unit_test_setup(test_to_and_fro, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
