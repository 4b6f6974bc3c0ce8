/* SPDX-License-Identifier: MIT */
/*
 * Arguments at their limits: pointers at the edges of the guest's addresses, frame numbers at the
 * edges of the machine, counts, domain numbers, commands.  The ABI names the error of each.
 */
#include <inttypes.h>
#include <string.h>

#include <abi/layout.h>

#include <tests/sweep/lib/sweep.h>

#define NOT_WRITTEN UINT32_C(0xffffffff)

static void expect(int64_t got, int64_t expected, const char *what, uint64_t argument)
{
    sweep_count(got == expected, "%s %#" PRIx64 ": expected %" PRId64 ", got %" PRId64, what, argument, expected, got);
}

static int64_t call(struct bed *bed, unsigned number, uint64_t arg0, uint64_t arg1, uint64_t arg2, uint64_t arg3)
{
    return guest_hypercall(bed->vcpu, number, arg0, arg1, arg2, arg3, 0, 0);
}

/* ---- Pointers. */

/* Addresses from which nothing can be read, whether they are the guest's or not. */
static const uint64_t unreadable_64[] = {
    0,
    0x1000,
    0x7fffffffffff,
    0x7ffffffffff8,
    0x7fffffffff00,
    0x800000000000,
    0x800000000008,
    0x0123456789abcdef,
    0xffff7fffffffffff,
    HYPERVISOR_VIRT_START - 8,
    HYPERVISOR_VIRT_START,
    HYPERVISOR_VIRT_START + 8,
    MACH2PHYS_VIRT_END,
    HYPERVISOR_VIRT_END - 8,
    HYPERVISOR_VIRT_END - 1,
    UINT64_MAX - 7,
    UINT64_MAX,
};

static const uint64_t unreadable_pae[] = {
    0, 0x1000, 0xf5800000 - 8, 0xf5800000 - 1, 0xf5800000, 0xf5800008, 0xffe00000, 0xfffffff8, 0xffffffff,
};

struct addresses {
    const uint64_t *list;
    size_t count;
};

static struct addresses unreadable(const struct bed *bed)
{
    if (bed->config.pae)
        return (struct addresses){unreadable_pae, ARRAY_SIZE(unreadable_pae)};
    return (struct addresses){unreadable_64, ARRAY_SIZE(unreadable_64)};
}

static void batches_at(struct bed *bed, uint64_t address)
{
    static const uint32_t counts[] = {1, 2, 33, 0x7fffffff, 0x80000001, 0xffffffff};

    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        expect(call(bed, __HYPERVISOR_mmu_update, address, counts[i], 0, DOMID_SELF), -XEN_EFAULT, "mmu_update at",
               address);
        expect(call(bed, __HYPERVISOR_mmuext_op, address, counts[i], 0, DOMID_SELF), -XEN_EFAULT, "mmuext_op at",
               address);
        expect(call(bed, __HYPERVISOR_multicall, address, counts[i], 0, 0), -XEN_EFAULT, "multicall at", address);
    }
    expect(call(bed, __HYPERVISOR_mmu_update, address, 0, 0, DOMID_SELF), 0, "no mmu_update at", address);
    expect(call(bed, __HYPERVISOR_mmuext_op, address, 0, 0, DOMID_SELF), 0, "no mmuext_op at", address);
    expect(call(bed, __HYPERVISOR_multicall, address, 0, 0, 0), 0, "no multicall at", address);
}

static void other_calls_at(struct bed *bed, uint64_t address)
{
    static const unsigned commands[] = {
        XENMEM_increase_reservation, XENMEM_decrease_reservation, XENMEM_populate_physmap, XENMEM_exchange,
        XENMEM_current_reservation,  XENMEM_maximum_reservation,  XENMEM_machphys_mapping,
    };

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++)
        expect(call(bed, __HYPERVISOR_memory_op, commands[i], address, 0, 0), -XEN_EFAULT, "memory_op at", address);
    expect(call(bed, __HYPERVISOR_set_gdt, address, 1, 0, 0), -XEN_EFAULT, "set_gdt at", address);
    if (address != 0)
        expect(call(bed, __HYPERVISOR_set_trap_table, address, 0, 0, 0), -XEN_EFAULT, "set_trap_table at", address);
    expect(guest_update_va_mapping(bed->vcpu, VADDR(address), 0, UVMF_NONE), -XEN_EINVAL, "update_va_mapping of",
           address);
}

