/* SPDX-License-Identifier: MIT */
/*
 * Random instructions of 16 and 32-bit code that write to memory, as patterns[] of random_write.h has them, through
 * segments that are not flat.  The registers and segments that lead to the memory of native32.h are in native32_in.
 */
#pragma once

#include <tests/hv/lib/native32.h>
#include <tests/hv/lib/random_write.h>

/* Entries of the LDT. */
enum {
    LDT_CS = 1,
    LDT_DS,
    LDT_ES,
    LDT_SS,
    LDT_GS,
    LDT_ENTRIES,
};

struct made32 {
    const struct pattern *pattern;
    uint8_t bytes[32];
    unsigned length;
    bool code_is_32, operand_size, address_size;
    unsigned segment, source; /* what it writes to, and what movs reads from: entries */
    bool overridden;
    unsigned addresses;        /* a bit for each register that the operand's address depends on */
    uint64_t ldt[LDT_ENTRIES]; /* what the processor has */
};

/* Make one, and load its segments' descriptors.  False: it did not come out right, try again. */
bool make32(struct made32 *made);

unsigned operand_bytes32(const struct made32 *made);
unsigned address_bytes32(const struct made32 *made);
