/* SPDX-License-Identifier: MIT */
/* Requests that are refused, each with what its record has to say: tests/unit/test_refuse.c has the table of them. */
#pragma once

#include <tests/unit/lib/unit.h>

/* What the record must say beside its reason; what does not apply is zero or MFN_NONE. */
struct record {
    int error;
    struct slot slot;
    unsigned call, index;
    mfn_t frame;
    enum frame_type type; /* of @frame; TYPE_NONE: whatever it is */
    uint64_t value;
    bool any_value, nobody; /* @nobody: the hypervisor itself has asked */
    bool by_status;         /* the guest is told by a status or a number done: the call succeeds */
};

/* Make the request, fill in what is expected, return what the guest got. */
typedef int64_t request_fn(struct unit *unit, struct record *expected);

/* It happened at slot @index of @table; it is about @frame, which is as it is now. */
void record_at(struct record *expected, mfn_t table, unsigned level, unsigned index);
void record_about(struct record *expected, const struct unit *unit, mfn_t frame);

/* One mmuext operation; one entry of a table by mmu_update.  The call and the value are recorded as expected. */
int64_t request_ext(struct unit *unit, struct record *expected, unsigned cmd, uint64_t arg1, uint64_t arg2);
int64_t request_set(struct unit *unit, struct record *expected, mfn_t table, unsigned index, uint64_t entry);

/* ---- Requests that frames and entries are refused for, named after their reasons. */

request_fn request_not_ram, request_no_such_frame, request_not_owned, request_references_exhausted,
    request_type_conflict, request_type_count_exhausted, request_type_under_conversion, request_self_map,
    request_linear_writable, request_linear_chain, request_frame_in_use, request_not_allocated, request_bad_flags,
    request_cache_flags, request_cache_flags_shared, request_l1tf, request_slot_missing, request_foreign_table,
    request_table_shared, request_root_above_4g, request_not_a_table, request_no_l1_entry;

/* ---- Requests that are refused for what a grant is, or a mapping of one. */

request_fn request_grant_reference, request_grant_entry, request_grant_part, request_grant_in_use, request_grant_frame,
    request_grant_flags, request_grant_handle, request_grant_handles_exhausted, request_grant_not_there,
    request_grant_copy, request_element_count, request_grant_version;
