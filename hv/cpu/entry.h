/* SPDX-License-Identifier: MIT */
/* What hv/cpu/entry.S offers, and shares with C. */
#ifndef HV_ENTRY_H
#define HV_ENTRY_H

/* Vectors that are none of the processor's: ways in without one. */
#define VECTOR_SYSCALL   0x100
#define VECTOR_SYSCALL32 0x101
#define VECTOR_SYSENTER  0x102
#define VECTOR_VM86      0x103 /* and a way out of a mode that there is not: hv/cpu/cpu_frame.h */

/* And one that is an ordinary interrupt, with a way in of its own: see abi/hypercall.h. */
#define ENTRY_HYPERCALL32 0x82

/* One of the processor's whose stub leads to a way of its own, hv/cpu/entry_short.S: VECTOR_PAGE_FAULT. */
#define ENTRY_PAGE_FAULT 14

/* What a processor needs at hand where nothing else is: struct entry_cpu, one each. */
#define ENTRY_CPUS        64
#define ENTRY_CPU_SIZE    16
#define ENTRY_CPU_STACK   0
#define ENTRY_CPU_SCRATCH 8

#define ENTRY_SYSCALL_STUB_SIZE 32

/* For MSR_SYSCALL_MASK: all flags that there are, so that C finds none of the guest's. */
#define ENTRY_SYSCALL_MASK 0x3f7fd5

/*
 * A frame is proper if it is in ring 3, with RFLAGS_GUEST (hv/cpu/cpu_frame.h), IF and nothing else.  The lowest eight
 * flags are arithmetic: the byte of the ring takes their place, so that one comparison does.  In ring 1 it is proper
 * for the kernel of a 32-bit guest.
 */
#define ENTRY_PROPER_MASK  0xffdab203
#define ENTRY_PROPER       0x203
#define ENTRY_PROPER_RING1 0x201

#ifndef __ASSEMBLER__

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/types.h>

struct cpu_frame;

struct entry_cpu {
    uint64_t stack; /* the top of the hypervisor stack of the vCPU that runs */
    uint64_t scratch;
};
_Static_assert(sizeof(struct entry_cpu) == ENTRY_CPU_SIZE, "hv/cpu/entry.S");
_Static_assert(offsetof(struct entry_cpu, scratch) == ENTRY_CPU_SCRATCH, "hv/cpu/entry.S");
_Static_assert(MAX_CPUS == ENTRY_CPUS, "hv/cpu/entry.S");

/* The stub of vector n is at entry_stubs + 16 * n. */
#define ENTRY_STUB_SIZE 16u

#pragma GCC visibility push(hidden)
extern const uint8_t entry_stubs[], entry_short_stubs[], entry_syscall32_stubs[], entry_sysenter[];
extern const uint8_t entry_traced_stubs[],
    entry_traced32[];                      /* instead of syscall's first and the next, where calls are traced */
extern const uint8_t entry_traced_traps[]; /* instead of entry_stubs, where traps are traced */
extern const uint8_t entry_hypercall32[], entry_iret[], entry_first[];
extern struct entry_cpu entry_cpus[MAX_CPUS];
#pragma GCC visibility pop

/* A trap from the guest as if it had just come, with @frame at the top of its vCPU's stack; the rest of it is gone. */
_Noreturn void entry_restart(struct cpu_frame *frame);

/* Leave this stack, its pointer in *@sleeping, and go on where the other, at @waking, called this. */
void entry_switch(uint64_t *sleeping, uint64_t waking);

/* Load the hypervisor's selectors from the GDT that has just been loaded. */
void entry_reload_segments(void);

/*
 * What the processor finds for @selector in the tables that are loaded: access rights as lar has them, and the limit in
 * bytes.  False: a return to the ring in its low bits could not load it, and nothing is written.
 */
bool entry_read_segment(uint16_t selector, uint32_t *rights, uint32_t *limit);

/* Load a guest's selector; false: the processor refused it, and the register is null. */
bool entry_load_ds(uint16_t selector);
bool entry_load_es(uint16_t selector);
bool entry_load_fs(uint16_t selector);
bool entry_load_gs(uint16_t selector);

/* Copy with recovery from faults: returns how many bytes could not be copied. */
size_t __must_check copy_recover(void *to, const void *from, size_t size);

#endif

#endif /* HV_ENTRY_H */
