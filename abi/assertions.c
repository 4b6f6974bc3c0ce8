/* SPDX-License-Identifier: MIT */
/*
 * What the structures of abi/ must come to, whatever they are compiled for: the size of each, and where its key members
 * lie.  There is no code in it.  It stands apart from the headers because their text is the reference manual, and it is
 * compiled into everything that uses them: the engine, the guest library and the command, by each compiler.
 */
#include "9pfs.h"
#include "blkif.h"
#include "callback.h"
#include "context.h"
#include "event.h"
#include "grant.h"
#include "io.h"
#include "memory.h"
#include "mmu.h"
#include "mmuext.h"
#include "multicall.h"
#include "netif.h"
#include "physdev.h"
#include "platform.h"
#include "ring.h"
#include "sched.h"
#include "shared.h"
#include "start.h"
#include "trap.h"
#include "vcpu.h"
#include "version.h"

#define SIZE(type, bytes)           _Static_assert(sizeof(type) == (bytes), #type)
#define OFFSET(type, member, bytes) _Static_assert(offsetof(type, member) == (bytes), #type "." #member)

/* mmu.h */
SIZE(struct mmu_update, 16);
OFFSET(struct mmu_update, val, 8);

/* mmuext.h */
SIZE(struct mmuext_op, 24);
OFFSET(struct mmuext_op, arg1, 8);
OFFSET(struct mmuext_op, arg2, 16);
SIZE(struct compat_mmuext_op, 12);
OFFSET(struct compat_mmuext_op, arg1, 4);
OFFSET(struct compat_mmuext_op, arg2, 8);

/* memory.h */
SIZE(struct xen_memory_reservation, 32);
OFFSET(struct xen_memory_reservation, domid, 24);
SIZE(struct compat_xen_memory_reservation, 20);
OFFSET(struct compat_xen_memory_reservation, domid, 16);
SIZE(struct xen_memory_exchange, 72);
OFFSET(struct xen_memory_exchange, nr_exchanged, 64);
SIZE(struct compat_xen_memory_exchange, 44);
OFFSET(struct compat_xen_memory_exchange, nr_exchanged, 40);
SIZE(struct xen_memory_domain, 2);
SIZE(struct xen_machphys_mapping, 24);
OFFSET(struct xen_machphys_mapping, max_mfn, 16);
SIZE(struct compat_xen_machphys_mapping, 12);
OFFSET(struct compat_xen_machphys_mapping, max_mfn, 8);
SIZE(struct xen_machphys_mfn_list, 24);
OFFSET(struct xen_machphys_mfn_list, nr_extents, 16);
SIZE(struct compat_xen_machphys_mfn_list, 12);
OFFSET(struct compat_xen_machphys_mfn_list, nr_extents, 8);
SIZE(struct xen_memory_map, 16);
OFFSET(struct xen_memory_map, buffer, 8);
SIZE(struct compat_xen_memory_map, 8);
OFFSET(struct compat_xen_memory_map, buffer, 4);
SIZE(struct e820_entry, 20);
OFFSET(struct e820_entry, type, 16);
SIZE(struct xen_foreign_memory_map, 24);
OFFSET(struct xen_foreign_memory_map, map, 8);
SIZE(struct compat_xen_foreign_memory_map, 12);
OFFSET(struct compat_xen_foreign_memory_map, map, 4);
SIZE(struct xen_add_to_physmap, 24);
OFFSET(struct xen_add_to_physmap, gpfn, 16);
SIZE(struct compat_xen_add_to_physmap, 16);
OFFSET(struct compat_xen_add_to_physmap, gpfn, 12);
SIZE(struct xen_remove_from_physmap, 16);
OFFSET(struct xen_remove_from_physmap, gpfn, 8);
SIZE(struct compat_xen_remove_from_physmap, 8);
OFFSET(struct compat_xen_remove_from_physmap, gpfn, 4);

/* multicall.h */
SIZE(struct multicall_entry, 64);
OFFSET(struct multicall_entry, result, 8);
OFFSET(struct multicall_entry, args, 16);
SIZE(struct compat_multicall_entry, 32);
OFFSET(struct compat_multicall_entry, result, 4);
OFFSET(struct compat_multicall_entry, args, 8);

