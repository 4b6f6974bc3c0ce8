/* SPDX-License-Identifier: MIT */
/* Memory types, what the hypervisor's own tables have to do with them (nothing), and the M2P as the guests' data. */
#include <string.h>

#include <tests/lessons/lib/lesson.h>

#define CACHE_BITS (PTE_PWT | PTE_PCD | PTE_PS)

static const struct frame_range device = {MFN(600), MFN(631)};

/* The PAT of guests: what the bits of an entry choose.  Cached are the types WB, WT and WP. */
static const bool cached[8] = {true, true, false, false, false, true, false, false};

static uint64_t cache_bits(unsigned index)
{
    return (index & 1 ? PTE_PWT : 0) | (index & 2 ? PTE_PCD : 0) | (index & 4 ? PTE_PS : 0);
}

static unsigned index_of(uint64_t entry)
{
    return (entry & PTE_PWT ? 1u : 0) | (entry & PTE_PCD ? 2u : 0) | (entry & PTE_PS ? 4u : 0);
}

/* Domain 0 has the right to the device, domain 1 has not. */
static void device_begin(struct lesson *lesson, enum width width)
{
    struct sim_config config = lesson_config(width, 2);

    config.nr_domains = 2;
    config.holes = &device;
    config.nr_holes = 1;
    config.domains[0].iomem = &device;
    config.domains[0].nr_iomem = 1;
    config.domains[0].writable_tables = true;
    lesson_begin(lesson, &config);
}

/*
 * ---- 154: device memory is never cached.
 */

static void assert_uncached(const struct lesson *lesson, unsigned asked)
{
    uint64_t entry = guest_entry(lesson->guest, lesson_table(lesson->guest, 1), 0);

    assert_true(entry & PTE_P);
    assert_false(cached[index_of(entry)]);
    if (!cached[asked])
        assert_int_equal(index_of(entry), asked);
}

static void map_device(const struct lesson *lesson, unsigned index, uint64_t flags)
{
    const struct guest *guest = lesson->guest;
    mfn_t table = lesson_table(guest, 1);
    uint64_t entry = pte(device.first, flags | cache_bits(index));
    struct table_write write = {
        .form = WRITE_MOV,
        .vaddr = guest_vaddr(guest, PFN(guest->root.v + guest->nr_tables - 1)),
        .bytes = 8,
        .operand = entry,
    };

    assert_int_equal(lesson_map(lesson->vcpu, 0, device.first, flags | cache_bits(index)), 0);
    assert_uncached(lesson, index);
    for (unsigned other = 0; other < 8; other++) {
        assert_int_equal(guest_set_entry(lesson->vcpu, table, 0, pte(device.first, flags | cache_bits(other))), 0);
        assert_uncached(lesson, other);
        assert_int_equal(lesson_update(lesson->vcpu, table, 0, entry, MMU_PT_UPDATE_PRESERVE_AD), 0);
        assert_uncached(lesson, index);
    }
    assert_int_equal(table_write_emulate(lesson->vcpu, &write), 0);
    assert_uncached(lesson, index);
    assert_int_equal(guest_update_va_mapping_otherdomain(lesson->vcpu, lesson_window(guest, 0), entry, 0, DOMID_IO), 0);
    assert_uncached(lesson, index);
    assert_int_equal(lesson_unmap(lesson->vcpu, 0), 0);
}

/* Shows pte.device-uncached. */
static void xsa_154_device_memory_is_never_cached(void **state)
{
    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        struct lesson lesson;
        pfn_t table;

        device_begin(&lesson, w ? WIDTH_PAE : WIDTH_64);
        for (unsigned index = 0; index < 8; index++) {
            map_device(&lesson, index, PTE_RO_PAGE);
            map_device(&lesson, index, PTE_RW_PAGE | PTE_US);
        }
        /* And by the scan of a whole table. */
        table = lesson_readonly_page(lesson.guest);
        for (unsigned index = 0; index < 8; index++)
            sim_frame_entries(lesson.sim, guest_mfn(lesson.guest, table))[index] =
                pte(device.last, PTE_RW_PAGE | cache_bits(index));
        assert_int_equal(guest_pin(lesson.vcpu, guest_mfn(lesson.guest, table), 1), 0);
        for (unsigned index = 0; index < 8; index++)
            assert_false(cached[index_of(guest_entry(lesson.guest, guest_mfn(lesson.guest, table), index))]);
        assert_int_equal(guest_unpin(lesson.vcpu, guest_mfn(lesson.guest, table)), 0);
        lesson_end(&lesson);
    }
}

