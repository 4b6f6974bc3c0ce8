/* SPDX-License-Identifier: MIT */
/*
 * A step: one thing that a guest, a processor or a tool stack does, with all numbers spelled out.
 * A test of the model is a list of steps; the same list can be given to the engine, to the oracle,
 * to the shrinker and to a file.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define STEP_WORDS   24u
#define STEP_EXTENTS 8u /* of a memory operation, on one side */
#define STEP_GRANTS  4u /* elements of a grant operation */

/* name in texts, is it a hypercall */
#define STEP_KINDS(KIND)                                  \
    KIND(MMU_UPDATE, "mmu_update", true)                  \
    KIND(VA_MAPPING, "update_va_mapping", true)           \
    KIND(VA_OTHER, "update_va_mapping_otherdomain", true) \
    KIND(MMUEXT, "mmuext_op", true)                       \
    KIND(SET_GDT, "set_gdt", true)                        \
    KIND(DESCRIPTOR, "update_descriptor", true)           \
    KIND(TRAPS, "set_trap_table", true)                   \
    KIND(MEMORY, "memory_op", true)                       \
    KIND(EXCHANGE, "memory_exchange", true)               \
    KIND(GRANT_MAP, "grant_map", true)                    \
    KIND(GRANT_UNMAP, "grant_unmap", true)                \
    KIND(GRANT_COPY, "grant_copy", true)                  \
    KIND(GRANT_TABLE, "grant_table", true)                \
    KIND(UNKNOWN, "unknown_call", true)                   \
    KIND(NESTED, "nested_multicall", true)                \
    KIND(EMULATE, "table_write_emulate", false)           \
    KIND(LDT_FAULT, "ldt_fault", false)                   \
    KIND(ENTER_USER, "enter_user", false)                 \
    KIND(ENTER_KERNEL, "enter_kernel", false)             \
    KIND(STORE, "store", false)                           \
    KIND(LOAD, "load", false)                             \
    KIND(GRANT_ENTRY, "grant_entry", false)               \
    KIND(SPECULATE, "speculate", false)                   \
    KIND(DESTROY, "destroy_and_boot", false)

enum step_kind {
#define STEP_NAME(name, text, call) STEP_##name,
    STEP_KINDS(STEP_NAME)
#undef STEP_NAME
        STEP_KIND_COUNT
};

/* Where a hypercall's structures lie. */
enum step_args {
    ARGS_GOOD,
    ARGS_CUT,        /* the last element of the array cannot be read */
    ARGS_UNMAPPED,   /* none can */
    ARGS_HYPERVISOR, /* not in the guest's part of the address space */
    ARGS_NULL,
    ARGS_COUNT
};

/* Where the number of requests done goes. */
enum step_done {
    DONE_GOOD,
    DONE_NULL,
    DONE_BAD, /* cannot be written */
    DONE_COUNT
};

/* Which steps are one. */
enum step_chain {
    STEP_ALONE,
    STEP_CALLS,           /* a hypercall that begins a multicall */
    STEP_CALLS_MORE,      /* a hypercall of the multicall before it */
    STEP_CONCURRENT,      /* runs at the same time as those that follow, each of another vCPU */
    STEP_CONCURRENT_MORE, /* one of those that follow */
    STEP_CHAINS
};

/*
 * What the words of a step say:
 *
 *   MMU_UPDATE    2 a request: ptr, val.  sub bit 0: MMU_UPDATE_PREEMPTED
 *   VA_MAPPING    vaddr, entry, flags, bitmap of vCPUs (if the flags name one: args says where)
 *   VA_OTHER      the same
 *   MMUEXT        3 an operation: cmd, arg1, arg2; a bitmap of vCPUs for arg2 of *_MULTI is @mask
 *   SET_GDT       entries, then a frame each
 *   DESCRIPTOR    maddr, descriptor
 *   TRAPS         2 a handler: vector | flags << 8 | cs << 16, address
 *   MEMORY        order, mem_flags, then an extent each; sub: command
 *   EXCHANGE      in_order, out_order, in count, out count, then the extents given, then those wanted
 *   GRANT_MAP     3 an element: host_addr, flags | dom << 32, ref
 *   GRANT_UNMAP   3 an element: host_addr, dev_bus_addr or new_addr, handle.  sub bit 0: unmap_and_replace
 *   GRANT_COPY    5 an element: source, its domid | offset << 16, the same of the destination, len | flags << 16
 *   GRANT_TABLE   domid, version or ref_a; nr_frames or ref_b; count; where the list goes: 0 good; sub: command
 *   UNKNOWN       number
 *   EMULATE       vaddr, bytes, operand, expected; sub: form
 *   LDT_FAULT     page
 *   STORE         vaddr, value: eight bytes.  sub bit 0: after a flush of the own TLB
 *   LOAD          vaddr
 *   GRANT_ENTRY   a place in the own table, in words of eight bytes; @count values, 1 or 2, the last one first.
 *                 sub bit 0: in the status frames
 *   SPECULATE     how many fills
 */
struct step {
    uint8_t kind, domain, vcpu;
    uint8_t chained; /* => enum step_chain */
    uint8_t count;   /* elements of the array */
    uint8_t args, done;
    uint8_t sub;
    uint32_t foreign; /* foreigndom, or a domid */
    uint32_t mask;    /* a bitmap of vCPUs */
    uint64_t word[STEP_WORDS];
};

const char *step_name(unsigned kind);

/* Is the step part of a multicall? */
static inline bool step_in_multicall(const struct step *step)
{
    return step->chained == STEP_CALLS || step->chained == STEP_CALLS_MORE;
}

bool step_is_call(const struct step *step);

static inline bool step_is_grant(const struct step *step)
{
    return step->kind >= STEP_GRANT_MAP && step->kind <= STEP_GRANT_TABLE;
}

/*
 * How many of @steps, of which there are @count, are carried out together: 1, or the length of the
 * multicall that the first one begins, or the number of steps that run at the same time.
 */
size_t step_group(const struct step *steps, size_t count);

/* Cut down to 32 bits what a 32-bit guest can only say in 32 bits. */
void step_narrow(struct step *step);

/* Print @step on one line in words; as the line of a replay file: numbers, then the words as a comment. */
void step_print(FILE *to, const struct step *step);
void step_write(FILE *to, const struct step *step);

/* Read one line of a replay file.  False: it is empty, a comment, or not a step. */
bool step_read(const char *line, struct step *step);
