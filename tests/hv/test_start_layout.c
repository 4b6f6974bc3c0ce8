/* SPDX-License-Identifier: MIT */
/* The layout of a new domain, for many kernels and sizes, against the rules of abi/layout.h. */
/* links: hv/kernel/judge.c hv/kernel/placement.c hv/kernel/notes.c hv/kernel/elf_image.c hv/kernel/findings.c */
/* links: hv/kernel/start_layout.c hv/kernel/start_symbols.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/layout.h>
#include <hv/kernel/start_layout.h>

#define MIB        (UINT64_C(1) << 20)
#define GIB        (UINT64_C(1) << 30)
#define LINUX_BASE UINT64_C(0xffffffff80000000)
#define LINUX_P2M  UINT64_C(0x8000000000)

static struct kernel linux_kernel(uint64_t end)
{
    return (struct kernel){
        .image.width = WIDTH_64,
        .virt_base = LINUX_BASE,
        .start = 16 * MIB,
        .end = end,
        .has_init_p2m = true,
        .init_p2m = LINUX_P2M,
        .ramdisk_unmapped = true,
    };
}

static struct kernel plain_kernel(uint64_t virt_base, uint64_t end)
{
    return (struct kernel){.image.width = WIDTH_64, .virt_base = virt_base, .start = MIB, .end = end};
}

static struct kernel narrow_kernel(uint64_t virt_base, uint64_t end)
{
    return (struct kernel){.image.width = WIDTH_PAE, .virt_base = virt_base, .start = MIB, .end = end};
}

/* How many different tables of @level the pages of a region need, counted page by page. */
static uint64_t count_tables(uint64_t start, uint64_t nr_pages, unsigned level)
{
    uint64_t count = 0, last = 0;

    for (uint64_t i = 0; i < nr_pages; i++) {
        uint64_t table = (start + i * 4096) >> (12 + 9 * level);

        if (i == 0 || table != last)
            count++;
        last = table;
    }
    return count;
}

/* Each element begins where the one before ends. */
static void expect_next(uint64_t *next, uint64_t first, uint64_t count)
{
    if (count > 0)
        assert_true(first == *next);
    *next += count;
}

static uint64_t expected_tables(const struct layout *layout, const struct layout_region *region, unsigned level)
{
    if (level == layout->top)
        return 1;
    if (layout->top == 3 && level == 2)
        return 4;
    return count_tables(region->start, region->nr_pages, level);
}

static void check_tables(const struct layout *layout, const struct layout_region *region, unsigned first_level,
                         uint64_t *next)
{
    for (unsigned level = first_level; level > 0; level--) {
        assert_true(region->nr_tables[level] == expected_tables(layout, region, level));
        expect_next(next, region->tables[level], region->nr_tables[level]);
    }
}

static void check_layout(const struct kernel *kernel, uint64_t ramdisk, bool initial, uint64_t nr_pages,
                         const struct layout *layout)
{
    uint64_t next = (kernel->end + 4095) / 4096, nr_ramdisk = (ramdisk + 4095) / 4096, tables, end;

    uint64_t entries = kernel->image.width == WIDTH_64 ? 512 : 1024;

    assert_int_equal(layout->top, kernel->image.width == WIDTH_64 ? 4 : 3);
    assert_true(layout->nr_p2m == (nr_pages + entries - 1) / entries && layout->nr_ramdisk == nr_ramdisk);
    if (!kernel->ramdisk_unmapped)
        expect_next(&next, layout->ramdisk, nr_ramdisk);
    if (!kernel->has_init_p2m)
        expect_next(&next, layout->p2m, layout->nr_p2m);
    expect_next(&next, layout->start_info, 1);
    if (!initial) {
        expect_next(&next, layout->store, 1);
        expect_next(&next, layout->console, 1);
    }
    tables = next;
    check_tables(layout, &layout->main, layout->top, &next);
    assert_true(layout->nr_main_tables == next - tables);
    expect_next(&next, layout->stack, 1);
    end = layout->main.start + layout->main.nr_pages * 4096;
    assert_true(layout->main.start == kernel->virt_base && layout->main.first == 0 && end % (4 * MIB) == 0);
    assert_true(layout->main.nr_pages >= next + 128 && layout->main.nr_pages < next + 128 + 1024);
    next = layout->main.nr_pages;
    if (kernel->ramdisk_unmapped)
        expect_next(&next, layout->ramdisk, nr_ramdisk);
    if (kernel->has_init_p2m) {
        expect_next(&next, layout->p2m, layout->nr_p2m);
        assert_true(layout->apart.first == layout->p2m && layout->apart.nr_pages == layout->nr_p2m);
        assert_true(layout->apart.tables[4] == layout->main.tables[4]);
        check_tables(layout, &layout->apart, 3, &next);
    } else {
        assert_true(layout->apart.nr_pages == 0);
    }
    assert_true(layout->nr_needed == next);
}

