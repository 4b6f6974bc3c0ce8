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

/* name, what the refused value is (VALUE_*), explanation */
#define REFUSAL_REASONS(REASON)                                                                                      \
    REASON(GUEST_ADDRESS, ADDRESS, "a guest pointer leaves the guest's part of the address space")                   \
    REASON(GUEST_FAULT, ADDRESS, "guest memory could not be read or written")                                        \
    REASON(NO_SUCH_DOMAIN, DOMAIN, "no domain has this number, or the caller named itself by number")                \
    REASON(NOT_PRIVILEGED, NUMBER, "only a privileged domain may do this to another")                                \
    REASON(DYING, DOMAIN, "the domain is being torn down")                                                           \
    REASON(UNKNOWN_COMMAND, COMMAND, "no such command")                                                              \
    REASON(MISALIGNED, ADDRESS, "an address is not aligned as the command needs it")                                 \
    REASON(NOT_RAM, ENTRY, "the frame is not RAM, and the domain has no right to it")                                \
    REASON(NO_SUCH_FRAME, ENTRY, "the machine has no RAM of this frame number")                                      \
    REASON(NOT_OWNED, FRAME, "the frame is not the domain's")                                                        \
    REASON(REFERENCES_EXHAUSTED, FRAME, "the frame's count of references is at its maximum")                         \
    REASON(BAD_FLAGS, ENTRY, "the entry has a flag set that is not allowed at its level")                            \
    REASON(CACHE_FLAGS, ENTRY, "only a domain with rights to devices may choose memory types")                       \
    REASON(CACHE_FLAGS_SHARED, ENTRY, "a frame shared with the hypervisor is always cached")                         \
    REASON(L1TF, ENTRY, "the entry is not present but names a frame, which this processor would read speculatively") \
    REASON(HYPERVISOR_SLOT, ENTRY, "the slot belongs to the hypervisor")                                             \
    REASON(SLOT_OUTSIDE_TABLE, ENTRY, "a 32-bit guest's L3 has four slots")                                          \
    REASON(SLOT_FIXED, ENTRY, "slot 3 of a 32-bit guest's L3 stays what it was when the table was validated")        \
    REASON(SLOT_MISSING, ENTRY, "slot 3 of a 32-bit guest's L3 must be present")                                     \
    REASON(FOREIGN_TABLE, ENTRY, "a table's child must belong to the table's own domain")                            \
    REASON(TYPE_CONFLICT, TYPE, "the frame is in use as another type")                                               \
    REASON(SELF_MAP, TYPE,                                                                                           \
           "the entry names its own table, which may be mapped read-only, and lead to other tables alone")           \
    REASON(LINEAR_WRITABLE, ENTRY, "an entry that refers to a table of its own level must be read-only")             \
    REASON(LINEAR_CHAIN, TYPE, "a table that others of its level refer to can refer to none but itself")             \
    REASON(TYPE_UNDER_CONVERSION, TYPE, "the frame is just becoming, or ceasing to be, another type")                \
    REASON(TYPE_COUNT_EXHAUSTED, TYPE, "the frame's count of uses is at its maximum")                                \
    REASON(TABLE_SHARED, TYPE, "the L2 under slot 3 may serve one L3 only")                                          \
    REASON(NOT_A_TABLE, ENTRY, "the address is not in a page table or a writable frame")                             \
    REASON(NO_L1_ENTRY, ADDRESS, "no L1 entry maps this virtual address")                                            \
    REASON(WIDTH, FRAME, "the command does not exist for guests of this width")                                      \
    REASON(ALREADY_PINNED, FRAME, "the frame is pinned already")                                                     \
    REASON(NOT_PINNED, FRAME, "the frame is not pinned")                                                             \
    REASON(ROOT_ABOVE_4G, FRAME, "a 32-bit guest's root lies above 4 GiB and extended cr3 is off")                   \
    REASON(NO_USER_ROOT, VCPU, "user mode needs a user root")                                                        \
    REASON(USER_MODE, CALL, "the guest is in user mode")                                                             \
    REASON(SUPERPAGE, FRAME, "superpages are not offered")                                                           \
    REASON(CACHE_RIGHTS, DOMAIN, "only a domain with rights to devices may flush caches")                            \
    REASON(VCPU_MASK, ADDRESS, "the set of vCPUs could not be read")                                                 \
    REASON(DESCRIPTOR, DESCRIPTOR, "the segment descriptor would give more rights than a guest has")                 \
    REASON(TABLE_LIMIT, NUMBER, "more entries than the table can have")                                              \
    REASON(NOT_CANONICAL, ADDRESS, "the address is not canonical, or is the hypervisor's")                           \
    REASON(WRITE_FORM, ADDRESS, "the write is not of a form that is emulated")                                       \
    REASON(EXTENT_ORDER, NUMBER, "the extent is larger than the domain may have at once")                            \
    REASON(EXCHANGE_COUNTS, NUMBER, "the two sides of the exchange do not match, or its progress is odd")            \
    REASON(FRAME_IN_USE, FRAME, "the frame has other references or uses")                                            \
    REASON(NOT_ALLOCATED, FRAME,                                                                                     \
           "the frame does not count for the reservation: given back already, or the hypervisor's")                  \
    REASON(NO_MEMORY, NUMBER, "the machine has no free frame, or the reservation is full")                           \
    REASON(HOLDS_EXHAUSTED, FRAME, "the hypervisor holds as many of the domain's frames as it can")                  \
    REASON(ELEMENT_COUNT, NUMBER, "the command does not take this number of elements")                               \
    REASON(GRANT_VERSION, NUMBER, "the grant table does not have, or cannot have, this version")                     \
    REASON(GRANT_REFERENCE, NUMBER, "the grant table does not reach to this reference")                              \
    REASON(GRANT_ENTRY, NUMBER, "the entry of the grant table (domain and flags) does not grant this")               \
    REASON(GRANT_PART, NUMBER, "a part of a page is granted, which can be copied and not mapped")                    \
    REASON(GRANT_IN_USE, NUMBER, "the grant is in use")                                                              \
    REASON(GRANT_FRAME, FRAME, "the page is not its granter's or, in a copy, the caller's")                          \
    REASON(GRANT_FLAGS, NUMBER, "the grant would be mapped neither for the guest nor for devices")                   \
    REASON(GRANT_HANDLE, NUMBER, "no mapping has this handle")                                                       \
    REASON(GRANT_HANDLES_EXHAUSTED, NUMBER, "the domain maps as many grants as it can")                              \
    REASON(GRANT_NOT_THERE, ADDRESS, "the entry there is not the one that the mapping made")                         \
    REASON(GRANT_COPY, NUMBER, "the copy leaves the page, or the part of it that is granted")                        \
    REASON(NESTED, CALL, "a multicall inside a multicall")                                                           \
    REASON(ADDRESS_BITS, NUMBER, "a restriction of the address width cannot be met")

