/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a trap, in order: of interrupts; of the hypervisor's own; of the guest's faults; of the rest of the
 * guest's traps; on the way back to the guest.
 */
#include <abi/errno.h>
#include <abi/layout.h>
#include <abi/segment.h>
#include <abi/trap.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/exchange.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/house.h>
#include <hv/cpu/trap.h>
#include <hv/cpu/wait.h>
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
#include <hv/time/timer.h>
#include <hv/trap_software.h>

#define DR6_RESERVED UINT64_C(0xffff0ff0)

/*
 * A device's, or from VECTOR_INTERRUPTS on one of the local APIC's.  A line is masked before its end, and where nothing
 * has begun an end is nothing.
 */
static void interrupt(unsigned vector)
{
    if (vector == VECTOR_SPURIOUS)
        return;
    if (vector < VECTOR_INTERRUPTS) {
        house_enter();
        pirq_interrupt(vector);
        house_leave();
    }
    if (vector == VECTOR_ASK)
        request_answer(); /* first: whoever has asked waits for the answer, but not for this processor's APIC */
    if (vector == VECTOR_KICK) {
        cpu_here()->kicks++;
        sched_kicked();
    }
    apic_end();
    if (vector == VECTOR_TIMER)
        timer_run();
}

/*
 * ---- The hypervisor's own.
 */

/* An instruction that may fault, and where to go on then; both relative to the field itself. */
struct recovery {
    int32_t fault, resume;
};

#pragma GCC visibility push(hidden)
extern const struct recovery image_recovery_start[], image_recovery_end[];
#pragma GCC visibility pop

static uint64_t recovery_address(const int32_t *field)
{
    return (uint64_t)field + (uint64_t)(int64_t)*field;
}

static bool recover(struct cpu_frame *frame)
{
    for (const struct recovery *entry = image_recovery_start; entry < image_recovery_end; entry++) {
        if (recovery_address(&entry->fault) == frame->rip) {
            frame->rip = recovery_address(&entry->resume);
            return true;
        }
    }
    return false;
}

/*
 * The faults that an access can cause, #NP to #AC.  An NMI, a machine check or a double fault that comes at that place
 * is none of its doing.
 */
static bool is_recoverable(const struct cpu_frame *frame)
{
    return frame->vector >= 11 && frame->vector <= 17;
}

static uint64_t ldt_window(const struct hv_vcpu *vcpu)
{
    return window_base(vcpu->window) + (uint64_t)LDT_WINDOW * PAGE_SIZE;
}

/* A page was missed: what leads to it may have come since the root was last looked at. */
FORCE_INLINE bool root_comes(const struct hv_vcpu *vcpu)
{
    return vcpu->narrow_root.tables && narrow_root_lacks(vcpu, asm_read_cr2()) && narrow_root_catches_up(vcpu);
}

/* The same of the hypervisor, at a page of its guest. */
static bool page_comes(const struct cpu_frame *frame)
{
    const struct hv_vcpu *vcpu = cpu_here()->current;

    return frame->vector == VECTOR_PAGE_FAULT && vcpu && root_comes(vcpu);
}

/* A selector of the guest's that the hypervisor loads, or looks up: its LDT's page comes on demand here as well. */
static bool ldt_comes(const struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_here()->current;
    uint64_t offset;

    /* On the processor's own stack nobody can wait for a frame that is busy. */
    if (frame->vector != VECTOR_PAGE_FAULT || !vcpu || !sched_is_on_vcpu() || port_is_locked())
        return false;
    offset = asm_read_cr2() - ldt_window(vcpu);
    return offset < (uint64_t)LDT_FRAMES * PAGE_SIZE && ldt_fault(&vcpu->engine, (unsigned)(offset / PAGE_SIZE)) == 0;
}

/*
 * The processor refused to return to the guest as its frame says: an exception of the guest's, at the place that it was
 * to go on at.  Its registers are in @fault, below the rest of the frame.
 */
static _Noreturn void fault_of_return(const struct cpu_frame *fault)
{
    struct cpu_frame *frame = cpu_here()->current->frame;
    uint64_t vector = fault->vector, error = fault->error;

    memmove(frame, fault, offsetof(struct cpu_frame, vector));
    frame->vector = vector;
    frame->error = error;
    entry_restart(frame);
}

/*
 * A guest may leave TF on, or a breakpoint on its own memory, as it enters: the trap comes in the hypervisor, and is
 * dropped.  Where it meets the handler of another, that one's status is kept, and with the same stack for both its
 * frame would be lost: hv/cpu/debug_stack.c.
 */
