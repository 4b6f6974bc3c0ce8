/* SPDX-License-Identifier: MIT */
/* What requests of all kinds share. */
#include <tests/unit/lib/refusal.h>

void record_at(struct record *expected, mfn_t table, unsigned level, unsigned index)
{
    expected->slot = (struct slot){table, level, index};
}

void record_about(struct record *expected, const struct unit *unit, mfn_t frame)
{
    expected->frame = frame;
    expected->type = type_of(unit_frame(unit, frame)->type);
}

int64_t request_ext(struct unit *unit, struct record *expected, unsigned cmd, uint64_t arg1, uint64_t arg2)
{
    const struct mmuext_op op = {.cmd = cmd, .arg1.mfn = arg1, .arg2.src_mfn = arg2};

    expected->call = __HYPERVISOR_mmuext_op;
    return guest_mmuext(unit->vcpu, &op, 1, NULL, DOMID_SELF);
}

int64_t request_set(struct unit *unit, struct record *expected, mfn_t table, unsigned index, uint64_t entry)
{
    expected->call = __HYPERVISOR_mmu_update;
    expected->value = entry;
    return guest_set_entry(unit->vcpu, table, index, entry);
}
