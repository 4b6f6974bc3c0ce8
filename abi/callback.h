/* SPDX-License-Identifier: MIT */
/*
 * The entry points into a guest kernel that are not exceptions: events, NMI, syscall, sysenter, failsafe.
 */
#ifndef ABI_CALLBACK_H
#define ABI_CALLBACK_H

#include "types.h"

/*
 * `incontents 370 callback_op Callbacks: callback_op, set_callbacks, nmi_op
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_callback_op(enum callback_cmd cmd, const void *arg)
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_set_callbacks(unsigned long event_address,
 * `                          unsigned long failsafe_address,
 * `                          unsigned long syscall_address)
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_nmi_op(enum nmi_cmd op, const void *arg)
 * `
 * ` @cmd: What to do.
 * ` @arg: The structure that goes with the command.
 * ` @event_address: Callback of CALLBACKTYPE_event.
 * ` @failsafe_address: Callback of CALLBACKTYPE_failsafe.
 * ` @syscall_address: Callback of CALLBACKTYPE_syscall.
 * ` @op: What to do about the callback of CALLBACKTYPE_nmi.
 * `
 * ` set_callbacks is the older form, and cannot fail: an address that is not acceptable means none. {set-callbacks}
 * ` A 32-bit guest gives it four arguments: event_selector, event_address, failsafe_selector,
 * ` failsafe_address. {set-callbacks-32}
 * `
 * ` Callbacks are those of the calling vCPU.  An address of 0 means none. {register}
 * ` That of a 32-bit guest is a code selector and an address in its segment; by nmi_op the selector is
 * ` FLAT_RING1_CS. {register-32}
 * `
 * ` Errors of callback_op, in the order of the checks:
 * `   -ENOSYS  unknown command {unknown-command} {NO_COMMAND} {hv:call_callback_op}
 * `   -EFAULT  @arg cannot be read {unreadable} {ARGUMENT_FAULT} {hv:call_callback_op}
 * `
 * ` CALLBACKOP_register: have the callback of a type at an address, in place of the one before.
 * `   -EINVAL  (64-bit guests) the address is not canonical, or the hypervisor's {nowhere} {CALLBACK_ADDRESS}
 * `   -ENOSYS  unknown type, which CALLBACKTYPE_sysenter_deprecated is to a 64-bit guest, and CALLBACKTYPE_syscall to a
 * `            32-bit one {unknown-type} {CALLBACK_TYPE}
 * ` CALLBACKOP_unregister: have none.
 * `   -ENOSYS  unknown type {unregister-unknown} {CALLBACK_TYPE}
 * `   -EINVAL  any other but CALLBACKTYPE_nmi {unregister} {CALLBACK_KEPT}
 * `
 * ` CALLBACKTYPE_event: an event is pending, see [shared_info].  The frame is that of a handler without error
 * ` code, see [frame64] and [frame32]; events are masked on entry. {event}
 * `
 * ` CALLBACKTYPE_nmi: as event.  No other NMI comes until the next iret call. {nmi}
 * `
 * ` CALLBACKTYPE_syscall: user mode executed syscall in 64-bit code; CALLBACKTYPE_syscall32: in 32-bit code. {syscall}
 * ` The words rcx and r11 of the frame hold the user's rip and rflags, cs is FLAT_USER_CS64 or FLAT_USER_CS32,
 * ` and ss FLAT_USER_SS64. {syscall-frame}
 * ` A 32-bit guest's frame has FLAT_RING3_CS and FLAT_RING3_SS, whatever the program's selectors were, and its ring is
 * ` taken for 3. {syscall-frame-32}
 * ` The direction flag is clear on entry. {syscall-direction}
 * ` Without this callback the program gets #UD. {syscall-none}
 * `
 * ` CALLBACKTYPE_sysenter: user mode executed sysenter.  The frame has rsp and rip 0 and cs 3, because the
 * ` instruction does not keep them. {sysenter}
 * ` ss is FLAT_USER_SS64, or FLAT_RING3_SS of a 32-bit guest. {sysenter-ss}
 * ` Without this callback the program gets #GP. {sysenter-none}
 * `
 * ` CALLBACKTYPE_failsafe: a segment register of the vCPU could not be loaded when the vCPU got the processor
 * ` again; all four are 0 now.  The frame has their values between the first two words and the rest: rcx, r11,
 * ` ds, es, fs, gs, rip, cs, rflags, rsp, ss; {failsafe}
 * ` for a 32-bit guest ds, es, fs, gs, eip, cs, eflags [, esp, ss]. {failsafe-32}
 * `
 * ` CALLBACKF_mask_events asks for events to be masked on entry; it counts for failsafe, syscall, syscall32 and
 * ` sysenter. {mask-events}
 */
/* ` enum callback_cmd { // CALLBACKOP_* => struct callback_* */
#define CALLBACKOP_register             0
#define CALLBACKOP_unregister           1
/* ` } */

/* ` enum callback_type { */
#define CALLBACKTYPE_event               0
#define CALLBACKTYPE_failsafe            1
#define CALLBACKTYPE_syscall             2 /* 64-bit guests */
#define CALLBACKTYPE_sysenter_deprecated 3 /* 32-bit guests */
#define CALLBACKTYPE_nmi                 4
#define CALLBACKTYPE_sysenter            5
#define CALLBACKTYPE_syscall32           7
/* ` } */

/* ` enum callback_flags { */
#define CALLBACKF_mask_events (1U << 0)
/* ` } */

struct callback_register {
    uint16_t type;  /* => enum callback_type */
    uint16_t flags; /* => enum callback_flags */
    uint32_t _gap0;
    uint64_t address;
};

struct compat_xen_callback {
    uint32_t cs;
    uint32_t eip;
};

struct compat_callback_register {
    uint16_t type;  /* => enum callback_type */
    uint16_t flags; /* => enum callback_flags */
    struct compat_xen_callback address;
};

/*
 * The same in both widths.
 */
struct callback_unregister {
    uint16_t type; /* => enum callback_type */
    uint16_t _unused;
};

/*
 * ` nmi_op is the older way to CALLBACKTYPE_nmi. {nmi-op}
 * `   -ENOSYS  unknown command {nmi-unknown-command} {NO_COMMAND} {hv:call_nmi_op}
 * ` XENNMI_unregister_callback: as CALLBACKOP_unregister; the structure is not looked at.
 * ` XENNMI_register_callback: as CALLBACKOP_register.
 * `   -EFAULT  @arg cannot be read {nmi-unreadable} {ARGUMENT_FAULT}
 * `   -EINVAL  (64-bit guests) the address is not canonical, or the hypervisor's {nmi-nowhere} {CALLBACK_ADDRESS}
 */
/* ` enum nmi_cmd { // XENNMI_* => struct xennmi_callback */
#define XENNMI_register_callback        0
#define XENNMI_unregister_callback      1 /* => nothing */
/* ` } */

struct xennmi_callback {
    uint64_t handler_address;
    uint64_t pad;
};

struct compat_xennmi_callback {
    uint32_t handler_address;
    uint32_t pad;
};

/*
 * ` Why an NMI came, in arch_shared_info.nmi_reason; 0 if it was sent with VCPUOP_send_nmi.
 */
/* ` enum nmi_reason { */
#define XEN_NMIREASON_io_error  (1UL << 0) /* an I/O channel check */
#define XEN_NMIREASON_pci_serr  (1UL << 1) /* a system error on the PCI bus */
#define XEN_NMIREASON_unknown   (1UL << 2)
/* ` } */

#endif /* ABI_CALLBACK_H */
