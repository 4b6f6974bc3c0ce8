/* SPDX-License-Identifier: MIT */
/* The calls one by one, in order: those of commands, those with arguments of their own, all others. */
#include <abi/event.h>
#include <abi/grant.h>
#include <abi/io.h>
#include <abi/memory.h>
#include <abi/physdev.h>
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <abi/version.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/time.h>
#include <guest/trap.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/traced/traced.h>

#define NO_VCPU    0x4du
#define NO_DOMAIN  0x1234u
#define NO_COMMAND 0x7f7fu
#define BYTES_SEEN 8u

static _Alignas(64) uint64_t buffer[512];
static uint64_t block_upcalls;
static long block_result;

/* Each command, and one that is none, with an argument that cannot be read, or for a vCPU that is not there. */
static void try_commands(void)
{
    static const struct {
        unsigned call, last;
    } with_argument[] = {
        {__HYPERVISOR_event_channel_op, 15}, {__HYPERVISOR_memory_op, 27},      {__HYPERVISOR_physdev_op, 32},
        {__HYPERVISOR_callback_op, 3},       {__HYPERVISOR_grant_table_op, 14}, {__HYPERVISOR_nmi_op, 2},
    };

    for (unsigned i = 0; i < ARRAY_SIZE(with_argument); i++) {
        for (unsigned command = 0; command <= with_argument[i].last; command++)
            (void)make_call(with_argument[i].call, command, NOWHERE, command % 3, 0x66, 0x77);
        (void)make_call(with_argument[i].call, NO_COMMAND, NOWHERE, 0, 0, 0);
    }
    for (unsigned command = 0; command < 16; command++)
        (void)make_call(__HYPERVISOR_vcpu_op, command, NO_VCPU, arg_of(buffer + command), 0x88, 0);
    for (unsigned command = 0; command < 10; command++) {
        if (command != SCHEDOP_block) /* for good: nothing comes; see try_block() */
            (void)make_call(__HYPERVISOR_sched_op, command, NOWHERE, 0, 0, 0);
    }
    for (unsigned command = 0; command < 12; command++)
        (void)make_call(__HYPERVISOR_xen_version, command, command == XENVER_pagesize ? 0 : arg_of(buffer), 3, 4, 5);
}

/* It enables events, and ends with the timer's, whose handler runs at once: exactly one, whenever that comes. */
static void try_block(void)
{
    uint64_t deadline = time_now() + 1000000, before = event_upcalls;
    bool is_narrow = sizeof(uintptr_t) < sizeof(deadline);

    (void)make_call(__HYPERVISOR_set_timer_op, (uintptr_t)deadline, is_narrow ? (uintptr_t)(deadline >> 32) : 0x2b1,
                    0x2b2, 0x2b3, 0x2b4);
    block_result = make_call(__HYPERVISOR_sched_op, SCHEDOP_block, NOWHERE, 0x212, 0x213, 0x214);
    made_iret();
    event_disable();
    block_upcalls = event_upcalls - before;
}

/* What is carried out, and writes its results where the trace sees them. */
static void try_results(void)
{
    evtchn_port_t port = 0;
    struct sched_poll poll = {.ports = arg_of(&port), .nr_ports = 1, .timeout = 1};

    buffer[0] = DOMID_SELF | (uint64_t)DOMID_SELF << 16;
    (void)make_call(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, arg_of(buffer), 0, 0, 0);
    port = (evtchn_port_t)(buffer[0] >> 32);
    buffer[1] = UINT64_C(0xaaaabbbbccccdddd);
    (void)make_call(__HYPERVISOR_sched_op, SCHEDOP_poll, arg_of(&poll), 0, 0, 0);
    buffer[0] = DOMID_SELF | (uint64_t)port << 32;
    (void)make_call(__HYPERVISOR_event_channel_op, EVTCHNOP_status, arg_of(buffer), 0, 0, 0);
    buffer[0] = port;
    (void)make_call(__HYPERVISOR_event_channel_op, EVTCHNOP_close, arg_of(buffer), 0, 0, 0);
    buffer[0] = DOMID_SELF;
    (void)make_call(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, arg_of(buffer), 0, 0, 0);
    (void)make_call(__HYPERVISOR_grant_table_op, GNTTABOP_query_size, arg_of(buffer), 1, 0, 0);
    buffer[0] = 1;
    (void)make_call(__HYPERVISOR_physdev_op, PHYSDEVOP_set_iopl, arg_of(buffer), 0, 0, 0);
    (void)make_call(__HYPERVISOR_vcpu_op, VCPUOP_get_runstate_info, 0, arg_of(buffer), 0, 0);
    for (unsigned i = 0; i < BYTES_SEEN; i++)
        buffer[i] = UINT64_C(0x1122334455667700) * (i + 1);
    (void)make_call(__HYPERVISOR_platform_op, arg_of(buffer), 0, 0, 0, 0);
    (void)make_call(__HYPERVISOR_event_channel_op_compat, arg_of(buffer), 0, 0, 0, 0);
    (void)make_call(__HYPERVISOR_physdev_op_compat, arg_of(buffer), 0, 0, 0, 0);
    (void)make_call(__HYPERVISOR_callback_op, NO_COMMAND, arg_of(buffer), 0, 0, 0);
    (void)make_call(__HYPERVISOR_nmi_op, NO_COMMAND, arg_of(buffer + 1), 0, 0, 0);
    (void)make_call(__HYPERVISOR_console_io, CONSOLEIO_write, 0, arg_of(buffer), 0x99, 0);
    (void)make_call(__HYPERVISOR_console_io, CONSOLEIO_read, 0, arg_of(buffer), 0x99, 0);
}