/* start.h */
SIZE(struct start_info, 1168);
OFFSET(struct start_info, shared_info, 40);
OFFSET(struct start_info, store_mfn, 56);
OFFSET(struct start_info, console.domU.mfn, 72);
OFFSET(struct start_info, console.domU.evtchn, 80);
OFFSET(struct start_info, console.dom0.info_size, 76);
OFFSET(struct start_info, pt_base, 88);
OFFSET(struct start_info, cmd_line, 128);
OFFSET(struct start_info, first_p2m_pfn, 1152);
SIZE(struct compat_start_info, 1112);
OFFSET(struct compat_start_info, shared_info, 36);
OFFSET(struct compat_start_info, store_mfn, 44);
OFFSET(struct compat_start_info, console, 52);
OFFSET(struct compat_start_info, pt_base, 60);
OFFSET(struct compat_start_info, cmd_line, 80);
OFFSET(struct compat_start_info, first_p2m_pfn, 1104);
SIZE(struct xen_multiboot_mod_list, 16);
SIZE(struct dom0_vga_console_info, 40);
OFFSET(struct dom0_vga_console_info, u, 4);

/* trap.h */
SIZE(struct trap_info, 16);
OFFSET(struct trap_info, cs, 2);
OFFSET(struct trap_info, address, 8);
SIZE(struct compat_trap_info, 8);
OFFSET(struct compat_trap_info, address, 4);
SIZE(struct iret_context, 72);
OFFSET(struct iret_context, rip, 32);
SIZE(struct compat_iret_context, 24);
OFFSET(struct compat_iret_context, esp, 16);

/* callback.h */
SIZE(struct callback_register, 16);
OFFSET(struct callback_register, address, 8);
SIZE(struct compat_xen_callback, 8);
SIZE(struct compat_callback_register, 12);
OFFSET(struct compat_callback_register, address, 4);
SIZE(struct callback_unregister, 4);
SIZE(struct xennmi_callback, 16);
SIZE(struct compat_xennmi_callback, 8);

/* context.h */
SIZE(struct cpu_user_regs, 200);
OFFSET(struct cpu_user_regs, error_code, 120);
OFFSET(struct cpu_user_regs, rip, 128);
OFFSET(struct cpu_user_regs, ss, 160);
SIZE(struct compat_cpu_user_regs, 68);
OFFSET(struct compat_cpu_user_regs, eip, 32);
OFFSET(struct compat_cpu_user_regs, ss, 48);
SIZE(struct vcpu_guest_context, 5168);
OFFSET(struct vcpu_guest_context, flags, 512);
OFFSET(struct vcpu_guest_context, trap_ctxt, 720);
OFFSET(struct vcpu_guest_context, ldt_base, 4816);
OFFSET(struct vcpu_guest_context, gdt_frames, 4832);
OFFSET(struct vcpu_guest_context, ctrlreg, 4984);
OFFSET(struct vcpu_guest_context, event_callback_eip, 5112);
OFFSET(struct vcpu_guest_context, vm_assist, 5136);
SIZE(struct compat_vcpu_guest_context, 2800);
OFFSET(struct compat_vcpu_guest_context, user_regs, 516);
OFFSET(struct compat_vcpu_guest_context, trap_ctxt, 584);
OFFSET(struct compat_vcpu_guest_context, gdt_frames, 2640);
OFFSET(struct compat_vcpu_guest_context, ctrlreg, 2716);
OFFSET(struct compat_vcpu_guest_context, event_callback_cs, 2780);
OFFSET(struct compat_vcpu_guest_context, vm_assist, 2796);

/* shared.h */
SIZE(struct vcpu_time_info, 32);
OFFSET(struct vcpu_time_info, tsc_timestamp, 8);
OFFSET(struct vcpu_time_info, tsc_shift, 28);
SIZE(struct arch_vcpu_info, 16);
SIZE(struct compat_arch_vcpu_info, 24);
SIZE(struct vcpu_info, 64);
OFFSET(struct vcpu_info, evtchn_pending_sel, 8);
OFFSET(struct vcpu_info, arch.cr2, 16);
OFFSET(struct vcpu_info, time, 32);
SIZE(struct compat_vcpu_info, 64);
OFFSET(struct compat_vcpu_info, evtchn_pending_sel, 4);
OFFSET(struct compat_vcpu_info, arch.cr2, 8);
OFFSET(struct compat_vcpu_info, time, 32);
SIZE(struct arch_shared_info, 48);
OFFSET(struct arch_shared_info, nmi_reason, 16);
SIZE(struct compat_arch_shared_info, 28);
OFFSET(struct compat_arch_shared_info, wc_sec_hi, 24);
SIZE(struct shared_info, 3136);
OFFSET(struct shared_info, evtchn_pending, 2048);
OFFSET(struct shared_info, evtchn_mask, 2560);
OFFSET(struct shared_info, wc_version, 3072);
OFFSET(struct shared_info, wc_sec_hi, 3084);
OFFSET(struct shared_info, arch.max_pfn, 3088);
SIZE(struct compat_shared_info, 2344);
OFFSET(struct compat_shared_info, evtchn_mask, 2176);
OFFSET(struct compat_shared_info, wc_version, 2304);
OFFSET(struct compat_shared_info, arch.max_pfn, 2316);
OFFSET(struct compat_shared_info, arch.wc_sec_hi, 2340);

