/* SPDX-License-Identifier: MIT */
/* What has been called is kept, and told when all is done: what the console calls would stand between it. */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/traced/traced.h>

#define MADE_MAX     320u
#define BYTES_KEPT   4u /* words of a structure that are told */
#define WORDS_A_LINE 12u

static struct made {
    bool nested, has_bytes, has_no_result;
    unsigned number;
    uintptr_t args[ARGS];
    long result;
    uint64_t bytes[BYTES_KEPT];
} made[MADE_MAX];
static unsigned nr_made, column;

/* The structure that an argument points to, of the calls that have one and no list. */
static uintptr_t structure_of(const struct made *call)
{
    switch (call->number) {
    case __HYPERVISOR_platform_op:
    case __HYPERVISOR_event_channel_op_compat:
    case __HYPERVISOR_physdev_op_compat:
        return call->args[0];
    case __HYPERVISOR_callback_op:
    case __HYPERVISOR_nmi_op:
    case __HYPERVISOR_sched_op:
    case __HYPERVISOR_event_channel_op:
    case __HYPERVISOR_memory_op:
    case __HYPERVISOR_physdev_op:
    case __HYPERVISOR_grant_table_op:
        return call->args[1];
    case __HYPERVISOR_vcpu_op:
        return call->args[2];
    default:
        return 0;
    }
}

static struct made *note(unsigned number, long result, bool nested)
{
    struct made *call = &made[nr_made];

    if (nr_made++ == MADE_MAX)
        test_error("there is room for %u calls", MADE_MAX);
    call->number = number;
    call->result = result;
    call->nested = nested;
    return call;
}

static void note_structure(struct made *call)
{
    uintptr_t place = structure_of(call);

    call->has_bytes = place && place != NOWHERE;
    if (call->has_bytes)
        memcpy(call->bytes, (const void *)place, sizeof(call->bytes));
}

/* There is none inside another: what is refused for that is not told. */
static void note_nested(const struct multicall_entry *entry)
{
    struct made *call;

    if (entry->op == __HYPERVISOR_multicall)
        return;
    call = note((unsigned)entry->op, (long)entry->result, true);
    for (unsigned i = 0; i < ARGS; i++)
        call->args[i] = (uintptr_t)entry->args[i];
    note_structure(call);
}

__attribute__((noinline)) long make_call(unsigned number, uintptr_t a1, uintptr_t a2, uintptr_t a3, uintptr_t a4,
                                         uintptr_t a5)
{
    struct made *call = note(number, 0, false);

    call->result = hypercall(number, a1, a2, a3, a4, a5);
    memcpy(call->args, ((uintptr_t[]){a1, a2, a3, a4, a5}), sizeof(call->args));
    note_structure(call);
    for (unsigned i = 0; number == __HYPERVISOR_multicall && i < a2; i++)
        note_nested((const struct multicall_entry *)a1 + i);
    return call->result;
}

void made_iret(void)
{
    const struct made *before = &made[nr_made - 1];
    struct made *call = note(__HYPERVISOR_iret, 0, false);

    memcpy(call->args, before->args, sizeof(call->args));
    call->has_no_result = true;
}

static void tell_word(const char *what, uint64_t word)
{
    if (column == 0)
        print("traced: %s", what);
    print(" %" PRIx64, word);
    column = (column + 1) % WORDS_A_LINE;
    if (column == 0)
        print("\n");
}

static void end_line(void)
{
    if (column)
        print("\n");
    column = 0;
}

static void tell_updates(const struct mmu_update *updates, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        tell_word("updates", updates[i].ptr);
        tell_word("updates", updates[i].val);
    }
    end_line();
}

static void tell_operations(const struct mmuext_op *operations, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        tell_word("operations", operations[i].cmd);
        tell_word("operations", operations[i].arg1.linear_addr);
        tell_word("operations", operations[i].arg2.src_mfn);
    }
    end_line();
}

static void tell_call(const struct made *call)
{
    print("traced: %s %x", call->nested ? "nested" : "call", call->number);
    for (unsigned i = 0; i < ARGS; i++)
        print(" %lx", (unsigned long)call->args[i]);
    if (call->has_no_result)
        print(" = none\n");
    else
        print(" = %ld\n", call->result);
    if (call->number == __HYPERVISOR_mmu_update)
        tell_updates((const struct mmu_update *)call->args[0], (unsigned)call->args[1]);
    if (call->number == __HYPERVISOR_mmuext_op)
        tell_operations((const struct mmuext_op *)call->args[0], (unsigned)call->args[1]);
    for (unsigned i = 0; call->has_bytes && i < BYTES_KEPT; i++)
        tell_word("argument", call->bytes[i]);
    end_line();
}

void tell_calls(void)
{
    for (unsigned i = 0; i < nr_made; i++)
        tell_call(&made[i]);
}
