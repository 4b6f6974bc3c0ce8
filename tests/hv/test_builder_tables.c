/* SPDX-License-Identifier: MIT */
/* The first page tables of a guest, walked as the processor walks them: Intel SDM volume 3, 4.5. */
/* links: hv/build/builder_tables.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <engine/engine.h>
#include <hv/build/builder_parts.h>
#include <hv/domain/domain.h>

#define PAGES 1100u
#define FRAME UINT64_C(0x123000) /* of page 0; each that follows is one below */

#define P (1u << 0)
#define W (1u << 1)
#define U (1u << 2)

/* The last 2 MiB of one GiB, and the first of the next. */
#define MAIN_START UINT64_C(0xffffffffbfe00000)
#define MAIN_PAGES 1024u
#define TABLES     900u /* L4, L3, two L2, two L1 */
#define NR_TABLES  6u

/* Elsewhere, its tables behind its pages. */
#define APART_START UINT64_C(0x8000003000)
#define APART_FIRST 1030u
#define APART_PAGES 7u

static _Alignas(4096) uint64_t memory[PAGES][512];
static struct hv_domain domain;
static struct vcpu vcpu;
static struct build build;
static mfn_t pinned, root;
static unsigned pinned_level;
static int pin_error, root_error;

mfn_t build_frame(const struct build *which, uint64_t pfn)
{
    assert_ptr_equal(which, &build);
    assert_in_range(pfn, 0, PAGES - 1);
    return MFN(FRAME - pfn);
}

void *port_frame_map(mfn_t mfn)
{
    assert_true(mfn.v <= FRAME && FRAME - mfn.v < PAGES);
    return memory[FRAME - mfn.v];
}

static unsigned points;

bool port_preempt_wanted(void)
{
    points++;
    return false;
}

void port_yield(void)
{
    fail();
}

int domain_pin(struct domain *which, mfn_t mfn, unsigned level)
{
    assert_ptr_equal(which, &domain.engine);
    pinned = mfn;
    pinned_level = level;
    return pin_error;
}

int vcpu_set_roots(struct vcpu *which, mfn_t kernel, mfn_t user)
{
    assert_ptr_equal(which, &vcpu);
    assert_true(mfn_is_none(user));
    assert_false(mfn_is_none(pinned)); /* what it names has been examined */
    root = kernel;
    return root_error;
}

static int set_up(void **state)
{
    (void)state;
    memset(memory, 0, sizeof(memory));
    domain.vcpus[0] = &vcpu;
    domain.engine.vcpus = domain.vcpus;
    build = (struct build){
        .nr_pages = PAGES,
        .domain = &domain,
        .layout =
            {
                .top = 4,
                .main = {MAIN_START, 0, MAIN_PAGES, {0, TABLES + 4, TABLES + 2, TABLES + 1, TABLES}, {0, 2, 2, 1, 1}},
                .nr_main_tables = NR_TABLES,
            },
    };
    pinned = root = MFN_NONE;
    pin_error = root_error = 0;
    return 0;
}

/* A 32-bit guest's: two pages below the third GiB and all others behind; one L3, four L2, of which two are needed. */
#define NARROW_START UINT64_C(0xbfffe000)
#define NARROW_COUNT 8u /* L3, L2, three L1 */

static void make_narrow(void)
{
    build.layout = (struct layout){
        .top = 3,
        .main = {NARROW_START, 0, MAIN_PAGES, {0, TABLES + 5, TABLES + 1, TABLES, 0}, {0, 3, 4, 1, 0}},
        .nr_main_tables = NARROW_COUNT,
    };
}

static void put_apart(void)
{
    const uint64_t tables = APART_FIRST + APART_PAGES;

    build.layout.apart = (struct layout_region){
        APART_START, APART_FIRST, APART_PAGES, {0, tables + 2, tables + 1, tables, TABLES}, {0, 1, 1, 1, 0}};
}

/* The entry of L1 for @vaddr, on the way to which all must be writable and the user's, or 0; and the tables' pages. */
static uint64_t walk(uint64_t vaddr, uint64_t pfns[5])
{
    uint64_t entry = (FRAME - TABLES) << 12;

    for (unsigned level = 4; level > 0; level--) {
        pfns[level] = FRAME - (entry >> 12 & UINT64_C(0xffffffffff));
        entry = memory[pfns[level]][vaddr >> (12 + 9 * (level - 1)) & 511];
        if (!(entry & P))
            return 0;
        if (level > 1)
            assert_int_equal(entry & (P | W | U | 0x80), P | W | U);
    }
    return entry;
}

/* A table can be read, and only read; whatever else there is can be written. */
static void assert_page(uint64_t vaddr, uint64_t pfn)
{
    uint64_t pfns[5], entry = walk(vaddr, pfns);
    bool is_table = pfn >= TABLES && pfn < TABLES + NR_TABLES;

    assert_int_equal(entry >> 12 & UINT64_C(0xffffffffff), FRAME - pfn);
    assert_int_equal(entry & (P | W | U), is_table ? P | U : P | W | U);
    assert_int_equal(entry >> 52, 1); /* a kernel page of a 64-bit guest, and with code: engine/level.h */
    for (unsigned level = 1; level <= 3; level++)
        assert_in_range(pfns[level], TABLES, PAGES - 1);
}

