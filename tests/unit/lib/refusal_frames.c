/* SPDX-License-Identifier: MIT */
/* Requests that the state of a frame, or an entry of a table, is refused for. */
#include <abi/errno.h>

#include <tests/unit/lib/refusal.h>

/* ---- Frames. */

int64_t request_not_ram(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EPERM, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 6);
    return request_set(unit, expected, unit_window_table(unit), 6, pte(MFN(UNIT_HOLE), PTE_P));
}

int64_t request_no_such_frame(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2);

    *expected = (struct record){.error = XEN_EINVAL, .any_value = true};
    record_at(expected, table, 2, 8);
    return request_set(unit, expected, table, 8, pte(MFN(UINT64_C(1) << 30), PTE_TABLE));
}

int64_t request_not_owned(struct unit *unit, struct record *expected)
{
    mfn_t foreign = guest_mfn(unit->other, PFN(100));

    *expected = (struct record){.error = XEN_EBUSY, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 6);
    record_about(expected, unit, foreign);
    return request_set(unit, expected, unit_window_table(unit), 6, pte(foreign, PTE_RO_PAGE));
}

int64_t request_references_exhausted(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2);
    int64_t result;

    *expected = (struct record){.error = XEN_EINVAL};
    record_at(expected, table, 2, 3);
    record_about(expected, unit, table);
    unit_frame(unit, table)->refs = FRAME_REFS_MAX;
    result = request_set(unit, expected, table, 3, 0);
    unit_frame(unit, table)->refs = 2;
    return result;
}

int64_t request_type_conflict(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2);

    *expected = (struct record){.error = XEN_EBUSY, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 4);
    record_about(expected, unit, table);
    return request_set(unit, expected, unit_window_table(unit), 4, pte(table, PTE_RW_PAGE));
}

int64_t request_type_count_exhausted(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);
    int64_t result;

    *expected = (struct record){.error = XEN_EBUSY, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 4);
    record_about(expected, unit, page);
    unit_frame(unit, page)->type = type_word(TYPE_WRITABLE, 0, TYPE_COUNT_MAX);
    result = request_set(unit, expected, unit_window_table(unit), 4, pte(page, PTE_RW_PAGE));
    unit_frame(unit, page)->type = type_word(TYPE_WRITABLE, 0, 1);
    return result;
}

/* Another task has just begun to validate the frame. */
static mfn_t converted;
static int64_t conversion_result;

static void convert(struct vcpu *vcpu, void *arg)
{
    (void)arg;
    if (guest_pin(vcpu, converted, 1) || guest_unpin(vcpu, converted))
        sim_fail("the conversion itself is refused");
}

static void disturb(struct vcpu *vcpu, void *arg)
{
    while (!type_is_busy(unit_frame(arg, converted)->type))
        sim_pause(sim_current());
    conversion_result = guest_update_va_mapping(vcpu, unit_window(arg, 4), pte(converted, PTE_RW_PAGE), UVMF_NONE);
}

int64_t request_type_under_conversion(struct unit *unit, struct record *expected)
{
    uint64_t entry = pte(unit_page(unit), PTE_RO_PAGE);

    converted = unit_idle_page(unit);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i++)
        unit_entries(unit, converted)[i] = entry; /* so that it takes a while */
    *expected = (struct record){.error = XEN_EBUSY,
                                .call = __HYPERVISOR_update_va_mapping,
                                .frame = converted,
                                .type = TYPE_L1,
                                .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 4);
    unit->sim->preemption = SIM_PREEMPT_ALWAYS;
    sim_spawn(unit->sim, unit->vcpu, convert, unit);
    sim_spawn(unit->sim, unit->vcpu, disturb, unit);
    sim_run(unit->sim);
    unit->sim->preemption = SIM_PREEMPT_NEVER;
    return conversion_result;
}

/* The window's own table, mapped writable in itself. */
int64_t request_self_map(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_window_table(unit);

    *expected = (struct record){.error = XEN_EBUSY, .value = TYPE_WRITABLE};
    record_at(expected, table, 1, 4);
    record_about(expected, unit, table);
    expected->call = __HYPERVISOR_mmu_update;
    return guest_set_entry(unit->vcpu, table, 4, pte(table, PTE_RW_PAGE));
}

/* An L2 that allows writing to itself; and one that links to another, from which it is linked to. */
int64_t request_linear_writable(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2);

    *expected = (struct record){.error = XEN_EINVAL};
    record_at(expected, table, 2, 4);
    record_about(expected, unit, table);
    return request_set(unit, expected, table, 4, pte(table, PTE_TABLE));
}

int64_t request_linear_chain(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2), other = unit_table(unit, 2);

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_mmu_update, .value = TYPE_L2};
    record_at(expected, other, 2, 4);
    assert_int_equal(guest_set_entry(unit->vcpu, table, 4, pte(other, PTE_RO_PAGE | PTE_US)), 0);
    record_about(expected, unit, table);
    return guest_set_entry(unit->vcpu, other, 4, pte(table, PTE_RO_PAGE | PTE_US));
}

