/* SPDX-License-Identifier: MIT */
/*
 * Each call that there is, with arguments that are known, and each command of those that have some: with the arguments
 * of most nothing is carried out.  What was passed, what came back and what the arguments point to is told at the end,
 * for tests/system/traced.py, which compares with it what `paravane run --trace` tells:
 *
 *     traced: call NUMBER ARGUMENT... = RESULT      `nested` for one of the multicall before it
 *     traced: updates|operations|argument WORD...   what its argument points to; there may be several such lines
 *
 * Numbers are hexadecimal, results decimal, or `none` of a call that does not return.  The first call and the last one
 * have a number that is no call's.
 */
#pragma once

#include <guest/types.h>

#define ARGS    5u
#define NOWHERE UINT64_C(0x1000) /* nothing is mapped there */
#define NO_CALL 61u

/* Make the call, and note it. */
long make_call(unsigned number, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4, uintptr_t a5);

/*
 * The handler of an event that arrived when the last call ended has gone back, by iret: note that, which had the
 * registers of that call once more.
 */
void made_iret(void);

/* All that has been noted, on the console. */
void tell_calls(void);

/* The calls that take lists, and lists of calls. */
void traced_batches(void);
