/* SPDX-License-Identifier: MIT */
/*
 * What advisories about grant tables teach, tried on hv/call/call_grant.c and hv/service/grant.c: docs/advisories.md.
 * No grant is ever mapped or transferred (rule R8 there), and nothing is copied but among a domain's own pages.  The
 * machine here has no pages at all, so that nothing can be had but a refusal: what is seen is that there is one,
 * whatever is asked.
 */
/* links: hv/call/call_grant.c hv/service/grant.c hv/service/grant_copy.c engine/access.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/hypercall.h>
#include <engine/engine.h>
#include <hv/call/calls.h>
#include <hv/domain/share.h>
#include <hv/domain/vcpu.h>
#include <hv/service/services.h>

#define ARGS   UINT64_C(0x10000) /* where the guest has its arguments */
#define FRAMES 64u

static struct machine machine;
static struct domain_services services;
static struct hv_domain domain;
static struct hv_vcpu vcpu;
static _Alignas(4096) uint8_t args[4 * 4096], frames[FRAMES][4096];
static unsigned taken, frames_left, yields, reads, writes;
static bool wanted;

bool port_copy_from_guest(struct vcpu *which, void *to, vaddr_t from, size_t size)
{
    assert_ptr_equal(which, &vcpu.engine);
    reads++;
    if (from.v < ARGS || from.v - ARGS > sizeof(args) - size)
        return false;
    memcpy(to, args + (from.v - ARGS), size);
    return true;
}

bool port_copy_to_guest(struct vcpu *which, vaddr_t to, const void *from, size_t size)
{
    assert_ptr_equal(which, &vcpu.engine);
    writes++;
    if (to.v < ARGS || to.v - ARGS > sizeof(args) - size)
        return false;
    memcpy(args + (to.v - ARGS), from, size);
    return true;
}

void *port_frame_map(mfn_t mfn)
{
    assert_in_range(mfn.v, 1000, 1000 + taken - 1);
    return frames[mfn.v - 1000];
}

void port_frame_clear(mfn_t mfn)
{
    memset(port_frame_map(mfn), 0, 4096);
}

int share_new(struct hv_domain *which, mfn_t *mfn)
{
    assert_ptr_equal(which, &domain);
    if (frames_left == 0)
        return -XEN_ENOMEM;
    frames_left--;
    memset(frames[taken], 0, 4096);
    *mfn = MFN(1000 + taken++);
    return 0;
}

bool port_preempt_wanted(void)
{
    return wanted;
}

void port_yield(void)
{
    yields++;
}

bool domain_shared_is_mapped(struct domain *which, mfn_t mfn)
{
    (void)which;
    (void)mfn;
    return false;
}

int domain_hold_writable(struct domain *which, mfn_t mfn)
{
    (void)which;
    (void)mfn;
    fail_msg("no page is the domain's, and one would be written");
    return 0;
}

void domain_drop_writable(struct domain *which, mfn_t mfn)
{
    (void)which;
    (void)mfn;
    fail_msg("no page is held");
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    abort();
}

static void make(enum width width)
{
    memset(&domain, 0, sizeof(domain));
    memset(&services, 0, sizeof(services));
    domain.services = &services;
    memset(&vcpu, 0, sizeof(vcpu));
    memset(args, 0, sizeof(args));
    domain.engine.width = width;
    domain.engine.id = DOMID(3);
    domain.engine.machine = &machine;
    vcpu.engine.domain = &domain.engine;
    taken = yields = reads = writes = 0;
    frames_left = FRAMES;
    wanted = false;
    assert_int_equal(grant_create(&domain, MFN(0x77), MFN(0x88)), 0);
}

static int64_t call(unsigned command, const void *elements, size_t size, uint64_t count)
{
    const uint64_t words[6] = {command, ARGS, count};

    assert_true(size <= sizeof(args));
    memcpy(args, elements, size);
    return call_grant_table_op(&vcpu, words);
}

/* The table as the guest sees it. */
static void assert_table_unchanged(const void *before)
{
    assert_memory_equal(frames[0], before, 4096);
}

