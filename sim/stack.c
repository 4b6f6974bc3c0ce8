/* SPDX-License-Identifier: MIT */
/*
 * A stack is painted when it is made, so that its deepest use shows.  The switch is made by hand, because swapcontext()
 * makes system calls, and makes the address sanitizer forget what it knows about the stack.
 */
#include <stdlib.h>
#include <sys/mman.h>

#include <sim/sim_parts.h>
#include <sim/stack.h>

#if defined(SIM_ASAN)
#include <sanitizer/common_interface_defs.h>
#else
#define __sanitizer_start_switch_fiber(fake, bottom, size)  ((void)(fake), (void)(bottom), (void)(size))
#define __sanitizer_finish_switch_fiber(fake, bottom, size) ((void)(fake), (void)(bottom), (void)(size))
#endif

#define STACK_SIZE          (256u * 1024u)
#define STACK_GUARD         4096u
#define STACK_PAINT         UINT64_C(0x7073746163703a29)
#define PRESERVED_REGISTERS 6u

/* Put what a callee has to preserve on this stack, write down where it ends, and go on where @to ends. */
void stack_exchange(void **from, void *to);

__asm__(".pushsection .text\n"
        ".type stack_exchange, @function\n"
        "stack_exchange:\n"
        "    push %rbp\n"
        "    push %rbx\n"
        "    push %r12\n"
        "    push %r13\n"
        "    push %r14\n"
        "    push %r15\n"
        "    mov %rsp, (%rdi)\n"
        "    mov %rsi, %rsp\n"
        "    pop %r15\n"
        "    pop %r14\n"
        "    pop %r13\n"
        "    pop %r12\n"
        "    pop %rbx\n"
        "    pop %rbp\n"
        "    ret\n"
        ".size stack_exchange, . - stack_exchange\n"
        ".popsection\n");

/* Where the sanitizer writes down the bounds of the stack that was left last: it learns those of the process's so. */
static struct stack *left;

static void create(struct stack *stack)
{
    uint8_t *memory = mmap(NULL, STACK_SIZE + STACK_GUARD, PROT_READ | PROT_WRITE,
                           MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

    if (memory == MAP_FAILED || mprotect(memory, STACK_GUARD, PROT_NONE) != 0)
        sim_fail("sim: no memory for a stack");
    stack->memory = memory + STACK_GUARD;
    stack->bounds = stack->memory;
    stack->size = STACK_SIZE;
    for (size_t at = 0; at < STACK_SIZE; at += sizeof(uint64_t))
        *(uint64_t *)(void *)(stack->memory + at) = STACK_PAINT;
}

/* As if @entry had been left at its first instruction, where a stack is 8 bytes off its alignment of 16. */
void stack_prepare(struct stack *stack, void (*entry)(void))
{
    void **top;

    if (!stack->memory)
        create(stack);
    top = (void **)(void *)(stack->memory + STACK_SIZE);
    *--top = NULL;
    *--top = (void *)(uintptr_t)entry;
    for (unsigned i = 0; i < PRESERVED_REGISTERS; i++)
        *--top = NULL;
    stack->pointer = top;
    stack->fake = NULL;
}

void stack_destroy(struct stack *stack)
{
    if (!stack->memory)
        return;
    ASAN_UNPOISON_MEMORY_REGION(stack->memory, STACK_SIZE);
    munmap(stack->memory - STACK_GUARD, STACK_SIZE + STACK_GUARD);
    stack->memory = NULL;
}

void stack_entered(struct stack *from)
{
    __sanitizer_finish_switch_fiber(NULL, &from->bounds, &from->size);
}

void stack_switch(struct stack *from, struct stack *to)
{
    left = from;
    __sanitizer_start_switch_fiber(&from->fake, to->bounds, to->size);
    stack_exchange(&from->pointer, to->pointer);
    __sanitizer_finish_switch_fiber(from->fake, &left->bounds, &left->size);
}

void stack_leave(struct stack *from, struct stack *to)
{
    left = from;
    __sanitizer_start_switch_fiber(NULL, to->bounds, to->size);
    stack_exchange(&from->pointer, to->pointer);
    abort();
}

SIM_NO_ASAN size_t stack_used(const struct stack *stack)
{
    size_t clean = 0;

    while (stack->memory && clean < STACK_SIZE &&
           *(const volatile uint64_t *)(const void *)(stack->memory + clean) == STACK_PAINT)
        clean += sizeof(uint64_t);
    return stack->memory ? STACK_SIZE - clean : 0;
}
