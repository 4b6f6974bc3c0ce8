/* SPDX-License-Identifier: MIT */
/*
 * The record: one line a call, "GROUP NUMBER what was asked > what came back".  Nothing in it depends on where the
 * hypervisor put things: frames are told by their names in the world, see world.h, and places by theirs.
 */
#pragma once

#include <guest/types.h>

/* What memory that a call should write holds before. */
#define UNTOUCHED UINT64_C(0xd0d0d0d0d0d0d0d0)

/* Start a line.  The number counts the lines of the group. */
void say_begin(const char *group);

__attribute__((format(printf, 1, 2))) void say(const char *format, ...);

/* A number whose upper bits may name a frame: a page-table entry, a machine address. */
void say_entry(uint64_t entry);
void say_frame(uint64_t mfn);

/* The call is made now; what is said from here on is its answer.  A negative number is told as an errno. */
void say_calling(void);
void say_result(long result);

/* The line goes to the console. */
void say_end(void);

/* Lines so far. */
unsigned say_lines(void);
