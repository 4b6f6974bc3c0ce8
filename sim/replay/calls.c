/* SPDX-License-Identifier: MIT */
/* One adapter an operation, which takes the arguments apart; their table; an operation from beginning to end. */
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sim/replay/replay.h>

#define ORDER_MAX 32u  /* of frames in a row: no machine has more */
#define DEPTH_MAX 256u /* of operations within one another */

/* What an operation returns beside its result: one number at most. */
struct more {
    bool is_there;
    uint64_t number;
};

typedef int64_t call_fn(struct domain *domain, struct vcpu *vcpu, const uint64_t *args, struct more *more);

/* Few need all that they are given. */
#define UNUSED __attribute__((unused))
#define ADAPTER(name)                                                                                        \
    static int64_t name(UNUSED struct domain *domain, UNUSED struct vcpu *vcpu, UNUSED const uint64_t *args, \
                        UNUSED struct more *more)

/* The engine believes its machine, and this one has the arguments from a file: one that is greater is no argument. */
static unsigned up_to(uint64_t argument, unsigned most)
{
    if (argument > most)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: operation %llu has the argument %llx",
                 (unsigned long long)replay.operation->number, (unsigned long long)argument);
    return (unsigned)argument;
}

ADAPTER(do_domain_init)
{
    domain_init(domain);
    return 0;
}

ADAPTER(do_vcpu_init)
{
    vcpu_init(vcpu);
    return 0;
}

ADAPTER(do_machine_take)
{
    mfn_t first = MFN_NONE;
    bool taken = machine_take(&replay.machine, up_to(args[0], ORDER_MAX), &first);

    *more = (struct more){taken, first.v};
    return taken;
}

ADAPTER(do_machine_give)
{
    machine_give(&replay.machine, MFN(args[0]), up_to(args[1], ORDER_MAX));
    return 0;
}

ADAPTER(do_populate)
{
    mfn_t first = MFN_NONE;
    int error = domain_populate_extent(domain, PFN(args[0]), up_to(args[1], ORDER_MAX), &first);

    *more = (struct more){!error, first.v};
    return error;
}

/* As many as a recording may say that there were. */
ADAPTER(do_populate_some)
{
    mfn_t *mfns = args[1] > 0 && args[1] <= replay.machine.nr_frames ? calloc(args[1], sizeof(*mfns)) : NULL;
    int error;

    if (!mfns)
        tell_end(REPLAY_NO_FILE, "the recording is damaged: operation %llu",
                 (unsigned long long)replay.operation->number);
    error = domain_populate_some(domain, PFN(args[0]), (unsigned)args[1], mfns);
    free(mfns);
    return error;
}

ADAPTER(do_share)
{
    return domain_share(domain, MFN(args[0]));
}

ADAPTER(do_unshare)
{
    domain_unshare(domain, MFN(args[0]));
    return 0;
}

ADAPTER(do_share_new)
{
    mfn_t mfn = MFN_NONE;
    int error = domain_share_new(domain, &mfn);

    *more = (struct more){!error, mfn.v};
    return error;
}

ADAPTER(do_grants_create)
{
    return domain_grants_create(domain, MFN(args[0]), MFN(args[1]));
}

ADAPTER(do_pin)
{
    return domain_pin(domain, MFN(args[0]), up_to(args[1], TYPE_L4));
}

ADAPTER(do_set_roots)
{
    return vcpu_set_roots(vcpu, MFN(args[0]), MFN(args[1]));
}

ADAPTER(do_set_gdt)
{
    mfn_t frames[GDT_FRAMES];

    for (unsigned i = 0; i < GDT_FRAMES; i++)
        frames[i] = MFN(args[1 + i]);
    return vcpu_set_gdt(vcpu, frames, up_to(args[0], UINT_MAX));
}

ADAPTER(do_set_ldt)
{
    return vcpu_set_ldt(vcpu, VADDR(args[0]), up_to(args[1], UINT_MAX));
}

ADAPTER(do_set_trap)
{
    return vcpu_set_trap(vcpu, up_to(args[0], UINT_MAX), args[1], (uint16_t)up_to(args[2], UINT16_MAX),
                         (uint8_t)up_to(args[3], UINT8_MAX));
}

