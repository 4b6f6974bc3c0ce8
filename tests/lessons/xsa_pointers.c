/* SPDX-License-Identifier: MIT */
/*
 * Addresses that a guest passes: at the edges of its part of the address space, in the hypervisor's, with counts that
 * wrap around.  What makes the difference visible is the M2P, which a guest can read but may not pass.
 */
#include <string.h>

#include <abi/mmuext.h>
#include <tests/lessons/lib/race.h>

/* Both tables of the M2P, to see that nothing has been written there. */
struct canary {
    uint64_t *copy;
};

static struct canary canary_begin(const struct lesson *lesson)
{
    size_t size = lesson->sim->machine.nr_frames * sizeof(uint64_t);
    struct canary canary = {test_malloc(2 * size)};

    memcpy(canary.copy, lesson->sim->machine.m2p, size);
    memcpy((uint8_t *)canary.copy + size, lesson->sim->machine.compat_m2p, size / 2);
    return canary;
}

static void canary_end(const struct lesson *lesson, struct canary *canary)
{
    size_t size = lesson->sim->machine.nr_frames * sizeof(uint64_t);

    assert_memory_equal(canary->copy, lesson->sim->machine.m2p, size);
    assert_memory_equal((uint8_t *)canary->copy + size, lesson->sim->machine.compat_m2p, size / 2);
    test_free(canary->copy);
}

/* A machine whose 32-bit guest has memory right below the hypervisor's part. */
static void edge_begin(struct lesson *lesson, enum width width)
{
    struct sim_config config = lesson_config(width, 1);
    mfn_t l1, l2, page;
    unsigned slot;

    lesson_begin(lesson, &config);
    if (width == WIDTH_64)
        return;
    l1 = guest_mfn(lesson->guest, lesson_readonly_page(lesson->guest));
    page = guest_mfn(lesson->guest, lesson_page(lesson->guest));
    assert_true(guest_find_entry(lesson->guest, guest_root(lesson->guest),
                                 VADDR(COMPAT_HYPERVISOR_VIRT_START - PAGE_SIZE), 2, &l2, &slot));
    assert_int_equal(guest_set_entry(lesson->vcpu, l2, slot, pte(l1, PTE_TABLE)), 0);
    assert_int_equal(guest_set_entry(lesson->vcpu, l1, 511, pte(page, PTE_RW_PAGE)), 0);
}

/*
 * ---- 4: each call that takes a pointer.
 */

static const uint64_t edges_64[] = {
    0x00007fffffffffff,        0x00007ffffffffff8,    0x0000800000000000,   0xffff7ffffffffff8,
    HYPERVISOR_VIRT_START - 8, HYPERVISOR_VIRT_START, MACH2PHYS_VIRT_START, MACH2PHYS_VIRT_START + 4096,
    HYPERVISOR_VIRT_END - 8,   0xffff830000000000,    ~UINT64_C(0),         ~UINT64_C(7),
};
static const uint64_t edges_pae[] = {
    COMPAT_HYPERVISOR_VIRT_START, COMPAT_MACH2PHYS_VIRT_START + 4096, 0xfffffff8, 0xffffffff, 0xffe00000,
};

static void assert_fault(const struct lesson *lesson, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2,
                         uint64_t arg3)
{
    assert_int_equal(guest_hypercall(lesson->vcpu, number, arg0, arg1, arg2, arg3, 0, 0), -XEN_EFAULT);
}

