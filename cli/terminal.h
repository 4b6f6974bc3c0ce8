/* SPDX-License-Identifier: MIT */
/* The terminal that a guest's console is: keys as they are typed, but for those that are meant for the command. */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <termios.h>

#define TERMINAL_KEYS "Ctrl-A x leaves, Ctrl-A a sends Ctrl-A, Ctrl-A h says this"
#define TERMINAL_KEYS_OF_GUESTS \
    "Ctrl-A 1 to 9 and 0 move to a guest, Ctrl-A n to the next, Ctrl-A l lists them, " TERMINAL_KEYS

#define TERMINAL_ROOM 256u

struct terminal {
    int fd; /* where keys come from; -1: there is none, or none any more */
    bool is_there;
    bool is_ours;            /* its settings are those for the guest */
    bool is_behind;          /* Ctrl-A has been typed, and not yet what comes behind it */
    struct termios settings; /* as they were */
    size_t begin, end;       /* what has been typed and not been looked at */
    char typed[TERMINAL_ROOM];
    unsigned place; /* of TERMINAL_GUEST, from 0 on */
};

/* What has been typed that is not for the guest. */
enum terminal_wish { TERMINAL_NOTHING, TERMINAL_LEAVE, TERMINAL_HELP, TERMINAL_GUEST, TERMINAL_NEXT, TERMINAL_LIST };

/* Is stdin a terminal?  If so, keep its settings; they do not change yet. */
void terminal_open(struct terminal *terminal);

/* Does input come to us, and not to another job of the shell's? */
bool terminal_is_in_front(const struct terminal *terminal);

/* Have each key as it is typed, if we are in front; and put everything back as it was.  Both may come in any order. */
void terminal_take(struct terminal *terminal);
void terminal_give_back(struct terminal *terminal);

/* Read once what has been typed.  At the end of the input, @fd becomes -1. */
void terminal_read(struct terminal *terminal);

/* Is there something that has been read and not been taken? */
bool terminal_has_keys(const struct terminal *terminal);

/*
 * Take what has been read, up to the first wish; what is for the guest before it goes to @keys, and *@count is how much
 * that is.
 */
enum terminal_wish terminal_take_keys(struct terminal *terminal, char keys[TERMINAL_ROOM], size_t *count);