/* event.h */
SIZE(struct evtchn_alloc_unbound, 8);
SIZE(struct evtchn_bind_interdomain, 12);
OFFSET(struct evtchn_bind_interdomain, local_port, 8);
SIZE(struct evtchn_bind_virq, 12);
SIZE(struct evtchn_bind_pirq, 12);
SIZE(struct evtchn_bind_ipi, 8);
SIZE(struct evtchn_close, 4);
SIZE(struct evtchn_send, 4);
SIZE(struct evtchn_status, 24);
OFFSET(struct evtchn_status, u, 16);
SIZE(struct evtchn_bind_vcpu, 8);
SIZE(struct evtchn_unmask, 4);
SIZE(struct evtchn_reset, 2);
SIZE(struct evtchn_init_control, 24);
OFFSET(struct evtchn_init_control, link_bits, 16);
SIZE(struct evtchn_expand_array, 8);
SIZE(struct evtchn_set_priority, 8);
SIZE(struct evtchn_op, 28);
OFFSET(struct evtchn_op, u, 4);
SIZE(struct evtchn_fifo_control_block, 72);

/* sched.h */
SIZE(struct sched_shutdown, 4);
SIZE(struct sched_poll, 24);
OFFSET(struct sched_poll, timeout, 16);
SIZE(struct compat_sched_poll, 16);
OFFSET(struct compat_sched_poll, timeout, 8);
SIZE(struct sched_remote_shutdown, 8);
OFFSET(struct sched_remote_shutdown, reason, 4);
SIZE(struct sched_watchdog, 8);
SIZE(struct sched_pin_override, 4);

/* vcpu.h */
SIZE(struct vcpu_runstate_info, 48);
OFFSET(struct vcpu_runstate_info, state_entry_time, 8);
SIZE(struct compat_vcpu_runstate_info, 44);
OFFSET(struct compat_vcpu_runstate_info, state_entry_time, 4);
SIZE(struct vcpu_register_runstate_memory_area, 8);
SIZE(struct compat_vcpu_register_runstate_memory_area, 8);
SIZE(struct vcpu_set_periodic_timer, 8);
SIZE(struct vcpu_set_singleshot_timer, 16);
OFFSET(struct vcpu_set_singleshot_timer, flags, 8);
SIZE(struct compat_vcpu_set_singleshot_timer, 12);
SIZE(struct vcpu_register_vcpu_info, 16);
OFFSET(struct vcpu_register_vcpu_info, offset, 8);
SIZE(struct vcpu_get_physid, 8);
SIZE(struct vcpu_register_time_memory_area, 8);
SIZE(struct compat_vcpu_register_time_memory_area, 8);

/* version.h */
SIZE(struct xen_compile_info, 144);
OFFSET(struct xen_compile_info, compile_date, 112);
SIZE(struct xen_platform_parameters, 8);
SIZE(struct compat_xen_platform_parameters, 4);
SIZE(struct xen_feature_info, 8);
SIZE(struct xen_build_id, 4);
OFFSET(struct xen_build_id, buf, 4);

/* io.h */
SIZE(struct xencons_interface, 3088);
OFFSET(struct xencons_interface, in_cons, 3072);
OFFSET(struct xencons_interface, out_prod, 3084);
SIZE(struct xenstore_domain_interface, 2076);
OFFSET(struct xenstore_domain_interface, req_cons, 2048);
OFFSET(struct xenstore_domain_interface, rsp_prod, 2060);
OFFSET(struct xenstore_domain_interface, error, 2072);
SIZE(struct xsd_sockmsg, 16);

