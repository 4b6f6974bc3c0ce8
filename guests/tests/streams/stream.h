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

/* ---- x86_64, x86_32: what the widths of kernels differ in. */
#define NR_ENTRIES 24u

/* Of the descriptors; those whose segments do not begin at 0. */
enum entry {
    ENTRY_CODE16 = 1,
    ENTRY_CODE32,
    ENTRY_OWN_CODE, /* 64-bit, or 32-bit of the kernel's ring */
    ENTRY_DATA16,
    ENTRY_DATA32,
    ENTRY_BASED32 = 13,
    ENTRY_BASED16 = 16
};

extern const uint64_t machine_entries[NR_ENTRIES]; /* what the hypervisor refuses stays empty */
extern const uint16_t machine_selectors[16];       /* around those of the hypervisor */
extern const unsigned machine_sizes[4];            /* of code; the first three are all that there are */

/* Map what a stack pointer of 0 leads to; let there be what leads a program to its kernel. */
void machine_map_top(void);
void machine_set_gates(bool on);

/* Units. */
generator machine_system_call, machine_iret;

/* ---- machine.c: segments and debug registers. */
void machine_init(void);
uint8_t *machine_memory(unsigned address);
void machine_set_bases(bool on); /* let there be code segments that do not begin at 0 */
void machine_set_breakpoints(void);
void machine_clear_breakpoints(void);

void machine_set_descriptor(unsigned entry, uint64_t descriptor); /* in both tables */

/* Any address, number of a call, flags, selector that a stream may name. */
uint32_t some_place(void);
uint32_t some_call(void);
uint32_t some_stack(void);
uint32_t some_flags(void);
uint16_t some_code_selector(void);
uint16_t some_data_selector(void);
uint16_t some_selector(void);

/* One of the LDT; a code and a stack selector for @bits: the last two of the width. */
uint16_t machine_in_ldt(unsigned entry);
uint16_t machine_code_selector(unsigned bits);
uint16_t machine_stack_selector(unsigned bits);

/* ---- stream_run.c: run the stream, judge each entry into the kernel. */
void run_init(void);
void run_stream(void);
struct counts {
    uint64_t streams, entries, steps, breakpoints, out_of_time, vectors[32], callbacks;
};
extern struct counts counts;
