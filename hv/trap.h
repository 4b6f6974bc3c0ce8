/* SPDX-License-Identifier: MIT */
/* Exceptions and interrupts, as hv/entry.S hands them over. */
#pragma once

#include <stddef.h>
#include <stdint.h>

/* What the processor and the stubs have pushed.  Changes take effect on return. */
struct cpu_frame {
    uint64_t r15, r14, r13, r12, rbp, rbx, r11, r10, r9, r8, rax, rcx, rdx, rsi, rdi;
    uint64_t vector, error;
    uint64_t rip, cs, rflags, rsp, ss;
};
_Static_assert(sizeof(struct cpu_frame) == 22 * 8, "hv/entry.S");
_Static_assert(sizeof(struct cpu_frame) % 16 == 0, "hv/entry.S calls C with an aligned stack");

enum vector {
    VECTOR_DEBUG = 1,
    VECTOR_NMI = 2,
    VECTOR_DOUBLE_FAULT = 8,
    VECTOR_PAGE_FAULT = 14,
    VECTOR_MACHINE_CHECK = 18,
};

#define TRAP_RING(frame) ((frame)->cs & 3)

/* The stub of vector n is at entry_stubs + 16 * n. */
#define ENTRY_STUB_SIZE 16u
#pragma GCC visibility push(hidden)
extern const uint8_t entry_stubs[];
#pragma GCC visibility pop

/* Called by the stubs, interrupts off. */
void trap_handle(struct cpu_frame *frame);

/* Copy with recovery from faults: returns how many bytes could not be copied. */
size_t __attribute__((warn_unused_result)) copy_recover(void *to, const void *from, size_t size);

/* Load the hypervisor's selectors from the GDT that has just been loaded. */
void entry_reload_segments(void);
