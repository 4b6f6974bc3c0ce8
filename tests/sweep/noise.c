/* SPDX-License-Identifier: MIT */
/*
 * Nonsense: every hypercall number with arguments drawn from what lies at some boundary, and batches
 * of requests made the same way.  Any answer will do that is a number of the ABI; but nothing may
 * leak, halt, or break an invariant.
 */
#include <inttypes.h>
#include <stdlib.h>

#include <abi/layout.h>

#include <tests/sweep/lib/sweep.h>

#define MACHINES    48u
#define CALLS       1500u /* on each machine */
#define CHECK_EVERY 100u
#define BATCH_MAX   8u
#define ERRNO_LIMIT 100

static uint64_t seed;

static uint64_t draw(void)
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return seed;
}

static uint64_t draw_below(uint64_t bound)
{
    return draw() % bound;
}

/* ---- Boundary values. */

static uint64_t some_edge(void)
{
    static const uint64_t edges[] = {
        0,
        0x7fffffffffff,
        0x800000000000,
        HYPERVISOR_VIRT_START,
        HYPERVISOR_VIRT_END,
        MACH2PHYS_VIRT_END,
        COMPAT_HYPERVISOR_VIRT_START,
        UINT64_C(1) << 32,
        UINT64_C(1) << 40,
        UINT64_C(1) << 52,
        UINT64_C(1) << 63,
    };

    return edges[draw_below(ARRAY_SIZE(edges))] + draw_below(33) - 16;
}

static mfn_t some_frame(const struct bed *bed)
{
    switch (draw_below(4)) {
    case 0:
        return bed->targets[draw_below(TARGET_COUNT)];
    case 1:
        return bed->tables[draw_below(TABLE_COUNT)];
    case 2:
        return guest_mfn(bed->guest, PFN(draw_below(bed->guest->nr_pages)));
    default:
        return MFN(draw_below(bed->sim->machine.nr_frames + 2));
    }
}

static uint64_t some_entry(const struct bed *bed)
{
    uint64_t flags = draw() & (draw_below(4) ? PTE_TABLE | PTE_G | PTE_NX : ~PTE_FRAME);

    return pte(some_frame(bed), flags);
}

static vaddr_t some_address(const struct bed *bed)
{
    switch (draw_below(4)) {
    case 0:
        return VADDR(some_edge());
    case 1:
        return VADDR(bed->guest->window.v + draw_below(GUEST_WINDOW_PAGES * PAGE_SIZE));
    default:
        return VADDR(guest_vaddr(bed->guest, PFN(draw_below(bed->guest->nr_pages))).v + draw_below(2) * 8);
    }
}

static uint64_t some_value(const struct bed *bed)
{
    switch (draw_below(8)) {
    case 0:
        return some_edge();
    case 1:
        return some_frame(bed).v;
    case 2:
        return some_entry(bed);
    case 3:
        return UINT64_C(1) << draw_below(64);
    case 4:
        return draw();
    case 5:
        return DOMID_SELF;
    case 6:
        return draw_below(16);
    default:
        return some_address(bed).v;
    }
}

static uint64_t some_count(void)
{
    return draw_below(4) ? draw_below(5) : draw() & UINT32_MAX;
}

/* ---- Calls. */

static int64_t noisy_call(struct bed *bed, unsigned *number)
{
    static const unsigned numbers[] = {
        __HYPERVISOR_set_trap_table,    __HYPERVISOR_mmu_update,
        __HYPERVISOR_set_gdt,           __HYPERVISOR_update_descriptor,
        __HYPERVISOR_memory_op,         __HYPERVISOR_multicall,
        __HYPERVISOR_update_va_mapping, __HYPERVISOR_update_va_mapping_otherdomain,
        __HYPERVISOR_mmuext_op,
    };
    uint64_t args[6];

    *number = numbers[draw_below(ARRAY_SIZE(numbers))];
    for (unsigned i = 0; i < 6; i++)
        args[i] = some_value(bed);
    if (draw_below(2))
        args[1] = some_count();
    if (*number == __HYPERVISOR_memory_op && draw_below(4))
        args[0] = draw_below(16);
    return guest_hypercall(bed->vcpu, *number, args[0], args[1], args[2], args[3], args[4], args[5]);
}

static unsigned some_domain(void)
{
    static const unsigned domains[] = {DOMID_SELF, DOMID_SELF, DOMID_SELF, DOMID_IO, 0, 1, 0x10000 | DOMID_SELF};

    return domains[draw_below(ARRAY_SIZE(domains))];
}

static int64_t noisy_updates(struct bed *bed)
{
    struct mmu_update requests[BATCH_MAX];
    unsigned count = (unsigned)draw_below(BATCH_MAX + 1), done;

    for (unsigned i = 0; i < BATCH_MAX; i++)
        requests[i] = (struct mmu_update){
            pte(some_frame(bed), draw_below(ENTRIES_PER_TABLE) * 8 + draw_below(4)),
            draw_below(2) ? some_entry(bed) : some_value(bed),
        };
    return guest_mmu_update(bed->vcpu, requests, count, &done, some_domain());
}