enum refusal_reason {
#define REFUSAL_NAME(name, value, text) REFUSE_##name,
    REFUSAL_REASONS(REFUSAL_NAME)
#undef REFUSAL_NAME
        REFUSAL_COUNT
};

/* What the value of a refusal is. */
enum refusal_value {
    VALUE_NUMBER, /* a count, an order, flags: whatever the explanation speaks of */
    VALUE_ADDRESS,
    VALUE_FRAME, /* a frame number; an entry that names it, where the refusal has a slot */
    VALUE_ENTRY,
    VALUE_TYPE, /* an enum frame_type: what the frame was to become */
    VALUE_DOMAIN,
    VALUE_VCPU,
    VALUE_CALL,
    VALUE_COMMAND,
    VALUE_DESCRIPTOR,
};

struct frame;
struct op;
struct vcpu;

/*
 * In the place of a hypercall's number: a step of the hypervisor's own; or what a guest does without a call, or by a
 * call that is not the engine's.
 */
#define CALL_NONE        UINT32_MAX
#define CALL_TABLE_WRITE (UINT32_MAX - 1) /* it writes to a page table, which it has mapped read-only */
#define CALL_LDT_USE     (UINT32_MAX - 2) /* a descriptor of a page of its LDT is looked at for the first time */
#define CALL_CR3_WRITE   (UINT32_MAX - 3)
#define CALL_USER_MODE   (UINT32_MAX - 4) /* it goes on in user mode */

/* In the place of a command's number: the call has none, or it has not been read. */
#define COMMAND_NONE UINT32_MAX

/* A slot of a table; where level 0 is given, 8 bytes of a frame that is none. */
struct slot {
    mfn_t table;
    unsigned level, index;
};
#define NOWHERE ((struct slot){MFN_NONE, 0, 0})

struct refusal {
    enum xen_errno error; /* the guest sees -error */
    enum refusal_reason reason;
    const struct vcpu *vcpu; /* who asked; NULL: the hypervisor itself */
    unsigned call, index;    /* hypercall, and entry of its batch */
    unsigned command;        /* MMUEXT_*, XENMEM_*; COMMAND_NONE */
    struct slot slot;        /* where; NOWHERE */
    mfn_t frame;             /* the frame in question; MFN_NONE */
    struct type_word type;   /* its type word as it was found: conflicting type, count, pinned or not */
    domid_t owner;           /* its owner, who alone can have pinned it */
    uint64_t value;          /* what was refused, as refusal_value() says */
};

/*
 * Refuse with @error because of @reason, at @slot, about @frame (may be NULL), of @value.  Returns -error.
 */
int __must_check __cold refuse(const struct op *op, enum xen_errno error, enum refusal_reason reason, struct slot slot,
                               const struct frame *frame, uint64_t value);

/* The same where nothing but a value is known. */
int __must_check __cold refuse_value(const struct op *op, enum xen_errno error, enum refusal_reason reason,
                                     uint64_t value);

/* What the value of a refusal for @reason is. */
enum refusal_value refusal_value(enum refusal_reason reason);

/* A reason's name ("TYPE_CONFLICT") and its explanation; both static. */
const char *refusal_name(enum refusal_reason reason);
const char *refusal_text(enum refusal_reason reason);
