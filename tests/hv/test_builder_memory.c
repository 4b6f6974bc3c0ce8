/* SPDX-License-Identifier: MIT */
/*
 * The memory of a new domain: every page once, in extents as far as there are such, the P2M that lists them, contents
 * over the borders of frames.
 */
/* links: hv/build/builder_memory.c tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>
#include <tests/hv/lib/objects.h>

#define PAGES   1100u /* of which the P2M has 3, the last one in part; 2 of a 32-bit guest */
#define P2M_AT  700u
#define AT_ONCE 32u      /* pages at most, between two questions whether others want to run */
#define FRAMES  0x90000u /* the first is below, and each that is given lies below those before it, with a gap */

static uint8_t *memory[PAGES];  /* each frame by itself, so that the sanitizers see what is written beyond it */
static uint64_t pages[PAGES];   /* the pfn of the frame that was given nth */
static uint64_t frames[PAGES];  /* and that frame */
static uint64_t ends[PAGES];    /* below what it was to lie */
static unsigned batches[PAGES]; /* and with which others it came */
static unsigned given, left, left_extents, tried_extents, batch;
static uint64_t lowest;
static struct hv_domain domain;
static struct build build;
static jmp_buf ended;
static unsigned word; /* bytes of an entry of the P2M */

void *port_frame_map(mfn_t mfn)
{
    for (unsigned i = 0; i < given; i++) {
        if (frames[i] == mfn.v)
            return memory[i];
    }
    fail_msg("frame %lx was never given", mfn.v);
    return NULL;
}

static void give(uint64_t pfn, uint64_t frame)
{
    assert_in_range(given, 0, PAGES - 1);
    pages[given] = pfn;
    frames[given] = frame;
    ends[given] = domain.engine.frames_end.v;
    batches[given] = batch;
    memory[given++] = calloc(1, 4096);
}

int domain_populate_some(struct domain *which, pfn_t first, unsigned count, mfn_t *mfns)
{
    assert_ptr_equal(which, &domain.engine);
    assert_in_range(count, 1, AT_ONCE);
    if (left < count)
        return -XEN_ENOMEM;
    left -= count;
    batch++;
    for (unsigned i = 0; i < count; i++) {
        lowest -= 3;
        give(first.v + i, lowest);
        mfns[i] = MFN(lowest);
    }
    return 0;
}

int domain_populate_extent(struct domain *which, pfn_t pfn, unsigned order, mfn_t *first)
{
    unsigned count = 1u << order;

    assert_ptr_equal(which, &domain.engine);
    assert_true(order > 0 && pfn.v % count == 0);
    tried_extents++;
    if (left < count || left_extents == 0)
        return -XEN_ENOMEM;
    left -= count;
    left_extents--;
    batch++;
    lowest -= 2 * count;
    for (unsigned i = 0; i < count; i++)
        give(pfn.v + i, lowest + i);
    *first = MFN(lowest);
    return 0;
}

static unsigned asked, yields;

/* Others want to run each second time that they are asked. */
bool port_preempt_wanted(void)
{
    return asked++ % 2 == 0;
}

void port_yield(void)
{
    yields++;
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    longjmp(ended, 1);
}

static int set_up(void **state)
{
    (void)state;
    word = 8;
    domain.engine = (struct domain){.width = WIDTH_64};
    left = left_extents = PAGES;
    tried_extents = asked = yields = 0;
    lowest = FRAMES;
    build = (struct build){.layout = {.p2m = P2M_AT, .nr_p2m = 3}, .nr_pages = PAGES, .domain = &domain};
    return 0;
}

/* The end of the domain, and of the builder's own list. */
static int tear_down(void **state)
{
    (void)state;
    while (given > 0)
        free(memory[--given]);
    build_forget(&build);
    assert_null(build.p2m_frames);
    assert_int_equal(objects, 0);
    return 0;
}

static unsigned place_of(uint64_t pfn)
{
    for (unsigned i = 0; i < given; i++) {
        if (pages[i] == pfn)
            return i;
    }
    fail_msg("page %lu was never given", pfn);
    return 0;
}

static uint8_t *page(uint64_t pfn)
{
    return memory[place_of(pfn)];
}

/* Of the P2M, as the guest reads it. */
static uint64_t entry_of(uint64_t pfn)
{
    unsigned per_page = 4096 / word;
    uint64_t entry = 0;

    memcpy(&entry, page(P2M_AT + pfn / per_page) + pfn % per_page * word, word);
    return entry;
}

/* Each page has a frame of its own, and the P2M says which; what there is no page for reads as all ones. */
static void expect_populated(void)
{
    bool seen[PAGES] = {false};

    assert_int_equal(given, PAGES);
    for (unsigned i = 0; i < PAGES; i++) {
        uint64_t pfn = pages[i];

        assert_true(pfn < PAGES && !seen[pfn]);
        seen[pfn] = true;
        assert_int_equal(build_frame(&build, pfn).v, frames[i]);
        assert_int_equal(entry_of(pfn), frames[i]);
    }
    for (uint64_t pfn = PAGES; pfn < build.layout.nr_p2m * 4096 / word; pfn++)
        assert_true(entry_of(pfn) == (word == 8 ? UINT64_MAX : UINT32_MAX));
}