/* Shows mmu_update.count, mmu_update.reqs-nowhere, mmuext_op.count, mmuext_op.uops-nowhere, hypercall.pointers. */
static void test_pointers(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct addresses addresses;
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        addresses = unreadable(&bed);
        for (size_t i = 0; i < addresses.count; i++) {
            batches_at(&bed, addresses.list[i]);
            other_calls_at(&bed, addresses.list[i]);
            bed_check(&bed);
        }
        bed_destroy(&bed);
        sweep_end();
    }
}

/* Every byte around the places where the guest's addresses end and begin again. */
static void test_edges(void **state)
{
    static const struct {
        bool pae;
        uint64_t edge;
        int last; /* nothing can be read from 16 bytes before the edge to here */
    } edges[] = {
        {false, 0x800000000000, 16},
        {false, HYPERVISOR_VIRT_START, 16},
        {false, MACH2PHYS_VIRT_END, 16},
        {false, HYPERVISOR_VIRT_END, -1},
        {false, 0, 16},
        {true, COMPAT_HYPERVISOR_VIRT_START, 16},
        {true, COMPAT_MACH2PHYS_VIRT_END, 16},
        {true, UINT64_C(1) << 32, 16}, /* the register has 32 bits */
    };

    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        for (unsigned i = 0; i < ARRAY_SIZE(edges); i++) {
            for (int offset = -16; edges[i].pae == pae && offset <= edges[i].last; offset++)
                batches_at(&bed, edges[i].edge + (uint64_t)(int64_t)offset);
        }
        bed_destroy(&bed);
        sweep_end();
    }
}

/*
 * An array that begins well and ends badly is refused as a whole if it leaves the guest's addresses.
 * Shows mmu_update.reqs-nowhere, multicall.list-nowhere.
 */
static void test_counts(void **state)
{
    static const uint32_t counts[] = {0x7fffffff, 0xffffffff, 0x7ffffff0};

    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct mmu_update request = {pte(MFN(0xffffffff), 0), 0};
        struct bed bed;
        vaddr_t at;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        at = guest_put(bed.vcpu, &request, sizeof(request));
        for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
            expect(call(&bed, __HYPERVISOR_mmu_update, at.v, counts[i], 0, DOMID_SELF), pae ? -XEN_EFAULT : -XEN_EINVAL,
                   "mmu_update of count", counts[i]);
            expect(call(&bed, __HYPERVISOR_set_gdt, at.v, counts[i], 0, 0), -XEN_EINVAL, "set_gdt of count", counts[i]);
        }
        expect(call(&bed, __HYPERVISOR_set_gdt, at.v, 7169, 0, 0), -XEN_EINVAL, "set_gdt of", 7169);
        bed_destroy(&bed);
        sweep_end();
    }
}

/* A pointer to "done" that leads nowhere is ignored.  Shows mmu_update.done-nowhere. */
static void test_done_pointers(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct mmu_update request;
        struct addresses addresses;
        struct bed bed;
        vaddr_t at;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        request = (struct mmu_update){pte(bed.tables[TABLE_L2], 30 * 8), 0};
        at = guest_put(bed.vcpu, &request, sizeof(request));
        addresses = unreadable(&bed);
        for (size_t i = 0; i < addresses.count; i++) {
            uint64_t done = addresses.list[i];

            expect(call(&bed, __HYPERVISOR_mmu_update, at.v, 1, done, DOMID_SELF), 0, "mmu_update, done at", done);
            expect(call(&bed, __HYPERVISOR_mmu_update, at.v, 1 | MMU_UPDATE_PREEMPTED, done, DOMID_SELF), 0,
                   "mmu_update resumed, done at", done);
            expect(call(&bed, __HYPERVISOR_mmuext_op, at.v, 0, done, DOMID_SELF), 0, "mmuext_op, done at", done);
        }
        bed_destroy(&bed);
        sweep_end();
    }
}

/* ---- Frame numbers. */

