/* SPDX-License-Identifier: MIT */
/* In order: who calls; the arguments of calls that write entries; the entry of a multicall that was refused. */
#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <engine/access.h>
#include <engine/level.h>
#include <hv/domain/asked.h>
#include <hv/domain/refusals.h>
#include <hv/domain/vcpu.h>

#define STUB_BYTES   8u  /* of a stub, behind the instruction that calls */
#define CALLS_LOOKED 64u /* entries of a multicall; Linux has 32 at most */

#define CODE_REX_B   0x41
#define CODE_POP     0x58 /* and the seven behind it */
#define CODE_JMP     0xe9
#define CODE_RET     0xc3
#define MMU_COMMANDS 3u /* bits of the address */

struct call {
    unsigned number;
    uint64_t args[6];
};

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

static struct call call_of(const struct hv_vcpu *vcpu)
{
    struct call call = {.number = (unsigned)vcpu->frame->rax};

    cpu_frame_args(vcpu->frame, vcpu->engine.domain->width, call.args);
    return call;
}

/*
 * ---- Calls that write entries.
 */

static void note_by_address(const struct hv_vcpu *vcpu, const struct call *call, struct asked *asked)
{
    asked->knows_address = true;
    asked->address = call->args[0];
    asked->knows_entry = true;
    asked->entry = hv_vcpu_is_64bit(vcpu) ? call->args[1] : (uint32_t)call->args[1] | call->args[2] << 32;
}

static void note_update(struct hv_vcpu *vcpu, const struct call *call, unsigned index, struct asked *asked)
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

static void note_call(struct hv_vcpu *vcpu, const struct call *call, const struct refusal *refusal, struct asked *asked)
{
    if (call->number == __HYPERVISOR_update_va_mapping || call->number == __HYPERVISOR_update_va_mapping_otherdomain)
        note_by_address(vcpu, call, asked);
    else if (call->number == __HYPERVISOR_mmu_update)
        note_update(vcpu, call, refusal->index, asked);
}

/*
 * ---- Multicalls.
 */

static bool read_entry(struct hv_vcpu *vcpu, uint64_t list, unsigned index, struct call *call)
{
    struct compat_multicall_entry narrow;
    struct multicall_entry wide;

    if (hv_vcpu_is_64bit(vcpu)) {
        if (!access_read(&vcpu->engine, &wide, VADDR(list + (uint64_t)index * sizeof(wide)), sizeof(wide)))
            return false;
        call->number = (unsigned)wide.op;
        for (unsigned i = 0; i < ARRAY_SIZE(call->args); i++)
            call->args[i] = wide.args[i];
        return true;
    }
    if (!access_read(&vcpu->engine, &narrow, VADDR(list + (uint64_t)index * sizeof(narrow)), sizeof(narrow)))
        return false;
    call->number = narrow.op;
    for (unsigned i = 0; i < ARRAY_SIZE(call->args); i++)
        call->args[i] = narrow.args[i];
    return true;
}

/* Can @call, of the number that was refused, be the one?  Where its arguments tell nothing, it can. */
static bool fits(struct hv_vcpu *vcpu, const struct call *call, const struct refusal *refusal)
{
    struct asked asked = {.caller = 0};

    note_call(vcpu, call, refusal, &asked);
    if (asked.knows_address && refusal_value(refusal->reason) == VALUE_ADDRESS)
        return asked.address == refusal->value;
    if (!asked.knows_entry)
        return call->number != __HYPERVISOR_mmu_update || asked.knows_command;
    if (!mfn_is_none(refusal->frame))
        return entry_mfn(asked.entry).v == refusal->frame.v;
    return !refusal_is_of_entry(refusal) || entry_mfn(asked.entry).v == entry_mfn(refusal->value).v;
}

static void find_in_multicall(struct hv_vcpu *vcpu, const struct call *outer, const struct refusal *refusal,
                              struct asked *asked)
{
    unsigned count = outer->args[1] < CALLS_LOOKED ? (unsigned)outer->args[1] : CALLS_LOOKED, found = 0;
    struct call call, meant = {.number = 0};

    for (unsigned i = 0; i < count && read_entry(vcpu, outer->args[0], i, &call); i++) {
        if (call.number != refusal->call || !fits(vcpu, &call, refusal))
            continue;
        meant = call;
        asked->place = i;
        found++;
    }
    asked->knows_place = found == 1;
    if (found == 1)
        note_call(vcpu, &meant, refusal, asked);
}

struct asked asked_for(struct hv_vcpu *vcpu, const struct refusal *refusal)
{
    struct asked asked = {.caller = asked_caller(vcpu)};
    struct call call = call_of(vcpu);

    asked.is_in_multicall = call.number == __HYPERVISOR_multicall && refusal->call < CALL_USER_MODE &&
                            refusal->call != __HYPERVISOR_multicall;
    if (asked.is_in_multicall)
        find_in_multicall(vcpu, &call, refusal, &asked);
    else if (call.number == refusal->call)
        note_call(vcpu, &call, refusal, &asked);
    return asked;
}