/*
 * ---- Mapping: flags and domains of all kinds.
 */

static const uint16_t others[] = {0, 1, 2, 4, 0x7fef, DOMID_IO, DOMID_XEN, DOMID_INVALID};

static void map_all(enum width width)
{
    uint8_t before[4096];

    make(width);
    memcpy(before, frames[0], sizeof(before));
    for (uint32_t flags = 0; flags < 64; flags++) {
        for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]) + 2; i++) {
            struct gnttab_map_grant_ref map = {.host_addr = ARGS, .flags = flags, .ref = i, .status = 1, .handle = 7};

            map.dom = i == 0 ? DOMID_SELF : i == 1 ? 3 : others[i - 2];
            assert_int_equal(call(GNTTABOP_map_grant_ref, &map, sizeof(map), 1), 0);
            memcpy(&map, args, sizeof(map));
            assert_int_equal(map.status, i == 1 ? GNTST_general_error : GNTST_bad_domain);
            assert_int_equal(map.handle, 7); /* there is none to tell, and nothing else is written */
            assert_int_equal(map.dev_bus_addr, 0);
        }
    }
    assert_table_unchanged(before); /* no entry is marked as in use */
    assert_int_equal(taken, 1);
}

static void xsa_224_no_combination_of_flags_maps(void **state)
{
    (void)state;
    map_all(WIDTH_64);
    map_all(WIDTH_PAE);
}

/* No handle names a mapping: nothing is undone twice, or by halves, or for an entry that is another's by now. */
static void xsa_234_no_handle_undoes_anything(void **state)
{
    static const uint32_t handles[] = {0, 1, 7, 0x7fffffff, 0xffffffff};

    (void)state;
    make(WIDTH_64);
    for (unsigned i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        for (unsigned part = 0; part < 4; part++) {
            struct gnttab_unmap_grant_ref unmap = {part & 1 ? ARGS : 0, part & 2 ? 0x1000 : 0, handles[i], 1, 0};
            struct gnttab_unmap_and_replace replace = {part & 1 ? ARGS : 0, part & 2 ? 0x1000 : 0, handles[i], 1, 0};

            assert_int_equal(call(GNTTABOP_unmap_grant_ref, &unmap, sizeof(unmap), 1), 0);
            assert_int_equal(((struct gnttab_unmap_grant_ref *)(void *)args)->status, GNTST_bad_handle);
            assert_int_equal(call(GNTTABOP_unmap_and_replace, &replace, sizeof(replace), 1), 0);
            assert_int_equal(((struct gnttab_unmap_and_replace *)(void *)args)->status, GNTST_bad_handle);
        }
    }
}

/* Neither by reference nor by frame number. */
static void xsa_500_nothing_is_copied(void **state)
{
    uint8_t before[4096];

    (void)state;
    make(WIDTH_64);
    memcpy(before, frames[0], sizeof(before));
    for (uint16_t flags = 0; flags < 4; flags++) {
        for (unsigned i = 0; i < 2; i++) {
            struct gnttab_copy copy = {.len = 4096, .flags = flags, .status = 1};

            copy.source.domid = copy.dest.domid = i ? DOMID_SELF : 0;
            copy.source.u.gmfn = copy.dest.u.gmfn = 1000;
            assert_int_equal(call(GNTTABOP_copy, &copy, sizeof(copy), 1), 0);
            assert_true(((struct gnttab_copy *)(void *)args)->status < 0);
        }
    }
    assert_table_unchanged(before);
}

static void xsa_214_nothing_is_transferred(void **state)
{
    (void)state;
    make(WIDTH_64);
    for (unsigned i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        struct gnttab_transfer transfer = {.mfn = 1000, .domid = others[i], .status = 1};

        assert_int_equal(call(GNTTABOP_transfer, &transfer, sizeof(transfer), 1), 0);
        assert_true(((struct gnttab_transfer *)(void *)args)->status < 0);
    }
    assert_int_equal(taken, 1);
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
};

