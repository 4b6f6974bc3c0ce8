/* SPDX-License-Identifier: MIT */
/*
 * What a recording consists of: the operations of an engine, each with all that it asked of its machine and all guest
 * memory that it found, so that another engine can be given the same.  docs/recording.md tells it in order.
 *
 * A header, and then events, without a gap.  An event is its kind, a byte; its numbers, as many as its kind has, each
 * in groups of seven bits, the lowest first, bit 7 set in all but the last (LEB128); and, of kinds that have bytes,
 * their count, as such a number, and they.  Everything is little endian.  Recordings that lie in files are compressed
 * by zstd, as a whole.
 */
#pragma once

#include <stdint.h>

#define RECORD_MAGIC   UINT64_C(0x4443455256415250) /* "PRAVRECD" */
#define RECORD_VERSION 1u

struct record_header {
    uint64_t magic;
    uint32_t version;
    uint32_t reasons; /* REFUSAL_COUNT of who recorded it: with another one reasons do not compare */
};

/*
 * KIND(name, its numbers, has it bytes?).  A "sign" is a signed number: twice itself, or what is left of -1 minus twice
 * itself.  "Numbers" in bytes stand there as those of an event do; "words" are of 8 bytes.
 *
 * The state that an engine finds, told before the operation that finds it so:
 *   MACHINE  frames in the table, bits of an address, l1tf, processors (a set), places for domains;
 *            words: the hypervisor's 16 entries of an L4, and its 84 of a 32-bit guest's topmost L2
 *   RANGE    first frame, count, owner: of those that are not DOMID_IO's at the beginning
 *   DOMAIN   id, width, RECORD_DOMAIN_ flags, most frames, end of its frames, count of its vCPUs;
 *            words: first and last of each range of device memory
 *   VCPU     domain, vCPU, RECORD_VCPU_ flags, processor
 *   FLUSHED  processor, and how many ticks of the clock of flushes ago a flush of the machine's own began
 *   TIME     ticks of the time-stamp counter since the beginning: now and then
 *
 * Operations, which contain whatever lies between:
 *   ENTER    call (enum record_call), domain, vCPU or RECORD_NONE; numbers: its arguments
 *   LEAVE    sign: the result; numbers: what else it returns
 *
 * What an operation is given, or does:
 *   MEMORY   frame, RECORD_MEMORY_ flags; runs: contents that it finds, as far as nobody knows them
 *   WROTE    frame; runs: contents that it leaves, as far as they differ from what it found
 *   READ     guest address, size; bytes: what stands there, or none, and it cannot be read
 *   WRITE    guest address, can it be written?; bytes: what is written
 *   TAKE     order, end, first frame or RECORD_NONE: of the pool
 *   GIVE     first frame, order
 *   FLUSH    processors: all translations.  CACHES the same: caches
 *   PAGE     processors, guest address: its translations
 *   ROOT     domain, vCPU, frame.  WINDOW domain, vCPU, page, frame.  LDT domain, vCPU, entries
 *   OUT      number, serial: the machine carries out this hypercall, or (RECORD_NONE) others run; operations may follow
 *   BACK     serial, sign: that hypercall's result
 *   REFUSED  error, reason, entry of the batch, level, index, frame, value: of struct refusal
 *
 *   END      nothing follows: the file is whole
 *
 * Runs: numbers and words in turn: how many words are skipped, since the last run, how many follow, and they.
 */
#define RECORD_KINDS(KIND) \
    KIND(MACHINE, 5, 1)    \
    KIND(RANGE, 3, 0)      \
    KIND(DOMAIN, 6, 1)     \
    KIND(VCPU, 4, 0)       \
    KIND(FLUSHED, 2, 0)    \
    KIND(TIME, 1, 0)       \
    KIND(ENTER, 3, 1)      \
    KIND(LEAVE, 1, 1)      \
    KIND(MEMORY, 2, 1)     \
    KIND(WROTE, 1, 1)      \
    KIND(READ, 2, 1)       \
    KIND(WRITE, 2, 1)      \
    KIND(TAKE, 3, 0)       \
    KIND(GIVE, 2, 0)       \
    KIND(FLUSH, 1, 0)      \
    KIND(CACHES, 1, 0)     \
    KIND(PAGE, 2, 0)       \
    KIND(ROOT, 3, 0)       \
    KIND(WINDOW, 4, 0)     \
    KIND(LDT, 3, 0)        \
    KIND(OUT, 2, 0)        \
    KIND(BACK, 2, 0)       \
    KIND(REFUSED, 7, 0)    \
    KIND(END, 0, 0)

