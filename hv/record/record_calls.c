/* SPDX-License-Identifier: MIT */
/*
 * What the machine calls of the engine, in the order of engine/engine.h: each call is told, made, and its result told.
 * What the engine calls itself, and what the machine does inside a call that is no operation of the engine's, goes past
 * here.
 */
#include <abi/hypercall.h>
#include <hv/base/asm.h>
#include <hv/base/options.h>
#include <hv/base/print.h>
#include <hv/record/record.h>

#define TICKS_BETWEEN (UINT64_C(1) << 22) /* that the clock is told anew */

/* The function that the linker leads here, and its original. */
#define WRAPPED(type, name, ...)            \
    extern type __real_##name(__VA_ARGS__); \
    extern type __wrap_##name(__VA_ARGS__); \
    type __wrap_##name(__VA_ARGS__)

#define ENTER(call, domain, vcpu, ...)                                       \
    enter(RECORD_CALL_##call, domain, vcpu, (const uint64_t[]){__VA_ARGS__}, \
          ARRAY_SIZE(((const uint64_t[]){__VA_ARGS__})))
#define ENTER_PLAIN(call, domain, vcpu) enter(RECORD_CALL_##call, domain, vcpu, NULL, 0)

bool record_inside;
static bool is_on;
static uint64_t began, told;

static void tell_time(void)
{
    uint64_t now = asm_read_tsc() - began;

    if (now - told < TICKS_BETWEEN)
        return;
    told = now;
    RECORD_EVENT(TIME, now);
}

static size_t put_all(uint8_t *to, const uint64_t *numbers, size_t count)
{
    size_t size = 0;

    for (size_t i = 0; i < count; i++)
        size += record_put_number(to + size, numbers[i]);
    return size;
}

/* False: nothing is recorded of this one. */
static bool enter(enum record_call call, const struct domain *domain, const struct vcpu *vcpu,
                  const uint64_t *arguments, size_t count)
{
    uint8_t bytes[RECORD_ARGUMENTS_MAX * 10];
    const struct domain *of = vcpu ? vcpu->domain : domain;
    const uint64_t numbers[] = {call, of ? of->id.v : RECORD_NONE, vcpu ? vcpu->id : RECORD_NONE};

    if (!is_on || record_inside)
        return false;
    tell_time();
    record_state(false);
    record_event_bytes(RECORD_ENTER, numbers, bytes, put_all(bytes, arguments, count));
    record_begin_memory();
    record_inside = true;
    return true;
}

static void leave_with(bool is_recorded, int64_t result, const uint64_t *more, size_t count)
{
    uint8_t bytes[20];

    if (!is_recorded)
        return;
    record_inside = false;
    record_leave_memory();
    record_event_bytes(RECORD_LEAVE, (const uint64_t[]){record_sign(result)}, bytes, put_all(bytes, more, count));
    record_state_left();
}

static void leave(bool is_recorded, int64_t result)
{
    leave_with(is_recorded, result, NULL, 0);
}

/* ---- Set-up. */

WRAPPED(bool, machine_take, struct machine *machine, unsigned order, mfn_t *first)
{
    bool is_recorded = ENTER(MACHINE_TAKE, NULL, NULL, order);
    bool taken = __real_machine_take(machine, order, first);

    leave_with(is_recorded, taken, &first->v, taken);
    return taken;
}

WRAPPED(void, machine_give, struct machine *machine, mfn_t first, unsigned order)
{
    bool is_recorded = ENTER(MACHINE_GIVE, NULL, NULL, first.v, order);

    __real_machine_give(machine, first, order);
    leave(is_recorded, 0);
}

WRAPPED(void, domain_init, struct domain *domain)
{
    bool is_recorded;

    if (is_on)
        record_know_domain(domain);
    is_recorded = ENTER_PLAIN(DOMAIN_INIT, domain, NULL);
    __real_domain_init(domain);
    leave(is_recorded, 0);
}

WRAPPED(void, vcpu_init, struct vcpu *vcpu)
{
    bool is_recorded = ENTER_PLAIN(VCPU_INIT, NULL, vcpu);

    __real_vcpu_init(vcpu);
    leave(is_recorded, 0);
}

/* ---- Building. */

