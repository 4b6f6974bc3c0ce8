/* SPDX-License-Identifier: MIT */
/* Flushes that a guest asks for: whose, of what. */
#include <engine/flush.h>

#include <tests/unit/lib/unit.h>

/* 11 vCPUs on 4 processors, round robin. */
static void create(struct unit *unit, enum width width)
{
    const struct sim_config config = {
        .nr_frames = UNIT_FRAMES,
        .nr_domains = 1,
        .nr_cpus = 4,
        .domains[0] = {.width = width, .nr_vcpus = 11},
    };

    *unit = (struct unit){.sim = sim_create(&config)};
    unit->machine = &unit->sim->machine;
    unit->guest = guest_boot(unit->sim, 0, UNIT_PAGES);
    unit->domain = unit->guest->domain;
    unit->vcpu = guest_vcpu(unit->guest, 0);
}

static void test_domain_cpus(void **state)
{
    struct unit unit;

    create(&unit, unit_width(state));
    assert_int_equal(flush_domain_cpus(unit.domain).bits, 0xf);
    unit_destroy(&unit);
}

/*
 * Bits of vCPUs that do not exist, which begin in the second byte, mean nothing.  Shows update_va_mapping.flush-unread.
 */
static void test_mask(void **state)
{
    static const struct {
        uint16_t mask;
        uint64_t cpus;
    } rows[] = {{0, 0}, {1, 1}, {0x2, 2}, {0x10, 1}, {0x11, 1}, {0x400, 4}, {0xf800, 0}, {0xffff, 0xf}, {0x208, 0xa}};
    struct unit unit;

    create(&unit, unit_width(state));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        cpumask_t cpus = {~UINT64_C(0)};

        assert_true(flush_guest_mask(unit.vcpu, guest_put(unit.vcpu, &rows[i].mask, 2), &cpus));
        assert_int_equal(cpus.bits, rows[i].cpus);
    }
    unit_destroy(&unit);
}

/* Two bytes hold the bits of 11 vCPUs; the third may lie outside all memory, the second may not. */
static void test_mask_at_the_edge(void **state)
{
    cpumask_t cpus = {0x5};
    struct unit unit;
    vaddr_t end;
    mfn_t page;

    create(&unit, unit_width(state));
    page = unit_page(&unit);
    unit_entries(&unit, page)[511] = UINT64_C(0x0501) << 48;
    assert_int_equal(unit_map(&unit, 0, pte(page, PTE_RO_PAGE)), 0);
    end = unit_window(&unit, 1);
    assert_true(flush_guest_mask(unit.vcpu, VADDR(end.v - 2), &cpus));
    assert_int_equal(cpus.bits, 0x5); /* vCPUs 0, 8 and 10 */
    cpus.bits = 0x7;
    assert_false(flush_guest_mask(unit.vcpu, VADDR(end.v - 1), &cpus));
    assert_false(
        flush_guest_mask(unit.vcpu, VADDR(unit_width(state) == WIDTH_64 ? HYPERVISOR_VIRT_START : 0xf5800000), &cpus));
    assert_int_equal(cpus.bits, 0x7);
    assert_int_equal(unit_map(&unit, 0, 0), 0);
    unit_destroy(&unit);
}

static uint64_t page_flushes(const struct unit *unit)
{
    uint64_t sum = 0;

    for (unsigned i = 0; i < unit->sim->nr_cpus; i++)
        sum += unit->sim->cpus[i].page_flushes;
    return sum;
}

/* An address that no guest can map is no reason to do anything (XSA-279). */
static void test_page(void **state)
{
    struct unit unit;
    uint64_t before;

    create(&unit, unit_width(state));
    before = page_flushes(&unit);
    flush_page(unit.domain, (cpumask_t){0}, unit.guest->window);
    flush_page(unit.domain, (cpumask_t){3}, VADDR(0x8000000000000000));
    flush_page(unit.domain, (cpumask_t){3}, VADDR(unit_width(state) == WIDTH_64 ? HYPERVISOR_VIRT_START : 0xf5800000));
    assert_int_equal(page_flushes(&unit), before);
    flush_page(unit.domain, (cpumask_t){0x5}, unit.guest->window);
    assert_int_equal(page_flushes(&unit), before + 2);
    assert_int_equal(unit.sim->cpus[0].page_flushes, 1);
    assert_int_equal(unit.sim->cpus[2].page_flushes, 1);
    unit_destroy(&unit);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        unit_test_both(test_domain_cpus),
        unit_test_both(test_mask),
        unit_test_both(test_mask_at_the_edge),
        unit_test_both(test_page),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