static void try_kernel(const struct kernel *kernel)
{
    static const uint64_t ramdisks[] = {0, 1, 4096, 4097, 50 * MIB + 17};
    static const uint64_t memories[] = {512 * MIB, 512 * MIB + 4096, 3 * GIB, 64 * GIB};

    for (size_t i = 0; i < ARRAY_SIZE(ramdisks) * ARRAY_SIZE(memories) * 2; i++) {
        uint64_t ramdisk = ramdisks[i / 2 % ARRAY_SIZE(ramdisks)], minimum;
        uint64_t nr_pages = memories[i / 2 / ARRAY_SIZE(ramdisks)] / 4096;
        bool initial = i % 2;
        enum finding_id problem;
        struct layout layout;

        assert_int_equal(layout_make(kernel, ramdisk, initial, nr_pages, &layout, &problem), 0);
        check_layout(kernel, ramdisk, initial, nr_pages, &layout);
        assert_int_equal(layout_minimum(kernel, ramdisk, initial, &minimum, &problem), 0);
        assert_int_equal(layout_make(kernel, ramdisk, initial, minimum, &layout, &problem), 0);
        assert_true(layout.nr_needed <= minimum);
        check_layout(kernel, ramdisk, initial, minimum, &layout);
    }
}

/*
 * Shows startofday.image, startofday.ramdisk, startofday.p2m, startofday.rings, startofday.tables, startofday.stack,
 * startofday.end, startofday.page-boundaries, startofday.slots-32, start_info.page.
 */
static void test_layouts(void **state)
{
    const struct kernel kernels[] = {
        linux_kernel(0x4a00000),
        linux_kernel(0x4a00001),
        plain_kernel(0, 0x613dc8),
        plain_kernel(0, 4 * MIB - 4096),
        plain_kernel(LINUX_BASE, 32 * MIB),
        plain_kernel(HYPERVISOR_VIRT_END, 32 * MIB),
        plain_kernel(UINT64_C(0x7fc0001000), 500 * MIB), /* over a boundary of tables of all levels */
        narrow_kernel(0, 0x613dc8),
        narrow_kernel(UINT64_C(0xc0000000), 32 * MIB),
        narrow_kernel(UINT64_C(0x7f123000), 500 * MIB),
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kernels); i++)
        try_kernel(&kernels[i]);
}

/*
 * All places that the end of the image can have in relation to what the end of the region is rounded to.  Shows
 * startofday.end.
 */
static void test_each_end(void **state)
{
    (void)state;
    for (uint64_t end = 2 * MIB; end <= 7 * MIB; end += 4096) {
        struct kernel kernel = plain_kernel(LINUX_BASE, end);
        enum finding_id problem;
        struct layout layout;

        assert_int_equal(layout_make(&kernel, 0, false, 4096, &layout, &problem), 0);
        check_layout(&kernel, 0, false, 4096, &layout);
    }
}

/* By trial of all sizes, near the smallest. */
static void test_minimum(void **state)
{
    const struct kernel kernels[] = {plain_kernel(0, 0x10000), linux_kernel(20 * MIB), narrow_kernel(0, 0x10000)};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(kernels); i++) {
        enum finding_id problem;
        uint64_t minimum, smallest = 0;
        struct layout layout = {.nr_needed = 1};

        while (layout.nr_needed > smallest) {
            smallest++;
            assert_int_equal(layout_make(&kernels[i], 12345, false, smallest, &layout, &problem), 0);
        }
        assert_int_equal(layout_minimum(&kernels[i], 12345, false, &minimum, &problem), 0);
        assert_true(minimum == smallest);
    }
}