static void xsa_154_only_by_who_may(void **state)
{
    struct lesson lesson;
    struct mmu_update request;

    (void)state;
    device_begin(&lesson, WIDTH_64);
    for (unsigned index = 0; index < 8; index++) {
        int error = index ? -XEN_EINVAL : -XEN_EPERM;

        assert_int_equal(lesson_map(lesson.other_vcpu, 0, device.first, PTE_RO_PAGE | cache_bits(index)), error);
        assert_int_equal(
            lesson_map(lesson.vcpu, 0, MFN(device.last.v + LESSON_FRAMES), PTE_RO_PAGE | cache_bits(index)),
            -XEN_EPERM);
    }
    assert_int_equal(guest_update_va_mapping_otherdomain(lesson.other_vcpu, lesson_window(lesson.other, 0),
                                                         pte(device.first, PTE_RO_PAGE), 0, DOMID_IO),
                     -XEN_EPERM);
    /* Nor in the tables of a domain that may, for a caller who may not; nor the other way about. */
    lesson.guest->domain->privileged = lesson.other->domain->privileged = true;
    request = (struct mmu_update){lesson_maddr(lesson_table(lesson.guest, 1), 3), pte(device.first, PTE_RO_PAGE)};
    assert_int_equal(guest_mmu_update(lesson.other_vcpu, &request, 1, NULL, 1u << 16 | DOMID_IO), -XEN_EPERM);
    request.ptr = lesson_maddr(lesson_table(lesson.other, 1), 3);
    assert_int_equal(guest_mmu_update(lesson.vcpu, &request, 1, NULL, 2u << 16 | DOMID_IO), -XEN_EPERM);
    lesson_end(&lesson);
}

/*
 * ---- 402: RAM under another memory type.
 */

/* Shows pte.flags-cache. */
static void xsa_402_only_domains_with_devices_choose(void **state)
{
    struct lesson lesson;
    mfn_t page, shared;

    (void)state;
    device_begin(&lesson, WIDTH_64);
    page = guest_mfn(lesson.other, lesson_page(lesson.other));
    shared = guest_mfn(lesson.guest, PFN(0)); /* shared_info */
    for (unsigned index = 1; index < 8; index++) {
        uint64_t flags = cache_bits(index);

        assert_int_equal(lesson_map(lesson.other_vcpu, 0, page, PTE_RO_PAGE | flags), -XEN_EINVAL);
        assert_int_equal(lesson_map(lesson.other_vcpu, 0, page, PTE_RW_PAGE | flags), -XEN_EINVAL);
        assert_int_equal(lesson_map(lesson.vcpu, 0, shared, PTE_RW_PAGE | flags), -XEN_EACCES);
        for (unsigned level = 2; level <= 4; level++)
            assert_int_equal(
                guest_set_entry(lesson.vcpu, lesson_table(lesson.guest, level), 200, pte(page, PTE_TABLE | flags)),
                -XEN_EINVAL);
    }
    lesson_end(&lesson);
}

static uint64_t cache_flushes(const struct sim *sim)
{
    uint64_t least = UINT64_MAX;

    for (unsigned cpu = 0; cpu < sim->nr_cpus; cpu++)
        least = sim->cpus[cpu].cache_flushes < least ? sim->cpus[cpu].cache_flushes : least;
    return least;
}

typedef void use_fn(const struct lesson *lesson, mfn_t mfn);

static void use_as_table(const struct lesson *lesson, mfn_t mfn)
{
    assert_int_equal(guest_pin(lesson->vcpu, mfn, 1), 0);
    assert_int_equal(guest_unpin(lesson->vcpu, mfn), 0);
}

static void use_as_root(const struct lesson *lesson, mfn_t mfn)
{
    assert_int_equal(guest_new_user_baseptr(lesson->vcpu, mfn), 0);
    assert_int_equal(guest_new_user_baseptr(lesson->vcpu, MFN(0)), 0);
}

static void use_for_descriptors(const struct lesson *lesson, mfn_t mfn)
{
    assert_int_equal(guest_set_gdt(lesson->vcpu, &mfn, 1), 0);
    assert_int_equal(guest_set_gdt(lesson->vcpu, NULL, 0), 0);
}

/* How a page comes to be mapped writable with the type @index. */
typedef void map_fn(const struct lesson *lesson, mfn_t mfn, unsigned index);

static void map_at_once(const struct lesson *lesson, mfn_t mfn, unsigned index)
{
    assert_int_equal(lesson_map(lesson->vcpu, 0, mfn, PTE_RW_PAGE | cache_bits(index)), 0);
}

static void map_in_two_steps(const struct lesson *lesson, mfn_t mfn, unsigned index)
{
    assert_int_equal(lesson_map(lesson->vcpu, 0, mfn, PTE_RW_PAGE), 0);
    assert_int_equal(lesson_update(lesson->vcpu, lesson_table(lesson->guest, 1), 0,
                                   pte(mfn, PTE_RW_PAGE | cache_bits(index)), MMU_PT_UPDATE_PRESERVE_AD),
                     0);
}

