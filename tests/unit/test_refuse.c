/* SPDX-License-Identifier: MIT */
/*
 * Every reason for a refusal is produced by some request, and its record says where it happened, about which frame, in
 * which state, of whom.  Requests about frames and entries are in lib/refusal_frames.c, about grants in
 * lib/refusal_grants.c.
 */
#include <string.h>

#include <abi/errno.h>

#include <tests/unit/lib/refusal.h>

#define NOBODY 9u

struct row {
    enum refusal_reason reason;
    struct unit_config config;
    request_fn *request;
};

/* One mmuext operation that is refused for its argument alone. */
#define EXT_REQUEST(name, error_, cmd, arg1, arg2, value_)             \
    static int64_t name(struct unit *unit, struct record *expected)    \
    {                                                                  \
        *expected = (struct record){.error = error_, .value = value_}; \
        return request_ext(unit, expected, cmd, arg1, arg2);           \
    }

/* A pin, or the end of one, that the state of the frame @make_ forbids. */
#define PIN_REQUEST(name, cmd, make_)                                     \
    static int64_t name(struct unit *unit, struct record *expected)       \
    {                                                                     \
        mfn_t mfn = make_;                                                \
        *expected = (struct record){.error = XEN_EINVAL, .value = mfn.v}; \
        record_about(expected, unit, mfn);                                \
        return request_ext(unit, expected, cmd, mfn.v, 0);                \
    }

/* Zero for an entry of the root that stands as it is. */
#define ROOT_REQUEST(name, level_, slot_)                                      \
    static int64_t name(struct unit *unit, struct record *expected)            \
    {                                                                          \
        *expected = (struct record){.error = XEN_EINVAL};                      \
        record_at(expected, guest_root(unit->guest), level_, slot_);           \
        return request_set(unit, expected, guest_root(unit->guest), slot_, 0); \
    }

EXT_REQUEST(width, XEN_EINVAL, MMUEXT_NEW_USER_BASEPTR, 5, 0, 5)
EXT_REQUEST(superpage, XEN_EOPNOTSUPP, MMUEXT_MARK_SUPER, 0x200, 0, 0x200)
EXT_REQUEST(cache_rights, XEN_EACCES, MMUEXT_FLUSH_CACHE, 0, 0, 0)
EXT_REQUEST(table_limit, XEN_EINVAL, MMUEXT_SET_LDT, 0, 8193, 8193)
EXT_REQUEST(not_canonical, XEN_EINVAL, MMUEXT_SET_LDT, 0x800000000000, 1, 0x800000000000)

PIN_REQUEST(already_pinned, MMUEXT_PIN_L1_TABLE, unit_table(unit, 1))
PIN_REQUEST(not_pinned, MMUEXT_UNPIN_TABLE, unit_page(unit))

ROOT_REQUEST(hypervisor_slot, 4, 260)
ROOT_REQUEST(slot_outside_table, 3, 4)
ROOT_REQUEST(slot_fixed, 3, 3)

/* ---- Pointers, domains, commands. */

static int64_t guest_address(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EFAULT, .call = __HYPERVISOR_mmu_update, .value = HYPERVISOR_VIRT_START};
    return guest_hypercall(unit->vcpu, __HYPERVISOR_mmu_update, HYPERVISOR_VIRT_START, 1, 0, DOMID_SELF, 0, 0);
}

static int64_t guest_fault(struct unit *unit, struct record *expected)
{
    uint64_t address = unit_window(unit, 0).v;

    *expected = (struct record){.error = XEN_EFAULT, .call = __HYPERVISOR_mmu_update, .value = address};
    return guest_hypercall(unit->vcpu, __HYPERVISOR_mmu_update, address, 1, 0, DOMID_SELF, 0, 0);
}

static int64_t no_such_domain(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_ESRCH, .call = __HYPERVISOR_mmu_update, .value = NOBODY};
    return guest_mmu_update(unit->vcpu, &(struct mmu_update){0, 0}, 1, NULL, NOBODY);
}

static int64_t not_privileged(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EPERM, .call = __HYPERVISOR_mmuext_op, .value = 1};
    return guest_mmuext(unit->vcpu, &(struct mmuext_op){.cmd = MMUEXT_TLB_FLUSH_LOCAL}, 1, NULL, 1);
}

