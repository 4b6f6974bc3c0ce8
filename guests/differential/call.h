/* SPDX-License-Identifier: MIT */
/*
 * Calls: the one way to make them, and a description of those that take a command and a structure.
 */
#pragma once

#include <guest/types.h>
#include <guests/differential/choose.h>

/* Any number, also one without an entry in the hypercall page. */
long call(uint64_t number, uint64_t a1, uint64_t a2, uint64_t a3, uint64_t a4, uint64_t a5);

/* How the record tells what a call has written. */
enum kind {
    KIND_NUMBER,
    KIND_FRAME,
    KIND_PORT, /* counted from the first one that the domain had free */
    KIND_SIGNED,
    KIND_DOMAIN,
    KIND_ENTRY,
    KIND_SOME, /* only whether it has been written: a time, a size of the machine */
};

struct field {
    const char *name;
    uint16_t offset, size; /* in bytes; a size of 1, 2, 4 or 8 */
    enum kind kind;
    const struct menu *menu; /* what goes in; NULL: UNTOUCHED */
};

/* Where the structure and the rest go. */
enum shape {
    SHAPE_COMMAND, /* command, structure */
    SHAPE_COUNTED, /* command, structure, 1 or a number from a menu */
    SHAPE_MIDDLE,  /* command, a number from a menu, structure */
    SHAPE_ALONE,   /* structure, which holds the command */
};

struct op {
    const char *name;
    uint64_t command;
    const struct field *fields;
    uint16_t nr_fields, size;
    enum shape shape;
    const struct menu *middle;
    bool some;       /* of the result only its sign is told */
    bool unreadable; /* it must fail: only with an argument that cannot be read */
    unsigned times;
    /* Make what the call needs; undo what it has done.  @arg: the structure as the call left it. */
    void (*before)(void *arg);
    void (*after)(long result, void *arg);
};

#define FIELDS(array) .fields = (array), .nr_fields = ARRAY_SIZE(array)
#define FIELD(type, member, kind_, menu_)                                          \
    {                                                                              \
#member, offsetof(type, member), sizeof(((type *)0)->member), kind_, menu_ \
    }

struct group {
    const char *name;
    uint64_t number; /* of the call */
    const struct op *ops;
    unsigned nr_ops;
};

/* Each operation of the group as often as it says, each time with other arguments. */
void call_group(const struct group *group);

/* A line for the plainest of calls: a number and up to three arguments from menus. */
long call_plain(const char *group, const char *name, uint64_t number, const struct menu *const menus[3]);

/* The port that KIND_PORT counts from. */
void call_set_first_port(uint32_t port);
