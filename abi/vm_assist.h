/* SPDX-License-Identifier: MIT */
/*
 * Switches by which a guest asks for other behaviour: vm_assist.
 */
#ifndef ABI_VM_ASSIST_H
#define ABI_VM_ASSIST_H

/*
 * `incontents 470 vm_assist Assists: vm_assist
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_vm_assist(enum vm_assist_cmd cmd, enum vm_assist_type type)
 * `
 * ` @cmd: Switch on or off.
 * ` @type: Which.
 * `
 * ` VMASST_CMD_enable, VMASST_CMD_disable: on; off.  The switches are those of the domain.  Switching twice the same
 * ` way is no error. {switches}
 * `
 * ` Errors, in the order of the checks:
 * `   -EINVAL  unknown @type, or not one for this kind of guest {unknown-type} {ASSIST}
 * `   -ENOSYS  unknown @cmd {unknown-command} {NO_COMMAND}
 */
/* ` enum vm_assist_cmd { // VMASST_CMD_* => HYPERVISOR_vm_assist() */
#define VMASST_CMD_enable       0
#define VMASST_CMD_disable      1
/* ` } */

/*
 * ` VMASST_TYPE_4gb_segments: let a 32-bit guest use segments that reach over the hypervisor.  Under a 64-bit
 * ` hypervisor there is nothing to do, and the switch has no effect; the same for
 * ` VMASST_TYPE_4gb_segments_notify, which asks to hear of each use.
 * `
 * ` VMASST_TYPE_writable_pagetables: the kernel may write L1 entries as if its tables were writable.  The write
 * ` faults; the hypervisor decodes the instruction and carries it out as an update of [mmu_update], if
 * ` it writes an entry, or a part of one, at its natural alignment. {emulated}
 * ` A value that an update would refuse shows as an ordinary page fault, {emulation-refused}
 * ` and so does every such write while the assist is off, {emulation-off}
 * ` except in the initial domain, which is served whether it asks or not. {emulation-initial}
 * ` Tables of L2 and above cannot be written in this way. {emulation-upper}
 * ` It is slow, and for rare places only.
 * `
 * ` VMASST_TYPE_pae_extended_cr3: a 32-bit guest's top-level tables may lie at 4 GiB and above, see
 * ` compat_xen_pfn_to_cr3. {extended-cr3}
 * `
 * ` VMASST_TYPE_architectural_iopl: the kernel counts as ring 0 for the I/O privilege level, sees that level in
 * ` the rflags of its stack frames, and sets it with those that it returns by; see [physdev_op], [frame64] and
 * ` [iret]. {iopl}
 * ` No other instruction changes it: popf leaves it alone, without a fault. {popf}
 * `
 * ` VMASST_TYPE_runstate_update_flag: XEN_RUNSTATE_UPDATE may be in use, see [vcpu_op].  Paravane never needs it:
 * ` nobody runs while it writes there.
 * `
 * ` VMASST_TYPE_m2p_strict: 64-bit user mode cannot read the M2P, see [layout]. {m2p-strict}
 * ` It takes effect where a base pointer is loaded; a table that is in use already stays as it is. {m2p-strict-later}
 */
/* ` enum vm_assist_type { */
#define VMASST_TYPE_4gb_segments         0
#define VMASST_TYPE_4gb_segments_notify  1
#define VMASST_TYPE_writable_pagetables  2
#define VMASST_TYPE_pae_extended_cr3     3 /* 32-bit guests */
#define VMASST_TYPE_architectural_iopl   4
#define VMASST_TYPE_runstate_update_flag 5
#define VMASST_TYPE_m2p_strict          32 /* 64-bit guests */
/* ` } */

#endif /* ABI_VM_ASSIST_H */
