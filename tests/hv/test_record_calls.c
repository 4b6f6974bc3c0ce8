/* SPDX-License-Identifier: MIT */
/* Calls of the engine's: each with its number, whom it is about, arguments and result; and when none is told. */
/* links: hv/record/record_calls.c hv/record/record_memory.c hv/record/record_state.c hv/record/record_write.c */
/* links: hv/base/options.c hv/base/string.c tests/hv/lib/recorded.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <engine/engine.h>
#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

static struct domain *table[4], domain;
static struct vcpu *vcpus[1], vcpu;
static bool was_inside; /* while the original ran */
static struct table_write seen_write = {.seen = 0x5ee};

/* The function that the linker leads to the recorder, and here its original: it says that it is under way. */
#define FUNCTION(type, name, result, ...)   \
    extern type __wrap_##name(__VA_ARGS__); \
    extern type __real_##name(__VA_ARGS__); \
    type __real_##name(__VA_ARGS__)         \
    {                                       \
        was_inside = record_inside;         \
        return result;                      \
    }

FUNCTION(bool, machine_take, (first->v = 0x77, (void)machine, order == 2), struct machine *machine, unsigned order,
         mfn_t *first)
FUNCTION(void, machine_give, ((void)machine, (void)first, (void)order), struct machine *machine, mfn_t first,
         unsigned order)
FUNCTION(void, domain_init, (void)of, struct domain *of)
FUNCTION(void, vcpu_init, (void)of, struct vcpu *of)
FUNCTION(int, domain_populate_extent, ((void)of, (void)pfn, (void)order, first->v = 0x88, 0), struct domain *of,
         pfn_t pfn, unsigned order, mfn_t *first)
FUNCTION(int, domain_populate_some, ((void)of, (void)first, (void)mfns, count == 3 ? 0 : -12), struct domain *of,
         pfn_t first, unsigned count, mfn_t *mfns)
FUNCTION(int, domain_share_new, ((void)of, mfn->v = 1, -12), struct domain *of, mfn_t *mfn)
FUNCTION(int, domain_grants_create, ((void)of, (void)console, (void)store, 0), struct domain *of, mfn_t console,
         mfn_t store)
FUNCTION(int, domain_pin, ((void)of, (void)mfn, (void)level, -22), struct domain *of, mfn_t mfn, unsigned level)
FUNCTION(int, vcpu_set_roots, ((void)of, (void)kernel, (void)user, 0), struct vcpu *of, mfn_t kernel, mfn_t user)
FUNCTION(int, vcpu_set_gdt, ((void)of, (void)frames, (void)entries, 0), struct vcpu *of, const mfn_t *frames,
         unsigned entries)
FUNCTION(int, vcpu_set_ldt, ((void)of, (void)base, (void)entries, 0), struct vcpu *of, vaddr_t base, unsigned entries)
FUNCTION(int, vcpu_set_trap, ((void)of, (void)vector, (void)address, (void)cs, (void)flags, 0), struct vcpu *of,
         unsigned vector, uint64_t address, uint16_t cs, uint8_t flags)
FUNCTION(int, domain_hold_writable, ((void)of, (void)mfn, 0), struct domain *of, mfn_t mfn)
FUNCTION(void, domain_drop_writable, ((void)of, (void)mfn), struct domain *of, mfn_t mfn)
FUNCTION(int64_t, engine_hypercall, ((void)of, (void)number, (void)args, 42), struct vcpu *of, uint64_t number,
         const uint64_t args[6])
FUNCTION(int, vcpu_set_kernel_root, ((void)of, (void)mfn, 0), struct vcpu *of, mfn_t mfn)
FUNCTION(int, vcpu_enter_user, ((void)of, 0), struct vcpu *of)
FUNCTION(void, vcpu_enter_kernel, (void)of, struct vcpu *of)
FUNCTION(int, table_write_emulate, ((void)of, write->seen = seen_write.seen, 0), struct vcpu *of,
         struct table_write *write)
FUNCTION(int, ldt_fault, ((void)of, (void)page, 0), struct vcpu *of, unsigned page)
FUNCTION(void, vcpu_destroy, (void)of, struct vcpu *of)
FUNCTION(void, domain_set_dying, (void)of, struct domain *of)
FUNCTION(uint64_t, domain_destroy, ((void)of, 3), struct domain *of)
FUNCTION(uint64_t, domain_count_mapped, ((void)of, (void)granter, 4), struct domain *of, domid_t granter)
FUNCTION(void, domain_renumber, (void)(of->id = id), struct domain *of, domid_t id)
extern int __wrap_domain_populate(struct domain *of, pfn_t pfn, mfn_t *mfn);

