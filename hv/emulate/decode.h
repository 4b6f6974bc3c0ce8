/* SPDX-License-Identifier: MIT */
/*
 * From the bytes of an instruction to what it asks for, for those instructions that the hypervisor carries out in the
 * guest's place and no others: writes to memory that can be done as one change of one operand, instructions of ring 0,
 * and far calls and jumps.  Bytes go in, a structure comes out; no register and no memory of a guest is looked at.
 * Source: Intel SDM volume 2, chapter 2 and appendix A.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/types.h>

#define INSTRUCTION_BYTES_MAX 15u /* longer ones are refused by the processor */

/* The code segment that the instruction stands in. */
enum decode_mode {
    DECODE_16, /* neither L nor D */
    DECODE_32, /* D */
    DECODE_64, /* L */
};

enum decode_result {
    DECODE_OK,
    DECODE_UNKNOWN, /* not an instruction, or not one of those below; more bytes would change nothing */
    DECODE_SHORT,   /* the bytes end before that can be told */
};

enum operation {
    OPERATION_NONE,
    /* Writes to memory; the register forms of these are not decoded. */
    OPERATION_MOV,
    OPERATION_MOVS,
    OPERATION_STOS,
    OPERATION_XCHG,
    OPERATION_CMPXCHG,
    OPERATION_CMPXCHG8B,
    OPERATION_XADD,
    OPERATION_ADD,
    OPERATION_ADC,
    OPERATION_SUB,
    OPERATION_SBB,
    OPERATION_AND,
    OPERATION_OR,
    OPERATION_XOR,
    OPERATION_INC,
    OPERATION_DEC,
    OPERATION_NOT,
    OPERATION_NEG,
    OPERATION_BTS,
    OPERATION_BTR,
    OPERATION_BTC,
    /* What ring 3 may not do, or not always. */
    OPERATION_IN,
    OPERATION_OUT,
    OPERATION_INS,
    OPERATION_OUTS,
    OPERATION_READ_CR,
    OPERATION_WRITE_CR,
    OPERATION_READ_DR,
    OPERATION_WRITE_DR,
    OPERATION_CLTS,
    OPERATION_RDMSR,
    OPERATION_WRMSR,
    OPERATION_CPUID,
    OPERATION_RDTSC,
    OPERATION_WBINVD,
    OPERATION_XSETBV,
    OPERATION_CLI,
    OPERATION_STI,
    OPERATION_SGDT,
    OPERATION_SIDT,
    OPERATION_SLDT,
    OPERATION_STR,
    OPERATION_SMSW,
    OPERATION_INT,
    /* Through call gates. */
    OPERATION_CALL_FAR,
    OPERATION_JMP_FAR,
    OPERATION_COUNT,
};

/* Segment registers, by their numbers. */
enum segment {
    SEGMENT_ES,
    SEGMENT_CS,
    SEGMENT_SS,
    SEGMENT_DS,
    SEGMENT_FS,
    SEGMENT_GS,
};

#define REGISTER_NONE 0xffu

/* Base, index, displacement: the memory operand of a ModRM byte or of an absolute address. */
struct decode_address {
    uint8_t base, index; /* register numbers, or REGISTER_NONE */
    uint8_t shift;       /* of the index: 0 to 3 */
    bool from_rip;       /* the displacement counts from the end of the instruction */
    uint64_t displacement;
};

enum operand_kind {
    OPERAND_NONE,
    OPERAND_REGISTER,
    OPERAND_HIGH_BYTE, /* bits 8 to 15 of the register: ah, ch, dh, bh */
    OPERAND_IMMEDIATE, /* sign-extended to 64 bits; of a port, a vector or a far pointer zero-extended */
};

struct instruction {
    enum operation operation;
    unsigned length; /* of all its bytes */
    /* The size of its operand: 1, 2, 4 or 8; of sgdt and sidt that of the base, of a far pointer that of the offset. */
    unsigned bytes;
    unsigned address_bytes; /* the size of its addresses: 2, 4 or 8; also of the registers of a string instruction */
    bool repeat;            /* a string instruction with a repeat prefix */
    enum segment segment;   /* of its memory operand; of movs and outs that of the source, whose other one is ES */
    struct decode_address address; /* not of string instructions */
    enum operand_kind kind; /* the other operand, if it has one that is not implied; sldt, str, smsw: the only one */
    unsigned number;        /* of the register, 0 to 15 */
    uint64_t immediate;
    unsigned control;  /* number of the control or debug register, 0 to 15 */
    unsigned selector; /* of a far pointer that is an immediate */
};

/*
 * Decode the instruction that @bytes begin with; there are @count of them, and no other is read.  DECODE_OK: the
 * whole of *@instruction is set.  Otherwise nothing in it means anything.
 */
enum decode_result __must_check decode(enum decode_mode mode, const uint8_t *bytes, size_t count,
                                       struct instruction *instruction);
