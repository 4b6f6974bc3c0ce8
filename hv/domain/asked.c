/* SPDX-License-Identifier: MIT */
/* In order: who calls, and what; the arguments of calls that write entries. */
#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/multicall.h>
#include <engine/access.h>
#include <engine/level.h>
#include <hv/domain/asked.h>
#include <hv/domain/refusals.h>
#include <hv/domain/vcpu.h>

#define STUB_BYTES 8u /* of a stub, behind the instruction that calls */

#define CODE_REX_B   0x41
#define CODE_POP     0x58 /* and the seven behind it */
#define CODE_JMP     0xe9
#define CODE_RET     0xc3
#define MMU_COMMANDS 3u /* bits of the address */

/* Behind the call a stub pops what it has saved, and returns; Linux by a jump to its one place for that. */
uint64_t asked_caller(struct hv_vcpu *vcpu)
{
    unsigned size = access_word_size(vcpu->engine.domain);
    uint64_t stack = vcpu->frame->rsp, caller;

    for (unsigned i = 0; i < STUB_BYTES; i++) {
        uint8_t code;

        if (!access_read(&vcpu->engine, &code, VADDR(vcpu->frame->rip + i), sizeof(code)))
            return 0;
        if (code == CODE_RET || (code == CODE_JMP && stack != vcpu->frame->rsp))
            return access_read_word(&vcpu->engine, &caller, VADDR(stack)) ? caller : 0;
        if ((code & ~7u) == CODE_POP)
            stack += size;
        else if (code != CODE_REX_B || size != 8)
            return 0;
    }
    return 0;
}

struct asked_call asked_call(const struct hv_vcpu *vcpu)
{
    const struct multicall_entry *entry = vcpu->engine.entry;
    struct asked_call call = {.number = (unsigned)(entry ? entry->op : vcpu->frame->rax)};

    if (!entry) {
        cpu_frame_args(vcpu->frame, vcpu->engine.domain->width, call.args);
        return call;
    }
    for (size_t i = 0; i < ARRAY_SIZE(call.args); i++)
        call.args[i] = entry->args[i];
    return call;
}

/*
 * ---- Calls that write entries.
 */

static void note_by_address(const struct hv_vcpu *vcpu, const struct asked_call *call, struct asked *asked)
{
    asked->knows_address = true;
    asked->address = call->args[0];
    asked->knows_entry = true;
    asked->entry = hv_vcpu_is_64bit(vcpu) ? call->args[1] : (uint32_t)call->args[1] | call->args[2] << 32;
}

static void note_update(struct hv_vcpu *vcpu, const struct asked_call *call, unsigned index, struct asked *asked)
{
    struct mmu_update update;

    if (index >= (uint32_t)call->args[1] ||
        !access_read(&vcpu->engine, &update, VADDR(call->args[0] + (uint64_t)index * sizeof(update)), sizeof(update)))
        return;
    asked->knows_command = true;
    asked->command = update.ptr & MMU_COMMANDS;
    asked->knows_entry = asked->command != MMU_MACHPHYS_UPDATE;
    asked->entry = update.val;
}

static void note_call(struct hv_vcpu *vcpu, const struct asked_call *call, const struct refusal *refusal,
                      struct asked *asked)
{
    if (call->number == __HYPERVISOR_update_va_mapping || call->number == __HYPERVISOR_update_va_mapping_otherdomain)
        note_by_address(vcpu, call, asked);
    else if (call->number == __HYPERVISOR_mmu_update)
        note_update(vcpu, call, refusal->index, asked);
}

struct asked asked_for(struct hv_vcpu *vcpu, const struct refusal *refusal)
{
    struct asked asked = {.caller = asked_caller(vcpu)};
    struct asked_call call = asked_call(vcpu);

    if (call.number != refusal->call)
        return asked;
    asked.is_in_multicall = vcpu->engine.entry;
    asked.place = vcpu->engine.entry_index;
    note_call(vcpu, &call, refusal, &asked);
    return asked;
}