/* The recorder begins once; then a domain that has been told. */
static int begin(void **state)
{
    (void)state;
    recorded_begin_machine();
    recorded_machine.domains = table;
    recorded_machine.nr_domains = ARRAY_SIZE(table);
    domain = (struct domain){.machine = &recorded_machine, .id = DOMID(2), .vcpus = vcpus, .nr_vcpus = 1};
    vcpu = (struct vcpu){.domain = &domain};
    vcpus[0] = &vcpu;
    table[2] = &domain;
    __wrap_domain_pin(&domain, MFN(1), 4); /* not yet: nothing of it is told */
    recorded_expect_nothing();
    record_start(&recorded_machine, "quiet");
    __wrap_domain_pin(&domain, MFN(1), 4);
    recorded_expect_nothing();
    return 0;
}

static void drain_state(void)
{
    (void)recorded_expect(RECORD_DOMAIN);
    (void)recorded_expect(RECORD_VCPU);
}

/* An operation with these arguments, and this end. */
static void expect_whole(enum record_call call, bool of_vcpu, size_t count, const uint64_t *arguments, int64_t result,
                         size_t more)
{
    struct record_event event = recorded_expect(RECORD_ENTER);
    struct record_reader reader = recorded_numbers(&event);

    assert_int_equal(event.number[0], call);
    if (call != RECORD_CALL_MACHINE_TAKE && call != RECORD_CALL_MACHINE_GIVE) {
        assert_int_equal(event.number[1], 2);
        assert_true(event.number[2] == (of_vcpu ? 0 : RECORD_NONE));
    }
    for (size_t i = 0; i < count; i++)
        assert_true(record_number(&reader) == arguments[i]);
    assert_ptr_equal(reader.next, reader.end);
    event = recorded_expect(RECORD_LEAVE);
    assert_true(record_signed(event.number[0]) == result);
    reader = recorded_numbers(&event);
    assert_true(!more || record_number(&reader) == more);
    assert_ptr_equal(reader.next, reader.end);
    assert_true(was_inside && !record_inside);
    was_inside = false;
}
#define EXPECT(call, of_vcpu, result, more, ...)                                           \
    expect_whole(RECORD_CALL_##call, of_vcpu, sizeof((const uint64_t[]){__VA_ARGS__}) / 8, \
                 (const uint64_t[]){__VA_ARGS__}, result, more)
#define EXPECT_PLAIN(call, of_vcpu, result) expect_whole(RECORD_CALL_##call, of_vcpu, 0, NULL, result, 0)

static void check_building(void)
{
    mfn_t frame;

    assert_true(__wrap_machine_take(&recorded_machine, 2, &frame));
    EXPECT(MACHINE_TAKE, false, 1, 0x77, 2);
    assert_false(__wrap_machine_take(&recorded_machine, 3, &frame));
    EXPECT(MACHINE_TAKE, false, 0, 0, 3);
    __wrap_machine_give(&recorded_machine, MFN(9), 1);
    EXPECT(MACHINE_GIVE, false, 0, 0, 9, 1);
    assert_int_equal(__wrap_domain_populate(&domain, PFN(5), &frame), 0);
    EXPECT(POPULATE, false, 0, 0x88, 5, 0);
    assert_int_equal(__wrap_domain_populate_some(&domain, PFN(5), 3, &frame), 0);
    EXPECT(POPULATE_SOME, false, 0, 0, 5, 3);
    assert_int_equal(__wrap_domain_populate_some(&domain, PFN(6), 4, &frame), -12);
    EXPECT(POPULATE_SOME, false, -12, 0, 6, 4);
    assert_int_equal(__wrap_domain_share_new(&domain, &frame), -12);
    EXPECT_PLAIN(SHARE_NEW, false, -12);
    assert_int_equal(__wrap_domain_grants_create(&domain, MFN(1), MFN_NONE), 0);
    EXPECT(GRANTS_CREATE, false, 0, 0, 1, UINT64_MAX);
    assert_int_equal(__wrap_domain_pin(&domain, MFN(0x1a2b), 4), -22);
    EXPECT(PIN, false, -22, 0, 0x1a2b, 4);
    assert_int_equal(__wrap_domain_hold_writable(&domain, MFN(6)), 0);
    EXPECT(HOLD, false, 0, 0, 6);
    __wrap_domain_drop_writable(&domain, MFN(6));
    EXPECT(DROP, false, 0, 0, 6);
}

