/* SPDX-License-Identifier: MIT */
/*
 * What every guest kernel has: where it was started from, and how it ends.
 */
#pragma once

#include <abi/shared.h>
#include <abi/start.h>
#include <guest/types.h>

/* Set once, before guest_main() runs. */
struct guest {
    const struct start_info *start;
    shared_info_t *shared;   /* mapped read-write */
    vcpu_info_t *vcpu;       /* of vCPU 0: in shared_info, until somebody registers another place */
    uint64_t boot_stack_end; /* the stack that the builder made ends here */
    uint64_t nr_mapped;      /* pages mapped at VIRT_BASE, from pfn 0 on; 0 until they have been counted */
    bool native;             /* started on bare hardware, see native.h: there is no hypervisor to call */
};
extern struct guest guest;

/*
 * The kernel's own part.  Runs on a stack of STACK_SIZE bytes with console, memory, traps and events ready, and event
 * delivery masked.  On return the domain powers off.
 */
void guest_main(void);

/* End the domain: SHUTDOWN_poweroff, SHUTDOWN_crash, ... */
_Noreturn void guest_shutdown(unsigned reason);

/* Say why, then end the domain with SHUTDOWN_crash. */
_Noreturn __attribute__((format(printf, 1, 2))) void guest_panic(const char *format, ...);

/* The value behind "NAME=" on the command line, as a number in C notation; @otherwise if it is not there. */
uint64_t guest_option(const char *name, uint64_t otherwise);
