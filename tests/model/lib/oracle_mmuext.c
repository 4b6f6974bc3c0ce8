/* SPDX-License-Identifier: MIT */
/* The oracle on mmuext_op (abi/mmuext.h). */
#include <abi/mmuext.h>
#include <tests/model/lib/oracle_parts.h>

struct operation {
    const struct call *call;
    int pg;
    uint32_t cmd;
    uint64_t arg1, arg2;
};

static bool owned(const struct oracle *oracle, const struct operation *op, uint64_t mfn)
{
    return oracle_is_ram(oracle, mfn) && op->pg >= 0 && oracle->state.frames[mfn].owner == op->pg;
}

static int pin(struct oracle *oracle, const struct operation *op)
{
    unsigned level = op->cmd - MMUEXT_PIN_L1_TABLE + 1;
    unsigned domain = op->pg >= 0 ? (unsigned)op->pg : op->call->caller;
    int error;

    if (level == 4 && !oracle->state.domains[domain].wide)
        return 0;
    if (!owned(oracle, op, op->arg1))
        return -XEN_EINVAL;
    error = oracle_try(oracle, domain, op->arg1, (enum oracle_type)level);
    if (error)
        return error;
    if (oracle->state.frames[op->arg1].pin)
        return oracle->mistake == ORACLE_PINS_TWICE ? 0 : -XEN_EINVAL;
    oracle->state.frames[op->arg1].pin = (uint8_t)level;
    oracle_settle(oracle);
    return 0;
}

static int unpin(struct oracle *oracle, const struct operation *op)
{
    if (!owned(oracle, op, op->arg1) || !oracle->state.frames[op->arg1].pin)
        return -XEN_EINVAL;
    oracle->state.frames[op->arg1].pin = 0;
    oracle_settle(oracle);
    return 0;
}

static int new_root(struct oracle *oracle, const struct operation *op)
{
    const struct oracle_domain *domain = &oracle->state.domains[op->call->caller];
    struct oracle_vcpu *vcpu = op->call->vcpu;
    bool user = op->cmd == MMUEXT_NEW_USER_BASEPTR;
    int error;

    if (op->pg != (int)op->call->caller)
        return -XEN_EPERM;
    if (user && !domain->wide)
        return -XEN_EINVAL;
    if (user && op->arg1 == 0) {
        vcpu->user_root = ORACLE_NO_FRAME;
        oracle_settle(oracle);
        return 0;
    }
    error = oracle_try(oracle, op->call->caller, op->arg1, domain->wide ? O_L4 : O_L3);
    if (error)
        return error;
    *(user ? &vcpu->user_root : &vcpu->kernel_root) = op->arg1;
    for (unsigned i = 0; !user && i < 16; i++)
        vcpu->ldt[i] = ORACLE_NO_FRAME; /* found again through the new tables */
    oracle_settle(oracle);
    return 0;
}

static int set_ldt(struct oracle *oracle, const struct operation *op)
{
    const struct oracle_domain *domain = &oracle->state.domains[op->call->caller];
    struct oracle_vcpu *vcpu = op->call->vcpu;
    uint32_t entries = (uint32_t)op->arg2;

    if (op->pg != (int)op->call->caller)
        return -XEN_EPERM;
    if (entries > 8192)
        return -XEN_EINVAL;
    if (entries > 0 && (op->arg1 % 4096 || !rules_address(domain->wide, op->arg1) ||
                        !rules_address(domain->wide, op->arg1 + 8ull * entries - 1)))
        return -XEN_EINVAL;
    vcpu->ldt_base = op->arg1;
    vcpu->ldt_entries = entries;
    for (unsigned i = 0; i < 16; i++)
        vcpu->ldt[i] = ORACLE_NO_FRAME;
    oracle_settle(oracle);
    return 0;
}

/* Can the hypervisor write the frame on behalf of its owner? */
static bool writable(const struct oracle *oracle, uint64_t mfn)
{
    enum oracle_type type = oracle_type(oracle, mfn);

    return type == O_NONE || type == O_WRITABLE;
}

