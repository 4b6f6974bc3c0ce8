/* SPDX-License-Identifier: MIT */
/* What the guests of this test know of each other: all run this one kernel, so a page of it has one pfn in each. */
#pragma once

#include <guest/types.h>

#define WINDOW UINT64_C(0x30000000) /* there each has an L1 table, and nothing mapped */

#define MAILBOX_MAGIC 0x626c616du
#define PAGE_WORD     UINT64_C(0x1122334455667788)

enum mailbox_command {
    COMMAND_NONE,
    COMMAND_LOOK, /* answer with the first word of what is mapped at WINDOW */
    COMMAND_END,  /* power off */
};

/* A page of a victim's, which it shows to whoever can map it. */
struct mailbox {
    uint32_t magic;   /* this and the command are read and written at once, in either width */
    uint32_t command; /* from the mapper; the victim sets it back when it is done */
    uint64_t page;    /* a frame that begins with PAGE_WORD */
    uint64_t spare;   /* a frame of zeroes that is mapped read-only: it can be a table */
    uint64_t loose;   /* a frame that is mapped nowhere */
    uint64_t entry;   /* machine address of the L1 entry for WINDOW */
    uint64_t answer;
};

extern struct mailbox mailbox;

/* Let the others run. */
void foreign_yield(void);

/* The roles, by words of the command line. */
void foreign_victim(void);   /* role=0: do what the mailbox says */
void foreign_mapper(void);   /* role=1 victims=N: the initial domain, which deals with domains 1 to N */
void foreign_intruder(void); /* role=2 domains=N: try the same on domains 0 to N, without the right to */