WRAPPED(int, domain_populate_extent, struct domain *domain, pfn_t pfn, unsigned order, mfn_t *first)
{
    bool is_recorded = ENTER(POPULATE, domain, NULL, pfn.v, order);
    int error = __real_domain_populate_extent(domain, pfn, order, first);

    leave_with(is_recorded, error, &first->v, !error);
    return error;
}

WRAPPED(int, domain_populate, struct domain *domain, pfn_t pfn, mfn_t *mfn)
{
    return __wrap_domain_populate_extent(domain, pfn, 0, mfn);
}

/* Which frames they are is told as they are taken. */
WRAPPED(int, domain_populate_some, struct domain *domain, pfn_t first, unsigned count, mfn_t *mfns)
{
    bool is_recorded = ENTER(POPULATE_SOME, domain, NULL, first.v, count);
    int error = __real_domain_populate_some(domain, first, count, mfns);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, domain_share_new, struct domain *domain, mfn_t *mfn)
{
    bool is_recorded = ENTER_PLAIN(SHARE_NEW, domain, NULL);
    int error = __real_domain_share_new(domain, mfn);

    leave_with(is_recorded, error, &mfn->v, !error);
    return error;
}

WRAPPED(int, domain_grants_create, struct domain *domain, mfn_t console, mfn_t store)
{
    bool is_recorded = ENTER(GRANTS_CREATE, domain, NULL, console.v, store.v);
    int error = __real_domain_grants_create(domain, console, store);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, domain_pin, struct domain *domain, mfn_t mfn, unsigned level)
{
    bool is_recorded = ENTER(PIN, domain, NULL, mfn.v, level);
    int error = __real_domain_pin(domain, mfn, level);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, vcpu_set_roots, struct vcpu *vcpu, mfn_t kernel, mfn_t user)
{
    bool is_recorded = ENTER(SET_ROOTS, NULL, vcpu, kernel.v, user.v);
    int error = __real_vcpu_set_roots(vcpu, kernel, user);

    leave(is_recorded, error);
    return error;
}

/* ---- For the machine's own calls. */

WRAPPED(int, vcpu_set_gdt, struct vcpu *vcpu, const mfn_t *frames, unsigned entries)
{
    uint64_t arguments[1 + GDT_FRAMES] = {entries};
    unsigned count = (entries + 511) / 512;
    bool is_recorded;
    int error;

    for (unsigned i = 0; i < count && i < GDT_FRAMES; i++)
        arguments[1 + i] = frames[i].v;
    is_recorded = enter(RECORD_CALL_SET_GDT, NULL, vcpu, arguments, ARRAY_SIZE(arguments));
    error = __real_vcpu_set_gdt(vcpu, frames, entries);
    leave(is_recorded, error);
    return error;
}

WRAPPED(int, vcpu_set_ldt, struct vcpu *vcpu, vaddr_t base, unsigned entries)
{
    bool is_recorded = ENTER(SET_LDT, NULL, vcpu, base.v, entries);
    int error = __real_vcpu_set_ldt(vcpu, base, entries);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, vcpu_set_trap, struct vcpu *vcpu, unsigned vector, uint64_t address, uint16_t cs, uint8_t flags)
{
    bool is_recorded = ENTER(SET_TRAP, NULL, vcpu, vector, address, cs, flags);
    int error = __real_vcpu_set_trap(vcpu, vector, address, cs, flags);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, domain_hold_writable, struct domain *domain, mfn_t mfn)
{
    bool is_recorded = ENTER(HOLD, domain, NULL, mfn.v);
    int error = __real_domain_hold_writable(domain, mfn);

    leave(is_recorded, error);
    return error;
}

WRAPPED(void, domain_drop_writable, struct domain *domain, mfn_t mfn)
{
    bool is_recorded = ENTER(DROP, domain, NULL, mfn.v);

    __real_domain_drop_writable(domain, mfn);
    leave(is_recorded, 0);
}

/* ---- Running. */

/* The calls that the engine serves itself.  Of others, which it hands on, what the machine calls meanwhile is told. */
static bool is_engines(uint64_t number)
{
    static const bool numbers[] = {
        [__HYPERVISOR_set_trap_table] = true,
        [__HYPERVISOR_mmu_update] = true,
        [__HYPERVISOR_set_gdt] = true,
        [__HYPERVISOR_update_descriptor] = true,
        [__HYPERVISOR_memory_op] = true,
        [__HYPERVISOR_multicall] = true,
        [__HYPERVISOR_update_va_mapping] = true,
        [__HYPERVISOR_grant_table_op] = true,
        [__HYPERVISOR_update_va_mapping_otherdomain] = true,
        [__HYPERVISOR_mmuext_op] = true,
    };

    return number < ARRAY_SIZE(numbers) && numbers[number];
}

