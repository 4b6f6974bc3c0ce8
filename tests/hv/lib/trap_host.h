/* SPDX-License-Identifier: MIT */
/*
 * A vCPU and its processor as hv/trap.c finds them, among stand-ins that say what they are asked.  The one program that
 * includes this is the whole machine.
 */
#pragma once

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/segment.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/exchange.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/house.h>
#include <hv/device/pirq.h>
#include <hv/domain/port.h>
#include <hv/domain/request.h>
#include <hv/domain/trace.h>
#include <hv/domain/trace_trap.h>
#include <hv/domain/vcpu.h>
#include <hv/emulate/emulate_gate.h>
#include <hv/emulate/emulate_privileged.h>
#include <hv/emulate/emulate_write.h>
#include <hv/emulate/stale_code.h>
#include <hv/mem/window.h>
#include <hv/time/apic.h>
#include <hv/time/nmi_watchdog.h>
#include <tests/hv/lib/fake_cpu.h>

#define WINDOW UINT64_C(0xffff810000840000)
#define LDT    (WINDOW + 16 * 4096)
#define RIP    UINT64_C(0x401000)

struct cpu cpu_boot;

const uint8_t entry_stubs[TRAP_VECTORS * ENTRY_STUB_SIZE], entry_iret[16], wait_hlt[2];

/* Room for three places that may fault, and where to go on then. */
#pragma GCC visibility push(hidden)
struct recovery_entry {
    int32_t fault, resume;
} image_recovery_start[3];
extern const uint8_t image_recovery_end[];
#pragma GCC visibility pop
__asm__(".globl image_recovery_end\n.hidden image_recovery_end\n.set image_recovery_end, image_recovery_start + 24\n");

static struct hv_domain domain;
static struct hv_vcpu vcpu;

/* The ends of two stacks: the vCPU's, and one that is no vCPU's. */
static struct {
    struct cpu_frame frame;
    struct stack_owner owner;
} stack, stack_elsewhere;
#define own       (stack.frame)
#define elsewhere (stack_elsewhere.frame)
static struct vcpu_info info;

static char told[512];
static jmp_buf ended;
static bool locked, on_vcpu, due, has_to_look, root_has_come, is_short;
static unsigned looks; /* whether somebody else is to run */
static int ldt_error;
static enum emulate_result emulation;
static unsigned interrupt_vector;

static inline void __attribute__((format(printf, 1, 2))) tell(const char *format, ...)
{
    size_t length = strlen(told);
    va_list args;

    va_start(args, format);
    vsnprintf(told + length, sizeof(told) - length, format, args);
    va_end(args);
}

/*
 * ---- The rest of the hypervisor.
 */

#define STAND_IN(name, text)              \
    void name(struct hv_vcpu *which)      \
    {                                     \
        assert_ptr_equal(which, &vcpu);   \
        assert_false(lock_any_is_held()); \
        tell(text " ");                   \
    }
STAND_IN(bounce_syscall, "syscall")
STAND_IN(bounce_sysenter, "sysenter")
STAND_IN(stale_code_renew, "stale")

void bounce_nmi(struct hv_vcpu *which)
{
    which->bounce.nmi_pending = false;
    tell("nmi ");
}

void bounce_event(struct hv_vcpu *which)
{
    (void)which;
    assert_false(lock_any_is_held());
    info.evtchn_upcall_mask = 1;
    tell("event ");
}

void bounce_exception(struct hv_vcpu *which, unsigned vector)
{
    assert_false(lock_any_is_held());
    tell("#%u@%lx ", vector, which->frame->rip);
}

void bounce_exception_error(struct hv_vcpu *which, unsigned vector, uint64_t error)
{
    tell("#%u/%lx@%lx ", vector, error, which->frame->rip);
}

void bounce_page_fault(struct hv_vcpu *which, uint64_t address, uint64_t error)
{
    (void)which;
    assert_false(lock_any_is_held());
    tell("#PF/%lx:%lx ", error, address);
}

enum emulate_result emulate_write(struct hv_vcpu *which, uint64_t address, uint64_t error)
{
    (void)which;
    tell("write/%lx:%lx ", error, address);
    return emulation;
}

bool emulate_short(struct hv_vcpu *which)
{
    assert_ptr_equal(which, &vcpu);
    return is_short;
}

enum emulate_result emulate_privileged(struct hv_vcpu *which)
{
    (void)which;
    assert_true(house_is_mine());
    tell("privileged ");
    return emulation;
}

enum emulate_result emulate_gate(struct hv_vcpu *which)
{
    (void)which;
    tell("gate ");
    return emulation;
}

enum emulate_result emulate_forced(struct hv_vcpu *which)
{
    (void)which;
    tell("forced ");
    return emulation;
}

enum emulate_result emulate_software_interrupt(struct hv_vcpu *which, unsigned *vector)
{
    (void)which;
    *vector = interrupt_vector;
    return emulation;
}

void state_set_task_switched(struct hv_vcpu *which, bool set)
{
    (void)which;
    tell("ts%u ", set);
}

void state_renew_segments(const struct hv_vcpu *which)
{
    (void)which;
    tell("renew ");
}

void state_drop_segments(void)
{
    tell("drop ");
}

void pirq_interrupt(unsigned vector)
{
    assert_true(house_is_mine());
    tell("device%x ", vector);
}

void apic_end(void)
{
    tell("end ");
}