ADAPTER(do_hold)
{
    return domain_hold_writable(domain, MFN(args[0]));
}

ADAPTER(do_drop)
{
    domain_drop_writable(domain, MFN(args[0]));
    return 0;
}

ADAPTER(do_hypercall)
{
    return engine_hypercall(vcpu, args[0], args + 1);
}

ADAPTER(do_set_kernel_root)
{
    return vcpu_set_kernel_root(vcpu, MFN(args[0]));
}

ADAPTER(do_enter_user)
{
    return vcpu_enter_user(vcpu);
}

ADAPTER(do_enter_kernel)
{
    vcpu_enter_kernel(vcpu);
    return 0;
}

ADAPTER(do_table_write)
{
    struct table_write write = {.form = (enum write_form)up_to(args[0], WRITE_ADD),
                                .vaddr = VADDR(args[1]),
                                .bytes = up_to(args[2], 8),
                                .operand = args[3],
                                .expected = args[4]};
    int error = table_write_emulate(vcpu, &write);

    *more = (struct more){!error, write.seen};
    return error;
}

ADAPTER(do_ldt_fault)
{
    return ldt_fault(vcpu, up_to(args[0], UINT_MAX));
}

ADAPTER(do_vcpu_destroy)
{
    vcpu_destroy(vcpu);
    return 0;
}

ADAPTER(do_dying)
{
    domain_set_dying(domain);
    return 0;
}

ADAPTER(do_destroy)
{
    return (int64_t)domain_destroy(domain);
}

ADAPTER(do_count_mapped)
{
    return (int64_t)domain_count_mapped(domain, DOMID((uint16_t)up_to(args[0], UINT16_MAX)));
}

ADAPTER(do_renumber)
{
    domain_renumber(domain, DOMID((uint16_t)up_to(args[0], replay.machine.nr_domains - 1)));
    return 0;
}

/* Whom an operation is about. */
enum about { ABOUT_NOBODY, ABOUT_DOMAIN, ABOUT_VCPU };

static const struct {
    enum about about;
    call_fn *call;
} calls[] = {
    [RECORD_CALL_DOMAIN_INIT] = {ABOUT_DOMAIN, do_domain_init},
    [RECORD_CALL_VCPU_INIT] = {ABOUT_VCPU, do_vcpu_init},
    [RECORD_CALL_MACHINE_TAKE] = {ABOUT_NOBODY, do_machine_take},
    [RECORD_CALL_MACHINE_GIVE] = {ABOUT_NOBODY, do_machine_give},
    [RECORD_CALL_POPULATE] = {ABOUT_DOMAIN, do_populate},
    [RECORD_CALL_SHARE] = {ABOUT_DOMAIN, do_share},
    [RECORD_CALL_UNSHARE] = {ABOUT_DOMAIN, do_unshare},
    [RECORD_CALL_SHARE_NEW] = {ABOUT_DOMAIN, do_share_new},
    [RECORD_CALL_GRANTS_CREATE] = {ABOUT_DOMAIN, do_grants_create},
    [RECORD_CALL_PIN] = {ABOUT_DOMAIN, do_pin},
    [RECORD_CALL_SET_ROOTS] = {ABOUT_VCPU, do_set_roots},
    [RECORD_CALL_SET_GDT] = {ABOUT_VCPU, do_set_gdt},
    [RECORD_CALL_SET_LDT] = {ABOUT_VCPU, do_set_ldt},
    [RECORD_CALL_SET_TRAP] = {ABOUT_VCPU, do_set_trap},
    [RECORD_CALL_HOLD] = {ABOUT_DOMAIN, do_hold},
    [RECORD_CALL_DROP] = {ABOUT_DOMAIN, do_drop},
    [RECORD_CALL_HYPERCALL] = {ABOUT_VCPU, do_hypercall},
    [RECORD_CALL_SET_KERNEL_ROOT] = {ABOUT_VCPU, do_set_kernel_root},
    [RECORD_CALL_ENTER_USER] = {ABOUT_VCPU, do_enter_user},
    [RECORD_CALL_ENTER_KERNEL] = {ABOUT_VCPU, do_enter_kernel},
    [RECORD_CALL_TABLE_WRITE] = {ABOUT_VCPU, do_table_write},
    [RECORD_CALL_LDT_FAULT] = {ABOUT_VCPU, do_ldt_fault},
    [RECORD_CALL_VCPU_DESTROY] = {ABOUT_VCPU, do_vcpu_destroy},
    [RECORD_CALL_DOMAIN_DYING] = {ABOUT_DOMAIN, do_dying},
    [RECORD_CALL_DOMAIN_DESTROY] = {ABOUT_DOMAIN, do_destroy},
    [RECORD_CALL_COUNT_MAPPED] = {ABOUT_DOMAIN, do_count_mapped},
    [RECORD_CALL_RENUMBER] = {ABOUT_DOMAIN, do_renumber},
    [RECORD_CALL_POPULATE_SOME] = {ABOUT_DOMAIN, do_populate_some},
};
_Static_assert(ARRAY_SIZE(calls) == RECORD_CALL_COUNT, "each has an adapter");

