/* SPDX-License-Identifier: MIT */
/*
 * Pieces of machine code that can run in kernel mode, in place, and in user mode, copied.
 *
 * SNIPPET(name, "before", "it", "after") defines name: the instructions of "before", then at name##_at those of "it".
 */
#pragma once

#include <guest/types.h>

struct snippet {
    const char *begin, *at, *next, *end;
};

#define SNIPPET(name, before, it, after)                                                                       \
    extern const char name##_begin[], name##_at[], name##_next[], name##_end[];                                \
    __asm__(".pushsection .text\n" #name "_begin:\n" before "\n" #name "_at:\n" it "\n" #name "_next:\n" after \
            "\n ret\n" #name "_end:\n.popsection\n");                                                          \
    static const struct snippet name = {name##_begin, name##_at, name##_next, name##_end}