static int clear_or_copy(struct oracle *oracle, const struct operation *op)
{
    bool copy = op->cmd == MMUEXT_COPY_PAGE;

    if (copy && !owned(oracle, op, op->arg2))
        return -XEN_EINVAL;
    if (!owned(oracle, op, op->arg1) || !writable(oracle, op->arg1))
        return -XEN_EINVAL;
    for (unsigned i = 0; i < 512; i++)
        oracle_put(oracle, op->arg1, i, copy ? oracle->memory[op->arg2][i] : 0);
    return 0;
}

static bool is_flush(uint32_t cmd)
{
    return (cmd >= MMUEXT_TLB_FLUSH_LOCAL && cmd <= MMUEXT_FLUSH_CACHE) || cmd == MMUEXT_FLUSH_CACHE_GLOBAL;
}

static int run(struct oracle *oracle, const struct operation *op)
{
    if (is_flush(op->cmd) && op->pg != (int)op->call->caller)
        return -XEN_EPERM;
    switch (op->cmd) {
    case MMUEXT_PIN_L1_TABLE:
    case MMUEXT_PIN_L2_TABLE:
    case MMUEXT_PIN_L3_TABLE:
    case MMUEXT_PIN_L4_TABLE:
        return pin(oracle, op);
    case MMUEXT_UNPIN_TABLE:
        return unpin(oracle, op);
    case MMUEXT_NEW_BASEPTR:
    case MMUEXT_NEW_USER_BASEPTR:
        return new_root(oracle, op);
    case MMUEXT_TLB_FLUSH_LOCAL:
    case MMUEXT_TLB_FLUSH_ALL:
    case MMUEXT_INVLPG_LOCAL:
    case MMUEXT_INVLPG_ALL:
        return 0;
    case MMUEXT_TLB_FLUSH_MULTI:
    case MMUEXT_INVLPG_MULTI:
        return op->arg2 == ARGS_GOOD ? 0 : -XEN_EINVAL; /* where the bitmap lies */
    case MMUEXT_FLUSH_CACHE:
        return oracle->state.domains[op->call->caller].nr_iomem ? 0 : -XEN_EACCES;
    case MMUEXT_FLUSH_CACHE_GLOBAL:
        return oracle->state.domains[op->call->caller].nr_iomem ? 0 : -XEN_EINVAL;
    case MMUEXT_SET_LDT:
        return set_ldt(oracle, op);
    case MMUEXT_CLEAR_PAGE:
    case MMUEXT_COPY_PAGE:
        return clear_or_copy(oracle, op);
    case MMUEXT_MARK_SUPER:
    case MMUEXT_UNMARK_SUPER:
        return -XEN_EOPNOTSUPP;
    default:
        return -XEN_ENOSYS;
    }
}

int64_t oracle_mmuext(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    struct operation op = {.call = call};
    unsigned done = 0;
    int error;

    if (step->args == ARGS_HYPERVISOR && step->count > 0)
        return -XEN_EFAULT;
    error = oracle_find_domain(oracle, call->caller, step->foreign & 0xffff, &op.pg);
    if (!error && !oracle_may(oracle, call->caller, op.pg))
        error = -XEN_EPERM;
    if (error)
        return error; /* the count is left alone */
    for (; !error && done < step->count; done++) {
        const uint64_t *word = &step->word[3 * done];

        op.cmd = (uint32_t)word[0];
        op.arg1 = word[1];
        op.arg2 = word[2];
        error = done < call_readable(step) ? run(oracle, &op) : -XEN_EFAULT;
        if (error)
            break;
    }
    if (step->done == DONE_GOOD)
        call->expected->done =
            done + ((step->sub & 1) ? DONE_BEFORE : 0) + (error && oracle->mistake == ORACLE_DONE_PLUS_ONE);
    return error;
}