static int64_t noisy_mmuext(struct bed *bed)
{
    struct mmuext_op ops[BATCH_MAX];
    unsigned count = (unsigned)draw_below(BATCH_MAX + 1), done;

    for (unsigned i = 0; i < BATCH_MAX; i++)
        ops[i] = (struct mmuext_op){
            .cmd = (uint32_t)draw_below(23),
            .arg1.mfn = draw_below(4) ? some_frame(bed).v : some_value(bed),
            .arg2.src_mfn = draw_below(2) ? some_frame(bed).v : some_value(bed),
        };
    return guest_mmuext(bed->vcpu, ops, count, &done, some_domain());
}

static int64_t noisy_reservation(struct bed *bed)
{
    uint64_t extents[4], out[4];
    unsigned order = (unsigned)draw_below(12), count = (unsigned)draw_below(5);
    unsigned flags = draw_below(4) ? 0 : (unsigned)draw_below(64);

    for (unsigned i = 0; i < 4; i++) {
        extents[i] = draw_below(4) ? some_frame(bed).v : some_value(bed);
        out[i] = draw_below(bed->guest->nr_pages);
    }
    switch (draw_below(4)) {
    case 0:
        return guest_reservation(bed->vcpu, XENMEM_increase_reservation, extents, count, order / 4, flags);
    case 1:
        return guest_reservation(bed->vcpu, XENMEM_decrease_reservation, extents, count, order / 4, flags);
    case 2:
        return guest_reservation(bed->vcpu, XENMEM_populate_physmap, out, count, order, flags);
    default:
        return guest_exchange(bed->vcpu, extents, count, order / 4, out, (unsigned)draw_below(5), order / 4, flags,
                              NULL);
    }
}

static int64_t noisy_store(struct bed *bed)
{
    struct table_write write = {
        .form = (enum write_form)draw_below(WRITE_ADD + 2),
        .vaddr = draw_below(2) ? VADDR(bed->l1_memory.v + draw_below(PAGE_SIZE)) : some_address(bed),
        .bytes = (unsigned)(draw_below(2) ? 8 : draw_below(17)),
        .operand = some_entry(bed),
        .expected = draw_below(2) ? 0 : some_entry(bed),
    };

    return table_write_emulate(bed->vcpu, &write);
}

static int64_t noisy_ldt(struct bed *bed)
{
    if (draw_below(2))
        return guest_set_ldt(bed->vcpu, some_address(bed), (unsigned)some_count());
    return ldt_fault(bed->vcpu, (unsigned)draw_below(LDT_FRAMES + 2));
}

static int64_t noise(struct bed *bed, unsigned *what)
{
    *what = 100 + (unsigned)draw_below(8);
    switch (*what) {
    case 100:
        return noisy_updates(bed);
    case 101:
        return noisy_mmuext(bed);
    case 102:
        return noisy_reservation(bed);
    case 103:
        return noisy_store(bed);
    case 104:
        return noisy_ldt(bed);
    case 105:
        return guest_update_va_mapping(bed->vcpu, some_address(bed), some_entry(bed), some_value(bed));
    default:
        return noisy_call(bed, what);
    }
}

/* ---- The test. */

static void check_machine(struct bed *bed)
{
    struct audit_finding finding;
    struct sim_finding stale;

    if (!audit_machine(&bed->sim->machine, bed->counts, &finding))
        sim_fail("noise: %s at frame %#" PRIx64, finding.invariant, finding.frame.v);
    if (!sim_check_tlb_rule(bed->sim, &stale)) {
        sim_print_finding(&stale);
        sim_fail("noise: the rule on TLBs is broken");
    }
}

/* Pages may have been given back or exchanged: the bed's own recount does not know, the audit does. */
static void make_noise(const struct bed_config *config)
{
    struct bed bed;

    bed_create(&bed, config);
    for (unsigned i = 0; i < CALLS; i++) {
        unsigned what;
        int64_t result = noise(&bed, &what);

        sweep_count(result > -ERRNO_LIMIT, "call %u returns %" PRId64, what, result);
        guest_scratch_reset(bed.vcpu);
        if (i % CHECK_EVERY == 0)
            check_machine(&bed);
    }
    check_machine(&bed);
    guest_shutdown(bed.sim);
    world_destroy(&bed.world);
    free(bed.counts);
    sim_destroy(bed.sim);
}

static void make_noises(bool pae)
{
    sweep_begin();
    seed = pae ? 0x9e3779b97f4a7c15 : 0xd1b54a32d192ed03;
    for (unsigned i = 0; i < MACHINES; i++)
        make_noise(&(struct bed_config){
            .pae = pae,
            .devices = i & 1,
            .privileged = i & 2,
            .l1tf = i & 4,
        });
    sweep_end();
}

static void test_64(void **state)
{
    (void)state;
    make_noises(false);
}

static void test_pae(void **state)
{
    (void)state;
    make_noises(true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_64),
        cmocka_unit_test(test_pae),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