static void try_calls(const struct lesson *lesson, uint64_t at)
{
    const struct mmuext_op op = {.cmd = MMUEXT_TLB_FLUSH_MULTI, .arg2.vcpumask = at};
    const struct mmu_update request = {lesson_maddr(lesson_table(lesson->guest, 1), 5), 0x2000};
    uint64_t entry = pte(guest_mfn(lesson->guest, PFN(0)), PTE_RO_PAGE), requests;

    assert_fault(lesson, __HYPERVISOR_mmu_update, at, 1, 0, DOMID_SELF);
    assert_fault(lesson, __HYPERVISOR_mmuext_op, at, 1, 0, DOMID_SELF);
    assert_fault(lesson, __HYPERVISOR_multicall, at, 1, 0, 0);
    assert_fault(lesson, __HYPERVISOR_set_gdt, at, 8, 0, 0);
    assert_fault(lesson, __HYPERVISOR_set_trap_table, at, 0, 0, 0);
    assert_fault(lesson, __HYPERVISOR_memory_op, XENMEM_exchange, at, 0, 0);
    assert_fault(lesson, __HYPERVISOR_memory_op, XENMEM_populate_physmap, at, 0, 0);
    assert_fault(lesson, __HYPERVISOR_memory_op, XENMEM_current_reservation, at, 0, 0);
    assert_fault(lesson, __HYPERVISOR_memory_op, XENMEM_machphys_mapping, at, 0, 0);
    assert_int_equal(guest_mmuext(lesson->vcpu, &op, 1, NULL, DOMID_SELF), -XEN_EINVAL);
    /* A bitmap of vCPUs; its low bits would be those of the flags. */
    if (at % 4 == 0 && at != UVMF_LOCAL)
        assert_int_equal(
            guest_update_va_mapping(lesson->vcpu, lesson_window(lesson->guest, 5), entry, UVMF_INVLPG | at),
            -XEN_EFAULT);
    /* Where to say how much was done: a fault there is ignored, and the work is done. */
    requests = guest_put(lesson->vcpu, &request, sizeof(request)).v;
    assert_int_equal(guest_hypercall(lesson->vcpu, __HYPERVISOR_mmu_update, requests, 1, at, DOMID_SELF, 0, 0), 0);
    guest_scratch_reset(lesson->vcpu);
}

/* Shows hypercall.pointers. */
static void xsa_4_pointers_at_the_edges(void **state)
{
    struct canary canary;
    struct lesson lesson;

    (void)state;
    edge_begin(&lesson, WIDTH_64);
    canary = canary_begin(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(edges_64); i++)
        try_calls(&lesson, edges_64[i]);
    canary_end(&lesson, &canary);
    lesson_end(&lesson);
    edge_begin(&lesson, WIDTH_PAE);
    canary = canary_begin(&lesson);
    for (unsigned i = 0; i < ARRAY_SIZE(edges_pae); i++)
        try_calls(&lesson, edges_pae[i]);
    canary_end(&lesson, &canary);
    lesson_end(&lesson);
}

