/* SPDX-License-Identifier: MIT */
/*
 * In order: what the guest is to go on with; an emulation; all of it.  What stands in the guest's memory is told as
 * what was there, and decides nothing but what is told.
 */
#include <abi/trap.h>
#include <engine/access.h>
#include <engine/engine.h>
#include <hv/base/asm.h>
#include <hv/base/string.h>
#include <hv/cpu/cpu_frame.h>
#include <hv/cpu/trap.h>
#include <hv/domain/trace.h>
#include <hv/domain/trace_trap.h>
#include <hv/domain/vcpu.h>

/* In front of the interrupted rip, in the frame of an event: rcx and r11, for 64-bit kernels. */
#define WIDE_RIP (2 * sizeof(uint64_t))

struct trace_record trace_trap_begin(const struct hv_vcpu *vcpu, const struct cpu_frame *frame)
{
    struct trace_record record = {.began = asm_read_tsc(), .rip = frame->rip, .number = frame->vector};

    record.args[TRAP_ERROR] = frame->error;
    record.args[TRAP_ADDRESS] = frame->vector == VECTOR_PAGE_FAULT ? asm_read_cr2() : frame->rcx;
    record.args[TRAP_USER] = hv_vcpu_in_user_mode(vcpu);
    return record;
}

/*
 * ---- What the guest is to go on with.
 */

/* A gate that is closed to the guest comes as a protection fault of its own. */
static bool is_handler(const struct hv_vcpu *vcpu, const struct trace_record *record, uint64_t rip)
{
    const struct trap_gate *traps = vcpu->engine.traps;
    uint64_t error = record->args[TRAP_ERROR];

    if (record->number < TRAP_VECTORS && traps[record->number].address == rip)
        return true;
    if (record->number == VECTOR_PROTECTION && (error & SELECTOR_ERROR_IDT) &&
        traps[error / 8 % TRAP_VECTORS].address == rip)
        return true;
    return traps[VECTOR_PROTECTION].address == rip || traps[VECTOR_PAGE_FAULT].address == rip;
}

/* Has an event, or an NMI, interrupted the vCPU?  Then *@rip becomes where. */
static bool is_upcall(struct hv_vcpu *vcpu, uint64_t *rip)
{
    uint64_t at = vcpu->frame->rip;

    if (!at || at == *rip || (at != vcpu->bounce.event.address && at != vcpu->bounce.nmi.address))
        return false;
    return access_read_word(&vcpu->engine, rip, VADDR(vcpu->frame->rsp + (hv_vcpu_is_64bit(vcpu) ? WIDE_RIP : 0)));
}

static void write(struct hv_vcpu *vcpu, struct trace_record *record, enum trace_kind kind, const uint64_t *payload,
                  unsigned nr_words)
{
    record->kind = (uint8_t)kind;
    record->domain = vcpu->engine.domain->id.v;
    record->vcpu = (uint8_t)vcpu->engine.id;
    record->ended = asm_read_tsc();
    record->result = TRACE_NO_RESULT;
    trace_write(record, payload, nr_words);
}

static void write_upcall(struct hv_vcpu *vcpu, uint64_t rip)
{
    struct trace_record record = {.began = asm_read_tsc(), .rip = rip};

    record.args[TRAP_HANDLER] = vcpu->frame->rip;
    write(vcpu, &record, TRACE_UPCALL, NULL, 0);
}

/*
 * ---- An emulation.
 */

/* As much as there is up to the end of the page, where no more can be read. */
static void read_instruction(struct hv_vcpu *vcpu, uint64_t rip, uint64_t words[2])
{
    size_t left = PAGE_SIZE - rip % PAGE_SIZE;

    memset(words, 0, 2 * sizeof(words[0]));
    if (access_read(&vcpu->engine, words, VADDR(rip), 2 * sizeof(words[0])) || left >= 2 * sizeof(words[0]))
        return;
    (void)!access_read(&vcpu->engine, words, VADDR(rip), left);
}

static void write_emulation(struct hv_vcpu *vcpu, struct trace_record *record)
{
    uint64_t instruction[2];

    read_instruction(vcpu, record->rip, instruction);
    record->payload = TRACE_INSTRUCTION;
    record->args[TRAP_VALUE] = vcpu->frame->rax;
    record->args[TRAP_VALUE_HIGH] = vcpu->frame->rdx;
    if (record->number == VECTOR_PAGE_FAULT) {
        record->args[TRAP_VALUE] = record->args[TRAP_VALUE_HIGH] = 0;
        (void)!access_read(&vcpu->engine, &record->args[TRAP_VALUE], VADDR(record->args[TRAP_ADDRESS] & ~UINT64_C(7)),
                           sizeof(record->args[0]));
    }
    write(vcpu, record, TRACE_EMULATION, instruction, 2);
}

/*
 * ---- All of it.
 */

static bool is_interrupt(const struct trace_record *record)
{
    return record->number >= VECTOR_EXCEPTIONS && record->number < TRAP_VECTORS && record->number != VECTOR_INT80;
}

void trace_trap_end(struct hv_vcpu *vcpu, struct trace_record *record)
{
    uint64_t rip = record->rip;
    bool has_upcall = is_upcall(vcpu, &rip);

    if (!has_upcall)
        rip = vcpu->frame->rip;
    if (!is_interrupt(record) && is_handler(vcpu, record, rip)) {
        record->args[TRAP_HANDLER] = rip;
        write(vcpu, record, TRACE_EXCEPTION, NULL, 0);
    } else if (!is_interrupt(record) && rip != record->rip) {
        write_emulation(vcpu, record);
    }
    if (has_upcall)
        write_upcall(vcpu, rip);
}

void trace_upcall(struct hv_vcpu *vcpu, uint64_t rip)
{
    if (trace_has_traps() && is_upcall(vcpu, &rip))
        write_upcall(vcpu, rip);
}
