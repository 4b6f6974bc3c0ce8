/* SPDX-License-Identifier: MIT */
/*
 * Starting, stopping and watching the vCPUs of a guest, and their timers: vcpu_op.
 */
#ifndef ABI_VCPU_H
#define ABI_VCPU_H

#include "context.h"
#include "shared.h"
#include "types.h"

/*
 * `incontents 340 vcpu_op Virtual processors: vcpu_op
 * `
 * ` long
 * ` HYPERVISOR_vcpu_op(enum vcpu_cmd cmd, unsigned int vcpuid, void *extra_args)
 * `
 * ` @cmd: What to do.
 * ` @vcpuid: The vCPU, of the calling domain.
 * ` @extra_args: The structure that goes with the command, or NULL.
 * `
 * ` Errors of all commands, in the order of the checks:
 * `   -ENOENT  the domain has no such vCPU.  Guests count their vCPUs by asking VCPUOP_is_up until this comes {no-vcpu}
 * `            {NO_VCPU} {hv}
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND}
 * `   -EFAULT  @extra_args cannot be read or written {unreadable} {ARGUMENT_FAULT}
 * `
 * ` VCPUOP_initialise: give a vCPU that has never run its state, a vcpu_guest_context, see
 * ` [vcpu_guest_context].  It stays down. {initialise}
 * `   -EINVAL  a vCPU of number 32 or above that has no vcpu_info yet {initialise-no-info}
 * `            {VCPU_WITHOUT_INFO}
 * `   -EEXIST  initialised already {initialise-twice} {VCPU_INITIALISED}
 * `   -ENOMEM  no memory to take the structure apart; ask again {initialise-no-memory} {HYPERVISOR_MEMORY}
 * `   -EFAULT  @extra_args cannot be read {initialise-unreadable} {ARGUMENT_FAULT}
 * `   -EINVAL  more than 16 GDT frames; 2^32 descriptors of an LDT or more; (64-bit guests) an address of code or
 * `            stack, or a base of fs or gs, that is not canonical or is the hypervisor's; user mode without ctrlreg[1]
 * `            {initialise-senseless} {CONTEXT_ADDRESS CONTEXT_TABLES CONTEXT_USER_ROOT}
 * `   -ESRCH   the domain is being torn down {initialise-dying} {DYING}
 * `   -EINVAL, -EPERM, -EBUSY, -EACCES, -ERANGE  a GDT, an LDT, a handler or a page table that is not acceptable; the
 * `            vCPU is as before {initialise-refused}
 * `            {TABLE_LIMIT NOT_OWNED REFERENCES_EXHAUSTED TYPE_CONFLICT TYPE_UNDER_CONVERSION}
 * `            {TYPE_COUNT_EXHAUSTED DESCRIPTOR MISALIGNED NOT_CANONICAL ROOT_ABOVE_4G SLOT_MISSING L1TF BAD_FLAGS}
 * `            {CACHE_FLAGS CACHE_FLAGS_SHARED NOT_RAM NO_SUCH_FRAME SELF_MAP TABLE_SHARED}
 * `            {LINEAR_WRITABLE LINEAR_CHAIN}
 * `   -EINVAL  with VGCF_i387_valid, an mxcsr with a bit above 15 {initialise-fpu} {CONTEXT_FPU}
 * ` VCPUOP_up: let an initialised vCPU run.  0 if it runs already. {up}
 * `   -EINVAL  not initialised {up-uninitialised} {VCPU_NOT_INITIALISED}
 * ` VCPUOP_down: stop a vCPU; it takes effect when the vCPU leaves the processor.  0 also if it was not up. {down}
 * ` Stopping the last one that is up ends the domain, which counts as a crash: nothing will ever start one
 * ` again. {down-last}
 * ` VCPUOP_is_up: 1 or 0. {is-up}
 * ` VCPUOP_get_runstate_info: how the time of the vCPU was spent, once. {runstate}
 * ` VCPUOP_register_runstate_memory_area: where to keep the same information up to date, or 0 for nowhere.  What cannot
 * ` be written at the moment is written when it can. {runstate-area}
 * `   -EFAULT  it does not lie in guest memory {runstate-area-nowhere} {AREA}
 * ` VCPUOP_set_periodic_timer, VCPUOP_stop_periodic_timer: raise VIRQ_TIMER at a fixed rate, or no more.  A
 * ` vCPU starts with a periodic timer of 10 ms; stopping none is no error. {periodic}
 * `   -EINVAL  a period shorter than a millisecond or of 2^62 ns or longer {period} {TIMER_PERIOD}
 * ` VCPUOP_set_singleshot_timer, VCPUOP_stop_singleshot_timer: raise VIRQ_TIMER once, replacing the timer set
 * ` before; or no more.  A time that has passed raises it at once. {singleshot}
 * `   -EINVAL  @vcpuid is not the calling vCPU {singleshot-other} {TIMER_OTHER_VCPU}
 * `   -EFAULT  @extra_args cannot be read {singleshot-unreadable} {ARGUMENT_FAULT}
 * `   -ETIME   the time has passed and VCPU_SSHOTTMR_future is set {singleshot-past} {TIMER_PAST}
 * ` VCPUOP_register_vcpu_info: move the vCPU's vcpu_info from shared_info to another place, once.  What it
 * ` held is copied; then an event is made pending, so that none is lost, and the time is refreshed. {register-info}
 * `   -ENXIO   the offset is misaligned, or the structure would cross the end of the frame {info-offset} {INFO_PLACE}
 * `   -EINVAL  done already {info-twice} {INFO_MOVED}
 * `   -ESRCH   the domain is being torn down {info-dying} {DYING}
 * `   -ENOMEM  the hypervisor holds as many of the domain's frames as it can {info-holds} {HOLDS_EXHAUSTED}
 * `   -EINVAL  no such frame, or another owner; the frame cannot be written {info-refused}
 * `            {NOT_OWNED REFERENCES_EXHAUSTED TYPE_CONFLICT TYPE_UNDER_CONVERSION TYPE_COUNT_EXHAUSTED}
 * ` VCPUOP_send_nmi: deliver an NMI to the vCPU, see [callback_op]. {send-nmi}
 * `   -EINVAL  @extra_args is not NULL {nmi-argument} {NMI_ARGUMENT}
 * ` VCPUOP_get_physid: the processor that the vCPU, of the initial domain, is bound to; or the only one. {physid}
 * `   -EINVAL  it is not bound to one, or the caller is another domain {physid-refused} {NOT_BOUND NOT_INITIAL}
 * `   -EFAULT  @extra_args cannot be written {physid-unwritable} {ARGUMENT_FAULT}
 * ` VCPUOP_register_vcpu_time_memory_area: where to keep a second copy of the vCPU's time, which the kernel
 * ` can map into user mode. {time-area}
 * `   -EFAULT  it does not lie in guest memory {time-area-nowhere} {AREA}
 */