static void xsa_316_a_status_is_zero_or_negative(void **state)
{
    uint64_t seed = 1;

    (void)state;
    make(WIDTH_64);
    for (unsigned round = 0; round < 20000; round++) {
        unsigned command = round % (sizeof(commands) / sizeof(commands[0]));
        uint8_t element[64];
        int64_t result;
        int16_t status;

        for (unsigned i = 0; i < sizeof(element); i++) {
            seed = seed * 6364136223846793005 + 1442695040888963407;
            element[i] = seed >> 33 & 1 ? (uint8_t)(seed >> 40) : 0;
        }
        result = call(command, element, commands[command].size, 1);
        assert_true(result <= 0);
        memcpy(&status, args + commands[command].status, sizeof(status));
        assert_true(result < 0 || status <= 0);
    }
}

/*
 * ---- Lists: read one element at a time, in the size of the width, and preempted as often as it is asked for.
 */

static void xsa_24_lists_of_a_narrow_guest(void **state)
{
    struct compat_gnttab_copy copies[3] = {{.status = 1}, {.status = 1}, {.status = 1}};
    const struct compat_gnttab_copy *after = (const void *)args;

    (void)state;
    make(WIDTH_PAE);
    assert_int_equal(call(GNTTABOP_copy, copies, sizeof(copies), 3), 0);
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(after[i].status, GNTST_bad_domain);
    assert_int_equal(((const struct compat_gnttab_copy *)args)[3].status, 0);
    /* To the end of what the guest has, and not beyond. */
    const uint64_t words[6] = {GNTTABOP_copy, ARGS, INT32_MAX};
    assert_int_equal(call_grant_table_op(&vcpu, words), -XEN_EFAULT);
    const uint64_t more[6] = {GNTTABOP_copy, ARGS, UINT64_C(1) << 31};
    assert_int_equal(call_grant_table_op(&vcpu, more), -XEN_EINVAL);
}

static void xsa_318_every_element_can_be_interrupted(void **state)
{
    static struct gnttab_copy copies[300];

    (void)state;
    make(WIDTH_64);
    wanted = true;
    assert_int_equal(call(GNTTABOP_copy, copies, sizeof(copies), 300), 0);
    assert_int_equal(yields, 300);
    assert_int_equal(reads, 300);
    assert_int_equal(writes, 300);
}

/*
 * ---- Versions: what a change of version frees, reuses or leaves.
 */

static int64_t set_version(unsigned version)
{
    const struct gnttab_set_version op = {.version = version};

    return call(GNTTABOP_set_version, &op, sizeof(op), 1);
}

/* Status frames stay the guest's when it goes back: nothing that it may have mapped is freed. */
static void xsa_255_a_change_of_version_frees_nothing(void **state)
{
    mfn_t first;

    (void)state;
    make(WIDTH_64);
    assert_int_equal(set_version(2), 0);
    assert_int_equal(services.grants.nr_status_frames, 1);
    first = services.grants.status_frames[0];
    for (unsigned i = 0; i < 10; i++) {
        memset(port_frame_map(first), 0xff, 4096);
        assert_int_equal(set_version(1 + i % 2), 0);
        assert_int_equal(services.grants.nr_status_frames, 1);
        assert_int_equal(services.grants.status_frames[0].v, first.v);
        if (i > 0) /* the first is no change */
            assert_int_equal(*(uint64_t *)port_frame_map(first), 0);
    }
    assert_int_equal(taken, 2);
}

/* Where there is no frame for the status, version and table are as before. */
static void xsa_382_a_change_that_fails_changes_nothing(void **state)
{
    uint8_t before[4096];

    (void)state;
    make(WIDTH_64);
    memcpy(before, frames[0], sizeof(before));
    frames_left = 0;
    assert_int_equal(set_version(2), -XEN_ENOMEM);
    assert_int_equal(services.grants.version, 1);
    assert_table_unchanged(before);
    frames[0][2048] = 1; /* an entry of the guest's own: the version that there is already is no change either */
    memcpy(before, frames[0], sizeof(before));
    assert_int_equal(set_version(1), 0);
    assert_table_unchanged(before);
    assert_int_equal(set_version(0), -XEN_EINVAL);
    assert_int_equal(set_version(3), -XEN_EINVAL);
}

