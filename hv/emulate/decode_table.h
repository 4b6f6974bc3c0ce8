/* SPDX-License-Identifier: MIT */
/* The opcodes that hv/emulate/decode.c knows. */
#pragma once

#include <stdint.h>

#include <hv/emulate/decode.h>

/* What follows an opcode. */
enum form {
    FORM_NONE,        /* this is no opcode that is known */
    FORM_PLAIN,       /* nothing */
    FORM_MEMORY,      /* ModRM, which must be of memory */
    FORM_MEMORY_REG,  /* the same; its register field is an operand */
    FORM_MEMORY_IMM,  /* the same; an immediate of the operand's size, 4 bytes at most */
    FORM_MEMORY_IMM8, /* the same; an immediate byte */
    FORM_ABSOLUTE,    /* an address; the other operand is the accumulator */
    FORM_STRING,      /* nothing: rsi, rdi and rcx */
    FORM_PORT_IMM,    /* a port number of 8 bits */
    FORM_PORT_DX,     /* nothing: the port is dx */
    FORM_CONTROL,     /* ModRM of two registers, whatever its first two bits are */
    FORM_VECTOR,      /* a byte */
    FORM_SYSTEM,      /* ModRM of memory or a register; see take_system() */
    FORM_FAR,         /* an offset of the operand's size, and a selector */
};

#define OPCODE_BYTE       0x01u /* the operand has 8 bits */
#define OPCODE_AT_MOST_4  0x02u /* there is no 64-bit form */
#define OPCODE_AT_LEAST_4 0x04u /* nor a 16-bit one */
#define OPCODE_LOCK       0x08u /* a lock prefix is allowed */
#define OPCODE_NO_PREFIX  0x10u /* 66, f2 or f3 before it make another instruction, or none */
#define OPCODE_NOT_64     0x20u /* there is none in 64-bit code */

struct opcode {
    uint8_t operation; /* enum operation; of a group OPERATION_NONE */
    uint8_t form;      /* enum form */
    uint8_t flags;     /* OPCODE_* */
    uint8_t detail;    /* of a group: which row of decode_groups; the register field of ModRM chooses in it */
};

enum {
    GROUP_ARITHMETIC = 1,
    GROUP_INCREMENT,
    GROUP_INDIRECT,
    GROUP_COMPLEMENT,
    GROUP_MOVE,
    GROUP_BIT,
    GROUP_CMPXCHG8B,
    GROUP_LDT,
    GROUP_GDT,
    GROUP_COUNT,
};

/* By the opcode's last byte: those of one byte, and those behind 0f. */
#pragma GCC visibility push(hidden)
extern const struct opcode decode_one_byte[256], decode_two_byte[256];
extern const uint8_t decode_groups[GROUP_COUNT][8];
#pragma GCC visibility pop
