/* SPDX-License-Identifier: MIT */
/* Copies among the pages that a domain has granted to itself, and the exchange of entries, in either version. */
/* links: hv/service/grant_copy.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/grant.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/domain/domain.h>
#include <hv/service/grant.h>
#include <hv/service/services.h>

#define OWN     1u
#define OTHER   2u
#define NOBODY  9u
#define FRAMES  16u
#define TABLE   2u /* the two frames of the grant table */
#define PAGE_A  4u
#define PAGE_B  5u
#define TYPED   6u /* in use as a page table */
#define FOREIGN 7u /* of the other domain */
#define DEVICE  8u

static uint8_t memory[FRAMES][4096];
static struct frame frames[FRAMES];
static struct machine machine;
static struct domain_services services;
static struct hv_domain domain, other;
static struct domain *domains[16];
static unsigned held;

void *port_frame_map(mfn_t mfn)
{
    assert_true(mfn.v < FRAMES && mfn.v != FOREIGN && mfn.v != DEVICE);
    return memory[mfn.v];
}

int domain_hold_writable(struct domain *of, mfn_t mfn)
{
    assert_ptr_equal(of, &domain.engine);
    if (mfn.v == TYPED)
        return -XEN_EINVAL;
    held++;
    return 0;
}

void domain_drop_writable(struct domain *of, mfn_t mfn)
{
    assert_ptr_equal(of, &domain.engine);
    assert_int_not_equal(mfn.v, TYPED);
    held--;
}

static void make(unsigned version)
{
    memset(memory, 0, sizeof(memory));
    for (unsigned i = 0; i < FRAMES; i++)
        frames[i].owner = i == FOREIGN ? OTHER : i == DEVICE ? DOMID_IO : OWN;
    machine = (struct machine){.frames = frames, .nr_frames = FRAMES, .domains = domains, .nr_domains = 16};
    domain = (struct hv_domain){.engine = {.machine = &machine, .id = DOMID(OWN)}, .services = &services};
    other = (struct hv_domain){.engine = {.machine = &machine, .id = DOMID(OTHER)}};
    domains[OWN] = &domain.engine;
    domains[OTHER] = &other.engine;
    services.grants =
        (struct domain_grants){.version = version, .nr_frames = 2, .frames = {MFN(TABLE), MFN(TABLE + 1)}};
    for (unsigned i = 0; i < 4096; i++)
        memory[PAGE_A][i] = (uint8_t)(i * 7 + 1);
    held = 0;
}

static void grant(grant_ref_t ref, uint16_t flags, uint16_t domid, uint64_t mfn)
{
    struct grant_entry_v1 *v1 = (void *)memory[TABLE];
    struct grant_entry_v2 *v2 = (void *)memory[TABLE];

    if (services.grants.version == 1)
        v1[ref] = (struct grant_entry_v1){flags, domid, (uint32_t)mfn};
    else
        v2[ref] = (struct grant_entry_v2){.flags = flags, .domid = domid, .frame = mfn};
}

static struct gnttab_copy_ptr by_ref(grant_ref_t ref, uint16_t domid, uint16_t offset)
{
    return (struct gnttab_copy_ptr){.u.ref = ref, .domid = domid, .offset = offset};
}

static struct gnttab_copy_ptr by_frame(uint64_t mfn, uint16_t domid, uint16_t offset)
{
    return (struct gnttab_copy_ptr){.u.gmfn = mfn, .domid = domid, .offset = offset};
}

static int16_t copy(struct gnttab_copy_ptr source, struct gnttab_copy_ptr dest, uint16_t len, uint16_t flags)
{
    const struct gnttab_copy op = {source, dest, len, flags, 0, 0};
    int16_t status = grant_copy(&domain, &op);

    assert_int_equal(held, 0);
    return status;
}

#define FROM GNTCOPY_source_gref
#define TO   GNTCOPY_dest_gref