void sched_kicked(void)
{
    tell("kicked ");
}

void request_answer(void)
{
    tell("answers ");
}

void timer_run(void)
{
    tell("run ");
}

void exchange_tell_flags(uint64_t rflags, uint64_t rip)
{
    tell("strange%lx@%lx ", rflags, rip);
}

void nmi_watchdog_tick(const struct cpu_frame *frame)
{
    (void)frame;
    tell("tick ");
}

uint64_t window_base(unsigned window)
{
    assert_int_equal(window, 66);
    return WINDOW;
}

int ldt_fault(struct vcpu *which, unsigned page)
{
    assert_ptr_equal(which, &vcpu.engine);
    tell("ldt%u ", page);
    return ldt_error;
}

bool port_is_locked(void)
{
    return locked;
}

bool sched_is_on_vcpu(void)
{
    return on_vcpu;
}

void sched_arrive(void)
{
    tell("arrive ");
}

void sched_obey(struct hv_vcpu *which)
{
    tell("stop ");
    which->run.down = false;
    domain.ended = false;
}

enum sched_turn sched_look(void)
{
    looks++;
    return due ? TURN_IS_OVER : has_to_look ? TURN_IS_RIPE : TURN_GOES_ON;
}

void sched_yield(void)
{
    tell("yield ");
    due = false;
}

int64_t engine_hypercall(struct vcpu *which, uint64_t number, const uint64_t args[6])
{
    tell("call%lu(%lu,%lu,%lu,%lu,%lu,%lu) ", number, args[0], args[1], args[2], args[3], args[4], args[5]);
    which->diverted = number == 23;
    return -5;
}

struct trace_record trace_trap_begin(const struct hv_vcpu *which, const struct cpu_frame *frame)
{
    assert_ptr_equal(which, &vcpu);
    assert_ptr_equal(frame, &own);
    tell("trap%lu ", frame->vector);
    return (struct trace_record){.number = frame->vector};
}

void trace_trap_end(struct hv_vcpu *which, struct trace_record *record)
{
    assert_ptr_equal(which, &vcpu);
    tell("end%lu ", record->number);
}

void trace_upcall(struct hv_vcpu *which, uint64_t rip)
{
    assert_ptr_equal(which, &vcpu);
    if (info.evtchn_upcall_mask)
        tell("interrupted@%lx ", rip);
}

void trace_call(struct hv_vcpu *which, struct trace_record *record, int64_t result)
{
    assert_ptr_equal(which, &vcpu);
    assert_true(record->began != 0);
    tell("traced%lu(%lu,%lu,%lu,%lu,%lu,%lu)@%lx=%ld ", record->number, record->args[0], record->args[1],
         record->args[2], record->args[3], record->args[4], record->args[5], record->rip, result);
}

_Noreturn void fault_report(const struct cpu_frame *frame)
{
    tell("report%lu ", frame->vector);
    longjmp(ended, 1);
}

_Noreturn void fault_report_return(const struct cpu_frame *frame)
{
    (void)frame;
    tell("refused ");
    longjmp(ended, 3);
}

bool narrow_root_lacks(const struct hv_vcpu *which, uint64_t address)
{
    assert_ptr_equal(which, &vcpu);
    (void)address;
    return true;
}

bool narrow_root_catches_up(const struct hv_vcpu *which)
{
    assert_ptr_equal(which, &vcpu);
    tell("root ");
    return root_has_come;
}

_Noreturn void entry_restart(struct cpu_frame *frame)
{
    assert_ptr_equal(frame, &own);
    tell("restart ");
    longjmp(ended, 2);
}

_Noreturn void port_halt(const char *file, int line, const char *condition)
{
    (void)file;
    (void)line;
    (void)condition;
    abort();
}

/* A guest of one vCPU, in its kernel, with nothing pending. */
static inline void make(void)
{
    fake_cpu_reset();
    memset(&cpu_boot, 0, sizeof(cpu_boot));
    memset(&domain, 0, sizeof(domain));
    memset(&vcpu, 0, sizeof(vcpu));
    memset(&info, 0, sizeof(info));
    memset(&own, 0, sizeof(own));
    stack.owner = (struct stack_owner){&cpu_boot, &vcpu};
    domain.engine.nr_vcpus = 1;
    has_to_look = is_short = false;
    vcpu.engine.domain = &domain.engine;
    vcpu.window = 66;
    vcpu.frame = &own;
    vcpu.info = &info;
    cpu_boot.current = &vcpu;
    cpu_boot.nmi_ticks = 9;
    own.rip = RIP;
    own.cs = FLAT_USER_CS64;
    own.ss = FLAT_USER_SS64;
    own.rflags = RFLAGS_IF | RFLAGS_ONE;
    told[0] = '\0';
    locked = due = root_has_come = false;
    on_vcpu = true;
    ldt_error = 0;
    emulation = EMULATE_UNKNOWN;
}

/* The same of a 32-bit guest, in ring @ring. */
static inline void make_narrow(unsigned ring)
{
    static uint64_t tables;

    make();
    domain.engine.width = WIDTH_PAE;
    vcpu.narrow_root.tables = &tables;
    own.cs = ring == 1 ? FLAT_RING1_CS : FLAT_RING3_CS;
    own.ss = ring == 1 ? FLAT_RING1_SS : FLAT_RING3_SS;
}
