/* SPDX-License-Identifier: MIT */
/*
 * Several consoles on one serial line, both ways: `console=multiplexed`.  Bytes are of the console that was selected
 * last; before the first selection, of none.  All else is two bytes, MULTIPLEX_ESCAPE and a code:
 *
 *   0x40 + N   what follows is of console N, a domain's number
 *   0xc0 + N   the same, but nobody has to wait with it for a guest that does not read: towards guests
 *   '!'        what follows is the hypervisor's: from it
 *   '?'        asks for the list of guests (hv/service/console_list.h): towards it
 *   '.'        a byte of the console's that is MULTIPLEX_ESCAPE itself
 *
 * Other codes mean nothing, and the last of several escapes in a row counts.  So no escape is ever a guest's own byte,
 * and whoever sends bytes that get lost, and knows it, selects anew: what a guest says is never taken for another's.
 *
 * Pure, and calls nobody, so that the command links it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#define MULTIPLEX_ESCAPE     '\x10'
#define MULTIPLEX_CONSOLES   64u /* numbers below that */
#define MULTIPLEX_HYPERVISOR MULTIPLEX_CONSOLES

enum multiplex_kind {
    MULTIPLEX_NOTHING, /* not yet, or it means nothing */
    MULTIPLEX_BYTE,    /* @byte is of the console that is selected */
    MULTIPLEX_SELECT,  /* @console from now on */
    MULTIPLEX_LIST,
};

struct multiplex_item {
    enum multiplex_kind kind;
    char byte;
    unsigned console; /* or MULTIPLEX_HYPERVISOR */
    bool hurried;     /* nobody has to wait */
};

/* All zero at the beginning. */
struct multiplex_decoder {
    bool escaped;
};

/* What the next byte of the line makes. */
struct multiplex_item multiplex_decode(struct multiplex_decoder *decoder, char byte);

/* Encode a byte of a console's; returns how many bytes of @code it takes. */
size_t multiplex_encode(char byte, char code[2]);

/* The selection of @console, a number or MULTIPLEX_HYPERVISOR, which is never hurried; and the wish for a list. */
void multiplex_select(unsigned console, bool hurried, char code[2]);
void multiplex_list(char code[2]);
