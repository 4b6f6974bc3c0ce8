/* SPDX-License-Identifier: MIT */
/*
 * A guest's memory: a word by one instruction, without a copy in between, and more than a word.  Programs that test
 * parts of the hypervisor have a header of this name of their own: tests/hv/host.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A fault at label 1 of an asm statement continues at @label: struct recovery of hv/trap.c. */
#define USER_WORD_RECOVER(label) \
    ".pushsection .recovery, \"a\"; .balign 4; .long 1b - ., %l[" label "] - .; .popsection"

/*
 * Write @word to @to, or read what is at @from; false: it cannot be reached.  The caller has made sure that the address
 * is the guest's, that the guest's tables are loaded, and has called cpu_user_access_begin().
 */
static inline bool __attribute__((always_inline, warn_unused_result)) user_word_write(uint64_t to, uint64_t word)
{
    __asm__ goto("1: movq %1, %0; " USER_WORD_RECOVER("fault") : : "m"(*(uint64_t *)to), "r"(word) : "memory" : fault);
    return true;
fault:
    return false;
}

static inline bool __attribute__((always_inline, warn_unused_result)) user_word_read(uint64_t from, uint64_t *word)
{
    uint64_t value;

    __asm__ goto("1: movq %1, %0; " USER_WORD_RECOVER("fault") : "=r"(value) : "m"(*(const uint64_t *)from) : : fault);
    *word = value;
    return true;
fault:
    return false;
}

/* The same of @size bytes, from or to the guest; false: a part of them may have been copied. */
static inline bool __attribute__((always_inline, warn_unused_result)) user_copy(void *to, const void *from, size_t size)
{
    size_t words = size / 8, bytes = size % 8;

    __asm__ volatile goto("1: rep movsq; " USER_WORD_RECOVER("fault")
                          : "+D"(to), "+S"(from), "+c"(words)
                          :
                          : "memory"
                          : fault);
    if (bytes)
        __asm__ volatile goto("1: rep movsb; " USER_WORD_RECOVER("fault")
                              : "+D"(to), "+S"(from), "+c"(bytes)
                              :
                              : "memory"
                              : fault);
    return true;
fault:
    return false;
}
