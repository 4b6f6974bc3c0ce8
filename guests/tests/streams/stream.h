/* SPDX-License-Identifier: MIT */
/*
 * A stream: some instructions, most of which leave what the processor usually does, and where and how they run.
 *
 * All of it lies in the first 64 KiB, so that an address is the same in 16, 32 and 64-bit code.  Where a kernel has its
 * stack pointer, a handler has to find room:
 *
 *     1000   code            4000   data            8000   stack
 *    10000   for a stack pointer that is what were flags, or else not meant to be one
 *    -4000   for that of a sysenter, which is 0
 */
#pragma once

#include <guest/types.h>

#define CODE_AT   0x1000u
#define CODE_SIZE 0x3000u
#define DATA_AT   0x4000u
#define DATA_SIZE 0x4000u
#define STACK_AT  0x8000u
#define STACK_END 0x10000u
#define LOW_END   0x400000u
#define TOP_AT    UINT64_C(0xffffffffffffc000)
#define TOP_PAGES 4u

#define UNITS_MAX 64u

struct stream {
    unsigned bits; /* of the code segment: 16, 32, 64 */
    bool is_kernel, is_stepped, has_breakpoints;
    bool is_flat; /* its code segments begin at 0: QEMU 7.2 breaks on a breakpoint that is met in another */
    uint16_t cs, ss;
    /* A unit is an instruction with what it needs before it: where each begins, and where the last one ends. */
    unsigned nr_units, unit_at[UNITS_MAX + 1];
};
extern struct stream stream;

/* Random numbers, from a seed; the same seed makes the same streams. */
void random_seed(uint64_t seed);
uint64_t random(void);

static inline unsigned below(unsigned limit)
{
    return (unsigned)(random() % limit);
}

static inline bool one_in(unsigned n)
{
    return below(n) == 0;
}

#define ONE_OF(array) ((array)[below(ARRAY_SIZE(array))])

/* ---- generate.c: another stream, which is to be kept to what a kernel survives, or not. */
void stream_generate(bool is_kernel, bool is_wild);

/* ---- transfer.c, instruction.c: a unit each. */
typedef void generator(void);
struct weighted {
    generator *generate;
    unsigned weight;
};
extern const struct weighted transfers[], instructions[];

/* ---- machine.c: segments and debug registers. */
void machine_init(void);
uint8_t *machine_memory(unsigned address);
void machine_set_bases(bool on); /* let there be code segments that do not begin at 0 */
void machine_set_breakpoints(void);
void machine_clear_breakpoints(void);

/* Any address, flags, selector that a stream may name. */
uint32_t some_place(void);
uint32_t some_stack(void);
uint32_t some_flags(void);
uint16_t some_code_selector(void);
uint16_t some_data_selector(void);
uint16_t some_selector(void);

/* A code and a stack selector for @bits. */
uint16_t machine_code_selector(unsigned bits);
uint16_t machine_stack_selector(unsigned bits);

/* ---- stream_run.c: run the stream, judge each entry into the kernel. */
void run_init(void);
void run_stream(void);
struct counts {
    uint64_t streams, entries, steps, breakpoints, out_of_time, vectors[32], callbacks;
};
extern struct counts counts;