enum record_kind {
#define RECORD_KIND(name, numbers, bytes) RECORD_##name,
    RECORD_KINDS(RECORD_KIND)
#undef RECORD_KIND
        RECORD_KIND_COUNT
};

#define RECORD_NUMBERS_MAX 7u
#define RECORD_NONE        UINT64_MAX

#define RECORD_DOMAIN_LISTED          1u /* others can name it */
#define RECORD_DOMAIN_PRIVILEGED      2u
#define RECORD_DOMAIN_WRITABLE_TABLES 4u
#define RECORD_DOMAIN_M2P_STRICT      8u
#define RECORD_DOMAIN_EXTENDED_CR3    16u
#define RECORD_DOMAIN_LINEAR_TABLES   32u

#define RECORD_VCPU_USER_MODE   1u
#define RECORD_VCPU_DIVERTED    2u
#define RECORD_VCPU_USER_CACHED 4u

#define RECORD_MEMORY_WHOLE 1u /* all else in the frame is zero */
#define RECORD_MEMORY_LATE  2u /* it was found here, and perhaps not yet when the operation began, or went on */

/*
 * CALL(name, function, arguments): what an operation is.  A domain or vCPU among the arguments stands in the event
 * itself.  -1: any number of them.
 */
#define RECORD_CALLS(CALL)                         \
    CALL(DOMAIN_INIT, domain_init, 0)              \
    CALL(VCPU_INIT, vcpu_init, 0)                  \
    CALL(MACHINE_TAKE, machine_take, 1)            \
    CALL(MACHINE_GIVE, machine_give, 2)            \
    CALL(POPULATE, domain_populate_extent, 2)      \
    CALL(SHARE, domain_share, 1)                   \
    CALL(UNSHARE, domain_unshare, 1)               \
    CALL(SHARE_NEW, domain_share_new, 0)           \
    CALL(GRANTS_CREATE, domain_grants_create, 2)   \
    CALL(PIN, domain_pin, 2)                       \
    CALL(SET_ROOTS, vcpu_set_roots, 2)             \
    CALL(SET_GDT, vcpu_set_gdt, -1)                \
    CALL(SET_LDT, vcpu_set_ldt, 2)                 \
    CALL(SET_TRAP, vcpu_set_trap, 4)               \
    CALL(HOLD, domain_hold_writable, 1)            \
    CALL(DROP, domain_drop_writable, 1)            \
    CALL(HYPERCALL, engine_hypercall, 7)           \
    CALL(SET_KERNEL_ROOT, vcpu_set_kernel_root, 1) \
    CALL(ENTER_USER, vcpu_enter_user, 0)           \
    CALL(ENTER_KERNEL, vcpu_enter_kernel, 0)       \
    CALL(TABLE_WRITE, table_write_emulate, 5)      \
    CALL(LDT_FAULT, ldt_fault, 1)                  \
    CALL(VCPU_DESTROY, vcpu_destroy, 0)            \
    CALL(DOMAIN_DYING, domain_set_dying, 0)        \
    CALL(DOMAIN_DESTROY, domain_destroy, 0)        \
    CALL(COUNT_MAPPED, domain_count_mapped, 1)     \
    CALL(RENUMBER, domain_renumber, 1)             \
    CALL(POPULATE_SOME, domain_populate_some, 2)

enum record_call {
#define RECORD_CALL(name, function, arguments) RECORD_CALL_##name,
    RECORD_CALLS(RECORD_CALL)
#undef RECORD_CALL
        RECORD_CALL_COUNT
};

#define RECORD_ARGUMENTS_MAX 16u

/*
 * ---- The ring through which a recording leaves the machine: whoever runs it has its memory mapped as well.  Counts
 * are of bytes, and never go back: their place in the ring is the remainder.  Where it is full, the guest waits.
 */

#define RECORD_RING_MAGIC  UINT64_C(0x474e495256415250) /* "PRAVRING" */
#define RECORD_RING_OFFSET 4096u                        /* from its header to its bytes */

struct record_ring {
    uint64_t magic;
    uint64_t size; /* a power of two */
    uint64_t head; /* written; by the hypervisor, in whole events */
    uint64_t tail; /* read; by the command */
};