static void works(void)
{
    const struct gnttab_copy_ptr plain = by_frame(PAGE_B, DOMID_SELF, 50);

    grant(20, GTF_permit_access, OWN, PAGE_A);
    grant(21, GTF_permit_access | GTF_readonly, OWN, PAGE_A);
    grant(22, GTF_permit_access, OWN, PAGE_B);
    assert_int_equal(copy(by_ref(20, OWN, 100), plain, 16, FROM), GNTST_okay);
    assert_memory_equal(memory[PAGE_B] + 50, memory[PAGE_A] + 100, 16);
    assert_int_equal(memory[PAGE_B][49] + memory[PAGE_B][66], 0);
    assert_int_equal(copy(by_ref(21, DOMID_SELF, 0), by_ref(22, DOMID_SELF, 0), 4096, FROM | TO), GNTST_okay);
    assert_memory_equal(memory[PAGE_B], memory[PAGE_A], 4096);
    memset(memory[PAGE_B], 3, 8);
    assert_int_equal(copy(by_frame(PAGE_B, DOMID_SELF, 0), by_ref(20, OWN, 4088), 8, TO), GNTST_okay);
    assert_memory_equal(memory[PAGE_A] + 4088, memory[PAGE_B], 8);
    assert_int_equal(copy(by_ref(20, OWN, 4096), plain, 0, FROM), GNTST_okay);
    assert_int_equal(copy(by_frame(TYPED, DOMID_SELF, 0), plain, 8, 0), GNTST_okay); /* a table can be read */
    assert_int_equal(copy(by_frame(PAGE_A, DOMID_SELF, 0), by_frame(PAGE_A, DOMID_SELF, 1), 64, 0), GNTST_okay);
}

static void refuses(void)
{
    const struct gnttab_copy_ptr a = by_frame(PAGE_A, DOMID_SELF, 0), b = by_frame(PAGE_B, DOMID_SELF, 0);
    const unsigned per_frame = services.grants.version == 1 ? 512 : 256;

    grant(20, GTF_permit_access, OWN, PAGE_A);
    grant(21, GTF_permit_access | GTF_readonly, OWN, PAGE_B);
    grant(22, GTF_accept_transfer, OWN, PAGE_A);
    grant(23, GTF_permit_access, OTHER, PAGE_A);
    grant(24, GTF_permit_access, OWN, FOREIGN);
    grant(25, GTF_permit_access, OWN, FRAMES);
    grant(26, GTF_permit_access, OWN, TYPED);
    grant(27, GTF_permit_access, OWN, DEVICE);
    assert_int_equal(copy(by_ref(20, NOBODY, 0), b, 8, FROM), GNTST_bad_domain);
    assert_int_equal(copy(a, by_ref(20, NOBODY, 0), 8, TO), GNTST_bad_domain);
    assert_int_equal(copy(by_ref(20, OTHER, 0), b, 8, FROM), GNTST_general_error);
    assert_int_equal(copy(by_frame(PAGE_A, OWN, 0), b, 8, 0), GNTST_permission_denied);
    assert_int_equal(copy(by_frame(PAGE_A, OTHER, 0), b, 8, 0), GNTST_permission_denied);
    assert_int_equal(copy(a, by_frame(PAGE_B, OWN, 0), 8, 0), GNTST_permission_denied);
    assert_int_equal(copy(by_ref(2 * per_frame, OWN, 0), b, 8, FROM), GNTST_bad_gntref);
    assert_int_equal(copy(by_ref(UINT32_MAX, OWN, 0), b, 8, FROM), GNTST_bad_gntref);
    assert_int_equal(copy(by_ref(2 * per_frame - 1, OWN, 0), b, 8, FROM), GNTST_general_error);
    assert_int_equal(copy(a, by_ref(21, OWN, 0), 8, TO), GNTST_general_error);
    assert_int_equal(copy(by_ref(22, OWN, 0), b, 8, FROM), GNTST_general_error);
    assert_int_equal(copy(by_ref(23, OWN, 0), b, 8, FROM), GNTST_general_error);
    for (unsigned ref = 24; ref < 28; ref++)
        assert_int_equal(copy(by_ref(ref, OWN, 0), b, 8, FROM), ref == 26 ? GNTST_okay : GNTST_bad_page);
    assert_int_equal(copy(a, by_ref(26, OWN, 0), 8, TO), GNTST_general_error);
    assert_int_equal(copy(a, by_frame(TYPED, DOMID_SELF, 0), 8, 0), GNTST_general_error);
    assert_int_equal(copy(by_frame(UINT64_MAX, DOMID_SELF, 0), b, 8, 0), GNTST_bad_page);
    assert_int_equal(copy(a, by_frame(FOREIGN, DOMID_SELF, 0), 8, 0), GNTST_bad_page);
    assert_int_equal(copy(by_ref(20, OWN, 4090), b, 7, FROM), GNTST_bad_copy_arg);
    assert_int_equal(copy(a, by_frame(PAGE_B, DOMID_SELF, UINT16_MAX), 0, 0), GNTST_bad_copy_arg);
    assert_int_equal(copy(a, b, UINT16_MAX, 0), GNTST_bad_copy_arg);
}

