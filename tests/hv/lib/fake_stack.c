/* SPDX-License-Identifier: MIT */
/* Numbers of stacks are those of windows, so that they begin at WINDOW_OF_VCPUS. */
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <sanitizer/asan_interface.h>

#include <hv/cpu/entry.h>
#include <hv/mem/stack.h>
#include <hv/mem/window.h>
#include <tests/hv/lib/fake_stack.h>

unsigned fake_stacks, fake_stack_limit = FAKE_STACKS;

static _Alignas(64) uint8_t stacks[FAKE_STACKS][FAKE_STACK_SIZE];

__asm__(".pushsection .text\n"
        ".globl entry_switch, entry_first\n"
        ".hidden entry_first\n"
        ".type entry_switch, @function\n"
        "entry_switch:\n"
        "    push %rbx\n"
        "    push %rbp\n"
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
        "    pop %rbp\n"
        "    pop %rbx\n"
        "    ret\n"
        "entry_first:\n"
        "    mov %rsp, %rdi\n"
        "    call fake_stack_first\n"
        "    ud2\n"
        ".popsection\n");

bool stack_create(struct machine *machine, unsigned number)
{
    (void)machine;
    if (fake_stacks == fake_stack_limit)
        return false;
    /* Who ran there last may have been left in the middle. */
    ASAN_UNPOISON_MEMORY_REGION(stacks[number - WINDOW_OF_VCPUS], FAKE_STACK_SIZE);
    memset(stacks[number - WINDOW_OF_VCPUS], 0, FAKE_STACK_SIZE);
    fake_stacks++;
    return true;
}

void stack_destroy(struct machine *machine, unsigned number)
{
    (void)machine;
    (void)number;
    if (fake_stacks-- == 0)
        abort();
}

uint64_t stack_top(unsigned number)
{
    if (number < WINDOW_OF_VCPUS || number >= WINDOW_OF_VCPUS + FAKE_STACKS)
        abort();
    return (uint64_t)stacks[number - WINDOW_OF_VCPUS] + FAKE_STACK_SIZE;
}
