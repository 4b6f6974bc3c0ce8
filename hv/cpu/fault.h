/* SPDX-License-Identifier: MIT */
/* The last words of a hypervisor that cannot go on. */
#pragma once

#include <stdint.h>

struct cpu_frame;

/* Print what happened, the registers and the calls that led there; end with EXIT_BROKEN. */
_Noreturn void fault_report(const struct cpu_frame *frame);

/* The same of a frame that was about to go back to a guest, and which no guest may have. */
_Noreturn void fault_report_return(const struct cpu_frame *frame);

/* The same of a processor that has stood still in the hypervisor for too long: hv/time/nmi_watchdog.h. */
_Noreturn void fault_report_hang(const struct cpu_frame *frame);

/* port_halt() of engine/port.h, for the hypervisor's own CHECK() too, is here as well: a message, and the calls. */

/*
 * Print the calls on the stack from @rsp on.  The stack is searched for return addresses, because the engine is
 * compiled without frame pointers: calls that have returned may show where nothing has overwritten them.
 */
void fault_print_calls(uint64_t rsp);