static void check_vcpu(void)
{
    const mfn_t frames[2] = {MFN(3), MFN(4)};

    __wrap_vcpu_init(&vcpu);
    EXPECT_PLAIN(VCPU_INIT, true, 0);
    assert_int_equal(__wrap_vcpu_set_roots(&vcpu, MFN(1), MFN(2)), 0);
    EXPECT(SET_ROOTS, true, 0, 0, 1, 2);
    assert_int_equal(__wrap_vcpu_set_gdt(&vcpu, frames, 600), 0);
    EXPECT(SET_GDT, true, 0, 0, 600, 3, 4, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0);
    assert_int_equal(__wrap_vcpu_set_ldt(&vcpu, VADDR(0x1000), 7), 0);
    EXPECT(SET_LDT, true, 0, 0, 0x1000, 7);
    assert_int_equal(__wrap_vcpu_set_trap(&vcpu, 14, 0x2000, 0x33, 4), 0);
    EXPECT(SET_TRAP, true, 0, 0, 14, 0x2000, 0x33, 4);
    assert_int_equal(__wrap_vcpu_set_kernel_root(&vcpu, MFN(8)), 0);
    EXPECT(SET_KERNEL_ROOT, true, 0, 0, 8);
    assert_int_equal(__wrap_vcpu_enter_user(&vcpu), 0);
    EXPECT_PLAIN(ENTER_USER, true, 0);
    __wrap_vcpu_enter_kernel(&vcpu);
    EXPECT_PLAIN(ENTER_KERNEL, true, 0);
    assert_int_equal(__wrap_ldt_fault(&vcpu, 2), 0);
    EXPECT(LDT_FAULT, true, 0, 0, 2);
    __wrap_vcpu_destroy(&vcpu);
    EXPECT_PLAIN(VCPU_DESTROY, true, 0);
}

static void check_calls(void)
{
    const uint64_t args[6] = {1, 2, 3, 4, 5, 6};
    struct table_write write = {
        .form = WRITE_XCHG, .vaddr = VADDR(0x3008), .bytes = 8, .operand = 0x11, .expected = 0x22};

    assert_int_equal(__wrap_engine_hypercall(&vcpu, __HYPERVISOR_mmu_update, args), 42);
    EXPECT(HYPERCALL, true, 42, 0, __HYPERVISOR_mmu_update, 1, 2, 3, 4, 5, 6);
    assert_int_equal(__wrap_engine_hypercall(&vcpu, __HYPERVISOR_sched_op, args), 42);
    assert_false(was_inside);
    assert_int_equal(__wrap_table_write_emulate(&vcpu, &write), 0);
    EXPECT(TABLE_WRITE, true, 0, 0x5ee, WRITE_XCHG, 0x3008, 8, 0x11, 0x22);
    record_inside = true; /* the engine calls itself */
    assert_int_equal(__wrap_domain_pin(&domain, MFN(1), 4), -22);
    record_inside = false;
    recorded_expect_nothing();
}

static void check_end(void)
{
    __wrap_domain_set_dying(&domain);
    EXPECT_PLAIN(DOMAIN_DYING, false, 0);
    assert_int_equal(__wrap_domain_destroy(&domain), 3);
    EXPECT_PLAIN(DOMAIN_DESTROY, false, 3);
    assert_int_equal(__wrap_domain_count_mapped(&domain, DOMID(7)), 4);
    EXPECT(COUNT_MAPPED, false, 4, 0, 7);
    __wrap_domain_renumber(&domain, DOMID(3));
    EXPECT(RENUMBER, false, 0, 0, 3);
}

/* All in one run, for the recorder begins once. */
static void test_calls(void **state)
{
    (void)state;
    record_start(&recorded_machine, "record cpus=1");
    (void)recorded_expect(RECORD_MACHINE);
    (void)recorded_expect(RECORD_RANGE);
    __wrap_domain_init(&domain);
    drain_state();
    EXPECT_PLAIN(DOMAIN_INIT, false, 0);
    check_building();
    check_vcpu();
    check_calls();
    check_end();
    recorded_expect_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_calls, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