/* grant.h */
SIZE(struct grant_entry_v1, 8);
OFFSET(struct grant_entry_v1, frame, 4);
SIZE(struct gnttab_map_grant_ref, 32);
OFFSET(struct gnttab_map_grant_ref, dom, 16);
OFFSET(struct gnttab_map_grant_ref, dev_bus_addr, 24);
SIZE(struct gnttab_unmap_grant_ref, 24);
OFFSET(struct gnttab_unmap_grant_ref, status, 20);
SIZE(struct gnttab_unmap_and_replace, 24);
SIZE(struct gnttab_setup_table, 24);
OFFSET(struct gnttab_setup_table, frame_list, 16);
SIZE(struct compat_gnttab_setup_table, 16);
OFFSET(struct compat_gnttab_setup_table, frame_list, 12);
SIZE(struct gnttab_dump_table, 4);
SIZE(struct gnttab_transfer, 24);
OFFSET(struct gnttab_transfer, ref, 12);
SIZE(struct compat_gnttab_transfer, 16);
OFFSET(struct compat_gnttab_transfer, ref, 8);
SIZE(struct gnttab_copy_ptr, 16);
SIZE(struct gnttab_copy, 40);
OFFSET(struct gnttab_copy, len, 32);
SIZE(struct compat_gnttab_copy_ptr, 8);
SIZE(struct compat_gnttab_copy, 24);
OFFSET(struct compat_gnttab_copy, len, 16);
SIZE(struct gnttab_query_size, 16);
OFFSET(struct gnttab_query_size, max_nr_frames, 8);
SIZE(struct gnttab_set_version, 4);
SIZE(struct gnttab_get_status_frames, 16);
SIZE(struct compat_gnttab_get_status_frames, 12);
SIZE(struct gnttab_get_version, 8);
SIZE(struct gnttab_swap_grant_ref, 12);

/* ring.h */
SIZE(struct sring_head, 64);

/* blkif.h */
SIZE(struct blkif_request_segment, 8);
SIZE(struct blkif_request, 112);
OFFSET(struct blkif_request, seg, 24);
SIZE(struct compat_blkif_request, 108);
OFFSET(struct compat_blkif_request, seg, 20);
SIZE(struct blkif_request_discard, 32);
SIZE(struct compat_blkif_request_discard, 28);
SIZE(struct blkif_request_indirect, 64);
OFFSET(struct blkif_request_indirect, indirect_grefs, 28);
SIZE(struct compat_blkif_request_indirect, 64);
OFFSET(struct compat_blkif_request_indirect, indirect_grefs, 24);
SIZE(struct blkif_response, 16);
OFFSET(struct blkif_response, status, 10);
SIZE(struct compat_blkif_response, 12);

/* netif.h */
SIZE(struct netif_tx_request, 12);
SIZE(struct netif_tx_response, 4);
SIZE(struct netif_rx_request, 8);
SIZE(struct netif_rx_response, 8);
SIZE(struct netif_extra_info, 8);
SIZE(union netif_tx_slot, 12);
SIZE(struct netif_tx_ring, 64 + NETIF_RING_SLOTS * 12);
SIZE(union netif_rx_slot, 8);
SIZE(struct netif_rx_ring, 64 + NETIF_RING_SLOTS * 8);

/* 9pfs.h */
SIZE(struct xen_9pfs_data_intf, 132);

/* physdev.h */
SIZE(struct physdev_irq_status_query, 8);
SIZE(struct physdev_set_iopl, 4);
SIZE(struct physdev_set_iobitmap, 16);
OFFSET(struct physdev_set_iobitmap, nr_ports, 8);
SIZE(struct compat_physdev_set_iobitmap, 8);
SIZE(struct physdev_apic, 16);
OFFSET(struct physdev_apic, reg, 8);
SIZE(struct compat_physdev_apic, 12);
SIZE(struct physdev_irq, 8);
SIZE(struct physdev_eoi, 4);
SIZE(struct physdev_map_pirq, 40);
OFFSET(struct physdev_map_pirq, table_base, 32);
SIZE(struct compat_physdev_map_pirq, 36);
OFFSET(struct compat_physdev_map_pirq, table_base, 28);
SIZE(struct physdev_unmap_pirq, 8);
SIZE(struct physdev_setup_gsi, 8);
SIZE(struct physdev_get_free_pirq, 8);
SIZE(struct physdev_pci_mmcfg_reserved, 16);
OFFSET(struct physdev_pci_mmcfg_reserved, flags, 12);
SIZE(struct physdev_pci_device_add, 12);
OFFSET(struct physdev_pci_device_add, optarr, 12);
SIZE(struct physdev_pci_device, 4);
SIZE(struct physdev_pirq_eoi_gmfn, 8);
SIZE(struct compat_physdev_pirq_eoi_gmfn, 4);
SIZE(struct physdev_op, 24);
OFFSET(struct physdev_op, u, 8);
SIZE(struct compat_physdev_op, 16);
OFFSET(struct compat_physdev_op, u, 4);

/* platform.h */
SIZE(struct xenpf_settime32, 16);
SIZE(struct xenpf_settime64, 24);
OFFSET(struct xenpf_settime64, system_time, 16);
SIZE(struct xenpf_enter_acpi_sleep, 12);
SIZE(struct xenpf_pcpuinfo, 20);
SIZE(struct xen_platform_op, 136);
OFFSET(struct xen_platform_op, u, 8);
