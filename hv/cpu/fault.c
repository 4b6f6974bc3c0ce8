/* SPDX-License-Identifier: MIT */
/* Faults of the hypervisor itself.  Nothing is trusted here but the code: the stack is read with recovery. */
#include <stdbool.h>

#include <engine/port.h>
#include <engine/types.h>
#include <hv/base/asm.h>
#include <hv/base/exit.h>
#include <hv/base/layout.h>
#include <hv/base/print.h>
#include <hv/base/serial.h>
#include <hv/base/symbol.h>
#include <hv/cpu/cpu.h>
#include <hv/cpu/fault.h>
#include <hv/cpu/lock_print.h>
#include <hv/cpu/stop.h>
#include <hv/cpu/trap.h>

#define CALLS_MAX  32u
#define SEARCH_MAX (STACK_SIZE / 8u)

#define CALL_NEAR_SIZE   5u /* e8 and a displacement of 32 bits */
#define CALL_NEAR_OPCODE 0xe8u

static const char *const vector_names[] = {
    [0] = "#DE divide error",
    [1] = "#DB debug",
    [2] = "NMI",
    [3] = "#BP breakpoint",
    [4] = "#OF overflow",
    [5] = "#BR bound range",
    [6] = "#UD invalid opcode",
    [7] = "#NM no coprocessor",
    [8] = "#DF double fault",
    [10] = "#TS invalid TSS",
    [11] = "#NP segment not present",
    [12] = "#SS stack segment",
    [13] = "#GP general protection",
    [14] = "#PF page fault",
    [16] = "#MF floating point",
    [17] = "#AC alignment check",
    [18] = "#MC machine check",
    [19] = "#XM SIMD floating point",
    [20] = "#VE virtualisation",
    [21] = "#CP control protection",
};

static const char *vector_name(uint64_t vector)
{
    const char *name = TABLE_FIND(vector_names, vector);

    return name ? name : "interrupt";
}

static void print_place(uint64_t address)
{
    uint64_t offset;
    const char *name = symbol_find(address, &offset);

    if (name)
        print("%016lx %s+0x%lx", address, name, offset);
    else
        print("%016lx", address);
}

/*
 * Does a call return to @address?  The instruction before it is a direct call of the beginning of a function, or the
 * two or three bytes before it are a call through a register or memory.
 */
static bool is_return_address(uint64_t address)
{
    const uint8_t *code = (const uint8_t *)address;
    uint64_t target, offset;

    if (address < (uint64_t)image_text_start + CALL_NEAR_SIZE || address >= (uint64_t)image_text_end)
        return false;
    if (code[-(int)CALL_NEAR_SIZE] == CALL_NEAR_OPCODE) {
        uint32_t displacement =
            (uint32_t)code[-4] | (uint32_t)code[-3] << 8 | (uint32_t)code[-2] << 16 | (uint32_t)code[-1] << 24;

        target = address + (uint64_t)(int64_t)(int32_t)displacement;
        return symbol_find(target, &offset) && offset == 0;
    }
    return (code[-2] == 0xff && (code[-1] & 0x38) == 0x10) || (code[-3] == 0xff && (code[-2] & 0x38) == 0x10);
}

void fault_print_calls(uint64_t rsp)
{
    uint64_t place = rsp & ~UINT64_C(7), word;
    unsigned shown = 0;

    /* A stack that has overflowed begins behind its guard. */
    if (copy_recover(&word, (const void *)place, sizeof(word)))
        place = (place | (PAGE_SIZE - 1)) + 1;
    print("calls, innermost first:\n");
    for (unsigned i = 0; i < SEARCH_MAX && shown < CALLS_MAX; i++, place += sizeof(word)) {
        if (copy_recover(&word, (const void *)place, sizeof(word)))
            break;
        if (!is_return_address(word))
            continue;
        print("  ");
        print_place(word);
        print("\n");
        shown++;
    }
    if (shown == 0)
        print("  none\n");
}

static void print_registers(const struct cpu_frame *frame)
{
    print("rip %02lx:", frame->cs);
    print_place(frame->rip);
    print("\nrsp %02lx:%016lx  rflags %016lx\n", frame->ss, frame->rsp, frame->rflags);
    print("rax %016lx  rbx %016lx  rcx %016lx  rdx %016lx\n", frame->rax, frame->rbx, frame->rcx, frame->rdx);
    print("rsi %016lx  rdi %016lx  rbp %016lx  r8  %016lx\n", frame->rsi, frame->rdi, frame->rbp, frame->r8);
    print("r9  %016lx  r10 %016lx  r11 %016lx  r12 %016lx\n", frame->r9, frame->r10, frame->r11, frame->r12);
    print("r13 %016lx  r14 %016lx  r15 %016lx\n", frame->r13, frame->r14, frame->r15);
    print("cr0 %016lx  cr2 %016lx  cr3 %016lx  cr4 %016lx\n", asm_read_cr0(), asm_read_cr2(), asm_read_cr3(),
          asm_read_cr4());
}

static void print_other(const struct cpu *cpu)
{
    const struct cpu_frame *frame = stop_place(cpu);

    print("processor %u: ", cpu->id);
    if (!frame) {
        print("it does not answer\n");
    } else if (cpu_frame_is_guest(frame)) {
        print("in a guest, rip %016lx\n", frame->rip);
    } else {
        print("in the hypervisor, rip ");
        print_place(frame->rip);
        print("\n");
        fault_print_calls(frame->rsp);
    }
}

/* What this one holds, where the others have stopped, and the end. */
static _Noreturn void end_report(void)
{
    lock_print(cpu_here());
    for (unsigned id = 0; cpu_find(id); id++) {
        if (cpu_find(id) == cpu_here())
            continue;
        print_other(cpu_find(id));
        lock_print(cpu_find(id));
    }
    exit_with(EXIT_BROKEN);
}

/* @frame may be a guest's, whose stack says nothing about the hypervisor. */
static _Noreturn void last_words(const struct cpu_frame *frame)
{
    print_registers(frame);
    if (!cpu_frame_is_guest(frame))
        fault_print_calls(frame->rsp);
    end_report();
}

/* Faults while one is being reported would be reported for ever. */
static void begin_report(const struct cpu_frame *frame)
{
    bool is_first = stop_others();

    cpu_here()->is_watched = false;
    serial_last_words();
    if (!is_first) {
        print("\nanother fault while the first was being reported: vector %lu, rip %016lx\n", frame->vector,
              frame->rip);
        exit_with(EXIT_BROKEN);
    }
    if (cpu_here()->id)
        print("\non processor %u:", cpu_here()->id);
}

_Noreturn void fault_report(const struct cpu_frame *frame)
{
    begin_report(frame);
    print("\nhypervisor fault: vector %lu, %s, error code %lx\n", frame->vector, vector_name(frame->vector),
          frame->error);
    last_words(frame);
}

_Noreturn void fault_report_return(const struct cpu_frame *frame)
{
    begin_report(frame);
    print("\nhypervisor fault: a guest would go on with registers that no guest may have\n");
    last_words(frame);
}

_Noreturn void fault_report_hang(const struct cpu_frame *frame)
{
    begin_report(frame);
    print("\nhypervisor fault: no interrupt has been taken for two seconds\n");
    last_words(frame);
}

void port_halt(const char *file, int line, const char *condition)
{
    bool is_first = stop_others();

    serial_last_words();
    print("\nbroken invariant: %s:%d: %s\n", file, line, condition);
    fault_print_calls((uint64_t)__builtin_frame_address(0));
    if (!is_first)
        exit_with(EXIT_BROKEN);
    end_report();
}