static void debug_from_hypervisor(struct cpu_frame *frame)
{
    struct cpu *cpu = cpu_here();

    frame->rflags &= ~RFLAGS_TF;
    if (frame->rip != (uint64_t)entry_stubs + VECTOR_DEBUG * ENTRY_STUB_SIZE) {
        asm_write_dr6(DR6_RESERVED);
        return;
    }
    if (cpu->debug_has_stack)
        fault_report(frame);
    cpu->debug_was_nested = true;
}

void trap_from_hypervisor(struct cpu_frame *frame)
{
    if (frame->vector >= VECTOR_EXCEPTIONS) {
        interrupt((unsigned)frame->vector);
        return;
    }
    if (frame->vector == VECTOR_NMI) {
        nmi_watchdog_tick(frame);
        frame->rip = wait_passes_halt(frame->rip);
        return;
    }
    if (frame->vector == VECTOR_DEBUG) {
        debug_from_hypervisor(frame);
        return;
    }
    if (is_recoverable(frame) && (ldt_comes(frame) || page_comes(frame) || recover(frame)))
        return;
    if (is_recoverable(frame) && frame->rip == (uint64_t)entry_iret)
        fault_of_return(frame);
    fault_report(frame);
}

/*
 * ---- The guest's faults.
 */

/* Ports and configuration space are the house's. */
static enum emulate_result emulate(struct hv_vcpu *vcpu)
{
    enum emulate_result result;

    if (emulate_short(vcpu))
        return EMULATE_DONE;
    house_enter();
    result = emulate_privileged(vcpu);
    house_leave();
    return result;
}

static void protection_fault(struct hv_vcpu *vcpu)
{
    struct cpu_frame *frame = vcpu->frame;

    if (frame->error & SELECTOR_ERROR_IDT)
        trap_by_number(vcpu);
    else if ((frame->error ? emulate_gate(vcpu) : emulate(vcpu)) != EMULATE_DONE)
        bounce_exception_error(vcpu, VECTOR_PROTECTION, frame->error);
}

/*
 * The processor found no page at @offset of the vCPU's LDT: they come on demand.  The LDT lies in the guest's part of
 * the address space, all of it, and the processor looks at nothing behind it.
 */
static void descriptor_fault(struct hv_vcpu *vcpu, uint64_t offset)
{
    if (ldt_fault(&vcpu->engine, (unsigned)(offset / PAGE_SIZE)))
        bounce_page_fault(vcpu, vcpu->engine.ldt_base.v + offset, 0);
}

static void page_fault(struct hv_vcpu *vcpu, uint64_t address)
{
    const uint64_t table_write = PAGE_FAULT_PRESENT | PAGE_FAULT_WRITE;
    uint64_t error = vcpu->frame->error;

    if (!(error & PAGE_FAULT_USER)) {
        uint64_t offset = address - ldt_window(vcpu);

        if (offset < (uint64_t)LDT_FRAMES * PAGE_SIZE) {
            descriptor_fault(vcpu, offset);
            return;
        }
    }
    if (vcpu->engine.domain->writable_tables && (error & table_write) == table_write && !hv_vcpu_in_user_mode(vcpu) &&
        emulate_write(vcpu, address, error) == EMULATE_DONE)
        return;
    if (!(error & PAGE_FAULT_PRESENT) && root_comes(vcpu))
        return;
    bounce_page_fault(vcpu, address, error);
}

/*
 * ---- The rest of the guest's traps.
 */

static void debug_trap(struct hv_vcpu *vcpu)
{
    vcpu->state.debug[6] |= asm_read_dr6();
    asm_write_dr6(DR6_RESERVED);
    bounce_exception(vcpu, VECTOR_DEBUG);
}

static void exception(struct hv_vcpu *vcpu, unsigned vector, uint64_t error)
{
    /* Those with an error code, page fault and general protection aside: double fault to stack fault, alignment. */
    if ((vector >= VECTOR_INVALID_TSS && vector < VECTOR_PROTECTION) || vector == 17 || vector == 21)
        bounce_exception_error(vcpu, vector, error);
    else
        bounce_exception(vcpu, vector);
}