/* Arguments that show where one ends: those of 64 bits are two of a 32-bit guest's. */
static void try_arguments(void)
{
    (void)make_call(__HYPERVISOR_set_trap_table, NOWHERE, 0x21, 0x22, 0x23, 0x24);
    (void)make_call(__HYPERVISOR_set_gdt, NOWHERE, 0x31, 0x32, 0x33, 0x34);
    (void)make_call(__HYPERVISOR_stack_switch, FLAT_KERNEL_SS, arg_of(buffer + ARRAY_SIZE(buffer)), 0x41, 0x42, 0x43);
    (void)make_call(__HYPERVISOR_fpu_taskswitch, 0, 0x51, 0x52, 0x53, 0x54);
    (void)make_call(__HYPERVISOR_platform_op, NOWHERE, 0x61, 0x62, 0x63, 0x64);
    (void)make_call(__HYPERVISOR_set_debugreg, 0, 0x1230, 0x72, 0x73, 0x74);
    (void)make_call(__HYPERVISOR_get_debugreg, 0, 0x71, 0x72, 0x73, 0x74);
    (void)make_call(__HYPERVISOR_set_debugreg, 0, 0, 0x72, 0x73, 0x74);
    (void)make_call(__HYPERVISOR_update_descriptor, NOWHERE, 0x81, 0x82, 0x83, 0x84);
    (void)make_call(__HYPERVISOR_update_va_mapping, NOWHERE, 0x91, 0x92, 0x93, 0x94);
    (void)make_call(__HYPERVISOR_update_va_mapping_otherdomain, NOWHERE, 0xa1, 0xa2, NO_DOMAIN, NO_DOMAIN);
    (void)make_call(__HYPERVISOR_set_timer_op, 0x70000000, 0x70000000, 0xb1, 0xb2, 0xb3);
    (void)make_call(__HYPERVISOR_set_timer_op, 0, 0, 0xb1, 0xb2, 0xb3);
    (void)make_call(__HYPERVISOR_event_channel_op_compat, NOWHERE, 0xc1, 0xc2, 0xc3, 0xc4);
    (void)make_call(__HYPERVISOR_physdev_op_compat, NOWHERE, 0xd1, 0xd2, 0xd3, 0xd4);
    (void)make_call(__HYPERVISOR_sched_op_compat, SCHEDOP_yield, 0xe1, 0xe2, 0xe3, 0xe4);
    (void)make_call(__HYPERVISOR_sched_op_compat, SCHEDOP_poll, 0xe1, 0xe2, 0xe3, 0xe4);
    (void)make_call(__HYPERVISOR_vm_assist, 0, 0x63, 0xf1, 0xf2, 0xf3);
    (void)make_call(__HYPERVISOR_vm_assist, 1, 0x63, 0xf1, 0xf2, 0xf3);
    (void)make_call(__HYPERVISOR_set_segment_base, NO_COMMAND, 0x101, 0x102, 0x103, 0x104);
}

/* Numbers of calls that are not offered, and of none. */
static void try_others(void)
{
    static const uint8_t numbers[] = {__HYPERVISOR_xsm_op,
                                      __HYPERVISOR_xenoprof_op,
                                      __HYPERVISOR_hvm_op,
                                      __HYPERVISOR_sysctl,
                                      __HYPERVISOR_domctl,
                                      __HYPERVISOR_kexec_op,
                                      __HYPERVISOR_tmem_op,
                                      __HYPERVISOR_argo_op,
                                      __HYPERVISOR_xenpmu_op,
                                      __HYPERVISOR_dm_op,
                                      __HYPERVISOR_hypfs_op,
                                      __HYPERVISOR_mca,
                                      9,
                                      11,
                                      62};

    for (unsigned i = 0; i < ARRAY_SIZE(numbers); i++)
        (void)make_call(numbers[i], 0x111 + i, 0x222, 0x333, 0x444, 0x555);
}

void test_main(void)
{
    if (timer_init(event_only_wakes))
        test_error("no port for the timer");
    (void)make_call(NO_CALL, 1, 2, 3, 4, 5);
    try_block();
    try_commands();
    try_results();
    try_arguments();
    try_others();
    traced_batches();
    /* Not canonical, or nobody's: trap_init() makes them good again. */
    (void)make_call(__HYPERVISOR_set_callbacks, (uintptr_t)UINT64_C(0x8000000012345678), 0x202, 0x203, 0x204, 0x205);
    (void)make_call(NO_CALL, 5, 4, 3, 2, 1);
    trap_init();
    tell_calls();
    test_equal("SCHEDOP_block", (uint64_t)block_result, 0);
    test_equal("upcalls of SCHEDOP_block", block_upcalls, 1);
    test_ok("each call has been made");
}
