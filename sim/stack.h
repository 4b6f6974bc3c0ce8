/* SPDX-License-Identifier: MIT */
/* Stacks to run tasks on, and the switch between two of them. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* A stack and, while it is not in use, where it was left.  The one that the process started on has no @memory. */
struct stack {
    uint8_t *memory;
    void *pointer;
    void *fake;         /* the sanitizer's, while it is not in use */
    const void *bounds; /* the lowest address, as the sanitizer knows it */
    size_t size;
};

/* Make *@stack, all zero, one whose first switch to it calls @entry, which must not return; again and again. */
void stack_prepare(struct stack *stack, void (*entry)(void));
void stack_destroy(struct stack *stack);

/* The first thing that @entry does; @from is the stack that it was switched to from. */
void stack_entered(struct stack *from);

/* Go on where @to was left; returns when somebody switches back to @from. */
void stack_switch(struct stack *from, struct stack *to);

/* The same, never to come back to @from. */
void stack_leave(struct stack *from, struct stack *to);

/* The deepest use of the stack so far, in bytes. */
size_t stack_used(const struct stack *stack);
