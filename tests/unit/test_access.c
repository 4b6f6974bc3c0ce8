/* SPDX-License-Identifier: MIT */
/* Ranges of guest addresses, and copies to and from them. */
#include <string.h>

#include <engine/access.h>

#include <tests/unit/lib/unit.h>

struct range {
    uint64_t start, size;
    bool ok;
};

static const struct range ranges_64[] = {
    {0, 0, true},
    {0, 1, true},
    {0, 0x800000000000, true},
    {0, 0x800000000001, false},
    {0x7fffffffffff, 1, true},
    {0x7fffffffffff, 2, false},
    {0x800000000000, 1, false},
    {0x800000000000, 0, true}, /* nothing is nowhere */
    {0xffff7fffffffffff, 1, false},
    {HYPERVISOR_VIRT_START - 8, 8, false},
    {HYPERVISOR_VIRT_START, 8, false},
    {HYPERVISOR_VIRT_END - 8, 8, false},
    {HYPERVISOR_VIRT_END - 8, 16, false},
    {HYPERVISOR_VIRT_END, 8, true},
    {UINT64_MAX - 7, 8, true},
    {UINT64_MAX - 7, 9, false},
    {UINT64_MAX, 1, true},
    {UINT64_MAX, 2, false},
    {HYPERVISOR_VIRT_END, UINT64_MAX, false},
    {1, UINT64_MAX, false},
    {0x7ffffffffff8, 0xffff000000000010, false}, /* around everything that is not the guest's */
};

static const struct range ranges_pae[] = {
    {0, 1, true},           {0xf57ffff8, 8, true},  {0xf57ffff8, 9, false},  {0xf5800000, 1, false},
    {0xffffffff, 1, false}, {0xffffffff, 2, false}, {0x100000000, 1, false}, {UINT64_MAX, 1, false},
    {UINT64_MAX, 2, false}, {0, 0xf5800000, true},  {0, 0xf5800001, false},
};

static void check_ranges(enum width width, const struct range *ranges, size_t count)
{
    const struct domain domain = {.width = width};

    for (size_t i = 0; i < count; i++) {
        vaddr_t start = VADDR(ranges[i].start);

        assert_int_equal(access_range_ok(&domain, start, ranges[i].size), ranges[i].ok);
        assert_int_equal(access_array_ok(&domain, start, ranges[i].size, 1), ranges[i].ok);
        if (ranges[i].size == 1)
            assert_int_equal(access_address_ok(&domain, start.v), ranges[i].ok);
    }
}

/* Shows layout.hole-64, layout.hypervisor-64, layout.hypervisor-32, layout.low-32. */
static void test_ranges(void **state)
{
    (void)state;
    check_ranges(WIDTH_64, ranges_64, ARRAY_SIZE(ranges_64));
    check_ranges(WIDTH_PAE, ranges_pae, ARRAY_SIZE(ranges_pae));
}

/* Products that do not fit into 64 bits, or that come out small. */
static void test_arrays(void **state)
{
    const struct domain domain = {.width = WIDTH_64};

    (void)state;
    assert_true(access_array_ok(&domain, VADDR(0), 0x80000000000, 16));
    assert_false(access_array_ok(&domain, VADDR(0), 0x80000000001, 16));
    assert_false(access_array_ok(&domain, VADDR(0x1000), UINT64_C(1) << 60, 16));
    assert_false(access_array_ok(&domain, VADDR(0x1000), UINT64_C(1) << 52, 4096));
    assert_false(access_array_ok(&domain, VADDR(0x1000), UINT64_MAX, 1));
    assert_false(access_array_ok(&domain, VADDR(0x1000), UINT64_MAX, 4096));
    assert_true(access_array_ok(&domain, VADDR(0x1000), 0, 4096));
}

/* Copies cross pages, respect the guest's rights, and never touch what is not the guest's. */
static void test_copies(void **state)
{
    uint8_t out[16] = "fifteen letters", in[16] = {0};
    struct unit unit;
    mfn_t first, second;
    vaddr_t across;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    first = unit_page(&unit);
    second = unit_page(&unit);
    assert_int_equal(unit_map(&unit, 0, pte(first, PTE_RW_PAGE)), 0);
    assert_int_equal(unit_map(&unit, 1, pte(second, PTE_RW_PAGE)), 0);
    across = VADDR(unit_window(&unit, 1).v - 5);
    assert_true(access_write(unit.vcpu, across, out, sizeof(out)));
    assert_true(access_read(unit.vcpu, in, across, sizeof(in)));
    assert_memory_equal(in, out, sizeof(out));
    assert_memory_equal((uint8_t *)unit_entries(&unit, first) + PAGE_SIZE - 5, out, 5);
    assert_memory_equal(unit_entries(&unit, second), out + 5, 11);

    assert_int_equal(unit_map(&unit, 1, pte(second, PTE_RO_PAGE)), 0);
    assert_false(access_write(unit.vcpu, across, out, sizeof(out)));
    assert_true(access_read(unit.vcpu, in, across, sizeof(in)));
    assert_int_equal(unit_map(&unit, 1, 0), 0);
    assert_false(access_read(unit.vcpu, in, across, sizeof(in)));
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

/* The hypervisor's addresses are mapped, and readable by its guest; but not through here. */
static void test_hypervisor(void **state)
{
    uint64_t start = unit_width(state) == WIDTH_64 ? HYPERVISOR_VIRT_START : COMPAT_HYPERVISOR_VIRT_START;
    uint64_t word;
    struct unit unit;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    assert_true(guest_read(unit.vcpu, VADDR(start), &word, 4));
    assert_false(access_read(unit.vcpu, &word, VADDR(start), 4));
    assert_false(access_write(unit.vcpu, VADDR(start), &word, 4));
    assert_false(access_read_word(unit.vcpu, &word, VADDR(start)));
    assert_int_equal(word, 0);
    unit_destroy(&unit);
}

/* The guest's word: 8 bytes, or 4, extended with zeroes. */
static void test_words(void **state)
{
    bool wide = unit_width(state) == WIDTH_64;
    struct unit unit;
    vaddr_t at;
    uint64_t word = 1;

    unit_create(&unit, &(struct unit_config){.width = unit_width(state)});
    at = guest_put(unit.vcpu, &(uint64_t){0xfedcba9876543210}, 8);
    assert_int_equal(access_word_size(unit.domain), wide ? 8 : 4);
    assert_true(access_read_word(unit.vcpu, &word, at));
    assert_int_equal(word, wide ? 0xfedcba9876543210 : 0x76543210);
    assert_true(access_write_word(unit.vcpu, at, 0x1111111122222222));
    assert_true(access_read(unit.vcpu, &word, at, 8));
    assert_int_equal(word, wide ? 0x1111111122222222 : 0xfedcba9822222222);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ranges),   cmocka_unit_test(test_arrays), unit_test_both(test_copies),
        unit_test_both(test_hypervisor), unit_test_both(test_words),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
