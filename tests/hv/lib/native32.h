/* SPDX-License-Identifier: MIT */
/*
 * The processor that the test runs on, in 16 or 32-bit code: with registers of the test's choice, and segments of an
 * LDT that the test fills.  Code and memory lie below 2 GiB.  Nothing else in a program uses its LDT.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define NATIVE32_BYTES   0x8000u /* of memory that segments lead to */
#define NATIVE32_ENTRIES 8u      /* of the LDT, the last of which are flat: */
#define NATIVE32_FLAT    6u      /* data, from 0 to 4 GiB */

#define NATIVE32_SELECTOR(entry) ((uint16_t)((entry) << 3 | 7))

/* In the order of the numbers of registers. */
struct registers32 {
    uint32_t general[8];
    uint32_t eflags, eip;
    uint16_t cs, ss, ds, es, gs;
};

extern struct registers32 native32_in, native32_out;
extern uint8_t *native32_memory, *native32_code; /* the code: a page */

/* Set-up for cmocka, of the whole group: 0, or -1. */
int native32_set_up(void **state);

/* Called by the test itself, because cmocka takes signals back in between. */
void native32_catch_faults(void);

/* Make entry @entry of the LDT @descriptor, as far as a process may have such: present, for ring 3, accessed. */
void native32_set_descriptor(unsigned entry, uint64_t descriptor);

/* Behind an instruction of @length in the code: what leads back, in code of 16 or 32 bits. */
void native32_place_exit(unsigned length, bool code_is_32);

/* Run it from native32_in.  0: it came to its end; otherwise the vector of its exception, and native32_address. */
unsigned native32_run(void);
extern volatile uint64_t native32_address;