WRAPPED(int64_t, engine_hypercall, struct vcpu *vcpu, uint64_t number, const uint64_t args[6])
{
    bool is_recorded = is_engines(number) &&
                       ENTER(HYPERCALL, NULL, vcpu, number, args[0], args[1], args[2], args[3], args[4], args[5]);
    int64_t result = __real_engine_hypercall(vcpu, number, args);

    leave(is_recorded, result);
    return result;
}

WRAPPED(int, vcpu_set_kernel_root, struct vcpu *vcpu, mfn_t mfn)
{
    bool is_recorded = ENTER(SET_KERNEL_ROOT, NULL, vcpu, mfn.v);
    int error = __real_vcpu_set_kernel_root(vcpu, mfn);

    leave(is_recorded, error);
    return error;
}

WRAPPED(int, vcpu_enter_user, struct vcpu *vcpu)
{
    bool is_recorded = ENTER_PLAIN(ENTER_USER, NULL, vcpu);
    int error = __real_vcpu_enter_user(vcpu);

    leave(is_recorded, error);
    return error;
}

WRAPPED(void, vcpu_enter_kernel, struct vcpu *vcpu)
{
    bool is_recorded = ENTER_PLAIN(ENTER_KERNEL, NULL, vcpu);

    __real_vcpu_enter_kernel(vcpu);
    leave(is_recorded, 0);
}

WRAPPED(int, table_write_emulate, struct vcpu *vcpu, struct table_write *write)
{
    bool is_recorded =
        ENTER(TABLE_WRITE, NULL, vcpu, write->form, write->vaddr.v, write->bytes, write->operand, write->expected);
    int error = __real_table_write_emulate(vcpu, write);

    leave_with(is_recorded, error, &write->seen, !error);
    return error;
}

WRAPPED(int, ldt_fault, struct vcpu *vcpu, unsigned page)
{
    bool is_recorded = ENTER(LDT_FAULT, NULL, vcpu, page);
    int error = __real_ldt_fault(vcpu, page);

    leave(is_recorded, error);
    return error;
}

/* ---- The end. */

WRAPPED(void, vcpu_destroy, struct vcpu *vcpu)
{
    bool is_recorded = ENTER_PLAIN(VCPU_DESTROY, NULL, vcpu);

    __real_vcpu_destroy(vcpu);
    leave(is_recorded, 0);
}

WRAPPED(void, domain_set_dying, struct domain *domain)
{
    bool is_recorded = ENTER_PLAIN(DOMAIN_DYING, domain, NULL);

    __real_domain_set_dying(domain);
    leave(is_recorded, 0);
}

WRAPPED(uint64_t, domain_destroy, struct domain *domain)
{
    bool is_recorded = ENTER_PLAIN(DOMAIN_DESTROY, domain, NULL);
    uint64_t left = __real_domain_destroy(domain);

    leave(is_recorded, (int64_t)left);
    return left;
}

WRAPPED(uint64_t, domain_count_mapped, struct domain *domain, domid_t granter)
{
    bool is_recorded = ENTER(COUNT_MAPPED, domain, NULL, granter.v);
    uint64_t count = __real_domain_count_mapped(domain, granter);

    leave(is_recorded, (int64_t)count);
    return count;
}

WRAPPED(void, domain_renumber, struct domain *domain, domid_t id)
{
    bool is_recorded = ENTER(RENUMBER, domain, NULL, id.v);

    __real_domain_renumber(domain, id);
    if (is_on)
        record_renumber_domain(domain);
    leave(is_recorded, 0);
}

/* ---- The beginning. */

void record_start(struct machine *machine, const char *line)
{
    if (!option_is_set(line, "record"))
        return;
    if (!record_open_memory(machine) || !record_open_ring(machine)) {
        print("nothing is recorded: there is no memory for it\n");
        return;
    }
    record_machine(machine);
    began = asm_read_tsc();
    is_on = true;
}