/*
 * A processor's cache may hold other contents than memory does, for a page that was written past it: before anybody
 * relies on what the page holds, every cache is written back, once.
 */
static void use_after_uncached_writes(map_fn *map, use_fn *use, unsigned index)
{
    struct lesson lesson;
    uint64_t before;
    pfn_t pfn;
    mfn_t mfn;

    device_begin(&lesson, WIDTH_64);
    pfn = lesson_unmapped_page(lesson.guest);
    mfn = guest_mfn(lesson.guest, pfn);
    for (unsigned round = 0; round < 2; round++) {
        map(&lesson, mfn, index);
        assert_int_equal(lesson_unmap(lesson.vcpu, 0), 0);
        before = cache_flushes(lesson.sim);
        assert_int_equal(lesson_map(lesson.vcpu, 0, mfn, PTE_RW_PAGE), 0); /* as good as any other write */
        assert_int_equal(lesson_unmap(lesson.vcpu, 0), 0);
        use(&lesson, mfn);
        assert_true(cache_flushes(lesson.sim) > before);
        before = cache_flushes(lesson.sim);
        use(&lesson, mfn);
        assert_true(cache_flushes(lesson.sim) == before);
    }
    lesson_end(&lesson);
}

static void xsa_402_caches_are_written_back_first(void **state)
{
    static use_fn *const uses[] = {use_as_table, use_as_root, use_for_descriptors};

    (void)state;
    for (unsigned index = 1; index < 8; index++) {
        for (unsigned i = 0; i < ARRAY_SIZE(uses); i++) {
            use_after_uncached_writes(map_at_once, uses[i], index);
            use_after_uncached_writes(map_in_two_steps, uses[i], index);
        }
    }
}

/* Nor does the next owner get a page that a cache still has something to say about. */
static void xsa_402_nor_does_the_next_owner_see_it(void **state)
{
    uint64_t mfn, extents[LESSON_FRAMES], before;
    struct lesson lesson;
    unsigned left;

    (void)state;
    device_begin(&lesson, WIDTH_64);
    mfn = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
    map_at_once(&lesson, MFN(mfn), 4);
    assert_int_equal(lesson_unmap(lesson.vcpu, 0), 0);
    assert_int_equal(guest_reservation(lesson.vcpu, XENMEM_decrease_reservation, &mfn, 1, 0, 0), 1);
    left = (unsigned)sim_pool_count(lesson.sim);
    for (unsigned i = 0; i < left; i++)
        extents[i] = 1000 + i;
    before = cache_flushes(lesson.sim);
    assert_int_equal(guest_reservation(lesson.other_vcpu, XENMEM_populate_physmap, extents, left, 0, 0), left);
    assert_true(cache_flushes(lesson.sim) > before);
    lesson_end(&lesson);
}

/*
 * ---- 345: the hypervisor's tables do not follow the guests' memory types.
 */

static uint64_t sum_hypervisor(const struct sim *sim)
{
    uint64_t m2p = (sim->machine.nr_frames * 12 + 2 * PAGE_SIZE) / PAGE_SIZE, sum = 0;

    /* Behind the M2P: the tables, and the page that nobody may see. */
    for (uint64_t mfn = sim->hypervisor_first.v + m2p; mfn < sim->machine.nr_frames; mfn++) {
        const uint64_t *entries = (const uint64_t *)(const void *)(sim->ram + mfn * PAGE_SIZE);

        for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
            sum = sum * 31 + (entries[i] & ~(PTE_A | PTE_D));
    }
    return sum;
}

static void xsa_345_the_hypervisors_tables_stay_as_they_are(void **state)
{
    struct machine before;
    struct lesson lesson;
    uint64_t sum;

    (void)state;
    device_begin(&lesson, WIDTH_64);
    sum = sum_hypervisor(lesson.sim);
    before = lesson.sim->machine;
    for (unsigned i = 0; i < 64; i++) {
        struct vcpu *vcpu = i % 2 ? lesson.second : lesson.vcpu;
        mfn_t mfn = guest_mfn(lesson.guest, PFN(100 + i % 16));

        assert_int_equal(lesson_map(vcpu, i % 16, mfn, PTE_RW_PAGE | cache_bits(i % 8)), 0);
        assert_int_equal(lesson_map(vcpu, 16 + i % 16, MFN(device.first.v + i % 16), PTE_RW_PAGE | cache_bits(i % 8)),
                         0);
        assert_true(sum_hypervisor(lesson.sim) == sum);
    }
    assert_memory_equal(before.root_slots, lesson.sim->machine.root_slots, sizeof(before.root_slots));
    assert_memory_equal(before.compat_slots, lesson.sim->machine.compat_slots, sizeof(before.compat_slots));
    lesson_end(&lesson);
}