static void read_arguments(const struct record_event *enter, struct operation *operation)
{
    struct record_reader reader = record_reader(enter->bytes, enter->size);
    unsigned count = 0;

    while (reader.next < reader.end && count < RECORD_ARGUMENTS_MAX)
        operation->arguments[count++] = record_number(&reader);
    if (reader.is_broken || reader.next < reader.end || !record_call_takes(enter->number[0], count) ||
        operation->depth > DEPTH_MAX ||
        (calls[enter->number[0]].about != ABOUT_NOBODY && enter->number[1] == RECORD_NONE) ||
        (calls[enter->number[0]].about == ABOUT_VCPU && enter->number[2] == RECORD_NONE))
        tell_end(REPLAY_NO_FILE, "the recording is damaged: operation %llu", (unsigned long long)operation->number);
}

static void compare_result(int64_t result, const struct more *more)
{
    struct record_event leave;
    struct record_reader reader;
    char old[48], new[48];
    int64_t was;

    if (replay.strays)
        return;
    leave = follow_expect(RECORD_LEAVE);
    reader = record_reader(leave.bytes, leave.size);
    was = record_signed(leave.number[0]);
    if (result != was)
        tell_difference("the run answered %s, the replay %s", tell_result(was, old, sizeof(old)),
                        tell_result(result, new, sizeof(new)));
    if (more->is_there != (leave.size > 0) || (more->is_there && record_number(&reader) != more->number))
        tell_difference("the run returned another number besides than the replay, which returned %llx",
                        (unsigned long long)more->number);
}

void call_engine(const struct record_event *enter)
{
    struct operation operation = {.number = ++replay.done,
                                  .call = (enum record_call)enter->number[0],
                                  .domain = enter->number[1],
                                  .vcpu = enter->number[2],
                                  .nested = RECORD_NONE,
                                  .depth = replay.operation ? replay.operation->depth + 1 : 0,
                                  .outer = replay.operation};
    struct domain *domain = NULL;
    struct vcpu *vcpu = NULL;
    struct more more = {false, 0};
    int64_t result;
    char text[48];

    read_arguments(enter, &operation);
    if (replay.strays)
        stray_alter_arguments(&operation);
    if (calls[operation.call].about != ABOUT_NOBODY)
        domain = machine_domain(operation.domain);
    if (calls[operation.call].about == ABOUT_VCPU)
        vcpu = machine_vcpu(operation.domain, operation.vcpu);
    replay.operation = &operation;
    follow_begin();
    if (replay.judges)
        caches_before(&operation);
    result = calls[operation.call].call(domain, vcpu, operation.arguments, &more);
    compare_result(result, &more);
    if (replay.judges)
        caches_check();
    if (replay.tells)
        printf("%8llu  %s = %s\n", (unsigned long long)operation.number, tell_operation(&operation),
               tell_result(result, text, sizeof(text)));
    replay.operation = operation.outer;
}
