/* SPDX-License-Identifier: MIT */
/*
 * A guest's kernel in front of an instruction that emulate_privileged() is to carry out: three pages of memory,
 * poisoned registers, and what the emulation asks of the rest of the hypervisor.
 */
#pragma once

#include <hv/domain/vcpu.h>
#include <hv/emulate/emulate_result.h>

#define PAGE   0x1000u
#define BASE   UINT64_C(0x10000)
#define PAGES  3u
#define POISON UINT64_C(0x1111222233334444)

#define FLAT_64 UINT64_C(0x00affb000000ffff)
#define FLAT_32 UINT64_C(0x00cffb000000ffff)

extern uint8_t memory[PAGES * PAGE];
extern bool readable[PAGES], writable[PAGES], for_programs[PAGES]; /* the last: of 32-bit guests */
extern bool no_code_words; /* code cannot be read as a word, which the short ways want */
extern struct hv_domain domain;
extern struct hv_vcpu vcpu;
extern struct cpu_frame frame;
extern struct vcpu_info info;

/* What the tables hold in their first entries, and the GDT in all others. */
#define DESCRIPTORS 16u
extern uint64_t gdt[DESCRIPTORS], ldt[DESCRIPTORS], code_descriptor;

/* What has been asked for, and what is to be refused. */
struct seen {
    unsigned page_faults, exceptions, vector;
    uint64_t address, error; /* of a page fault; that of an exception too */
    uint64_t root, cr4, xcr0, debug[8], fs_base, gs_base, gs_base_inactive;
    unsigned port, port_bytes;
    uint32_t port_value; /* what is read from any, all ones at first, and what has been written last */
    bool task_switched, root_refused, cr4_refused;
};
extern struct seen seen;

/* A 64-bit guest's kernel in front of @bytes, all registers poisoned. */
void place(const char *bytes, size_t count);
#define PLACE(bytes) place(bytes, sizeof(bytes) - 1)

/* As a protection fault has it: by the short way, or by the long one. */
enum emulate_result privileged(void);

/* It is carried out, and is @length long; it is the guest's fault, and nothing has changed. */
void does(unsigned length);
void does_not(void);

/* What decides over ports: the level, the assist of the domain, and the mode. */
void set_iopl(unsigned level, bool architectural, bool user);