static void dispatch(struct hv_vcpu *vcpu, unsigned vector)
{
    switch (vector) {
    case VECTOR_SYSENTER:
        state_renew_segments(vcpu); /* in QEMU also from virtual-8086 mode, of which the instruction leaves no trace */
        bounce_sysenter(vcpu);
        break;
    case VECTOR_VM86:
        bounce_exception_error(vcpu, VECTOR_PROTECTION, 0);
        break;
    case VECTOR_PROTECTION:
        protection_fault(vcpu);
        break;
    case VECTOR_INVALID_OPCODE:
        if (emulate_forced(vcpu) != EMULATE_DONE)
            bounce_exception(vcpu, vector);
        break;
    case VECTOR_NO_DEVICE:
        state_set_task_switched(vcpu, false);
        bounce_exception(vcpu, vector);
        break;
    case VECTOR_DEBUG:
        debug_trap(vcpu);
        break;
    case VECTOR_BREAKPOINT:
        stale_code_renew(vcpu);
        bounce_exception(vcpu, vector);
        break;
    case VECTOR_NMI:
        break; /* the watchdog's, or nobody's: the guest goes on */
    case VECTOR_INT80:
        trap_by_80(vcpu);
        break;
    default:
        if (vector >= VECTOR_EXCEPTIONS)
            interrupt(vector);
        else
            exception(vcpu, vector, vcpu->frame->error);
    }
}

/*
 * ---- The way back.
 */

/* Whoever is to run before the vCPU does.  Returns whether it has to look again on its next way back. */
static bool give_way(void)
{
    enum sched_turn turn;

    while ((turn = sched_look()) == TURN_IS_OVER)
        sched_yield();
    return turn == TURN_IS_RIPE;
}

/* Until nothing keeps the vCPU from its guest: what has to happen there first, happens there first. */
static __cold void attend(struct hv_vcpu *vcpu)
{
    bool has_looked = false, has_to_look = false;

    for (;;) {
        if (hv_vcpu_domain(vcpu)->ended || vcpu->run.down) {
            sched_obey(vcpu);
        } else if (!has_looked) {
            has_to_look = give_way();
            has_looked = true;
        } else if (vcpu->bounce.nmi_pending && !vcpu->bounce.nmi_blocked) {
            bounce_nmi(vcpu);
        } else if (hv_vcpu_has_upcall(vcpu)) {
            bounce_event(vcpu);
        } else {
            break;
        }
    }
    vcpu->run.attention = has_to_look;
}

FORCE_INLINE void prepare_return(struct hv_vcpu *vcpu)
{
    if (vcpu->run.attention || hv_vcpu_has_upcall(vcpu))
        attend(vcpu);
}

void trap_first_return(struct cpu_frame *frame)
{
    (void)frame;
    sched_arrive();
    attend(cpu_here()->current);
}

/* What of the frame lies beside the registers has served as scratch. */
void trap_return_short(struct cpu_frame *frame)
{
    frame->vector = VECTOR_SYSCALL;
    frame->error = 0;
    prepare_return(cpu_frame_owner(frame)->vcpu);
}

FORCE_INLINE void hypercall(struct hv_vcpu *vcpu, struct cpu_frame *frame)
{
    uint64_t number = frame->rax;
    struct report_call *call = report_begin_call(&vcpu->report, number);
    int64_t result;

    cpu_frame_args(frame, WIDTH_64, call->args);
    result = engine_hypercall(&vcpu->engine, number, call->args);
    if (vcpu->engine.diverted)
        return;
    report_end_call(&vcpu->report, call, result);
    frame->rax = (uint64_t)result;
}

void trap_hypercall(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;

    nmi_watchdog_pet_at(cpu_frame_owner(frame)->cpu);
    hypercall(vcpu, frame);
    prepare_return(vcpu);
}

/* By syscall the kernel calls the hypervisor in 64-bit code only; the instruction does not tell rings 1 and 3 apart. */
void trap_call(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;

    nmi_watchdog_pet();
    if (vcpu->engine.user_mode) {
        bounce_syscall(vcpu);
    } else if (frame->vector == VECTOR_SYSCALL) {
        hypercall(vcpu, frame);
    } else if (!hv_vcpu_is_64bit(vcpu)) {
        bounce_syscall(vcpu);
    } else {
        frame->rip -= SYSCALL_SIZE;
        bounce_exception(vcpu, VECTOR_INVALID_OPCODE);
    }
    prepare_return(vcpu);
}

FORCE_INLINE void hypercall32(struct hv_vcpu *vcpu, struct cpu_frame *frame)
{
    uint32_t number = (uint32_t)frame->rax;
    struct report_call *call = report_begin_call(&vcpu->report, number);
    int64_t result;

    cpu_frame_args(frame, WIDTH_PAE, call->args);
    result = engine_hypercall(&vcpu->engine, number, call->args);
    if (vcpu->engine.diverted)
        return;
    report_end_call(&vcpu->report, call, result);
    frame->rax = (uint32_t)result;
}

static struct trace_record begin_record(const struct cpu_frame *frame, enum width width)
{
    struct trace_record record = {.began = asm_read_tsc(), .rip = frame->rip};

    record.number = width == WIDTH_64 ? frame->rax : (uint32_t)frame->rax;
    cpu_frame_args(frame, width, record.args);
    return record;
}

