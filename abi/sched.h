/* SPDX-License-Identifier: MIT */
/*
 * Waiting, giving way, timers and the end of a domain: sched_op and set_timer_op.
 */
#ifndef ABI_SCHED_H
#define ABI_SCHED_H

#include "types.h"

/*
 * `incontents 430 sched_op Waiting and shutting down: sched_op
 * `
 * ` long
 * ` HYPERVISOR_sched_op(enum sched_cmd cmd, void *arg)
 * `
 * ` long
 * ` HYPERVISOR_sched_op_compat(enum sched_cmd cmd, unsigned long reason)
 * `
 * ` @cmd: What to do.
 * ` @arg: The structure that goes with the command, or NULL.
 * ` @reason: For SCHEDOP_shutdown, => enum shutdown_reason; else unused.  The older form of the call knows
 * `          SCHEDOP_yield, SCHEDOP_block and SCHEDOP_shutdown.
 * `
 * ` Errors of all commands, in the order of the checks:
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 * `   -EFAULT  @arg cannot be read {unreadable} {ARGUMENT_FAULT}
 * `
 * ` SCHEDOP_yield: let others run, for a while; the result is 0. {yield}
 * ` SCHEDOP_block: clear evtchn_upcall_mask and sleep until an event is pending; the two are one step, so
 * ` that no event is lost between them.  Returns 0 at once if an event is pending already. {block}
 * ` SCHEDOP_shutdown: end the domain.  A reason that is none counts as a crash.  It does not return, and ends a
 * ` multicall. {shutdown}
 * ` From SHUTDOWN_suspend a domain may be resumed, and the call returns then; Paravane cannot do that.
 * ` SCHEDOP_poll: sleep until one of some ports has an event pending, or until a time.  The ports need not be
 * ` unmasked, and no upcall is made for them.  The result is 0 in each case. {poll}
 * `   -EINVAL  more than 128 ports {poll-many} {POLL_PORTS}
 * `   -EFAULT  the array of ports cannot be read {poll-unreadable} {ARGUMENT_FAULT}
 * `   -EINVAL  one of them is not in use {poll-ports} {PORT_CLOSED}
 * ` SCHEDOP_remote_shutdown: end another domain. {remote}
 * `   -ESRCH   no such domain, which includes DOMID_SELF {remote-none} {NO_DOMAIN}
 * `   -EPERM   no right to it, or the caller itself {remote-right} {REMOTE_SHUTDOWN}
 * ` SCHEDOP_shutdown_code: only note the reason that a later end of the domain shall have; gives 0. {shutdown-code}
 * ` SCHEDOP_watchdog: start, restart or stop a timer that ends the domain with SHUTDOWN_watchdog when it runs
 * ` out.  The result is the number of the timer started, or 0. {watchdog}
 * `   -EINVAL  no such timer; the number 0, and a timeout of 0 {no-watchdog} {NO_WATCHDOG}
 * `   -EEXIST  no timer is free {watchdogs-used} {WATCHDOGS_EXHAUSTED}
 * ` SCHEDOP_pin_override: bind the calling vCPU to one processor, whatever its domain is bound to, and go on there;
 * ` with a negative pcpu, undo that; for the initial domain.  The result is 0. {pin-override}
 * `   -EPERM   another domain {pin-right} {NOT_INITIAL}
 * `   -EFAULT  @arg cannot be read {pin-unreadable} {ARGUMENT_FAULT}
 * `   -EINVAL  no such processor {pin-none} {NO_PROCESSOR}
 */
/* ` enum sched_cmd { // SCHEDOP_* => struct sched_* */
#define SCHEDOP_yield                    0 /* => nothing */
#define SCHEDOP_block                    1 /* => nothing */
#define SCHEDOP_shutdown                 2
#define SCHEDOP_poll                     3
#define SCHEDOP_remote_shutdown          4
#define SCHEDOP_shutdown_code            5 /* => struct sched_shutdown */
#define SCHEDOP_watchdog                 6
#define SCHEDOP_pin_override             7
/* ` } */

struct sched_shutdown {
    uint32_t reason; /* => enum shutdown_reason */
};

struct sched_poll {
    uint64_t ports; /* address of an array of evtchn_port_t */
    uint32_t nr_ports;
    uint32_t _gap0;
    uint64_t timeout; /* system time, in nanoseconds; 0 for none */
};

struct compat_sched_poll {
    uint32_t ports; /* address of an array of evtchn_port_t */
    uint32_t nr_ports;
    compat_u64 timeout;
};

struct sched_remote_shutdown {
    uint16_t domain_id; /* => enum domid */
    uint16_t _gap0;
    uint32_t reason; /* => enum shutdown_reason */
};

struct sched_watchdog {
    uint32_t id;      /* 0 to start a new one, else the number of one */
    uint32_t timeout; /* in seconds; 0 to stop it */
};

struct sched_pin_override {
    int32_t pcpu; /* negative to undo */
};

/* ` enum shutdown_reason { */
#define SHUTDOWN_poweroff               0 /* done */
#define SHUTDOWN_reboot                 1 /* start again */
#define SHUTDOWN_suspend                2 /* save, to be resumed */
#define SHUTDOWN_crash                  3 /* a fault: the guest found one, or the hypervisor did */
#define SHUTDOWN_watchdog               4 /* a watchdog ran out */
#define SHUTDOWN_soft_reset             5 /* start again with memory kept */
#define SHUTDOWN_MAX                    5
/* ` } */

/*
 * `incontents 440 set_timer_op The vCPU's timer: set_timer_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_timer_op(uint64_t timeout)
 * `
 * ` @timeout: System time, in nanoseconds, at which to raise VIRQ_TIMER on the calling vCPU.  0 for none.
 * `
 * ` It is the timer of VCPUOP_set_singleshot_timer, see [vcpu_op]: setting one replaces the other. {same-timer}
 * ` A time that has passed raises the interrupt at once. {past}
 * ` A time that is negative, or more than 2 to the 50 nanoseconds ahead, is taken for a mistake: the timer then runs
 * ` out after 100 milliseconds. {far}
 * `
 * ` It cannot fail. {no-error}
 */

#endif /* ABI_SCHED_H */
