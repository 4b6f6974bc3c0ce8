/* SPDX-License-Identifier: MIT */
/*
 * Random instructions that write to memory, whose operand lies in the buffer of native.h, with the registers that lead
 * there in native_in.
 */
#pragma once

#include <tests/hv/lib/native.h>

enum shape {
    SHAPE_REG,      /* ModRM with a register */
    SHAPE_BIT_REG,  /* the same, whose register numbers a bit */
    SHAPE_IMM,      /* ModRM and an immediate of the operand's size */
    SHAPE_IMM8,     /* ModRM and a byte */
    SHAPE_MODRM,    /* ModRM */
    SHAPE_ABSOLUTE, /* an address */
    SHAPE_STRING,
};

struct pattern {
    uint8_t bytes[2];
    uint8_t count;
    uint8_t byte_size; /* the operand has 8 bits */
    enum shape shape;
    int reg; /* the register field of ModRM; -1: any */
    bool lock;
    uint64_t undefined; /* flags */
};

#define PATTERNS 67u
extern const struct pattern patterns[PATTERNS];

struct made {
    const struct pattern *pattern;
    uint8_t bytes[32];
    unsigned length;
    unsigned rex;
    bool operand_size, address_size, gs;
};

/* A number below @limit; a value that may be one where carries and signs change. */
unsigned below(unsigned limit);
uint64_t any_value(void);
uint64_t random_next(void);

/* Make one.  False: it did not come out right, try again. */
bool make(struct made *made);

unsigned operand_size(const struct made *made);

/* An address as the instruction's address size has it. */
uint64_t truncated(const struct made *made, uint64_t address);