static void return_traced(struct hv_vcpu *vcpu)
{
    uint64_t rip = vcpu->frame->rip;

    prepare_return(vcpu);
    trace_upcall(vcpu, rip);
}

/* The same, of a call, written down once it is done. */
void trap_call_traced(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;
    struct trace_record record = begin_record(frame, WIDTH_64);

    if (vcpu->engine.user_mode || !hv_vcpu_is_64bit(vcpu)) {
        trap_call(frame);
        return;
    }
    nmi_watchdog_pet();
    hypercall(vcpu, frame);
    trace_call(vcpu, &record, vcpu->engine.diverted ? TRACE_NO_RESULT : (int64_t)frame->rax);
    return_traced(vcpu);
}

void trap_call32(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;

    if (hv_vcpu_is_64bit(vcpu)) {
        trap_from_guest_improper(frame);
        return;
    }
    nmi_watchdog_pet();
    hypercall32(vcpu, frame);
    prepare_return(vcpu);
}

void trap_call32_traced(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;
    struct trace_record record = begin_record(frame, WIDTH_PAE);

    if (hv_vcpu_is_64bit(vcpu)) {
        trap_from_guest_improper(frame);
        return;
    }
    nmi_watchdog_pet();
    hypercall32(vcpu, frame);
    trace_call(vcpu, &record, vcpu->engine.diverted ? TRACE_NO_RESULT : (int32_t)frame->rax);
    return_traced(vcpu);
}

/* An NMI has a stack of its own, and #DB may: to the vCPU's. */
static __cold _Noreturn void move_frame(const struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_here()->current;

    if (frame->vector == VECTOR_NMI)
        nmi_watchdog_tick(frame);
    *vcpu->frame = *frame;
    entry_restart(vcpu->frame);
}

void trap_from_guest(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;

    if (frame->vector == VECTOR_MACHINE_CHECK || frame->vector == VECTOR_DOUBLE_FAULT)
        fault_report(frame);
    if (!vcpu)
        move_frame(frame);
    nmi_watchdog_pet();
    if (frame->vector == VECTOR_PAGE_FAULT)
        page_fault(vcpu, asm_read_cr2());
    else
        dispatch(vcpu, (unsigned)frame->vector);
    prepare_return(vcpu);
}

static bool is_interrupt(uint64_t vector)
{
    return vector >= VECTOR_EXCEPTIONS && vector < TRAP_VECTORS && vector != VECTOR_INT80 &&
           vector != VECTOR_HYPERCALL32;
}

static bool is_call32(const struct cpu_frame *frame)
{
    return frame->vector == VECTOR_HYPERCALL32 && TRAP_RING(frame) == NARROW_KERNEL_RING;
}

/*
 * The kernel of a 32-bit guest comes this way: what mending leaves as it was is as good as proper.  Where the guest was
 * in a mode that there is not, its kernel finds a general protection fault, whatever has ended the excursion, and
 * decides what becomes of the culprit.
 */
void trap_from_guest_improper(struct cpu_frame *frame)
{
    bool is_call = frame->vector == VECTOR_SYSCALL || frame->vector == VECTOR_SYSCALL32;

    if (frame->vector == VECTOR_MACHINE_CHECK || frame->vector == VECTOR_DOUBLE_FAULT)
        fault_report(frame);
    exchange_see_flags(frame->rflags, frame->rip);
    if (!cpu_frame_mend(frame, cpu_here()->current->engine.domain->width)) {
        if (frame->vector == VECTOR_NMI)
            nmi_watchdog_tick(frame);
        else if (is_interrupt(frame->vector))
            interrupt((unsigned)frame->vector);
        state_drop_segments();
        frame->vector = VECTOR_VM86;
        frame->error = 0;
        is_call = false;
    }
    if (is_call)
        trap_call(frame);
    else if (is_call32(frame))
        trap_call32(frame);
    else
        trap_from_guest(frame);
}

/* The gates of those that have a stack of their own do not lead here. */
void trap_from_guest_traced(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;
    struct trace_record record = trace_trap_begin(vcpu, frame);

    trap_from_guest(frame);
    trace_trap_end(vcpu, &record);
}

void trap_from_guest_improper_traced(struct cpu_frame *frame)
{
    struct hv_vcpu *vcpu = cpu_frame_owner(frame)->vcpu;
    struct trace_record record = trace_trap_begin(vcpu, frame);

    trap_from_guest_improper(frame);
    trace_trap_end(vcpu, &record);
}

void trap_return_improper(struct cpu_frame *frame)
{
    if (!cpu_frame_is_proper(frame, cpu_here()->current->engine.domain->width))
        fault_report_return(frame);
}