int64_t request_frame_in_use(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);
    uint64_t in = page.v, out = 5;

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_memory_op, .value = page.v};
    record_about(expected, unit, page);
    return guest_exchange(unit->vcpu, &in, 1, 0, &out, 1, 0, 0, NULL);
}

/* Given back a second time: it is still mapped. */
int64_t request_not_allocated(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);

    *expected =
        (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_memory_op, .value = page.v, .by_status = true};
    record_about(expected, unit, page);
    assert_int_equal(guest_reservation(unit->vcpu, XENMEM_decrease_reservation, &page.v, 1, 0, 0), 1);
    return guest_reservation(unit->vcpu, XENMEM_decrease_reservation, &page.v, 1, 0, 0);
}

/* ---- Entries. */

int64_t request_bad_flags(struct unit *unit, struct record *expected)
{
    mfn_t table = unit_table(unit, 2), child = unit_table(unit, 1);

    *expected = (struct record){.error = XEN_EINVAL, .any_value = true};
    record_at(expected, table, 2, 200);
    record_about(expected, unit, child);
    return request_set(unit, expected, table, 200, pte(child, PTE_TABLE | PTE_PS));
}

int64_t request_cache_flags(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);

    *expected = (struct record){.error = XEN_EINVAL, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 5);
    record_about(expected, unit, page);
    return request_set(unit, expected, unit_window_table(unit), 5, pte(page, PTE_P | PTE_PWT));
}

int64_t request_cache_flags_shared(struct unit *unit, struct record *expected)
{
    mfn_t shared = guest_mfn(unit->guest, unit->guest->shared_info);

    *expected = (struct record){.error = XEN_EACCES, .any_value = true};
    record_at(expected, unit_window_table(unit), 1, 5);
    record_about(expected, unit, shared);
    return request_set(unit, expected, unit_window_table(unit), 5, pte(shared, PTE_P | PTE_PWT));
}

int64_t request_l1tf(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);

    *expected = (struct record){.error = XEN_EINVAL};
    record_at(expected, unit_window_table(unit), 1, 5);
    record_about(expected, unit, page);
    return request_set(unit, expected, unit_window_table(unit), 5, pte(page, PTE_RW));
}

int64_t request_slot_missing(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_idle_page(unit);

    *expected = (struct record){.error = XEN_EINVAL, .frame = page, .type = TYPE_L3};
    record_at(expected, page, 3, 3);
    return request_ext(unit, expected, MMUEXT_PIN_L3_TABLE, page.v, 0);
}

int64_t request_foreign_table(struct unit *unit, struct record *expected)
{
    const struct mmu_update request = {pte(unit_table(unit, 2), 3 * 8), 0};

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_mmu_update};
    record_at(expected, pte_mfn(request.ptr), 2, 3);
    record_about(expected, unit, pte_mfn(request.ptr));
    return guest_mmu_update(unit->vcpu, &request, 1, NULL, DOMID_IO);
}

int64_t request_table_shared(struct unit *unit, struct record *expected)
{
    mfn_t top = pte_mfn(guest_entry(unit->guest, guest_root(unit->guest), 3)), root = unit_idle_page(unit);

    *expected = (struct record){.error = XEN_EINVAL, .any_value = true};
    record_at(expected, root, 3, 3);
    record_about(expected, unit, top);
    unit_entries(unit, root)[3] = pte(top, PTE_P);
    return request_ext(unit, expected, MMUEXT_PIN_L3_TABLE, root.v, 0);
}

/* The machine of these tests ends below 4 GiB: test_table.c has the larger one, here the record is made by hand. */
int64_t request_root_above_4g(struct unit *unit, struct record *expected)
{
    struct slot slot = {MFN(0x100000), 3, 0};
    const struct op op = {.machine = unit->machine, .vcpu = unit->vcpu, .call = __HYPERVISOR_mmuext_op};

    *expected = (struct record){.error = XEN_ERANGE, .call = __HYPERVISOR_mmuext_op, .value = 0x100000};
    record_at(expected, slot.table, 3, 0);
    return refuse(&op, XEN_ERANGE, REFUSE_ROOT_ABOVE_4G, slot, NULL, 0x100000);
}

int64_t request_not_a_table(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_idle_page(unit);

    *expected = (struct record){.error = XEN_EINVAL};
    assert_int_equal(guest_set_gdt(unit->vcpu, &page, 1), 0);
    record_about(expected, unit, page);
    return request_set(unit, expected, page, 0, 7);
}

int64_t request_no_l1_entry(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_update_va_mapping, .value = 0x1000};
    return guest_update_va_mapping(unit->vcpu, VADDR(0x1000), 0, 0);
}
