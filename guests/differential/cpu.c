/* SPDX-License-Identifier: MIT */
/*
 * What stands for the processor's own registers: debug registers, segment bases, stack_switch, fpu_taskswitch,
 * vm_assist; and multicall, with calls that do no harm.
 */
#include <abi/debug.h>
#include <abi/vm_assist.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/pointer.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* ---- Debug registers: set one, read it, put it back. */

static const struct item registers[] = {VALUE(0), VALUE(1), VALUE(2),          VALUE(3),         VALUE(4),
                                        VALUE(5), VALUE(6), VALUE(6),          VALUE(7),         VALUE(7),
                                        VALUE(7), VALUE(8), VALUE(0x7fffffff), VALUE(0xffffffff)};
static const struct menu menu_registers = MENU(registers);
static const struct item controls[] = {
    VALUE(0),          VALUE(0x400),   VALUE(0x1),     VALUE(0x2),        VALUE(0xff),        VALUE(0x300),
    VALUE(0x2000),     VALUE(0x2400),  VALUE(0x800),   VALUE(0x1000),     VALUE(0xc000),      VALUE(0x10000),
    VALUE(0x20000),    VALUE(0x20001), VALUE(0x20002), VALUE(0x30000),    VALUE(0x40000),     VALUE(0xd0001),
    VALUE(0xffff0ff0), VALUE(0xf000),  VALUE(0x1000f), VALUE(0xffffffff), VALUE(0x100000000),
};
static const struct menu menu_controls = MENU(controls);

static uint64_t plain_control(uint64_t reg)
{
    return reg == 7 ? 0x400 : reg == 6 ? 0xffff0ff0 : 0;
}

static void debugreg_once(void)
{
    uint64_t reg, value;

    say_begin("debugreg");
    say(" ");
    reg = choose(NULL, &menu_registers);
    value = choose("", choose_seldom(2) ? &menu_controls : &menu_addresses);
    say_calling();
    say_result(call(__HYPERVISOR_set_debugreg, reg, value, 0, 0, 0));
    say(" get");
    say_result(call(__HYPERVISOR_get_debugreg, reg, 0, 0, 0, 0));
    for (unsigned i = 0; i < 8; i++) {
        if (i != 4 && i != 5 && call(__HYPERVISOR_set_debugreg, i, plain_control(i), 0, 0, 0))
            say(" stuck(%u)", i);
    }
    say_end();
}

/* ---- Plain calls */

static const struct item bases[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(3), VALUE(4), VALUE(0xffffffff)};
static const struct menu menu_bases = MENU(bases);
static const struct item selectors[] = {VALUE(0),    VALUE(3),    VALUE(0xe02b), VALUE(0xe033), VALUE(0xe008),
                                        VALUE(0x0b), VALUE(0x17), VALUE(0x27),   VALUE(0xffff), VALUE(0x10000)};
static const struct menu menu_selectors = MENU(selectors);
static const struct item commands[] = {VALUE(0), VALUE(0), VALUE(1), VALUE(1), VALUE(2), VALUE(3), VALUE(0xffffffff)};
static const struct menu menu_commands = MENU(commands);
static const struct item assists[] = {VALUE(0),  VALUE(1),  VALUE(2),  VALUE(3),  VALUE(4),  VALUE(5),         VALUE(6),
                                      VALUE(31), VALUE(32), VALUE(33), VALUE(63), VALUE(64), VALUE(0xffffffff)};
static const struct menu menu_assists = MENU(assists);
static const struct item switches[] = {VALUE(0), VALUE(1), VALUE(2), VALUE(0xffffffff)};
static const struct menu menu_switches = MENU(switches);

static void plain_calls(void)
{
    static const struct menu *const base[] = {&menu_bases, &menu_addresses, NULL};
    static const struct menu *const selector[] = {&menu_bases, &menu_selectors, NULL};
    static const struct menu *const stack[] = {&menu_selectors, &menu_addresses, NULL};
    static const struct menu *const fpu[] = {&menu_switches, NULL, NULL};
    static const struct menu *const assist[] = {&menu_commands, &menu_assists, NULL};

    for (unsigned i = 0; i < 100; i++)
        (void)call_plain("segment_base", "base", __HYPERVISOR_set_segment_base, base);
    for (unsigned i = 0; i < 60; i++)
        (void)call_plain("segment_base", "selector", __HYPERVISOR_set_segment_base, selector);
    for (unsigned i = 0; i < 4; i++)
        (void)call(__HYPERVISOR_set_segment_base, i, 0, 0, 0, 0);
    for (unsigned i = 0; i < 60; i++)
        (void)call_plain("stack_switch", "to", __HYPERVISOR_stack_switch, stack);
    for (unsigned i = 0; i < 12; i++) {
        (void)call_plain("fpu_taskswitch", "set", __HYPERVISOR_fpu_taskswitch, fpu);
        (void)hypercall_fpu_taskswitch(0);
    }
    for (unsigned i = 0; i < 150; i++)
        (void)call_plain("vm_assist", "do", __HYPERVISOR_vm_assist, assist);
    for (unsigned type = 0; type < 64; type++)
        (void)hypercall_vm_assist(VMASST_CMD_disable, type);
}

/* ---- multicall */

#define ENTRIES 4u

/* Calls for its entries, each with its arguments. */
static const struct {
    const char *name;
    uint64_t op, args[3];
} harmless[] = {
    {"version", __HYPERVISOR_xen_version, {0}},
    {"version(99)", __HYPERVISOR_xen_version, {99}},
    {"features", __HYPERVISOR_xen_version, {6, 0x20000000000}},
    {"fpu", __HYPERVISOR_fpu_taskswitch, {0}},
    {"debugreg(9)", __HYPERVISOR_set_debugreg, {9}},
    {"yield", __HYPERVISOR_sched_op, {0}},
    {"nested", __HYPERVISOR_multicall, {0, 1}},
    {"number(200)", 200, {0}},
    {"number(-1)", UINT64_MAX, {0}},
    {"number(1<<32)", UINT64_C(0x100000011), {0}},
    {"va", __HYPERVISOR_update_va_mapping, {0x20000000000, 0}},
    {"assist", __HYPERVISOR_vm_assist, {9, 9}},
    {"mmuext", __HYPERVISOR_mmuext_op, {0x20000000000, 0}},
    {"timer", __HYPERVISOR_set_timer_op, {0}},
};

static void multicall_once(void)
{
    enum pointer_kind kind = pointer_choose();
    unsigned count = choose_number(ENTRIES + 1);
    uint64_t address;
    struct multicall_entry *calls = pointer_make(PLACE_LIST, kind, ENTRIES * sizeof(*calls), &address);

    say_begin("multicall");
    say(" at=%s", pointer_name(kind));
    for (unsigned i = 0; i < count; i++) {
        unsigned which = choose_number(ARRAY_SIZE(harmless));

        say(" %s", harmless[which].name);
        calls[i].op = harmless[which].op;
        memcpy(calls[i].args, harmless[which].args, sizeof(harmless[which].args));
    }
    pointer_put(PLACE_LIST);
    say_calling();
    say_result(call(__HYPERVISOR_multicall, address, count, 0, 0, 0));
    pointer_get(PLACE_LIST);
    for (unsigned i = 0; i < count; i++) {
        if (calls[i].result != UNTOUCHED) {
            say(" [%u]", i);
            say_result((long)calls[i].result);
        }
    }
    world_check();
    say_end();
}

void group_cpu(void)
{
    for (unsigned i = 0; i < 250; i++)
        debugreg_once();
    plain_calls();
    for (unsigned i = 0; i < 250; i++)
        multicall_once();
}
