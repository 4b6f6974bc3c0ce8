/* SPDX-License-Identifier: MIT */
/*
 * How a guest calls the hypervisor, and the number of each call.  Usable from assembly.
 *
 * Each call is described in the header of its subject; the calls that a PV guest has no use for, or that
 * belong to tools, are described at the end of this file.
 */
#ifndef ABI_HYPERCALL_H
#define ABI_HYPERCALL_H

/*
 * `incontents 10 hypercall Calling the hypervisor
 * `
 * ` The kernel of a guest does not run in ring 0: a 64-bit one has ring 3, as its programs, a 32-bit one has
 * ` ring 1. {rings}
 * ` What the processor keeps for ring 0 it asks for by a call.  Some instructions are carried out for it instead,
 * ` slower: mov to and from control and debug registers, clts, rdmsr, wrmsr, and of ports and cli and sti what
 * ` [physdev_op] says. {emulated}
 * ` Others are a #GP of the kernel, such as lgdt, lidt, lldt, ltr, lmsw, invlpg and hlt. {privileged}
 * `
 * ` A 64-bit kernel executes the instruction syscall: {registers-64}
 * `   number     rax
 * `   arguments  rdi, rsi, rdx, r10, r8, r9
 * `   result     rax
 * `   lost       rcx and r11, which the instruction itself overwrites; the argument registers may come back
 * `              changed too
 * `
 * ` A 32-bit kernel executes int $0x82: {registers-32}
 * `   number     eax
 * `   arguments  ebx, ecx, edx, esi, edi, ebp
 * `   result     eax
 * `   lost       the argument registers may come back changed
 * `
 * ` Only the kernel can make a call.  In user mode syscall goes to the kernel's own syscall callback, see
 * ` [callback_op], and int $0x82 is a #GP fault of the program. {user-mode}
 * `
 * ` An argument of 64 bits takes one register of a 64-bit guest and two of a 32-bit guest, the low half
 * ` first. {two-halves}
 * ` A pointer is a virtual address of the calling kernel; the memory behind it must be mapped while
 * ` the call runs, and writable where the call stores a result, else the call fails with -EFAULT. {pointers}
 * `
 * ` A number that is not offered gives -ENOSYS, and those of [othercalls] are not. {unknown}
 * ` What else a call may return stands in [errno].  A kernel that was started as a guest knows that it can call, see
 * ` [startofday]; code that does not know asks as [cpuid] says.
 * `
 * ` A long call may be interrupted and resumed; the guest sees one call with one result. {resumed}
 * ` On the way back from each call a pending and unmasked event is delivered first, see [shared_info]. {events-first}
 * `
 * ` The hypercall page.  A kernel image may ask for one page to be filled with 128 entry points of 32 bytes,
 * ` that of call n at byte 32 * n, see [elfnote].  The numbers of this are enum hypercall_entry.  An entry point is
 * ` called like a function: it loads the number, enters the hypervisor and returns; on 64 bits it also saves rcx and
 * ` r11.  The one for iret is jumped to, with the frame of [iret] above the registers that it stores itself. {page}
 * ` The page is ordinary memory of the guest.
 */
