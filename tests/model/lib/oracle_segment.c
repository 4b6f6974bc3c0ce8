/* SPDX-License-Identifier: MIT */
/* The oracle on descriptor tables (abi/segment.h), trap tables (abi/trap.h), and emulated writes. */
#include <engine/engine.h>
#include <tests/model/lib/oracle_parts.h>

int64_t oracle_set_gdt(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    uint64_t entries = step->word[0];
    unsigned count = (unsigned)((entries + 511) / 512);
    struct attempt attempt;
    int error = 0;

    if (entries > 7168)
        return -XEN_EINVAL;
    if (count > call_readable(step))
        return -XEN_EFAULT;
    attempt_begin(&attempt, oracle);
    for (unsigned i = 0; !error && i < count; i++)
        error = attempt_use(&attempt, call->caller, step->word[1 + i], O_SEGDESC);
    if (error)
        return error;
    for (unsigned i = 0; i < 14; i++)
        call->vcpu->gdt[i] = i < count ? step->word[1 + i] : ORACLE_NO_FRAME;
    oracle_settle(oracle);
    return 0;
}

int64_t oracle_descriptor(struct oracle *oracle, const struct call *call)
{
    uint64_t maddr = call->step->word[0], descriptor = call->step->word[1], mfn = maddr >> 12;
    enum oracle_type type;

    if (maddr % 8 || !rules_descriptor(oracle->state.domains[call->caller].wide, &descriptor))
        return -XEN_EINVAL;
    if (!oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner != call->caller)
        return -XEN_EINVAL;
    type = oracle_type(oracle, mfn);
    if (type != O_NONE && type != O_WRITABLE && type != O_SEGDESC)
        return -XEN_EINVAL;
    oracle_put(oracle, mfn, (unsigned)(maddr & 0xfff) / 8, descriptor);
    return 0;
}

int64_t oracle_traps(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    bool wide = oracle->state.domains[call->caller].wide;

    if (step->args == ARGS_NULL) {
        for (unsigned i = 0; i < 256; i++)
            call->vcpu->traps[i] = (struct oracle_trap){0, 0, 0};
        return 0;
    }
    /* The list ends with an entry of zeroes behind the last one. */
    for (unsigned i = 0; i < step->count; i++) {
        uint64_t info = step->word[2 * i], address = step->word[2 * i + 1];
        uint16_t cs = (uint16_t)(info >> 16);

        if (i >= call_readable(step))
            return -XEN_EFAULT;
        if (address == 0)
            return 0;
        if (wide && !rules_address(true, address))
            return -XEN_EINVAL;
        cs = (uint16_t)((cs & ~3) | (wide ? 3 : 1));
        call->vcpu->traps[info & 0xff] = (struct oracle_trap){address, cs, (info >> 8) & 7};
    }
    return step->args == ARGS_GOOD ? 0 : -XEN_EFAULT;
}

int64_t oracle_ldt_fault(struct oracle *oracle, const struct call *call)
{
    struct oracle_vcpu *vcpu = call->vcpu;
    uint64_t page = call->step->word[0], table;
    unsigned index;
    int error;

    if (page >= 16 || page * 512 >= vcpu->ldt_entries)
        return -XEN_EINVAL;
    if (vcpu->ldt[page] != ORACLE_NO_FRAME)
        return 0;
    if (!oracle_find_l1(oracle, call->caller, vcpu->kernel_root, vcpu->ldt_base + page * 4096, &table, &index) ||
        !(oracle->memory[table][index] & BIT_P))
        return -XEN_EINVAL;
    error = oracle_try(oracle, call->caller, entry_target(oracle->memory[table][index]), O_SEGDESC);
    if (error)
        return error;
    vcpu->ldt[page] = entry_target(oracle->memory[table][index]);
    oracle_settle(oracle);
    return 0;
}

/*
 * ---- Emulated writes: facts 5.6.
 */

static uint64_t combine(unsigned form, uint64_t old, uint64_t operand)
{
    switch (form) {
    case WRITE_AND:
        return old & operand;
    case WRITE_OR:
        return old | operand;
    case WRITE_XOR:
        return old ^ operand;
    case WRITE_ADD:
        return old + operand;
    default:
        return operand;
    }
}

/* The L1 table and index that @vaddr is mapped to read-only. */
static bool find_target(const struct oracle *oracle, const struct call *call, uint64_t vaddr, uint64_t *target,
                        unsigned *slot)
{
    uint64_t table, entry;
    unsigned index;

    if (!oracle_find_l1(oracle, call->caller, call->vcpu->kernel_root, vaddr, &table, &index))
        return false;
    entry = oracle->memory[table][index];
    *target = entry_target(entry);
    *slot = (unsigned)(vaddr & 0xfff) / 8;
    return (entry & BIT_P) && !(entry & BIT_RW) && oracle_is_ram(oracle, *target) &&
           oracle->state.frames[*target].owner == call->caller && oracle_type(oracle, *target) == O_L1;
}

int64_t oracle_emulate(struct oracle *oracle, const struct call *call)
{
    const struct oracle_domain *domain = &oracle->state.domains[call->caller];
    const struct who who = {call->caller, call->caller, (int)call->caller};
    const uint64_t *word = call->step->word;
    uint64_t vaddr = word[0], bytes = word[1], mask, old, part, target;
    unsigned slot, shift = (unsigned)(vaddr % 8) * 8;
    int error;

    if (!domain->emulates || call->vcpu->user_mode || call->step->sub > WRITE_ADD ||
        (bytes != 1 && bytes != 2 && bytes != 4 && bytes != 8) || vaddr % bytes != 0 ||
        !find_target(oracle, call, vaddr, &target, &slot))
        return -XEN_EINVAL;
    mask = bytes == 8 ? UINT64_MAX : (UINT64_C(1) << 8 * bytes) - 1;
    /* What a processor has set in the entry meanwhile, the engine saw and we believe. */
    old = oracle->memory[target][slot];
    part = BITS_AD & (mask << shift);
    old = (old & ~part) | ((call->seen->seen << shift) & part);
    call->expected->seen = (old >> shift) & mask;
    if (call->step->sub == WRITE_CMPXCHG && call->expected->seen != (word[3] & mask))
        return 0;
    part = combine(call->step->sub, call->expected->seen, word[2]) & mask;
    part = (old & ~(mask << shift)) | part << shift;
    error = oracle_write_entry(oracle, who, target, slot, part, false);
    if (error && !domain->wide && bytes == 4 && vaddr % 8 == 4 && (part & BIT_P))
        error = oracle_write_entry(oracle, who, target, slot, part & ~BIT_P, false);
    return error;
}
