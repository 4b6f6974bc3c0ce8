/* SPDX-License-Identifier: MIT */
/*
 * The processor that the test runs on: code runs natively, with registers of the test's choice, on a buffer that can be
 * written or not.  Code and buffer lie below 2 GiB.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#define BUFFER_SIZE 0x8000u
#define CODE_SIZE   4096u
#define GS_BASE     UINT64_C(0x12340)

/* In the order of the numbers of registers. */
struct registers {
    uint64_t general[16];
    uint64_t rflags;
};

extern struct registers native_in, native_out;
extern uint8_t *buffer, *code;
extern volatile uint64_t fault_address;

/* Where the code has to jump to in the end, with all registers but rip as they are to be. */
extern const uint8_t native_exit[];

/* Set-up for cmocka, of the whole group: 0, or -1. */
int native_set_up(void **state);

/* Take faults; called by the test itself, because cmocka has handlers of its own for each test. */
void native_catch_faults(void);

/* Run the code.  0: it came to its end; 1: it faulted at fault_address; 2: otherwise. */
int native_try(bool writable);