static void swaps(void)
{
    const unsigned per_frame = services.grants.version == 1 ? 512 : 256;
    struct gnttab_copy_ptr b = by_frame(PAGE_B, DOMID_SELF, 0);

    grant(20, GTF_permit_access, OWN, PAGE_A);
    assert_int_equal(grant_swap(&domain, 20, 2 * per_frame), GNTST_bad_gntref);
    assert_int_equal(grant_swap(&domain, UINT32_MAX, 20), GNTST_bad_gntref);
    assert_int_equal(grant_swap(&domain, 20, 20), GNTST_okay);
    assert_int_equal(copy(by_ref(20, OWN, 0), b, 8, FROM), GNTST_okay);
    assert_int_equal(grant_swap(&domain, 20, 2 * per_frame - 1), GNTST_okay);
    assert_int_equal(copy(by_ref(20, OWN, 0), b, 8, FROM), GNTST_general_error);
    assert_int_equal(copy(by_ref(2 * per_frame - 1, OWN, 0), b, 8, FROM), GNTST_okay);
}

/* Version 2 can grant a part of a page. */
static void parts(void **state)
{
    struct grant_entry_v2 *entries = (void *)memory[TABLE];
    struct gnttab_copy_ptr b = by_frame(PAGE_B, DOMID_SELF, 0);

    (void)state;
    make(2);
    entries[30] = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, OWN, 256, 64, PAGE_A};
    entries[31] = (struct grant_entry_v2){GTF_permit_access | GTF_sub_page, OWN, 4090, UINT16_MAX, PAGE_A};
    assert_int_equal(copy(by_ref(30, OWN, 256), b, 64, FROM), GNTST_okay);
    assert_int_equal(copy(by_ref(30, OWN, 255), b, 1, FROM), GNTST_general_error);
    assert_int_equal(copy(by_ref(30, OWN, 256), b, 65, FROM), GNTST_general_error);
    assert_int_equal(copy(b, by_ref(30, OWN, 320), 1, TO), GNTST_general_error);
    assert_int_equal(copy(by_ref(31, OWN, 4090), b, 7, FROM), GNTST_bad_copy_arg);
    entries[30].flags = 3; /* by way of another domain */
    assert_int_equal(copy(by_ref(30, OWN, 256), b, 1, FROM), GNTST_general_error);
}

static void both(void (*test)(void))
{
    make(1);
    test();
    make(2);
    test();
}

static void test_works(void **state)
{
    (void)state;
    both(works);
}

static void test_refuses(void **state)
{
    (void)state;
    both(refuses);
}

static void test_swaps(void **state)
{
    (void)state;
    both(swaps);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_works),
        cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_swaps),
        cmocka_unit_test(parts),
    };

    return cmocka_run_group_tests_name("grant copy", tests, NULL, NULL);
}
