/* SPDX-License-Identifier: MIT */
/*
 * The kernels and the library name structures, registers and constants of the ABI as a 64-bit guest has them.  In a
 * kernel of 32 bits these names stand for the narrow ones; what is laid out alike in both widths has one name anyhow.
 *
 * shared_info and vcpu_info are names of members as well: guest/width.h has types for them.
 */
#pragma once

#include <abi/blkif.h>
#include <abi/callback.h>
#include <abi/context.h>
#include <abi/event.h>
#include <abi/grant.h>
#include <abi/layout.h>
#include <abi/memory.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <abi/physdev.h>
#include <abi/sched.h>
#include <abi/segment.h>
#include <abi/shared.h>
#include <abi/start.h>
#include <abi/trap.h>
#include <abi/vcpu.h>
#include <abi/version.h>

/* ---- Structures. */

#define xen_pfn_t                          compat_pfn_t
#define blkif_request                      compat_blkif_request
#define blkif_request_discard              compat_blkif_request_discard
#define blkif_request_indirect             compat_blkif_request_indirect
#define blkif_response                     compat_blkif_response
#define callback_register                  compat_callback_register
#define xennmi_callback                    compat_xennmi_callback
#define cpu_user_regs                      compat_cpu_user_regs
#define vcpu_guest_context                 compat_vcpu_guest_context
#define gnttab_setup_table                 compat_gnttab_setup_table
#define gnttab_transfer                    compat_gnttab_transfer
#define gnttab_copy                        compat_gnttab_copy
#define gnttab_copy_ptr                    compat_gnttab_copy_ptr
#define gnttab_get_status_frames           compat_gnttab_get_status_frames
#define xen_memory_reservation             compat_xen_memory_reservation
#define xen_memory_exchange                compat_xen_memory_exchange
#define xen_machphys_mapping               compat_xen_machphys_mapping
#define xen_machphys_mfn_list              compat_xen_machphys_mfn_list
#define xen_memory_map                     compat_xen_memory_map
#define xen_foreign_memory_map             compat_xen_foreign_memory_map
#define xen_add_to_physmap                 compat_xen_add_to_physmap
#define xen_remove_from_physmap            compat_xen_remove_from_physmap
#define mmuext_op                          compat_mmuext_op
#define multicall_entry                    compat_multicall_entry
#define physdev_set_iobitmap               compat_physdev_set_iobitmap
#define physdev_apic                       compat_physdev_apic
#define physdev_map_pirq                   compat_physdev_map_pirq
#define physdev_pirq_eoi_gmfn              compat_physdev_pirq_eoi_gmfn
#define physdev_op                         compat_physdev_op
#define sched_poll                         compat_sched_poll
#define start_info                         compat_start_info
#define trap_info                          compat_trap_info
#define iret_context                       compat_iret_context
#define vcpu_runstate_info                 compat_vcpu_runstate_info
#define vcpu_register_runstate_memory_area compat_vcpu_register_runstate_memory_area
#define vcpu_set_singleshot_timer          compat_vcpu_set_singleshot_timer
#define vcpu_register_time_memory_area     compat_vcpu_register_time_memory_area
#define xen_platform_parameters            compat_xen_platform_parameters
#define arch_vcpu_info                     compat_arch_vcpu_info
#define arch_shared_info                   compat_arch_shared_info

/* ---- Registers, in those structures and in struct regs. */

#define rax    eax
#define rbx    ebx
#define rcx    ecx
#define rdx    edx
#define rsi    esi
#define rdi    edi
#define rbp    ebp
#define rsp    esp
#define rip    eip
#define rflags eflags

/* A member with another place. */
#define wc_sec_hi arch.wc_sec_hi

/* ---- Constants. */

#undef xen_pfn_to_cr3
#define xen_pfn_to_cr3(pfn) compat_xen_pfn_to_cr3(pfn)
#undef xen_cr3_to_pfn
#define xen_cr3_to_pfn(cr3) compat_xen_cr3_to_pfn(cr3)

#undef MACH2PHYS_VIRT_START
#define MACH2PHYS_VIRT_START COMPAT_MACH2PHYS_VIRT_START
#undef MACH2PHYS_VIRT_END
#define MACH2PHYS_VIRT_END COMPAT_MACH2PHYS_VIRT_END
#undef MACH2PHYS_NR_ENTRIES
#define MACH2PHYS_NR_ENTRIES COMPAT_MACH2PHYS_NR_ENTRIES
#undef HYPERVISOR_VIRT_START
#define HYPERVISOR_VIRT_START COMPAT_HYPERVISOR_VIRT_START
#undef HYPERVISOR_VIRT_END
#define HYPERVISOR_VIRT_END UINT64_C(0x100000000)
#undef EVTCHN_2L_NR_CHANNELS
#define EVTCHN_2L_NR_CHANNELS COMPAT_EVTCHN_2L_NR_CHANNELS

#undef FLAT_KERNEL_CS
#define FLAT_KERNEL_CS COMPAT_FLAT_KERNEL_CS
#undef FLAT_KERNEL_DS
#define FLAT_KERNEL_DS COMPAT_FLAT_KERNEL_DS
#undef FLAT_KERNEL_SS
#define FLAT_KERNEL_SS COMPAT_FLAT_KERNEL_SS
#undef FLAT_USER_CS
#define FLAT_USER_CS COMPAT_FLAT_USER_CS
#undef FLAT_USER_DS
#define FLAT_USER_DS COMPAT_FLAT_USER_DS
#undef FLAT_USER_SS
#define FLAT_USER_SS COMPAT_FLAT_USER_SS
