/* SPDX-License-Identifier: MIT */
/* MSRs, for the part that differs between the widths: x86_64/bases.c, x86_32/bases.c. */
#pragma once

#include <guest/types.h>

/* Those of the segments' bases. */
#define MSR_FS_BASE   0xc0000100u
#define MSR_GS_BASE   0xc0000101u
#define MSR_KERNEL_GS 0xc0000102u

/* The vector that the access raises, TRAP_NONE for none. */
unsigned rdmsr(uint32_t msr, uint64_t *value);
unsigned wrmsr(uint32_t msr, uint64_t value);

/* A test of this @name: it reads as @want, of the bits in @mask; @vector is #GP. */
void msr_reads(const char *name, uint32_t msr, uint64_t mask, uint64_t want);
void msr_refused(const char *name, unsigned vector);

/* What there is of them in this width. */
void privileged_bases(void);