static void test_populate(void **state)
{
    (void)state;
    assert_int_equal(build_populate(&build), 0);
    expect_populated();
    assert_int_equal(tried_extents, 0);
    assert_int_equal(batch, 1 + 14 + 22); /* of the P2M, behind it, and in front of it */
    assert_int_equal(asked, batch + 3);   /* once each time, and once more for each page of the P2M */
    assert_int_equal(yields, asked / 2);
}

/*
 * Four bytes an entry; and the pages of start_info and the root lie below 4 GiB.  Shows startofday.p2m,
 * startofday.below-4g.
 */
static void test_narrow(void **state)
{
    for (unsigned order = 0; order < 5; order += 4) {
        word = 4;
        domain.engine = (struct domain){.width = WIDTH_PAE, .frames_end = FRAMES_END_COMPAT};
        build.kernel.image.width = WIDTH_PAE;
        build.layout.nr_p2m = 2;
        build.layout.top = 3;
        build.layout.start_info = P2M_AT + 2;
        build.layout.main.tables[3] = 100;
        build.extent_order = order;
        assert_int_equal(build_populate(&build), 0);
        expect_populated();
        for (unsigned i = 0; i < PAGES; i++) {
            bool low = batches[i] == batches[place_of(P2M_AT + 2)] || batches[i] == batches[place_of(100)];

            assert_true(ends[i] == (low ? 1 << 20 : FRAMES_END_COMPAT.v));
        }
        assert_true(domain.engine.frames_end.v == FRAMES_END_COMPAT.v);
        (void)tear_down(state);
        (void)set_up(state);
    }
}

/* All but the last pages, which are no whole extent; those of the P2M are in extents like others. */
static void test_extents(void **state)
{
    for (unsigned order = 1; order <= 9; order++) {
        build.extent_order = order;
        assert_int_equal(build_populate(&build), 0);
        expect_populated();
        assert_int_equal(build.in_extents, PAGES >> order << order);
        assert_int_equal(tried_extents, PAGES >> order);
        for (uint64_t pfn = 0; pfn < build.in_extents; pfn++)
            assert_int_equal(build_frame(&build, pfn).v,
                             build_frame(&build, pfn >> order << order).v + pfn % (1u << order));
        (void)tear_down(state);
        (void)set_up(state);
    }
}

/* Who has to do without is where the kernel is, at the bottom; and nobody asks again. */
static void test_few_extents(void **state)
{
    (void)state;
    build.extent_order = 6;
    left_extents = 15;
    assert_int_equal(build_populate(&build), 0);
    expect_populated();
    assert_int_equal(build.in_extents, 15 * 64);
    assert_int_equal(tried_extents, 16);
    for (uint64_t pfn = 2 * 64; pfn < 17 * 64; pfn++)
        assert_int_equal(build_frame(&build, pfn).v, build_frame(&build, pfn / 64 * 64).v + pfn % 64);
    for (uint64_t pfn = 1; pfn < 2 * 64; pfn++)
        assert_true(build_frame(&build, pfn).v != build_frame(&build, pfn - 1).v + 1);
}

/* A page that the domain does not have has no frame. */
static void test_beyond(void **state)
{
    (void)state;
    assert_int_equal(build_populate(&build), 0);
    if (setjmp(ended) == 0) {
        (void)build_frame(&build, PAGES);
        fail_msg("a frame for a page beyond the last");
    }
}

static bool nothing_left(void)
{
    return true;
}

static void test_no_memory(void **state)
{
    static const unsigned afters[] = {0, 1, 2, 3, 4, 500, P2M_AT + 2, P2M_AT + 3, P2M_AT + 4, PAGES - 1};

    (void)state;
    object_fails = nothing_left;
    assert_int_equal(build_populate(&build), -XEN_ENOMEM);
    assert_int_equal(given, 0);
    build_forget(&build);
    object_fails = NULL;
    for (unsigned i = 0; i < ARRAY_SIZE(afters); i++) {
        left = afters[i];
        assert_int_equal(build_populate(&build), -XEN_ENOMEM);
        assert_true(given <= afters[i] && given + AT_ONCE > afters[i]);
        assert_int_equal(objects, 1);
        (void)tear_down(state);
    }
}

/* From any byte on, as many as there are, and none beside them. */
static void test_write(void **state)
{
    static const struct {
        uint64_t at, size;
    } rows[] = {{0, 1}, {0x1000, 0x1000}, {0x1fff, 2}, {0x2f00, 0x2345}, {0x5000, 0}, {0x6123, 17}};
    static uint8_t contents[0x2345];

    (void)state;
    assert_int_equal(build_populate(&build), 0);
    for (unsigned i = 0; i < sizeof(contents); i++)
        contents[i] = (uint8_t)(1 + i % 251);
    for (unsigned row = 0; row < ARRAY_SIZE(rows); row++) {
        for (unsigned pfn = 0; pfn < 8; pfn++)
            memset(page(pfn), 0, 4096);
        build_write(&build, rows[row].at, (struct blob){contents, rows[row].size});
        for (uint64_t at = 0; at < 8 * 4096; at++) {
            bool inside = at >= rows[row].at && at - rows[row].at < rows[row].size;

            assert_int_equal(page(at / 4096)[at % 4096], inside ? contents[at - rows[row].at] : 0);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_populate), TEST(test_narrow),    TEST(test_extents), TEST(test_few_extents),
        TEST(test_beyond),   TEST(test_no_memory), TEST(test_write),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