/* An array that begins in the guest's memory and ends in the hypervisor's, or wraps around to the guest's again. */
static void xsa_4_arrays_across_the_edges(void **state)
{
    static const uint64_t counts[] = {2, 3, 0x1000, 0x10000000, 0x7fffffff};
    struct lesson lesson;

    (void)state;
    edge_begin(&lesson, WIDTH_PAE);
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        uint64_t at = COMPAT_HYPERVISOR_VIRT_START - 16;

        assert_fault(&lesson, __HYPERVISOR_mmu_update, at, counts[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_mmuext_op, at, counts[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_multicall, at, counts[i], 0, 0);
    }
    assert_fault(&lesson, __HYPERVISOR_set_gdt, COMPAT_HYPERVISOR_VIRT_START - 4, 1024, 0, 0);
    assert_fault(&lesson, __HYPERVISOR_memory_op, XENMEM_populate_physmap, COMPAT_HYPERVISOR_VIRT_START - 16, 0, 0);
    lesson_end(&lesson);
    edge_begin(&lesson, WIDTH_64);
    for (unsigned i = 1; i < ARRAY_SIZE(counts); i++) {
        uint64_t at = HYPERVISOR_VIRT_END - 64;

        assert_fault(&lesson, __HYPERVISOR_mmu_update, at, counts[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_mmu_update, ~UINT64_C(0) - 4096, counts[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_multicall, at, counts[i], 0, 0);
    }
    lesson_end(&lesson);
}

/* Both ends of the address space are the guest's: an array that runs out at the top does not go on at the bottom. */
static void xsa_4_arrays_that_wrap_around(void **state)
{
    struct sim_config config = lesson_config(WIDTH_64, 1);
    const vaddr_t top = VADDR(~UINT64_C(0) - (PAGE_SIZE - 1));
    struct guest_leaf leaves[2] = {{top, 0}, {VADDR(0), 0}};
    struct guest_tree tree;
    struct lesson lesson;

    (void)state;
    lesson_begin(&lesson, &config);
    for (unsigned i = 0; i < 2; i++)
        leaves[i].entry = pte(guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)), PTE_RW_PAGE);
    guest_build_tree(lesson.guest, lesson.vcpu, 4, GUEST_TREE_KERNEL, leaves, 2, &tree);
    assert_int_equal(guest_new_baseptr(lesson.vcpu, tree.root), 0);
    for (unsigned count = 2; count <= 128; count *= 4) {
        /* The last element inside the address space, and those that would come after it. */
        assert_fault(&lesson, __HYPERVISOR_mmu_update, top.v + PAGE_SIZE - 16, count, 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_mmuext_op, top.v + PAGE_SIZE - 24, count, 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_multicall, top.v + PAGE_SIZE - 64, count, 0, 0);
    }
    assert_fault(&lesson, __HYPERVISOR_memory_op, XENMEM_populate_physmap, top.v + PAGE_SIZE - 16, 0, 0);
    lesson_end(&lesson);
}

/*
 * ---- 29, 212: the arrays of an exchange, and how far it has come.
 */

/* What the exchange should do is good; where it is said is not. */
struct forged {
    uint64_t in, out, done, count;
};

static int64_t exchange(const struct lesson *lesson, const struct forged *forged)
{
    const struct xen_memory_exchange argument = {
        .in = {.extent_start = forged->in, .nr_extents = forged->count, .domid = DOMID_SELF},
        .out = {.extent_start = forged->out, .nr_extents = forged->count, .domid = DOMID_SELF},
        .nr_exchanged = forged->done,
    };
    const struct compat_xen_memory_exchange compat = {
        .in = {.extent_start = (uint32_t)forged->in, .nr_extents = (uint32_t)forged->count, .domid = DOMID_SELF},
        .out = {.extent_start = (uint32_t)forged->out, .nr_extents = (uint32_t)forged->count, .domid = DOMID_SELF},
        .nr_exchanged = (uint32_t)forged->done,
    };
    bool wide = lesson->guest->domain->width == WIDTH_64;
    vaddr_t at =
        wide ? guest_put(lesson->vcpu, &argument, sizeof(argument)) : guest_put(lesson->vcpu, &compat, sizeof(compat));
    struct canary canary = canary_begin(lesson);
    int64_t result = guest_memory_op(lesson->vcpu, XENMEM_exchange, at);

    canary_end(lesson, &canary);
    return result;
}

/* A list of @count words: frames that may be exchanged, or pfns for their successors. */
static uint64_t put_list(const struct lesson *lesson, const uint64_t *words, unsigned count)
{
    size_t size = lesson->guest->domain->width == WIDTH_64 ? 8 : 4;
    vaddr_t at = guest_scratch_alloc(lesson->vcpu, count * size);

    for (unsigned i = 0; i < count; i++)
        assert_true(guest_write(lesson->vcpu, VADDR(at.v + i * size), &words[i], size));
    return at.v;
}

static void xsa_29_exchange_with_arrays_elsewhere(void **state)
{
    static const enum width widths[] = {WIDTH_64, WIDTH_PAE};

    (void)state;
    for (unsigned w = 0; w < ARRAY_SIZE(widths); w++) {
        const uint64_t *edges = w ? edges_pae : edges_64;
        struct picture before;
        struct lesson lesson;
        uint64_t mfn, good;

        edge_begin(&lesson, widths[w]);
        mfn = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
        good = put_list(&lesson, &mfn, 1);
        before = lesson_picture(&lesson);
        for (unsigned i = 0; i < (w ? ARRAY_SIZE(edges_pae) : ARRAY_SIZE(edges_64)); i++) {
            assert_int_equal(exchange(&lesson, &(struct forged){edges[i], good, 0, 1}), -XEN_EFAULT);
            assert_int_equal(exchange(&lesson, &(struct forged){good, edges[i], 0, 1}), -XEN_EFAULT);
            assert_int_equal(exchange(&lesson, &(struct forged){edges[i], edges[i], 0, 1}), -XEN_EFAULT);
        }
        lesson_assert_unchanged(&lesson, &before);
        lesson_end(&lesson);
    }
}

static void xsa_212_exchange_that_claims_progress(void **state)
{
    const uint64_t m2p = MACH2PHYS_VIRT_START;
    struct picture before;
    struct lesson lesson;
    uint64_t frames[2], pfns[2] = {500, 501}, in, out;

    (void)state;
    edge_begin(&lesson, WIDTH_64);
    for (unsigned i = 0; i < 2; i++)
        frames[i] = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
    in = put_list(&lesson, frames, 2);
    out = put_list(&lesson, pfns, 2);
    before = lesson_picture(&lesson);
    const struct forged forged[] = {
        {in, out, 3, 2},
        {in, out, ~UINT64_C(0), 2},
        {in, out, UINT64_C(1) << 61, 2},
        {in, out, (m2p - out) / 8, (m2p - out) / 8 + 1},
        {in, out, (m2p - in) / 8, UINT64_C(1) << 61},
        {0, m2p - 8 * ((m2p - 0x1000) / 8), (m2p - 0x1000) / 8, (m2p - 0x1000) / 8 + 1},
        {in, out, 0, (UINT64_C(1) << 61) + 1},
        {in, out, 0, UINT64_C(1) << 63},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(forged); i++) {
        int64_t result = exchange(&lesson, &forged[i]);

        assert_true(result == -XEN_EINVAL || result == -XEN_EFAULT);
        lesson_assert_unchanged(&lesson, &before);
    }
    /* An honest one, half done: the other half follows. */
    assert_int_equal(exchange(&lesson, &(struct forged){in, out, 2, 2}), 0);
    lesson_assert_unchanged(&lesson, &before);
    lesson_end(&lesson);
}

/* An exchange for larger extents has come as far as whole ones, or not at all. */
static void xsa_212_progress_within_an_extent(void **state)
{
    struct xen_memory_exchange exchange = {
        .in = {.nr_extents = 4, .domid = DOMID_SELF},
        .out = {.nr_extents = 2, .extent_order = 1, .domid = DOMID_SELF},
    };
    uint64_t frames[8], pfns[8];
    struct picture before;
    struct lesson lesson;

    (void)state;
    edge_begin(&lesson, WIDTH_64);
    for (unsigned i = 0; i < 8; i++) {
        frames[i] = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
        pfns[i] = 500 + 2 * i;
    }
    exchange.in.extent_start = put_list(&lesson, frames, 8);
    exchange.out.extent_start = put_list(&lesson, pfns, 8);
    before = lesson_picture(&lesson);
    for (exchange.nr_exchanged = 1; exchange.nr_exchanged < 4; exchange.nr_exchanged += 2) {
        vaddr_t at = guest_put(lesson.vcpu, &exchange, sizeof(exchange));

        assert_int_equal(guest_memory_op(lesson.vcpu, XENMEM_exchange, at), -XEN_EINVAL);
        lesson_assert_unchanged(&lesson, &before);
    }
    lesson_end(&lesson);
}

/* The same field of a 32-bit guest, and the other arrays that a call goes on in. */
static void xsa_212_progress_of_a_narrow_guest(void **state)
{
    struct picture before;
    struct lesson lesson;
    uint64_t frames[2], pfns[2] = {500, 501}, in, out;

    (void)state;
    edge_begin(&lesson, WIDTH_PAE);
    for (unsigned i = 0; i < 2; i++)
        frames[i] = guest_mfn(lesson.guest, lesson_unmapped_page(lesson.guest)).v;
    in = put_list(&lesson, frames, 2);
    out = put_list(&lesson, pfns, 2);
    before = lesson_picture(&lesson);
    const struct forged forged[] = {
        {in, out, 3, 2},
        {in, out, UINT32_MAX, 2},
        {in, out, (COMPAT_MACH2PHYS_VIRT_START - out) / 4, (COMPAT_MACH2PHYS_VIRT_START - out) / 4 + 1},
        {in, out, 0, UINT32_MAX},
        {in, out, 0, UINT64_C(1) << 30},
    };
    for (unsigned i = 0; i < ARRAY_SIZE(forged); i++) {
        int64_t result = exchange(&lesson, &forged[i]);

        assert_true(result == -XEN_EINVAL || result == -XEN_EFAULT);
        lesson_assert_unchanged(&lesson, &before);
    }
    lesson_end(&lesson);
}

/*
 * ---- 24: counts about the capacity of whatever copies the elements of a 32-bit guest.
 */

static void batch_of(const struct lesson *lesson, unsigned count)
{
    mfn_t table = lesson_table(lesson->guest, 1);
    struct mmu_update requests[130];
    struct mmuext_op ops[130] = {{0}};
    struct multicall_entry calls[130];
    unsigned done;

    for (unsigned i = 0; i < count; i++) {
        requests[i] = (struct mmu_update){lesson_maddr(table, i), 0x10000 + i * 16};
        ops[i].cmd = MMUEXT_TLB_FLUSH_LOCAL;
        calls[i] = guest_call_update_va_mapping(lesson->vcpu, lesson_window(lesson->guest, i), 0, UVMF_NONE);
        calls[i].result = ~UINT64_C(0);
    }
    assert_int_equal(guest_mmu_update(lesson->vcpu, requests, count, &done, DOMID_SELF), 0);
    assert_int_equal(done, count);
    for (unsigned i = 0; i < count; i++)
        assert_true(guest_entry(lesson->guest, table, i) == 0x10000 + i * 16);
    assert_int_equal(guest_multicall(lesson->vcpu, calls, count), 0);
    for (unsigned i = 0; i < count; i++)
        assert_true(guest_entry(lesson->guest, table, i) == 0 && calls[i].result == 0);
    assert_int_equal(guest_mmuext(lesson->vcpu, ops, count, &done, DOMID_SELF), 0);
    assert_int_equal(done, count);
}

static void xsa_24_arrays_of_a_narrow_guest(void **state)
{
    static const unsigned counts[] = {0, 1, 2, 31, 32, 33, 63, 64, 65, 127, 128, 129};
    static const uint32_t huge[] = {0x7fffffff, 0x40000000, 0x10000000, 0x0fffffff};
    struct lesson lesson;
    vaddr_t at;

    (void)state;
    edge_begin(&lesson, WIDTH_PAE);
    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++)
        batch_of(&lesson, counts[i]);
    at = guest_scratch_alloc(lesson.vcpu, 64);
    for (unsigned i = 0; i < ARRAY_SIZE(huge); i++) {
        assert_fault(&lesson, __HYPERVISOR_mmu_update, at.v, huge[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_mmuext_op, at.v, huge[i], 0, DOMID_SELF);
        assert_fault(&lesson, __HYPERVISOR_multicall, at.v, huge[i], 0, 0);
        assert_int_equal(guest_hypercall(lesson.vcpu, __HYPERVISOR_set_gdt, at.v, huge[i], 0, 0, 0, 0), -XEN_EINVAL);
    }
    for (unsigned entries = 7167; entries <= 7170; entries++)
        assert_int_equal(guest_hypercall(lesson.vcpu, __HYPERVISOR_set_gdt, at.v, entries, 0, 0, 0, 0), -XEN_EINVAL);
    lesson_end(&lesson);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        LESSON(xsa_4_pointers_at_the_edges),           LESSON(xsa_4_arrays_across_the_edges),
        LESSON(xsa_4_arrays_that_wrap_around),         LESSON(xsa_24_arrays_of_a_narrow_guest),
        LESSON(xsa_29_exchange_with_arrays_elsewhere), LESSON(xsa_212_exchange_that_claims_progress),
        LESSON(xsa_212_progress_within_an_extent),     LESSON(xsa_212_progress_of_a_narrow_guest),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