static unsigned count_entries(uint64_t pfn)
{
    unsigned count = 0;

    for (unsigned i = 0; i < 512; i++)
        count += memory[pfn][i] != 0;
    return count;
}

static void assert_main(void)
{
    for (uint64_t pfn = 0; pfn < MAIN_PAGES; pfn++)
        assert_page(MAIN_START + pfn * 4096, pfn);
    assert_int_equal(root.v, FRAME - TABLES);
    assert_int_equal(pinned.v, FRAME - TABLES);
    assert_int_equal(pinned_level, 4);
}

/* Shows startofday.mapped, startofday.pinned-root. */
static void test_main(void **state)
{
    static const unsigned counts[] = {1, 2, 1, 1, 512, 512}; /* entries of L4, L3, both L2, both L1 */

    (void)state;
    assert_int_equal(build_tables(&build), 0);
    assert_main();
    for (uint64_t pfn = 0; pfn < PAGES; pfn++) {
        bool is_table = pfn >= TABLES && pfn < TABLES + NR_TABLES;

        assert_int_equal(count_entries(pfn), is_table ? counts[pfn - TABLES] : 0);
    }
}

/* A second region hangs in the same root, with tables of its own.  Shows startofday.p2m-apart. */
static void test_apart(void **state)
{
    uint64_t pfns[5];

    (void)state;
    put_apart();
    assert_int_equal(build_tables(&build), 0);
    assert_main();
    for (uint64_t i = 0; i < APART_PAGES; i++)
        assert_page(APART_START + i * 4096, APART_FIRST + i);
    assert_int_equal(walk(APART_START - 4096, pfns), 0);
    assert_int_equal(walk(APART_START + APART_PAGES * 4096, pfns), 0);
    assert_int_equal(count_entries(TABLES), 2);
    for (unsigned level = 1; level <= 3; level++)
        assert_int_equal(count_entries(build.layout.apart.tables[level]), level == 1 ? APART_PAGES : 1);
}

/* The entry of L1 for @vaddr of a 32-bit guest, whose L3 has the table of each GiB. */
static uint64_t walk_narrow(uint64_t vaddr)
{
    uint64_t entry = memory[TABLES][vaddr >> 30];

    for (unsigned shift = 21; shift >= 12; shift -= 9) {
        uint64_t pfn = FRAME - (entry >> 12 & UINT64_C(0xffffffffff));

        assert_int_equal(entry & (P | W | U | 0x80), P | W | U);
        assert_in_range(pfn, TABLES + 1, TABLES + NARROW_COUNT - 1);
        entry = memory[pfn][vaddr >> shift & 511];
    }
    return entry;
}

/*
 * Its kernel is in ring 1, so that pages are no user's; all four L2 are there, empty where nothing is mapped.  Shows
 * startofday.slots-32, startofday.mapped, startofday.pinned-root.
 */
static void test_narrow(void **state)
{
    static const unsigned counts[NARROW_COUNT] = {4, 0, 0, 1, 2, 2, 512, 510};

    (void)state;
    make_narrow();
    assert_int_equal(build_tables(&build), 0);
    for (uint64_t pfn = 0; pfn < MAIN_PAGES; pfn++) {
        uint64_t entry = walk_narrow(NARROW_START + pfn * 4096);
        bool is_table = pfn >= TABLES && pfn < TABLES + NARROW_COUNT;

        assert_int_equal(entry >> 12, FRAME - pfn);
        assert_int_equal(entry & (P | W | U), is_table ? P : P | W);
    }
    for (unsigned slot = 0; slot < 4; slot++)
        assert_int_equal(memory[TABLES][slot] >> 12, FRAME - TABLES - 1 - slot);
    for (unsigned i = 0; i < NARROW_COUNT; i++)
        assert_int_equal(count_entries(TABLES + i), counts[i]);
    assert_int_equal(pinned.v, FRAME - TABLES);
    assert_int_equal(pinned_level, 3);
    assert_int_equal(root.v, FRAME - TABLES);
}

/* What the engine refuses is no domain. */
static void test_refused(void **state)
{
    (void)state;
    pin_error = -XEN_EINVAL;
    assert_int_equal(build_tables(&build), -XEN_EINVAL);
    assert_true(mfn_is_none(root)); /* nobody runs on it */
    pin_error = 0;
    root_error = -XEN_EBUSY;
    assert_int_equal(build_tables(&build), -XEN_EBUSY);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_main, set_up),
        cmocka_unit_test_setup(test_apart, set_up),
        cmocka_unit_test_setup(test_narrow, set_up),
        cmocka_unit_test_setup(test_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
