/* SPDX-License-Identifier: MIT */
/* One hypercall on its way: what perform.c and perform_grant.c share. */
#pragma once

#include <tests/model/lib/perform.h>

/* Offsets in a page of the scratch area. */
#define AT_DONE      0x00u
#define AT_MASK      0x20u
#define AT_STRUCTURE 0x40u
#define AT_ARRAY     0x100u
#define AT_ARRAY_2   0x400u

struct prepared {
    const struct place_area *area;
    unsigned page;
    bool wide;
    unsigned number;
    uint64_t args[6];
};

static inline uint8_t *prepared_bytes(const struct prepared *call, unsigned offset)
{
    return call->area->bytes[call->page] + offset;
}

static inline uint64_t prepared_vaddr(const struct prepared *call, unsigned offset)
{
    return call->area->vaddr[call->page] + offset;
}

/* An address where nothing can be read, for what is no ARGS_GOOD. */
uint64_t prepared_bad_address(const struct prepared *call, unsigned args);

/* Copy @count elements of @size bytes to where @step wants its array, and return its address. */
uint64_t prepared_array(const struct prepared *call, const struct step *step, const void *data, unsigned count,
                        size_t size, unsigned offset);

/* perform_grant.c: lay a grant operation out; read its results. */
void prepare_grant(struct prepared *call, const struct step *step);
void collect_grant(const struct prepared *call, const struct step *step, struct outcome *outcome);

/* The guest writes to its grant table. */
void perform_grant_entry(struct vcpu *vcpu, const struct step *step);