static int64_t dying(struct unit *unit, struct record *expected)
{
    int64_t result;

    *expected = (struct record){.error = XEN_ESRCH, .call = __HYPERVISOR_mmuext_op};
    unit->domain->dying = true;
    result = guest_flush_all(unit->vcpu);
    unit->domain->dying = false;
    return result;
}

static int64_t unknown_command(struct unit *unit, struct record *expected)
{
    const struct mmuext_op ops[] = {{.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = MMUEXT_TLB_FLUSH_LOCAL}, {.cmd = 14}};

    *expected = (struct record){.error = XEN_ENOSYS, .call = __HYPERVISOR_mmuext_op, .index = 2, .value = 14};
    return guest_mmuext(unit->vcpu, ops, 3, NULL, DOMID_SELF);
}

static int64_t misaligned(struct unit *unit, struct record *expected)
{
    uint64_t address = pte(unit_page(unit), 4);

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_update_descriptor, .value = address};
    return guest_update_descriptor(unit->vcpu, address, 0);
}

static int64_t user_mode(struct unit *unit, struct record *expected)
{
    int64_t result;

    *expected = (struct record){.error = XEN_EPERM, .call = UINT32_C(29), .value = 29};
    assert_int_equal(guest_new_user_baseptr(unit->vcpu, guest_root(unit->guest)), 0);
    assert_int_equal(vcpu_enter_user(unit->vcpu), 0);
    result = guest_hypercall(unit->vcpu, 29, 0, 0, 0, 0, 0, 0);
    vcpu_enter_kernel(unit->vcpu);
    return result;
}

static int64_t no_user_root(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EINVAL, .call = CALL_USER_MODE};
    return vcpu_enter_user(unit->vcpu);
}

static int64_t nested(struct unit *unit, struct record *expected)
{
    struct multicall_entry call = {.op = __HYPERVISOR_multicall};

    *expected = (struct record){.error = XEN_EINVAL, .call = __HYPERVISOR_multicall, .any_value = true};
    assert_int_equal(guest_multicall(unit->vcpu, &call, 1), 0);
    return (int64_t)call.result;
}

static int64_t vcpu_mask(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EINVAL, .value = unit_window(unit, 0).v};
    return request_ext(unit, expected, MMUEXT_TLB_FLUSH_MULTI, 0, unit_window(unit, 0).v);
}

/* ---- Descriptors, emulation, memory. */

static int64_t descriptor(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_idle_page(unit);

    *expected = (struct record){.error = XEN_EINVAL,
                                .call = __HYPERVISOR_set_gdt,
                                .frame = page,
                                .type = TYPE_SEGDESC,
                                .value = UINT64_C(0x890000000000)};
    record_at(expected, page, 0, 77);
    unit_entries(unit, page)[77] = UINT64_C(0x890000000000);
    return guest_set_gdt(unit->vcpu, &page, 1);
}

static int64_t write_form(struct unit *unit, struct record *expected)
{
    struct table_write write = {.form = WRITE_MOV, .vaddr = VADDR(unit_window(unit, 3).v + 4), .bytes = 8};

    assert_int_equal(unit_map(unit, 3, pte(unit_window_table(unit), PTE_RO_PAGE)), 0);
    unit->domain->writable_tables = true;
    *expected = (struct record){.error = XEN_EINVAL, .call = CALL_TABLE_WRITE, .value = write.vaddr.v};
    return table_write_emulate(unit->vcpu, &write);
}

static int64_t exchange(struct unit *unit, struct record *expected, unsigned nr_out, unsigned order, unsigned flags)
{
    uint64_t in = unit_idle_page(unit).v, out[2] = {5, 6};

    expected->call = __HYPERVISOR_memory_op;
    expected->any_value = true;
    return guest_exchange(unit->vcpu, &in, 1, order, out, nr_out, order, flags, NULL);
}

static int64_t extent_order(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EPERM};
    return exchange(unit, expected, 1, 10, 0);
}

static int64_t exchange_counts(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_EINVAL};
    return exchange(unit, expected, 2, 0, 0);
}

