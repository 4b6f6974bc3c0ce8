/* SPDX-License-Identifier: MIT */
/*
 * The vCPUs of a PV guest.  The kernel starts on vCPU 0; each other one runs a function of the kernel's on a stack of
 * its own, on the root that its starter runs on, with the same traps.  What of the library may run on several at once,
 * guest/README.md says.
 */
#pragma once

#include <abi/shared.h>
#include <guest/types.h>

#define VCPUS_MAX 32u

/* How many the domain has, up or down: 1 at least. */
unsigned vcpu_count(void);

/* The number of the one that asks.  Who runs on a stack that is not known here is taken for vCPU 0. */
unsigned vcpu_here(void);

/* The vcpu_info of the one that asks. */
vcpu_info_t *vcpu_info_here(void);

/* For vcpu_start(): @vcpu, not 0, is who runs on the STACK_SIZE bytes from @stack on. */
void vcpu_set_stack(unsigned vcpu, char *stack);

/*
 * Run @function(@arg) on @vcpu, which is not 0 and has not been started by anybody; events are masked there.  When it
 * returns the vCPU goes down for good.  0, or the error of VCPUOP_initialise or VCPUOP_up.
 */
int __must_check vcpu_start(unsigned vcpu, void (*function)(void *arg), void *arg);

/* Is it up? */
bool vcpu_is_up(unsigned vcpu);