/*
 * ---- 251: the M2P holds what guests put there.
 */

static void use_in_every_way(const struct lesson *lesson, pfn_t pfn)
{
    mfn_t mfn = guest_mfn(lesson->guest, pfn);

    for (unsigned level = 1; level <= root_level(lesson->guest->domain); level++) {
        if (guest_pin(lesson->vcpu, mfn, level) == 0)
            assert_int_equal(guest_unpin(lesson->vcpu, mfn), 0);
    }
    assert_int_equal(guest_set_gdt(lesson->vcpu, &mfn, 1), 0);
    assert_int_equal(guest_set_gdt(lesson->vcpu, NULL, 0), 0);
    assert_true(lesson_can_be_written(lesson->vcpu, mfn));
}

static void set_m2p(const struct lesson *lesson, mfn_t mfn, uint64_t value)
{
    assert_int_equal(lesson_update(lesson->vcpu, mfn, 0, value, MMU_MACHPHYS_UPDATE), 0);
    assert_true(lesson->sim->machine.m2p[mfn.v] == value);
    assert_true(lesson->sim->machine.compat_m2p[mfn.v] == (uint32_t)value);
}

static void xsa_251_what_stands_in_the_m2p_decides_nothing(void **state)
{
    static const uint64_t values[] = {
        0,         1,          MACH2PHYS_INVALID,       MACH2PHYS_SHARED, UINT64_C(1) << 63,
        INT64_MAX, UINT32_MAX, COMPAT_MACH2PHYS_SHARED, LESSON_PAGES,     UINT64_C(0x5555555555555555)};

    (void)state;
    for (unsigned w = 0; w < 2; w++) {
        struct lesson lesson;

        device_begin(&lesson, w ? WIDTH_PAE : WIDTH_64);
        for (unsigned i = 0; i < ARRAY_SIZE(values); i++) {
            pfn_t pfn = lesson_readonly_page(lesson.guest);
            mfn_t mfn = guest_mfn(lesson.guest, pfn);

            set_m2p(&lesson, mfn, values[i]);
            set_m2p(&lesson, guest_root(lesson.guest), values[i]);
            use_in_every_way(&lesson, pfn);
            guest_assert_clean(lesson.sim);
            assert_true(lesson_is_sole(lesson.guest, pfn));
            assert_true(lesson.sim->machine.m2p[mfn.v] == MACH2PHYS_INVALID);
            guest_page_free(lesson.guest, pfn);
        }
        for (uint64_t pfn = 0; pfn < LESSON_PAGES; pfn++)
            set_m2p(&lesson, guest_mfn(lesson.guest, PFN(pfn)), values[pfn % ARRAY_SIZE(values)]);
        guest_assert_clean(lesson.sim);
        lesson_end(&lesson);
    }
}

/* ---- 22: a note changes with its frame, or not at all. */
static void xsa_22_a_failure_changes_no_note(void **state)
{
    struct lesson lesson;
    struct picture before;
    uint64_t in[2], out[2] = {900, 901};

    (void)state;
    device_begin(&lesson, WIDTH_64);
    for (unsigned i = 0; i < 2; i++)
        in[i] = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
    before = lesson_picture(&lesson);
    for (unsigned fail = 0; fail < 2; fail++) {
        lesson.sim->pool_fail_after = fail;
        assert_int_equal(guest_exchange(lesson.vcpu, in, 1, 1, out, 2, 0, 0, NULL), -XEN_EINVAL);
        assert_int_equal(guest_exchange(lesson.vcpu, in, 2, 0, out, 1, 1, 0, NULL), fail ? 0 : -XEN_ENOMEM);
        if (!fail)
            lesson_assert_unchanged(&lesson, &before);
    }
    lesson.sim->pool_fail_after = UINT64_MAX;
    assert_true(lesson.sim->machine.m2p[in[0]] == MACH2PHYS_INVALID && lesson.sim->machine.m2p[out[0]] == 900);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_22_a_failure_changes_no_note),
        LESSON(xsa_154_device_memory_is_never_cached),
        LESSON(xsa_154_only_by_who_may),
        LESSON(xsa_251_what_stands_in_the_m2p_decides_nothing),
        LESSON(xsa_345_the_hypervisors_tables_stay_as_they_are),
        LESSON(xsa_402_only_domains_with_devices_choose),
        LESSON(xsa_402_caches_are_written_back_first),
        LESSON(xsa_402_nor_does_the_next_owner_see_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
