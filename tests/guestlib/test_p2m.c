/* SPDX-License-Identifier: MIT */
/* The P2M: it begins with the builder's list, grows, agrees with the M2P or says where not. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/p2m.h>
#include <tests/guestlib/lib/world.h>

static uint64_t list[512];
static void *given[64];
static unsigned nr_given, nr_allowed;

static void *give_page(void)
{
    if (nr_given == nr_allowed)
        return NULL;
    given[nr_given] = malloc(PAGE_SIZE);
    memset(given[nr_given], 0xa5, PAGE_SIZE);
    return given[nr_given++];
}

static int set_up(void **state)
{
    (void)state;
    world_create(3);
    memset(list, 0xa5, sizeof(list));
    for (uint64_t pfn = 0; pfn < WORLD_PAGES; pfn++)
        list[pfn] = world_mfn_of_pfn(pfn);
    nr_allowed = 64;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    while (nr_given)
        free(given[--nr_given]);
    world_destroy();
    return 0;
}

static void test_begin(void **state)
{
    (void)state;
    assert_int_equal(p2m_init(list, WORLD_PAGES, give_page), 0);
    assert_int_equal(p2m_pages(), 512);
    for (uint64_t pfn = 0; pfn < 600; pfn++) {
        assert_int_equal(p2m_get(PFN(pfn)).v, world_mfn_of_pfn(pfn));
        if (pfn < WORLD_PAGES)
            assert_int_equal(p2m_get_pfn(p2m_get(PFN(pfn))).v, pfn);
    }
    assert_int_equal(p2m_get(PFN_NONE).v, MFN_NONE.v);
    assert_int_equal(p2m_get_pfn(MFN_NONE).v, PFN_NONE.v);
    assert_int_equal(p2m_check(NULL), 0);
}

static void test_disagreement(void **state)
{
    mfn_t kept;
    pfn_t first;

    (void)state;
    assert_int_equal(p2m_init(list, WORLD_PAGES, give_page), 0);
    kept = p2m_get(PFN(17));
    p2m_set_frame(PFN(17), p2m_get(PFN(18)));
    p2m_set_frame(PFN(500), kept);
    assert_int_equal(p2m_check(&first), 2);
    assert_int_equal(first.v, 17);
    assert_int_equal(p2m_get_pfn(kept).v, PFN_NONE.v);
    p2m_set_frame(PFN(17), MFN_NONE);
    p2m_set_frame(PFN(500), MFN_NONE);
    assert_int_equal(p2m_check(&first), 0);
}

static void test_growth(void **state)
{
    (void)state;
    assert_int_equal(p2m_init(list, WORLD_PAGES, give_page), 0);
    assert_int_equal(nr_given, 2);
    assert_int_equal(p2m_grow(512, give_page), 0);
    assert_int_equal(nr_given, 2);
    p2m_set_frame(PFN(512), MFN(5)); /* there is no room: nothing happens */
    assert_int_equal(p2m_grow(513, give_page), 0);
    assert_int_equal(nr_given, 3);
    assert_int_equal(p2m_pages(), 1024);
    assert_int_equal(p2m_get(PFN(512)).v, MFN_NONE.v);
    p2m_set_frame(PFN(1023), MFN(5));
    assert_int_equal(p2m_get(PFN(1023)).v, 5);
    assert_int_equal(p2m_get(PFN(0)).v, world_mfn_of_pfn(0));
}

/* The second branch begins at 512 * 512 pages; no page is given for what there is no need of. */
static void test_far_growth(void **state)
{
    (void)state;
    nr_allowed = 2;
    assert_int_equal(p2m_init(list, WORLD_PAGES, give_page), 0);
    assert_int_equal(p2m_grow(513, give_page), -XEN_ENOMEM);
    assert_int_equal(p2m_pages(), 512);
    nr_allowed = 12;
    assert_int_equal(p2m_grow(UINT64_C(1) << 18, give_page), -XEN_ENOMEM);
    assert_int_equal(p2m_pages(), 11 * 512);
    assert_int_equal(p2m_grow((UINT64_C(1) << 27) + 1, give_page), -XEN_ENOMEM);
    assert_int_equal(p2m_get(PFN(11 * 512 - 1)).v, MFN_NONE.v);
}

static void test_no_page(void **state)
{
    (void)state;
    for (nr_allowed = 0; nr_allowed < 2; nr_allowed++) {
        assert_int_equal(p2m_init(list, WORLD_PAGES, give_page), -XEN_ENOMEM);
        while (nr_given)
            free(given[--nr_given]);
    }
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_begin), TEST(test_disagreement), TEST(test_growth), TEST(test_far_growth), TEST(test_no_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
