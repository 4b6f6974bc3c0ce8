/* SPDX-License-Identifier: MIT */
/*
 * The hypercalls that do not touch page types.  Each takes the argument registers (of a 32-bit guest zero-extended) and
 * returns what the guest finds in its result register; abi/ has their prototypes and errors.  hv/call/hypercall.c has
 * the table.
 */
#pragma once

#include <stdint.h>

struct hv_vcpu;

typedef int64_t call_fn(struct hv_vcpu *vcpu, const uint64_t args[6]);

/* call_trap.c */
call_fn call_stack_switch, call_set_callbacks, call_callback_op, call_nmi_op, call_iret;
/* call_state.c */
call_fn call_fpu_taskswitch, call_set_debugreg, call_get_debugreg, call_set_segment_base;
/* call_sched.c */
call_fn call_sched_op, call_sched_op_compat;
/* call_vcpu.c */
call_fn call_vcpu_op;
/* call_event.c */
call_fn call_event_channel_op, call_event_channel_op_compat;
/* call_time.c */
call_fn call_set_timer_op;
/* call_memory.c: what of memory_op is not the engine's */
call_fn call_memory_op;
/* call_version.c */
call_fn call_xen_version, call_vm_assist;
/* call_console.c */
call_fn call_console_io;
/* call_physdev.c */
call_fn call_physdev_op, call_physdev_op_compat;
/* call_platform.c */
call_fn call_platform_op;
