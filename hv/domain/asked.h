/* SPDX-License-Identifier: MIT */
/*
 * What a guest had asked for when it was refused, as its registers say, or what the engine has read of a multicall; and
 * its memory.  That is only shown: the memory is the guest's, and another of its vCPUs may have changed it since the
 * engine has read it.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct hv_vcpu;
struct refusal;

struct asked {
    uint64_t caller; /* where the stub of the hypercall page returns to; 0: the guest is in no such stub */
    bool is_in_multicall;
    unsigned place;     /* in the multicall, of its entries */
    bool knows_address; /* of an update by virtual address */
    uint64_t address;
    bool knows_command; /* of mmu_update: MMU_* */
    unsigned command;
    bool knows_entry; /* that was to be written to a page table */
    uint64_t entry;
};

struct asked_call {
    unsigned number;
    uint64_t args[6];
};

/* The call that @vcpu, which runs, has made; of a multicall the one in it that is carried out. */
struct asked_call asked_call(const struct hv_vcpu *vcpu);

/* Where the stub returns to that @vcpu, which runs, has called from; 0: it is in none. */
uint64_t asked_caller(struct hv_vcpu *vcpu);

/* What @vcpu, which runs, had asked for when @refusal came, of one of its own. */
struct asked asked_for(struct hv_vcpu *vcpu, const struct refusal *refusal);
