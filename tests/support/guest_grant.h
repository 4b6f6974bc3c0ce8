/* SPDX-License-Identifier: MIT */
/* Grants of the guests of tests/support/guest.h.  Results as a guest finds them. */
#pragma once

#include <abi/grant.h>
#include <engine/grant_table.h>
#include <tests/support/guest.h>

/* Give the guest a table of @nr_frames frames.  Must succeed. */
void guest_grants_begin(struct guest *guest, unsigned nr_frames);

/*
 * Write entry @ref of the guest's table, in either version, and last its flags; end the grant; read its flags, and in
 * version 2 its status beside them.  By the logic probe: a guest could do it through a mapping.
 */
void guest_grant(const struct guest *guest, grant_ref_t ref, unsigned domid, mfn_t mfn, unsigned flags);
void guest_grant_end(const struct guest *guest, grant_ref_t ref);
unsigned guest_grant_flags(const struct guest *guest, grant_ref_t ref);

/* What of the flags or the status says that the grant is in use. */
unsigned guest_grant_use(const struct guest *guest, grant_ref_t ref);

/*
 * grant_table_op on an array of structures, put down in scratch and read back.  They are the same in both widths but
 * for the copy, which guest_grant_copy() takes in the layout of 64 bits.
 */
int64_t guest_grant_op(struct vcpu *vcpu, unsigned command, void *elements, size_t size, unsigned count);
int64_t guest_grant_copy(struct vcpu *vcpu, struct gnttab_copy *copies, unsigned count);

/* One element; the status. */
int16_t guest_grant_map(struct vcpu *vcpu, unsigned domid, grant_ref_t ref, uint64_t host_addr, unsigned flags,
                        grant_handle_t *handle);
int16_t guest_grant_unmap(struct vcpu *vcpu, grant_handle_t handle, uint64_t host_addr, uint64_t dev_bus_addr);

/*
 * setup_table and get_status_frames: the status; @list is an address of the guest's.  set_version, which @version goes
 * to and comes back from: the result of the call.
 */
int16_t guest_grant_setup(struct vcpu *vcpu, unsigned domid, unsigned nr_frames, uint64_t list);
int16_t guest_grant_list_status(struct vcpu *vcpu, unsigned domid, unsigned nr_frames, uint64_t list);
int64_t guest_grant_set_version(struct vcpu *vcpu, uint32_t *version);

/* swap_grant_ref of one pair: the status. */
int16_t guest_grant_swap(struct vcpu *vcpu, grant_ref_t a, grant_ref_t b);