/* ` enum vcpu_cmd { // VCPUOP_* => struct vcpu_* */
#define VCPUOP_initialise                        0 /* => struct vcpu_guest_context */
#define VCPUOP_up                                1 /* => nothing */
#define VCPUOP_down                              2 /* => nothing */
#define VCPUOP_is_up                             3 /* => nothing */
#define VCPUOP_get_runstate_info                 4 /* => struct vcpu_runstate_info */
#define VCPUOP_register_runstate_memory_area     5
#define VCPUOP_set_periodic_timer                6
#define VCPUOP_stop_periodic_timer               7 /* => nothing */
#define VCPUOP_set_singleshot_timer              8
#define VCPUOP_stop_singleshot_timer             9 /* => nothing */
#define VCPUOP_register_vcpu_info               10
#define VCPUOP_send_nmi                         11 /* => nothing */
#define VCPUOP_get_physid                       12
#define VCPUOP_register_vcpu_time_memory_area   13 /* => struct vcpu_register_time_memory_area */
/* ` } */

/*
 * Where a vCPU's time went.  All times are system time, in nanoseconds.
 */
struct vcpu_runstate_info {
    int32_t state; /* => enum runstate */
    uint32_t _gap0;
    uint64_t state_entry_time; /* when this state began; => enum runstate_update */
    uint64_t time[4];          /* time spent in each state, by its number */
};

struct compat_vcpu_runstate_info {
    int32_t state; /* => enum runstate */
    compat_u64 state_entry_time;
    compat_u64 time[4];
};

/*
 * In state_entry_time: an update is under way, read again.  Only with VMASST_TYPE_runstate_update_flag, and never set
 * by Paravane: no vCPU of the guest runs while it writes there.
 */
/* ` enum runstate_update { */
#define XEN_RUNSTATE_UPDATE (1ULL << 63)
/* ` } */

/* ` enum runstate { */
#define RUNSTATE_running        0 /* on a processor */
#define RUNSTATE_runnable       1 /* wants a processor and has none */
#define RUNSTATE_blocked        2 /* waits for an event */
#define RUNSTATE_offline        3 /* down, paused or not started */
/* ` } */

/*
 * The place of a vcpu_runstate_info: a virtual address of the kernel, which should stay mapped.  The
 * hypervisor writes it while the kernel's page table is loaded, and skips an update that fails.
 */
struct vcpu_register_runstate_memory_area {
    union {
        uint64_t h; /* the address; the three names mean the same */
        uint64_t v;
        uint64_t p;
    } addr;
};

struct compat_vcpu_register_runstate_memory_area {
    union {
        uint32_t h;
        uint32_t v;
        compat_u64 p;
    } addr;
};

struct vcpu_set_periodic_timer {
    uint64_t period_ns;
};

struct vcpu_set_singleshot_timer {
    uint64_t timeout_abs_ns; /* system time, in nanoseconds */
    uint32_t flags;          /* => enum singleshot_flags */
    uint32_t _gap0;
};

struct compat_vcpu_set_singleshot_timer {
    compat_u64 timeout_abs_ns;
    uint32_t flags; /* => enum singleshot_flags */
};

/* ` enum singleshot_flags { */
#define VCPU_SSHOTTMR_future (1U << 0) /* fail rather than fire if the time has passed */
/* ` } */

struct vcpu_register_vcpu_info {
    uint64_t mfn;    /* machine frame of the guest */
    uint32_t offset; /* of the vcpu_info in it, a multiple of its alignment */
    uint32_t rsvd;   /* 0 */
};

struct vcpu_get_physid {
    uint64_t phys_id; /* APIC number in the low half, ACPI number in the high half */
};

#define xen_vcpu_physid_to_x86_apicid(physid) ((uint32_t)(physid))
#define xen_vcpu_physid_to_x86_acpiid(physid) ((uint32_t)((physid) >> 32))

/*
 * The place of a second vcpu_time_info: a virtual address of the kernel, as for the runstate.
 */
struct vcpu_register_time_memory_area {
    union {
        uint64_t h;
        uint64_t v;
        uint64_t p;
    } addr;
};

struct compat_vcpu_register_time_memory_area {
    union {
        uint32_t h;
        uint32_t v;
        compat_u64 p;
    } addr;
};

#endif /* ABI_VCPU_H */
