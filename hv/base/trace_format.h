/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor writes of hypercalls and traps, and the command reads: a ring in the machine's memory, which the
 * command has mapped as well.  Records follow one another, in whole words; what does not fit at the end goes on at the
 * beginning.
 */
#pragma once

#include <stdint.h>

#define TRACE_MAGIC UINT64_C(0x3145434152545650) /* "PVTRACE1" */

/* The first page.  Counts are of bytes, and never go back: their place in the ring is the remainder. */
struct trace_ring {
    uint64_t magic;
    uint64_t size; /* of the ring behind this page, a power of two */
    uint64_t head; /* written; by the hypervisor */
    uint64_t tail; /* read; by the command */
    uint64_t lost; /* records for which there was no room */
};

#define TRACE_RING_OFFSET 4096u

enum trace_kind {
    TRACE_CALL,   /* a hypercall, with what its argument points to */
    TRACE_NESTED, /* a call of the multicall before it */
    TRACE_MORE,   /* more of the batch before it */
    /* Of these the number is the vector that the processor raised, and the arguments are enum trace_trap. */
    TRACE_EXCEPTION, /* a handler of the guest's kernel runs */
    TRACE_EMULATION, /* an instruction, at rip, has been carried out in the guest's stead */
    TRACE_UPCALL,    /* an event, or an NMI, has interrupted the guest at rip; there is no vector */
};

#define TRACE_KINDS   6u
#define TRACE_VECTORS 256u

enum trace_trap {
    TRAP_ERROR,      /* the error code */
    TRAP_ADDRESS,    /* of a page fault; of others rcx, which says which register a model-specific one is */
    TRAP_HANDLER,    /* that runs; 0: none */
    TRAP_USER,       /* 1: the guest was in user mode */
    TRAP_VALUE,      /* after an emulation: what is at the address, of 8 bytes; of those that are no write rax */
    TRAP_VALUE_HIGH, /* and of these rdx */
};

/* What a record has behind it. */
enum trace_payload {
    TRACE_NOTHING,
    TRACE_UPDATES,     /* two words each: struct mmu_update */
    TRACE_EXTENDED,    /* three: command, arg1, arg2 of struct mmuext_op */
    TRACE_CALLS,       /* eight: struct multicall_entry */
    TRACE_BYTES,       /* words of the structure that an argument points to, as the guest has it after the call */
    TRACE_INSTRUCTION, /* two words, of the bytes of an instruction and those behind it */
};

#define TRACE_ARGS       6u
#define TRACE_WORDS_MAX  64u /* of a payload */
#define TRACE_NO_RESULT  INT64_MIN
#define TRACE_BYTES_KEPT 32u

struct trace_record {
    uint16_t words;  /* of it all */
    uint8_t kind;    /* enum trace_kind */
    uint8_t payload; /* enum trace_payload */
    uint16_t domain;
    uint8_t vcpu;
    uint8_t narrow;        /* 1: of a 32-bit guest, whose arguments of 64 bits are two */
    uint64_t began, ended; /* ticks of the time-stamp counter */
    uint64_t rip;          /* behind the instruction */
    uint64_t number;
    uint64_t args[TRACE_ARGS];
    int64_t result;  /* TRACE_NO_RESULT: the call does not return, or has gone elsewhere */
    uint64_t caller; /* where the stub of the hypercall page returns to; 0: not known */
};

#define TRACE_RECORD_WORDS (sizeof(struct trace_record) / 8)
