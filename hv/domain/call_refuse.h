/* SPDX-License-Identifier: MIT */
/*
 * Refusals of the calls that are not the engine's, for whoever runs the guest: like engine/refuse.h, where they are
 * decided and nowhere else.  The guest gets the number alone.
 */
#pragma once

#include <stdint.h>

#include <engine/types.h>

/* name; what the value is, as print() has it; why; what to do instead, in whole sentences */
#define CALL_REASONS(REASON)                                                                                           \
    REASON(ARGUMENT_FAULT, "the address %016lx",                                                                       \
           "what the argument points to cannot be read, or a result not be written there",                             \
           "Give the virtual address of a structure that the kernel has mapped, writable where results come back. A "  \
           "physical address or a pfn is none, and neither is one that only another address space has.")               \
    REASON(NO_COMMAND, "the command %lu", "the call has no such command, or it is not offered",                        \
           "Take the error for an answer where the command is a matter of features, and do without; otherwise look "   \
           "whether number and structure are of the same interface: the older forms of calls (_compat) have others.")  \
    REASON(UNKNOWN_CALL, "the call %lu", "there is no such hypercall, or it is not offered",                           \
           "Take the error for an answer and do without; the calls that there are stand in abi/hypercall.h. An odd "   \
           "number is often a register that was not loaded: rax, or eax, has the number of the call.")                 \
    REASON(NO_DOMAIN, "the domain %lu", "no domain has this number, or it is just ending",                             \
           "To name yourself write DOMID_SELF. Which others there are says the xenstore, and they may end at any "     \
           "moment.")                                                                                                  \
    REASON(NO_RIGHT, "the domain %lu", "the domain has no right to name another here",                                 \
           "Name DOMID_SELF. What is between two domains is offered by one of them and taken up by the other.")        \
    REASON(NOT_INITIAL, "the domain %lu", "only the initial domain may ask for this",                                  \
           "Ask for it only where SIF_INITDOMAIN is set in start_info's flags; or start the guest with --privileged.") \
    REASON(HYPERVISOR_MEMORY, "the domain %lu", "the hypervisor has no memory left for this",                          \
           "What guests do not have is the hypervisor's: give them less, or the machine more.")                        \
    /* Events. */                                                                                                      \
    REASON(PORT_CLOSED, "the port %lu", "no channel is open at this port",                                             \
           "Use the port that the hypervisor gave: by EVTCHNOP_bind_* or alloc_unbound, or in start_info. 0 is never " \
           "one, and EVTCHNOP_close and reset, which kexec makes, have ended all that were there before.")             \
    REASON(PORT_NOT_WAITING, "the port %lu", "the other domain's port does not wait for this domain",                  \
           "The other side opens it with EVTCHNOP_alloc_unbound, whose remote_dom is the one that binds, and tells "   \
           "its number, by the xenstore as a rule. It can be bound once, until it is closed again.")                   \
    REASON(PORT_KIND, "the port %lu", "a channel of this kind cannot be used so",                                      \
           "Only interdomain channels and those of IPIs can be sent to. Those of IPIs, and of virtual interrupts "     \
           "that each vCPU has, stay with the vCPU that they were bound for.")                                         \
    REASON(                                                                                                            \
        NO_PORT_FREE, "the limit %lu", "the domain has no port that is free",                                          \
        "Close channels that are not needed any more. With bitmaps there are 4096 ports (1024 with 32 bits); event "   \
        "words, by EVTCHNOP_init_control and expand_array, have room for 131072.")                                     \
    REASON(CHANNELS_CLOSING, "the domain %lu", "all channels of the domain are just being closed",                     \
           "Wait for the end of the EVTCHNOP_reset that another vCPU has begun.")                                      \
    REASON(NO_VIRQ, "the virtual interrupt %lu", "there is no such virtual interrupt",                                 \
           "The numbers are VIRQ_* of abi/event.h, below 24.")                                                         \
    REASON(VIRQ_GLOBAL, "the vCPU %lu", "this virtual interrupt is the domain's as a whole",                           \
           "Bind it with vcpu 0, and move it with EVTCHNOP_bind_vcpu. Only VIRQ_TIMER, VIRQ_DEBUG, VIRQ_XENOPROF and " \
           "VIRQ_XENPMU are each vCPU's own.")                                                                         \
    REASON(VIRQ_BOUND, "the port %lu", "the virtual interrupt is bound already",                                       \
           "Use the port that it has, or close that first: there is one for each, and for those that each vCPU has, "  \
           "one a vCPU.")                                                                                              \
    REASON(NO_VCPU, "the vCPU %lu", "the domain has no such vCPU",                                                     \
           "vCPUs are numbered from 0. To count them ask VCPUOP_is_up of one after the other, until -ENOENT.")         \
    REASON(CONTROL_BLOCK, "the offset %lu", "a control block does not lie so in its frame",                            \
           "The offset is a multiple of 8, and the block ends within its frame.")                                      \
    REASON(CONTROL_BLOCK_TWICE, "the vCPU %lu", "the vCPU has a control block already",                                \
           "Register it once for each vCPU; EVTCHNOP_reset takes all of them away.")                                   \
    REASON(NO_EVENT_WORDS, "the domain %lu", "the domain has no control block: its events are bitmaps",                \
           "EVTCHNOP_init_control comes first, for each vCPU; only then are there event words and priorities.")        \
    REASON(EVENT_ARRAY_FULL, "the limit %lu", "the array of event words is as large as it can be",                     \
           "128 pages hold the words of all ports that there can be.")                                                 \
    REASON(EVENT_PRIORITY, "the priority %lu", "there is no such priority",                                            \
           "They go from EVTCHN_FIFO_PRIORITY_MAX, 0, to EVTCHN_FIFO_PRIORITY_MIN, 15.")                               \
    /* sched_op. */                                                                                                    \
    REASON(POLL_PORTS, "the count %lu", "more ports than can be polled at once",                                       \
           "At most 128. To wait for many, unmask events and use SCHEDOP_block.")                                      \
    REASON(NO_WATCHDOG, "the watchdog %lu", "no such watchdog runs",                                                   \
           "id 0 with a timeout starts one, and the call returns its id, 1 or 2; with that id it is set anew, and "    \
           "with a timeout of 0 it ends.")                                                                             \
    REASON(WATCHDOGS_EXHAUSTED, "the limit %lu", "all of the domain's watchdogs run",                                  \
           "There are two: use the id that the call returned, or end one with a timeout of 0.")                        \
    REASON(NO_PROCESSOR, "the processor %lu", "there is no such processor, or guests are shown one alone, number 0",   \
           "Name one that there is, or none: -1.")                                                                     \
    REASON(REMOTE_SHUTDOWN, "the domain %lu",                                                                          \
           "only a privileged domain shuts others down, and none itself by this call",                                 \
           "To end oneself there is SCHEDOP_shutdown.")                                                                \
    /* vcpu_op. */                                                                                                     \
    REASON(NOT_BOUND, "the vCPU %lu", "the vCPU may run on several processors, and has none of its own",               \
           "Take the error for an answer: only a vCPU that is bound to one processor has a physical id.")              \
    REASON(VCPU_NOT_INITIALISED, "the vCPU %lu", "the vCPU has no registers yet",                                      \
           "VCPUOP_initialise comes before VCPUOP_up.")                                                                \
    REASON(VCPU_INITIALISED, "the vCPU %lu", "the vCPU has its registers already, or is just getting them",            \
           "VCPUOP_initialise is for once. One that went down by VCPUOP_down goes on behind that call after "          \
           "VCPUOP_up.")                                                                                               \
    REASON(VCPU_WITHOUT_INFO, "the vCPU %lu", "the vCPU has no vcpu_info",                                             \
           "Register one with VCPUOP_register_vcpu_info first: shared_info has room for 32.")                          \
    REASON(CONTEXT_ADDRESS, "the address %016lx", "the vCPU's registers have an address that no guest can have",       \
           "Of vcpu_guest_context look at rip, rsp, kernel_sp, the callbacks and the bases of fs and gs: each is a "   \
           "canonical address below or above the hypervisor's part. Memory that was not cleared is often the cause.")  \
    REASON(CONTEXT_USER_ROOT, "the flags %lx", "the vCPU would begin in user mode without a root for it",              \
           "Set VGCF_in_kernel in the flags, or ctrlreg[1] to the root of user mode.")                                 \
    REASON(CONTEXT_TABLES, "the count %lu", "the vCPU would have more descriptors than a table has room for",          \
           "gdt_ents is at most 7168, in frames of 512; memory that was not cleared is often the cause.")              \
    REASON(CONTEXT_FPU, "the flags %lx", "the processor does not take the vCPU's state of x87 and SSE",                \
           "Clear VGCF_i387_valid in the flags, or give what fxsave has written: no reserved bit of MXCSR is set.")    \
    REASON(TIMER_PERIOD, "the time %lu", "the period of a timer is too short, or too long",                            \
           "Nanoseconds: at least 1000000, which is a millisecond, and less than 2 to the 62.")                        \
    REASON(TIMER_OTHER_VCPU, "the vCPU %lu", "a single-shot timer is set by its own vCPU alone",                       \
           "Have the vCPU do it itself, on which an IPI arrives.")                                                     \
    REASON(TIMER_PAST, "the time %lu", "the time has passed, and the call asks for one to come",                       \
           "Handle it as if the timer had fired; or leave VCPU_SSHOTTMR_future out, and it does at once.")             \
    REASON(INFO_PLACE, "the offset %lu", "vcpu_info does not lie so in its frame",                                     \
           "The offset is a multiple of 8 (4 with 32 bits), and all of it lies within the frame. gcc aligns a "        \
           "structure of 64 bytes to as much only if it is told to.")                                                  \
    REASON(INFO_MOVED, "the vCPU %lu", "vcpu_info has been moved already",                                             \
           "It can be moved once: keep the place that it has, over a kexec as well.")                                  \
    REASON(AREA, "the address %016lx", "the area does not lie in the guest's part of the address space",               \
           "Give its virtual address in the structure, not a physical one.")                                           \
    REASON(NMI_ARGUMENT, "the address %016lx", "VCPUOP_send_nmi has no argument", "Pass 0, or NULL.")                  \
    /* physdev_op. */                                                                                                  \
    REASON(IOPL, "the level %lu", "there is no such privilege level", "0 to 3.")                                       \
    REASON(IO_BITMAP, "the count %lu", "there are 65536 ports", "nr_ports is at most 65536, and a count of bits.")     \
    REASON(NO_DEVICES, "the domain %lu", "the domain has been given no device",                                        \
           "Interrupts of devices are for a domain that has some by its configuration.")                               \
    REASON(HARDWARE, "the domain %lu", "interrupt controllers and PCI buses are the hypervisor's",                     \
           "Do without: a PV guest gets interrupts by PHYSDEVOP_map_pirq and EVTCHNOP_bind_pirq, and finds its "       \
           "devices in configuration space.")                                                                          \
    REASON(PIRQ_RANGE, "the interrupt %lu", "there is no interrupt of this number",                                    \
           "Ask for -1, and take what the hypervisor gives.")                                                          \
    REASON(PIRQ_UNMAPPED, "the interrupt %lu", "the domain has not mapped, or not bound, this interrupt",              \
           "PHYSDEVOP_map_pirq comes first, then EVTCHNOP_bind_pirq.")                                                 \
    REASON(PIRQ_TAKEN, "the interrupt %lu", "the interrupt is mapped, or bound, already",                              \
           "Use the port or the number that it has, or end that first.")                                               \
    REASON(PIRQS_EXHAUSTED, "the limit %lu", "no number, or no vector, is free for another interrupt",                 \
           "Unmap what is not in use: a device rarely needs all messages that it has.")                                \
    REASON(MAP_TYPE, "the type %lu", "interrupts of this type cannot be mapped",                                       \
           "MAP_PIRQ_TYPE_GSI for a line, MAP_PIRQ_TYPE_MSI or MSI_SEG, with table_base, for a message of MSI-X.")     \
    REASON(NO_FUNCTION, "the place %04lx", "the domain has no such PCI function with MSI-X, or names no table",        \
           "Bus and devfn are those of configuration space, where a function without the capability has lines alone; " \
           "MSI without MSI-X is not offered.")                                                                        \
    REASON(MESSAGE_TABLE, "the number %lu", "table_base or entry_nr do not fit the function's table of messages",      \
           "table_base is the address in the BAR that holds the table, as the BAR has it.")                            \
    REASON(MESSAGE_TAKEN, "the number %lu", "a message of this number is mapped already",                              \
           "Use the interrupt that it has, or unmap that first.")                                                      \
    REASON(NO_LINE, "the line %lu", "the domain has no device with this interrupt line",                               \
           "Take the line that the interrupt-line register of the function's configuration space says.")               \
    REASON(LINE_TAKEN, "the line %lu", "another domain has the interrupt line",                                        \
           "Give both devices to one domain, or use messages, which nobody shares.")                                   \
    /* The others. */                                                                                                  \
    REASON(NO_PHYSMAP, "the command %lu", "the P2M of a PV guest is its own",                                          \
           "Leave it out: XENMEM_add_to_physmap is for guests whose memory the hypervisor translates. shared_info is " \
           "mapped by the mfn in start_info, the grant table by GNTTABOP_setup_table.")                                \
    REASON(CONSOLE_COUNT, "the count %lu", "the count would be negative as an int", "Read in pieces.")                 \
    REASON(INTERFACE_VERSION, "the version %08lx", "the structure is of another version of the interface",             \
           "interface_version is XENPF_INTERFACE_VERSION, 0x03000001.")                                                \
    REASON(WALL_CLOCK, "the number %lu", "this is no time of day", "nsecs is below 1000000000, and mbz is 0.")         \
    REASON(CALLBACK_ADDRESS, "the address %016lx", "a callback does not lie in the guest's part of the address space", \
           "Give the virtual address of a function of the kernel.")                                                    \
    REASON(CALLBACK_TYPE, "the type %lu", "there is no callback of this type for guests of this width",                \
           "CALLBACKTYPE_* of abi/callback.h; syscall is for 64-bit kernels alone.")                                   \
    REASON(CALLBACK_KEPT, "the type %lu", "this callback can be replaced, and not be taken away",                      \
           "Only the NMI's can be: register another one.")                                                             \
    REASON(NO_DEBUG_REGISTER, "the register %lu", "there is no such debug register",                                   \
           "They are 0 to 3, 6 and 7; 4 and 5 are second names of 6 and 7, as long as DE is not set in CR4.")          \
    REASON(                                                                                                            \
        DEBUG_ADDRESS, "the address %016lx", "a breakpoint does not lie in the guest's part of the address space",     \
        "Give the virtual address of the guest's own code or data: one of the hypervisor's is never reached by it.")   \
    REASON(DEBUG_HIGH_BITS, "the value %016lx", "dr6 and dr7 have 32 bits, and more are set",                          \
           "Keep the low 32 bits alone; memory that was not cleared, or an address in a register's place, is often "   \
           "the cause.")                                                                                               \
    REASON(DEBUG_DETECT, "the value %016lx",                                                                           \
           "GD in dr7 is not offered: it would have the hypervisor's own accesses fault",                              \
           "Clear bit 13: accesses of user mode come to the kernel as #GP in any case.")                               \
    REASON(DEBUG_PORT, "the value %016lx",                                                                             \
           "dr7 has a breakpoint on a port, of which there are none without DE in CR4",                                \
           "Set DE in CR4 first. If none on a port is meant, R/W of that breakpoint in dr7 is not 2: 0 is for "        \
           "instructions, 1 for writes, 3 for data.")                                                                  \
    REASON(SEGMENT_BASE, "the address %016lx", "no segment of a guest can have this base",                             \
           "Give a canonical address of the guest's part.")                                                            \
    REASON(SEGMENT, "the number %lu", "there is no segment of this number",                                            \
           "SEGBASE_FS, SEGBASE_GS_USER, SEGBASE_GS_KERNEL or SEGBASE_GS_USER_SEL.")                                   \
    REASON(NARROW, "the call %lu", "the call is for 64-bit guests alone",                                              \
           "A 32-bit kernel has the bases in descriptors of its GDT or LDT.")                                          \
    REASON(FEATURE_MAP, "the index %lu", "there is no such word of features", "There is one: submap_idx 0.")           \
    REASON(VERSION_ARGUMENT, "the address %016lx", "XENVER_pagesize has no argument", "Pass 0, or NULL.")              \
    REASON(NO_BUILD_ID, "the domain %lu", "there is no build id, and it would be the initial domain's alone",          \
           "Do without.")                                                                                              \
    REASON(ASSIST, "the type %lu", "there is no such assistance", "Take the error for an answer, and do without.")

enum call_reason {
    CALL_REASON_NONE, /* the engine's, or none */
#define CALL_REASON_NAME(name, value, text, advice) WHY_##name,
    CALL_REASONS(CALL_REASON_NAME)
#undef CALL_REASON_NAME
        CALL_REASON_COUNT
};

struct call_reason_words {
    const char *name, *value, *text, *advice;
};

/* In static words; of one of those above. */
const struct call_reason_words *call_reason_words(enum call_reason reason);

/*
 * The call of the vCPU that runs here is refused with @error, -XEN_*, because of @value: note it, and tell it where
 * that is asked for.  Returns @error.  Where no guest has asked, as when a domain is built, nothing is noted.
 */
int __must_check __cold call_refuse(int error, enum call_reason reason, uint64_t value);