static int64_t address_bits(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_ENOMEM};
    return exchange(unit, expected, 1, 0, XENMEMF_address_bits(16));
}

static int64_t no_memory(struct unit *unit, struct record *expected)
{
    *expected = (struct record){.error = XEN_ENOMEM};
    unit->sim->pool_fail_after = 0;
    return exchange(unit, expected, 1, 0, 0);
}

static int64_t holds_exhausted(struct unit *unit, struct record *expected)
{
    mfn_t page = unit_page(unit);
    int error = 0;

    for (unsigned i = 0; i <= DOMAIN_HOLDS && !error; i++)
        error = domain_hold_writable(unit->domain, page);
    *expected = (struct record){.error = XEN_ENOMEM, .call = CALL_NONE, .value = page.v, .nobody = true};
    record_about(expected, unit, page);
    return error;
}

/* ---- The table of all of them. */

#define ROW(reason, fn)                       \
    {                                         \
        REFUSE_##reason, {.nr_guests = 2}, fn \
    }
#define ROW_PAE(reason, fn)                                       \
    {                                                             \
        REFUSE_##reason, {.width = WIDTH_PAE, .nr_guests = 2}, fn \
    }
#define ROW_DEVICES(reason, fn)                                \
    {                                                          \
        REFUSE_##reason, {.nr_guests = 2, .devices = true}, fn \
    }
#define ROW_LINEAR(reason, fn)                                \
    {                                                         \
        REFUSE_##reason, {.nr_guests = 2, .linear = true}, fn \
    }
#define ROW_L1TF(reason, fn)                                \
    {                                                       \
        REFUSE_##reason, {.nr_guests = 2, .l1tf = true}, fn \
    }

static const struct row rows[] = {
    ROW(GUEST_ADDRESS, guest_address),
    ROW(GUEST_FAULT, guest_fault),
    ROW(NO_SUCH_DOMAIN, no_such_domain),
    ROW(NOT_PRIVILEGED, not_privileged),
    ROW(DYING, dying),
    ROW(UNKNOWN_COMMAND, unknown_command),
    ROW(MISALIGNED, misaligned),
    ROW(NOT_RAM, request_not_ram),
    ROW(NO_SUCH_FRAME, request_no_such_frame),
    ROW(NOT_OWNED, request_not_owned),
    ROW(REFERENCES_EXHAUSTED, request_references_exhausted),
    ROW(BAD_FLAGS, request_bad_flags),
    ROW(CACHE_FLAGS, request_cache_flags),
    ROW_DEVICES(CACHE_FLAGS_SHARED, request_cache_flags_shared),
    ROW_L1TF(L1TF, request_l1tf),
    ROW(HYPERVISOR_SLOT, hypervisor_slot),
    ROW_PAE(SLOT_OUTSIDE_TABLE, slot_outside_table),
    ROW_PAE(SLOT_FIXED, slot_fixed),
    ROW_PAE(SLOT_MISSING, request_slot_missing),
    ROW(FOREIGN_TABLE, request_foreign_table),
    ROW(TYPE_CONFLICT, request_type_conflict),
    ROW(SELF_MAP, request_self_map),
    ROW_LINEAR(LINEAR_WRITABLE, request_linear_writable),
    ROW_LINEAR(LINEAR_CHAIN, request_linear_chain),
    ROW(TYPE_UNDER_CONVERSION, request_type_under_conversion),
    ROW(TYPE_COUNT_EXHAUSTED, request_type_count_exhausted),
    ROW_PAE(TABLE_SHARED, request_table_shared),
    ROW(NOT_A_TABLE, request_not_a_table),
    ROW(NO_L1_ENTRY, request_no_l1_entry),
    ROW_PAE(WIDTH, width),
    ROW(ALREADY_PINNED, already_pinned),
    ROW(NOT_PINNED, not_pinned),
    ROW_PAE(ROOT_ABOVE_4G, request_root_above_4g),
    ROW(NO_USER_ROOT, no_user_root),
    ROW(USER_MODE, user_mode),
    ROW(SUPERPAGE, superpage),
    ROW(CACHE_RIGHTS, cache_rights),
    ROW(VCPU_MASK, vcpu_mask),
    ROW(DESCRIPTOR, descriptor),
    ROW(TABLE_LIMIT, table_limit),
    ROW(NOT_CANONICAL, not_canonical),
    ROW(WRITE_FORM, write_form),
    ROW(EXTENT_ORDER, extent_order),
    ROW(EXCHANGE_COUNTS, exchange_counts),
    ROW(FRAME_IN_USE, request_frame_in_use),
    ROW(NOT_ALLOCATED, request_not_allocated),
    ROW(NO_MEMORY, no_memory),
    ROW(HOLDS_EXHAUSTED, holds_exhausted),
    ROW(ELEMENT_COUNT, request_element_count),
    ROW(GRANT_VERSION, request_grant_version),
    ROW(GRANT_REFERENCE, request_grant_reference),
    ROW(GRANT_ENTRY, request_grant_entry),
    ROW(GRANT_PART, request_grant_part),
    ROW(GRANT_IN_USE, request_grant_in_use),
    ROW(GRANT_FRAME, request_grant_frame),
    ROW(GRANT_FLAGS, request_grant_flags),
    ROW(GRANT_HANDLE, request_grant_handle),
    ROW(GRANT_HANDLES_EXHAUSTED, request_grant_handles_exhausted),
    ROW(GRANT_NOT_THERE, request_grant_not_there),
    ROW(GRANT_COPY, request_grant_copy),
    ROW(NESTED, nested),
    ROW(ADDRESS_BITS, address_bits),
};

