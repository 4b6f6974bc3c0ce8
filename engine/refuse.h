/* SPDX-License-Identifier: MIT */
/*
 * Refusals explain themselves.  Where an operation is refused, and only there, refuse() records what was refused, where
 * and why, and hands that to the port; the guest sees the number alone.
 *
 * A fault that is the guest's own is no refusal, and nobody hears of it but the guest: a write to a page that it has
 * mapped read-only, a selector beyond the LDT or in a page of it that is not there.
 */
#pragma once

#include <abi/errno.h>
#include <engine/type.h>
#include <engine/types.h>

/* name, explanation */
#define REFUSAL_REASONS(REASON)                                                                               \
    REASON(GUEST_ADDRESS, "a guest pointer leaves the guest's part of the address space")                     \
    REASON(GUEST_FAULT, "guest memory could not be read or written")                                          \
    REASON(NO_SUCH_DOMAIN, "no domain has this number, or the caller named itself by number")                 \
    REASON(NOT_PRIVILEGED, "only a privileged domain may do this to another")                                 \
    REASON(DYING, "the domain is being torn down")                                                            \
    REASON(UNKNOWN_COMMAND, "no such command")                                                                \
    REASON(MISALIGNED, "an address is not aligned as the command needs it")                                   \
    REASON(NOT_RAM, "the frame is not RAM, and the domain has no right to it")                                \
    REASON(NO_SUCH_FRAME, "the frame number lies outside the machine")                                        \
    REASON(NOT_OWNED, "the frame is not the domain's")                                                        \
    REASON(REFERENCES_EXHAUSTED, "the frame's count of references is at its maximum")                         \
    REASON(BAD_FLAGS, "the entry has a flag set that is not allowed at its level")                            \
    REASON(CACHE_FLAGS, "only a domain with rights to devices may choose memory types")                       \
    REASON(CACHE_FLAGS_SHARED, "a frame shared with the hypervisor is always cached")                         \
    REASON(L1TF, "the entry is not present but names a frame, which this processor would read speculatively") \
    REASON(HYPERVISOR_SLOT, "the slot belongs to the hypervisor")                                             \
    REASON(SLOT_OUTSIDE_TABLE, "a 32-bit guest's L3 has four slots")                                          \
    REASON(SLOT_FIXED, "slot 3 of a 32-bit guest's L3 stays what it was when the table was validated")        \
    REASON(SLOT_MISSING, "slot 3 of a 32-bit guest's L3 must be present")                                     \
    REASON(FOREIGN_TABLE, "a table's child must belong to the table's own domain")                            \
    REASON(TYPE_CONFLICT, "the frame is in use as another type")                                              \
    REASON(TYPE_UNDER_CONVERSION, "the frame is just becoming, or ceasing to be, another type")               \
    REASON(TYPE_COUNT_EXHAUSTED, "the frame's count of uses is at its maximum")                               \
    REASON(TABLE_SHARED, "the L2 under slot 3 may serve one L3 only")                                         \
    REASON(NOT_A_TABLE, "the address is not in a page table or a writable frame")                             \
    REASON(NO_L1_ENTRY, "no L1 entry maps this virtual address")                                              \
    REASON(WIDTH, "the command does not exist for guests of this width")                                      \
    REASON(ALREADY_PINNED, "the frame is pinned already")                                                     \
    REASON(NOT_PINNED, "the frame is not pinned")                                                             \
    REASON(ROOT_ABOVE_4G, "a 32-bit guest's root lies above 4 GiB and extended cr3 is off")                   \
    REASON(NO_USER_ROOT, "user mode needs a user root")                                                       \
    REASON(USER_MODE, "the guest is in user mode")                                                            \
    REASON(SUPERPAGE, "superpages are not offered")                                                           \
    REASON(CACHE_RIGHTS, "only a domain with rights to devices may flush caches")                             \
    REASON(VCPU_MASK, "the set of vCPUs could not be read")                                                   \
    REASON(DESCRIPTOR, "the segment descriptor would give more rights than a guest has")                      \
    REASON(TABLE_LIMIT, "more entries than the table can have")                                               \
    REASON(NOT_CANONICAL, "the address is not canonical, or is the hypervisor's")                             \
    REASON(WRITE_FORM, "the write is not of a form that is emulated")                                         \
    REASON(EXTENT_ORDER, "the extent is larger than the domain may have at once")                             \
    REASON(EXCHANGE_COUNTS, "the two sides of the exchange do not hold the same amount of memory")            \
    REASON(FRAME_IN_USE, "the frame has other references or uses")                                            \
    REASON(NO_MEMORY, "the machine has no free frame, or the reservation is full")                            \
    REASON(HOLDS_EXHAUSTED, "the hypervisor holds as many of the domain's frames as it can")                  \
    REASON(NESTED, "a multicall inside a multicall")                                                          \
    REASON(ADDRESS_BITS, "a restriction of the address width cannot be met")

enum refusal_reason {
#define REFUSAL_NAME(name, text) REFUSE_##name,
    REFUSAL_REASONS(REFUSAL_NAME)
#undef REFUSAL_NAME
        REFUSAL_COUNT
};

struct frame;
struct op;
struct vcpu;

/* In the place of a hypercall's number: something else that the guest did, a fault or a change of mode. */
#define CALL_NONE UINT32_MAX

struct refusal {
    enum neg_errnoval error; /* the guest sees -error */
    enum refusal_reason reason;
    const struct vcpu *vcpu; /* who asked; NULL: the hypervisor itself */
    unsigned call, index;    /* hypercall, and entry of its batch */
    /* where: what does not apply is MFN_NONE or zero */
    mfn_t table;
    unsigned level, slot;
    mfn_t frame;           /* the frame in question */
    struct type_word type; /* its type word as it was found: conflicting type, count, pinned or not */
    domid_t owner;         /* its owner, who alone can have pinned it */
    uint64_t value;        /* the entry, address, count or command that was refused */
};

/* Where a refusal happened, as far as its place knows. */
struct place {
    mfn_t table;
    unsigned level, slot;
};
#define NOWHERE ((struct place){MFN_NONE, 0, 0})

/*
 * Refuse with @error because of @reason, at @place, about @frame (may be NULL), of @value.  Returns -error.
 */
int __must_check __cold refuse(const struct op *op, enum neg_errnoval error, enum refusal_reason reason,
                               struct place place, const struct frame *frame, uint64_t value);

/* The same where nothing but a value is known. */
int __must_check __cold refuse_value(const struct op *op, enum neg_errnoval error, enum refusal_reason reason,
                                     uint64_t value);

/* A reason's name ("TYPE_CONFLICT") and its explanation; both static. */
const char *refusal_name(enum refusal_reason reason);
const char *refusal_text(enum refusal_reason reason);