/* Of each number that can be asked for, so many are listed, in words of 8 bytes whatever the width, or none. */
static void list_status(enum width width)
{
    for (uint32_t count = 0; count <= GRANT_STATUS_MAX + 8; count++) {
        const uint32_t wide[6] = {count, DOMID_SELF, (uint32_t)ARGS + 64}, narrow[3] = {count, DOMID_SELF, wide[2]};
        unsigned size = width == WIDTH_64 ? 16 : 12;
        int16_t status;

        memset(args, 0, sizeof(args));
        assert_int_equal(call(GNTTABOP_get_status_frames, width == WIDTH_64 ? wide : narrow, size, 1), 0);
        memcpy(&status, args + 6, sizeof(status));
        assert_int_equal(status, count <= 1 ? GNTST_okay : GNTST_general_error);
        for (unsigned i = 0; i < GRANT_STATUS_MAX + 8; i++)
            assert_int_equal(((const uint64_t *)(const void *)(args + 64))[i], i < count && count == 1 ? 1001 : 0);
    }
}

static void xsa_382_status_frames_that_are_listed(void **state)
{
    (void)state;
    for (unsigned width = WIDTH_64; width <= WIDTH_PAE; width++) {
        make(width);
        assert_int_equal(set_version(2), 0);
        list_status(width);
    }
}

/* The list of frames goes where the guest says, frame by frame, each checked; what does not exist is not listed. */
static void xsa_32_frames_that_are_listed(void **state)
{
    struct gnttab_setup_table setup = {.dom = DOMID_SELF, .nr_frames = 2, .frame_list = ARGS + 64};
    const struct gnttab_setup_table *after = (const void *)args;
    static const uint64_t nowhere[] = {0, UINT64_C(0xffff830000000000), UINT64_C(0xfffffffffffffff8), 1};

    (void)state;
    make(WIDTH_64);
    assert_int_equal(call(GNTTABOP_setup_table, &setup, sizeof(setup), 1), 0);
    assert_int_equal(after->status, GNTST_okay);
    assert_int_equal(*(uint64_t *)(void *)(args + 64), 1000);
    assert_int_equal(*(uint64_t *)(void *)(args + 72), 1001);
    assert_int_equal(*(uint64_t *)(void *)(args + 80), 0);
    for (unsigned i = 0; i < sizeof(nowhere) / sizeof(nowhere[0]); i++) {
        setup.frame_list = nowhere[i];
        assert_int_equal(call(GNTTABOP_setup_table, &setup, sizeof(setup), 1), 0);
        assert_int_equal(after->status, GNTST_bad_virt_addr);
    }
    setup.nr_frames = GRANT_FRAMES_MAX + 1;
    assert_int_equal(call(GNTTABOP_setup_table, &setup, sizeof(setup), 1), 0);
    assert_int_equal(after->status, GNTST_general_error);
    assert_int_equal(taken, 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(xsa_24_lists_of_a_narrow_guest),
        cmocka_unit_test(xsa_32_frames_that_are_listed),
        cmocka_unit_test(xsa_214_nothing_is_transferred),
        cmocka_unit_test(xsa_224_no_combination_of_flags_maps),
        cmocka_unit_test(xsa_234_no_handle_undoes_anything),
        cmocka_unit_test(xsa_255_a_change_of_version_frees_nothing),
        cmocka_unit_test(xsa_316_a_status_is_zero_or_negative),
        cmocka_unit_test(xsa_318_every_element_can_be_interrupted),
        cmocka_unit_test(xsa_382_a_change_that_fails_changes_nothing),
        cmocka_unit_test(xsa_382_status_frames_that_are_listed),
        cmocka_unit_test(xsa_500_nothing_is_copied),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