static void test_row(void **state)
{
    const struct row *row = *state;
    struct record expected = {.frame = MFN_NONE};
    const struct refusal *seen;
    struct unit unit;
    int64_t result;

    unit_create(&unit, &row->config);
    result = row->request(&unit, &expected);
    seen = &unit.sim->last_refusal;
    assert_string_equal(refusal_name(seen->reason), refusal_name(row->reason));
    assert_int_equal(result, expected.by_status ? 0 : -expected.error);
    assert_int_equal(seen->error, expected.error);
    assert_ptr_equal(seen->vcpu, expected.nobody ? NULL : unit.vcpu);
    assert_int_equal(seen->call, expected.call);
    assert_int_equal(seen->index, expected.index);
    assert_int_equal(seen->slot.table.v, expected.slot.table.v ? expected.slot.table.v : MFN_NONE.v);
    assert_int_equal(seen->slot.level, expected.slot.level);
    assert_int_equal(seen->slot.index, expected.slot.index);
    if (!expected.any_value)
        assert_int_equal(seen->value, expected.value);
    if (expected.frame.v == 0 || mfn_is_none(expected.frame)) {
        assert_true(mfn_is_none(seen->frame));
    } else {
        assert_int_equal(seen->frame.v, expected.frame.v);
        assert_int_equal(type_of(seen->type), expected.type);
        assert_int_equal(seen->owner.v, unit_frame(&unit, expected.frame)->owner);
    }
    sim_destroy(unit.sim);
}

/* The table above is complete, and the words of all reasons are there, each once. */
static void test_complete(void **state)
{
    (void)state;
    for (unsigned reason = 0; reason < REFUSAL_COUNT; reason++) {
        unsigned found = 0;

        for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
            found += rows[i].reason == (enum refusal_reason)reason;
        if (found != 1)
            fail_msg("%u rows for %s", found, refusal_name((enum refusal_reason)reason));
        assert_true(strlen(refusal_text((enum refusal_reason)reason)) > 10);
        for (unsigned other = 0; other < reason; other++) {
            assert_string_not_equal(refusal_name((enum refusal_reason)reason),
                                    refusal_name((enum refusal_reason)other));
            assert_string_not_equal(refusal_text((enum refusal_reason)reason),
                                    refusal_text((enum refusal_reason)other));
        }
    }
}

int main(void)
{
    struct CMUnitTest tests[1 + ARRAY_SIZE(rows)] = {cmocka_unit_test(test_complete)};
    struct row copies[ARRAY_SIZE(rows)];

    memcpy(copies, rows, sizeof(rows));
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++)
        tests[1 + i] = (struct CMUnitTest){refusal_name(rows[i].reason), test_row, NULL, NULL, &copies[i]};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