/* Shows startofday.image, elfnote.symbols. */
static void test_symbols(void **state)
{
    static const uint8_t bytes[64];
    struct kernel kernel = plain_kernel(0, MIB + 5);
    enum finding_id problem;
    struct layout layout;

    (void)state;
    kernel.has_symbols = kernel.wants_symbols = true;
    kernel.symbols = (struct blob){bytes, 48};
    kernel.symbol_names = (struct blob){bytes, 9};
    assert_int_equal(layout_make(&kernel, 0, false, 65536, &layout, &problem), 0);
    assert_true(layout.symbols == MIB + 8 && layout.symbols_size == 4 + 64 + 3 * 64 + 48 + 16);
    assert_true(layout.p2m == MIB / 4096 + 1);
    kernel.symbols.size = 4096;
    assert_int_equal(layout_make(&kernel, 0, false, 65536, &layout, &problem), 0);
    assert_true(layout.p2m == MIB / 4096 + 2);
    kernel.symbols.size = UINT64_C(1) << 32;
    assert_int_equal(layout_make(&kernel, 0, false, 65536, &layout, &problem), 0);
    assert_true(layout.symbols_size == 0);
}

static void expect_refused(const struct kernel *kernel, uint64_t ramdisk, uint64_t nr_pages, enum finding_id id)
{
    enum finding_id problem;
    struct layout layout;

    assert_true(layout_make(kernel, ramdisk, false, nr_pages, &layout, &problem) < 0);
    assert_int_equal(problem, id);
}

static void test_refused(void **state)
{
    struct kernel kernel = plain_kernel(LINUX_BASE, 32 * MIB);
    enum finding_id problem;
    struct layout layout;

    (void)state;
    expect_refused(&kernel, 2 * GIB, 1 << 20, FINDING_ADDRESSES);
    expect_refused(&kernel, UINT64_MAX, 1 << 20, FINDING_RAMDISK);
    kernel.end = 2 * GIB - 8 * MIB;
    expect_refused(&kernel, 0, 1 << 20, FINDING_ADDRESSES);
    kernel.end = 2 * GIB - 16 * MIB; /* up to the last byte of the address space */
    assert_int_equal(layout_make(&kernel, 0, false, 1 << 20, &layout, &problem), 0);
    assert_true(layout.main.start + layout.main.nr_pages * 4096 == UINT64_C(0) - 4 * MIB ||
                layout.main.start + layout.main.nr_pages * 4096 == 0);
    kernel = plain_kernel((UINT64_C(1) << 47) - 32 * MIB - MIB / 4, 32 * MIB);
    expect_refused(&kernel, 0, 1024, FINDING_ADDRESSES);
    kernel = linux_kernel(32 * MIB);
    kernel.init_p2m = UINT64_C(0xffffff7ffffff000); /* the last page of the slot below */
    assert_int_equal(layout_make(&kernel, 0, false, 512, &layout, &problem), 0);
    expect_refused(&kernel, 0, 513, FINDING_P2M_ADDRESSES);
    kernel.init_p2m = UINT64_C(0xffffff8000000000); /* the kernel's own slot */
    expect_refused(&kernel, 0, 512, FINDING_P2M_ADDRESSES);
    kernel.init_p2m = UINT64_C(0x7ffffffff000);
    expect_refused(&kernel, 0, 513, FINDING_P2M_ADDRESSES);
}

/* As much memory as the M2P has entries for, and addresses up to where the hypervisor's begin.  Shows layout.low-32. */
static void test_refused_narrow(void **state)
{
    struct kernel kernel = narrow_kernel(UINT64_C(0xc0000000), 32 * MIB);
    enum finding_id problem;
    struct layout layout;

    (void)state;
    assert_int_equal(layout_make(&kernel, 0, false, COMPAT_MACH2PHYS_NR_ENTRIES, &layout, &problem), 0);
    expect_refused(&kernel, 0, COMPAT_MACH2PHYS_NR_ENTRIES + 1, FINDING_TOO_MUCH);
    kernel.virt_base = UINT64_C(0xf5800000) - 32 * MIB - 4 * MIB;
    assert_int_equal(layout_make(&kernel, 0, false, 65536, &layout, &problem), 0);
    assert_true(layout.main.start + layout.main.nr_pages * 4096 == UINT64_C(0xf5800000));
    kernel.virt_base += 4 * MIB;
    expect_refused(&kernel, 0, 65536, FINDING_ADDRESSES);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layouts), cmocka_unit_test(test_each_end), cmocka_unit_test(test_minimum),
        cmocka_unit_test(test_symbols), cmocka_unit_test(test_refused),  cmocka_unit_test(test_refused_narrow),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