/* ` enum hypercall_num { // __HYPERVISOR_* => HYPERVISOR_*() */
#define __HYPERVISOR_set_trap_table              0
#define __HYPERVISOR_mmu_update                  1
#define __HYPERVISOR_set_gdt                     2
#define __HYPERVISOR_stack_switch                3
#define __HYPERVISOR_set_callbacks               4
#define __HYPERVISOR_fpu_taskswitch              5
#define __HYPERVISOR_sched_op_compat             6
#define __HYPERVISOR_platform_op                 7
#define __HYPERVISOR_set_debugreg                8
#define __HYPERVISOR_get_debugreg                9
#define __HYPERVISOR_update_descriptor          10
#define __HYPERVISOR_memory_op                  12
#define __HYPERVISOR_multicall                  13
#define __HYPERVISOR_update_va_mapping          14
#define __HYPERVISOR_set_timer_op               15
#define __HYPERVISOR_event_channel_op_compat    16
#define __HYPERVISOR_xen_version                17
#define __HYPERVISOR_console_io                 18
#define __HYPERVISOR_physdev_op_compat          19
#define __HYPERVISOR_grant_table_op             20
#define __HYPERVISOR_vm_assist                  21
#define __HYPERVISOR_update_va_mapping_otherdomain 22
#define __HYPERVISOR_iret                       23
#define __HYPERVISOR_vcpu_op                    24
#define __HYPERVISOR_set_segment_base           25 /* 64-bit guests only */
#define __HYPERVISOR_mmuext_op                  26
#define __HYPERVISOR_xsm_op                     27
#define __HYPERVISOR_nmi_op                     28
#define __HYPERVISOR_sched_op                   29
#define __HYPERVISOR_callback_op                30
#define __HYPERVISOR_xenoprof_op                31
#define __HYPERVISOR_event_channel_op           32
#define __HYPERVISOR_physdev_op                 33
#define __HYPERVISOR_hvm_op                     34
#define __HYPERVISOR_sysctl                     35
#define __HYPERVISOR_domctl                     36
#define __HYPERVISOR_kexec_op                   37
#define __HYPERVISOR_tmem_op                    38
#define __HYPERVISOR_argo_op                    39
#define __HYPERVISOR_xenpmu_op                  40
#define __HYPERVISOR_dm_op                      41
#define __HYPERVISOR_hypfs_op                   42
#define __HYPERVISOR_arch_0                     48 /* the first of those of the architecture; => nothing */
#define __HYPERVISOR_mca                        __HYPERVISOR_arch_0
/* ` } */

/*
 * The hypercall page, and the interrupt vector of a 32-bit call.
 */
/* ` enum hypercall_entry { */
#define HYPERCALL_PAGE_ENTRIES                 128
#define HYPERCALL_PAGE_STRIDE                   32
#define HYPERCALL_VECTOR                      0x82
/* ` } */

/*
 * `incontents 900 othercalls Calls of tools and of other kinds of guest
 * `
 * ` These numbers are taken, so that no other call can ever have them.  Paravane does not offer the calls:
 * ` each gives -ENOSYS, and the guests that it runs take that for an answer. {not-offered}
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_xsm_op(void *op)
 * `
 * ` @op: A question to the security module, or an order to it.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_xenoprof_op(unsigned int op, void *arg)
 * `
 * ` @op: Command of the sampling profiler.
 * ` @arg: What the command works on.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_hvm_op(unsigned int op, void *arg)
 * `
 * ` @op: Command for guests with hardware virtualisation.
 * ` @arg: What the command works on.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_sysctl(void *op)
 * `
 * ` @op: Order of the toolstack that concerns the whole machine.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_domctl(void *op)
 * `
 * ` @op: Order of the toolstack that concerns one domain.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_kexec_op(unsigned int op, void *arg)
 * `
 * ` @op: Command for loading and starting a crash kernel.
 * ` @arg: What the command works on.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_tmem_op(void *op)
 * `
 * ` @op: Request to the pool of transcendent memory, which no longer exists anywhere.
 * `
 * ` long
 * ` HYPERVISOR_argo_op(unsigned int cmd, void *arg1, void *arg2,
 * `                    unsigned long arg3, unsigned long arg4)
 * `
 * ` @cmd: Command of the message rings between domains.
 * ` @arg1: First object of the command.
 * ` @arg2: Second object of the command.
 * ` @arg3: First number of the command.
 * ` @arg4: Second number of the command.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_xenpmu_op(unsigned int op, void *arg)
 * `
 * ` @op: Command of the virtual performance counters.  Linux starts with one, and goes on without counters
 * `      on any error.
 * ` @arg: What the command works on.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_dm_op(enum domid domid, unsigned int nr_bufs, void *bufs)
 * `
 * ` @domid: The guest that a device model serves.
 * ` @nr_bufs: Number of buffers.
 * ` @bufs: The buffers.
 * `
 * ` long
 * ` HYPERVISOR_hypfs_op(unsigned int cmd, const char *path, unsigned long path_len,
 * `                     void *buf, unsigned long buf_len)
 * `
 * ` @cmd: Command on the hypervisor's tree of settings.
 * ` @path: Name of a node, in bytes without a final zero.
 * ` @path_len: Bytes in @path.
 * ` @buf: What is read or written.
 * ` @buf_len: Bytes in @buf.
 * `
 * ` enum neg_errnoval
 * ` HYPERVISOR_mca(void *op)
 * `
 * ` @op: Request about machine checks.  Linux asks as initial domain, and takes any error.
 */

#endif /* ABI_HYPERCALL_H */