static void frames_by_mmuext(struct bed *bed, uint64_t mfn)
{
    static const unsigned commands[] = {
        MMUEXT_PIN_L1_TABLE, MMUEXT_PIN_L2_TABLE, MMUEXT_PIN_L3_TABLE, MMUEXT_UNPIN_TABLE,
        MMUEXT_NEW_BASEPTR,  MMUEXT_CLEAR_PAGE,   MMUEXT_COPY_PAGE,
    };
    uint64_t own = bed->targets[TARGET_WRITABLE].v;

    for (unsigned i = 0; i < ARRAY_SIZE(commands); i++) {
        const struct mmuext_op op = {.cmd = commands[i], .arg1.mfn = mfn, .arg2.src_mfn = own};

        expect(guest_mmuext(bed->vcpu, &op, 1, NULL, DOMID_SELF), -XEN_EINVAL, "mmuext_op of frame", mfn);
    }
    expect(guest_mmuext(bed->vcpu, &(struct mmuext_op){.cmd = MMUEXT_COPY_PAGE, .arg1.mfn = own, .arg2.src_mfn = mfn},
                        1, NULL, DOMID_SELF),
           -XEN_EINVAL, "copy_page from frame", mfn);
    if (bed->config.pae)
        return;
    expect(guest_pin(bed->vcpu, MFN(mfn), 4), -XEN_EINVAL, "pin_l4 of frame", mfn);
    if (mfn != 0)
        expect(guest_new_user_baseptr(bed->vcpu, MFN(mfn)), -XEN_EINVAL, "new_user_baseptr of frame", mfn);
}

static void frames_by_address(struct bed *bed, uint64_t mfn)
{
    for (unsigned command = 0; command < 4; command++) {
        const struct mmu_update request = {mfn << PAGE_SHIFT | 8 | command, 0};

        expect(guest_mmu_update(bed->vcpu, &request, 1, NULL, DOMID_SELF), -XEN_EINVAL, "mmu_update in frame", mfn);
    }
    expect(guest_update_descriptor(bed->vcpu, mfn << PAGE_SHIFT, 0), -XEN_EINVAL, "update_descriptor in frame", mfn);
}

static void frames_by_list(struct bed *bed, uint64_t mfn)
{
    uint64_t in = mfn, out = 5, exchanged;

    expect(guest_set_gdt(bed->vcpu, &MFN(mfn), 1), -XEN_EINVAL, "set_gdt of frame", mfn);
    expect(guest_reservation(bed->vcpu, XENMEM_decrease_reservation, &in, 1, 0, 0), 0, "decrease_reservation of frame",
           mfn);
    in = mfn;
    expect(guest_exchange(bed->vcpu, &in, 1, 0, &out, 1, 0, 0, &exchanged), -XEN_EINVAL, "exchange of frame", mfn);
    expect((int64_t)exchanged, 0, "exchanged of frame", mfn);
}

/* Is it a frame that the guest does not own, also if only 32 bits of the number arrive? */
static bool is_foreign(const struct bed *bed, uint64_t mfn)
{
    const struct view *view = world_view(&bed->world, MFN(bed->config.pae ? (uint32_t)mfn : mfn));

    return !view || view->owner != OWNER_SELF;
}

static void test_frames(void **state)
{
    (void)state;
    for (unsigned pae = 0; pae < 2; pae++) {
        struct bed bed;

        sweep_begin();
        bed_create(&bed, &(struct bed_config){.pae = pae});
        for (unsigned i = 0; i < 64; i++) {
            uint64_t power = UINT64_C(1) << i, nr = bed.sim->machine.nr_frames;
            const uint64_t mfns[] = {power - 1, power, power + 1, nr - 2 + i % 5, ~power, 0 - power};

            for (unsigned j = 0; j < ARRAY_SIZE(mfns); j++) {
                if (!is_foreign(&bed, mfns[j]))
                    continue;
                frames_by_mmuext(&bed, mfns[j]);
                frames_by_list(&bed, mfns[j]);
                if (is_foreign(&bed, mfns[j] & (UINT64_MAX >> PAGE_SHIFT)))
                    frames_by_address(&bed, mfns[j]);
            }
            bed_check(&bed);
        }
        bed_destroy(&bed);
        sweep_end();
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pointers),      cmocka_unit_test(test_edges),  cmocka_unit_test(test_counts),
        cmocka_unit_test(test_done_pointers), cmocka_unit_test(test_frames),
    };

    return cmocka_run_group_tests(tests, NULL, sweep_report);
}
