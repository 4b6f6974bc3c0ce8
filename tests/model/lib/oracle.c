/* SPDX-License-Identifier: MIT */
/* One step of the oracle. */
#include <sim/sim.h>
#include <tests/model/lib/oracle_parts.h>

/* What the sizes that the oracle repeats from the ABI must be. */
_Static_assert(ORACLE_VCPUS <= SIM_MAX_VCPUS, "vCPUs");

static int64_t enter_user(struct oracle *oracle, const struct call *call)
{
    (void)oracle;
    if (call->vcpu->user_root == ORACLE_NO_FRAME)
        return -XEN_EINVAL;
    call->vcpu->user_mode = true;
    return 0;
}

/*
 * Where a store got is not for us to say: a processor may use what it has cached.  After a flush it
 * has nothing cached.  Wherever it got, it must not have changed a table.
 */
static void store(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    uint64_t mfn = call->seen->mfn;

    call->expected->mfn = mfn;
    if (step->sub & 1) {
        bool writable;

        mfn = oracle_walk(oracle, step->domain, step->vcpu, step->word[0], &writable);
        call->expected->mfn = writable ? mfn : ORACLE_NO_FRAME;
        mfn = call->expected->mfn;
    }
    if (mfn == ORACLE_NO_FRAME || !oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner == O_POOL)
        return; /* what is in the pool is wiped before anybody gets it */
    if (!oracle_store_allowed(oracle, step->domain, mfn))
        sim_fail("a store to %#llx reached frame %#llx, type %s, owner %#x", (unsigned long long)step->word[0],
                 (unsigned long long)mfn, oracle_type_name(oracle_type(oracle, mfn)), oracle->state.frames[mfn].owner);
    oracle_put(oracle, mfn, (unsigned)(step->word[0] & 0xfff) / 8, step->word[1]);
}

static void load(struct oracle *oracle, const struct call *call)
{
    const struct step *step = call->step;
    uint64_t mfn = call->seen->mfn;

    call->expected->mfn = mfn;
    call->expected->seen = call->seen->seen;
    if (mfn == ORACLE_NO_FRAME || !oracle_is_ram(oracle, mfn) || oracle->state.frames[mfn].owner >= ORACLE_DOMAINS)
        return;
    call->expected->seen = oracle->memory[mfn][(step->word[0] & 0xfff) / 8];
}

static int64_t run_grant(struct oracle *oracle, const struct call *call)
{
    switch (call->step->kind) {
    case STEP_GRANT_MAP:
        return oracle_grant_map(oracle, call);
    case STEP_GRANT_UNMAP:
        return oracle_grant_unmap(oracle, call);
    case STEP_GRANT_COPY:
        return oracle_grant_copy(oracle, call);
    case STEP_GRANT_TABLE:
        return oracle_grant_table(oracle, call);
    default:
        oracle_grant_entry(oracle, call);
        return 0;
    }
}

static int64_t run(struct oracle *oracle, const struct call *call)
{
    if (step_is_grant(call->step) || call->step->kind == STEP_GRANT_ENTRY)
        return run_grant(oracle, call);
    switch (call->step->kind) {
    case STEP_MMU_UPDATE:
        return oracle_mmu_update(oracle, call);
    case STEP_VA_MAPPING:
    case STEP_VA_OTHER:
        return oracle_va_mapping(oracle, call);
    case STEP_MMUEXT:
        return oracle_mmuext(oracle, call);
    case STEP_SET_GDT:
        return oracle_set_gdt(oracle, call);
    case STEP_DESCRIPTOR:
        return oracle_descriptor(oracle, call);
    case STEP_TRAPS:
        return oracle_traps(oracle, call);
    case STEP_MEMORY:
        return oracle_memory(oracle, call);
    case STEP_EXCHANGE:
        return oracle_exchange(oracle, call);
    case STEP_UNKNOWN:
        return -XEN_ENOSYS;
    case STEP_NESTED:
        return step_in_multicall(call->step) ? -XEN_EINVAL : 0;
    case STEP_EMULATE:
        return oracle_emulate(oracle, call);
    case STEP_LDT_FAULT:
        return oracle_ldt_fault(oracle, call);
    case STEP_ENTER_USER:
        return enter_user(oracle, call);
    case STEP_ENTER_KERNEL:
        call->vcpu->user_mode = false;
        return 0;
    case STEP_STORE:
        store(oracle, call);
        return 0;
    case STEP_LOAD:
        load(oracle, call);
        return 0;
    case STEP_DESTROY:
        oracle_free_domain(oracle, call->caller);
        return 0;
    default:
        return 0;
    }
}

void oracle_step(struct oracle *oracle, const struct step *step, const struct outcome *seen, struct outcome *expected)
{
    const struct call call = {
        .step = step,
        .seen = seen,
        .expected = expected,
        .caller = step->domain,
        .vcpu = &oracle->state.domains[step->domain].vcpus[step->vcpu],
    };

    *expected = (struct outcome){.done = DONE_BEFORE, .mfn = ORACLE_NO_FRAME};
    expected->result = run(oracle, &call);
}
