/* SPDX-License-Identifier: MIT */
/* What the engine asks of the machine: told while an operation is under way, and not otherwise. */
/* links: hv/record/record_port.c hv/record/record_memory.c hv/record/record_state.c hv/record/record_write.c */
/* links: tests/hv/lib/recorded.c tests/hv/lib/port_halt.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

bool record_inside;
static struct domain domain;
static struct vcpu vcpu;
static bool was_inside, is_good;

#define FUNCTION(type, name, result, ...)   \
    extern type __wrap_##name(__VA_ARGS__); \
    extern type __real_##name(__VA_ARGS__); \
    type __real_##name(__VA_ARGS__)         \
    {                                       \
        was_inside = record_inside;         \
        return result;                      \
    }

FUNCTION(void *, port_frame_map, recorded_frame(mfn.v), mfn_t mfn)
FUNCTION(void, port_frame_clear, (void)memset(recorded_frame(mfn.v), 0, PAGE_SIZE), mfn_t mfn)
FUNCTION(void, port_frame_copy,
         (void)memmove((char *)recorded_frame(to.v) + to_offset, (char *)recorded_frame(from.v) + from_offset, size),
         mfn_t to, unsigned to_offset, mfn_t from, unsigned from_offset, unsigned size)
FUNCTION(bool, port_pool_take, ((void)order, (void)end, first->v = 0x99, is_good), unsigned order, mfn_t end,
         mfn_t *first)
FUNCTION(void, port_pool_give, ((void)first, (void)order), mfn_t first, unsigned order)
FUNCTION(unsigned, port_pool_take_some, ((void)end, mfns[0].v = 0x98, mfns[1].v = 0x97, is_good ? count : 1),
         unsigned count, mfn_t end, mfn_t *mfns)
FUNCTION(void, port_pool_give_some, ((void)mfns, (void)count), const mfn_t *mfns, unsigned count)
FUNCTION(void, port_tlb_flush, (void)cpus, cpumask_t cpus)
FUNCTION(void, port_tlb_flush_page, ((void)cpus, (void)vaddr), cpumask_t cpus, vaddr_t vaddr)
FUNCTION(void, port_cache_flush, (void)cpus, cpumask_t cpus)
FUNCTION(void, port_root_load, (void)of, struct vcpu *of)
FUNCTION(void, port_mode_load, (void)of, struct vcpu *of)
FUNCTION(void, port_window_set, ((void)of, (void)page, (void)mfn), struct vcpu *of, unsigned page, mfn_t mfn)
FUNCTION(void, port_ldt_load, (void)of, struct vcpu *of)
FUNCTION(bool, port_copy_from_guest, ((void)of, (void)from, (void)memset(to, 0x5a, size), is_good), struct vcpu *of,
         void *to, vaddr_t from, size_t size)
FUNCTION(bool, port_copy_to_guest, ((void)of, (void)to, (void)from, (void)size, is_good), struct vcpu *of, vaddr_t to,
         const void *from, size_t size)
FUNCTION(bool, port_preempt_wanted, true, void)
FUNCTION(void, port_yield, (void)0, void)
FUNCTION(int64_t, port_hypercall, ((void)of, (void)number, (void)args, -38), struct vcpu *of, uint64_t number,
         const uint64_t args[6])
FUNCTION(void, port_refused, (void)refusal, const struct refusal *refusal)

static int begin(void **state)
{
    (void)state;
    recorded_begin();
    record_machine(&recorded_machine);
    (void)recorded_expect(RECORD_MACHINE);
    (void)recorded_expect(RECORD_RANGE);
    assert_true(record_open_memory(&recorded_machine));
    record_begin_memory();
    domain = (struct domain){.machine = &recorded_machine, .id = DOMID(1)};
    vcpu = (struct vcpu){.domain = &domain, .id = 5, .kernel_root = MFN(0x44), .ldt_entries = 9};
    record_inside = is_good = true;
    return 0;
}

static void expect(enum record_kind kind, size_t count, const uint64_t *numbers)
{
    struct record_event event = recorded_expect(kind);

    for (size_t i = 0; i < count; i++)
        assert_true(event.number[i] == numbers[i]);
    recorded_expect_nothing();
}
#define EXPECT(kind, ...) \
    expect(RECORD_##kind, sizeof((const uint64_t[]){__VA_ARGS__}) / 8, (const uint64_t[]){__VA_ARGS__})

static void test_memory(void **state)
{
    mfn_t first;

    (void)state;
    assert_ptr_equal(__wrap_port_frame_map(MFN(5)), recorded_frame(5));
    EXPECT(MEMORY, 5, RECORD_MEMORY_WHOLE);
    __wrap_port_frame_clear(MFN(5));
    __wrap_port_frame_copy(MFN(6), 0, MFN(5), 0, 8);
    recorded_expect_nothing();
    assert_true(__wrap_port_pool_take(2, MFN_NONE, &first));
    EXPECT(TAKE, 2, UINT64_MAX, 0x99);
    is_good = false;
    assert_false(__wrap_port_pool_take(0, MFN(0x100), &first));
    EXPECT(TAKE, 0, 0x100, RECORD_NONE);
    __wrap_port_pool_give(MFN(7), 1);
    EXPECT(GIVE, 7, 1);
}

static void expect_event(enum record_kind kind, uint64_t first, uint64_t second, uint64_t third)
{
    struct record_event event = recorded_expect(kind);

    assert_true(event.number[0] == first && event.number[1] == second);
    assert_true(kind != RECORD_TAKE || event.number[2] == third);
}

/* One by one, as if each had been taken by itself; and where there are no more, that. */
static void test_some(void **state)
{
    mfn_t mfns[2];

    (void)state;
    assert_int_equal(__wrap_port_pool_take_some(2, MFN(0x100), mfns), 2);
    expect_event(RECORD_TAKE, 0, 0x100, 0x98);
    expect_event(RECORD_TAKE, 0, 0x100, 0x97);
    is_good = false;
    assert_int_equal(__wrap_port_pool_take_some(2, MFN(0x100), mfns), 1);
    expect_event(RECORD_TAKE, 0, 0x100, 0x98);
    expect_event(RECORD_TAKE, 0, 0x100, RECORD_NONE);
    __wrap_port_pool_give_some(mfns, 2);
    expect_event(RECORD_GIVE, 0x98, 0, 0);
    expect_event(RECORD_GIVE, 0x97, 0, 0);
    recorded_expect_nothing();
}

/* What was copied to is looked at anew, all of it. */
static void test_copied(void **state)
{
    (void)state;
    (void)__wrap_port_frame_map(MFN(6));
    (void)recorded_expect(RECORD_MEMORY);
    record_leave_memory();
    record_begin_memory();
    recorded_frame(5)[0] = 1;
    __wrap_port_frame_copy(MFN(6), 0, MFN(5), 0, 8);
    (void)__wrap_port_frame_map(MFN(6));
    EXPECT(MEMORY, 6, RECORD_MEMORY_WHOLE);
}

static void test_translations(void **state)
{
    (void)state;
    __wrap_port_tlb_flush((cpumask_t){5});
    EXPECT(FLUSH, 5);
    __wrap_port_tlb_flush_page((cpumask_t){1}, VADDR(0x7000));
    EXPECT(PAGE, 1, 0x7000);
    __wrap_port_cache_flush((cpumask_t){2});
    EXPECT(CACHES, 2);
    __wrap_port_root_load(&vcpu);
    EXPECT(ROOT, 1, 5, 0x44);
    __wrap_port_mode_load(&vcpu);
    EXPECT(ROOT, 1, 5, 0x44);
    __wrap_port_window_set(&vcpu, 3, MFN(0x22));
    EXPECT(WINDOW, 1, 5, 3, 0x22);
    __wrap_port_ldt_load(&vcpu);
    EXPECT(LDT, 1, 5, 9);
}

static void test_guest_memory(void **state)
{
    struct record_event event;
    uint8_t bytes[3];

    (void)state;
    assert_true(__wrap_port_copy_from_guest(&vcpu, bytes, VADDR(0x1000), 3));
    event = recorded_expect(RECORD_READ);
    assert_true(event.number[0] == 0x1000 && event.number[1] == 3 && event.size == 3 && event.bytes[2] == 0x5a);
    assert_true(__wrap_port_copy_to_guest(&vcpu, VADDR(0x2000), "xy", 2));
    event = recorded_expect(RECORD_WRITE);
    assert_true(event.number[0] == 0x2000 && event.number[1] == 1 && event.size == 2 && event.bytes[1] == 'y');
    is_good = false;
    assert_false(__wrap_port_copy_from_guest(&vcpu, bytes, VADDR(0x1000), 3));
    assert_int_equal(recorded_expect(RECORD_READ).size, 0);
    assert_false(__wrap_port_copy_to_guest(&vcpu, VADDR(0x2000), "xy", 2));
    assert_int_equal(recorded_expect(RECORD_WRITE).number[1], 0);
}

/* While the machine runs no operation is under way, and what the operation has written is told before. */
static void test_hypercall(void **state)
{
    static const uint64_t args[6];
    struct record_event event;
    uint64_t serial;

    (void)state;
    ((uint64_t *)__wrap_port_frame_map(MFN(5)))[0] = 1;
    (void)recorded_expect(RECORD_MEMORY);
    assert_int_equal(__wrap_port_hypercall(&vcpu, 29, args), -38);
    assert_true(!was_inside && record_inside);
    (void)recorded_expect(RECORD_WROTE);
    event = recorded_expect(RECORD_OUT);
    assert_int_equal(event.number[0], 29);
    serial = event.number[1];
    event = recorded_expect(RECORD_BACK);
    assert_true(event.number[0] == serial && record_signed(event.number[1]) == -38);
    recorded_frame(5)[1] = 2;
    (void)__wrap_port_frame_map(MFN(5));
    EXPECT(MEMORY, 5, 0);
}

static void test_yield(void **state)
{
    (void)state;
    assert_false(__wrap_port_preempt_wanted());
    __wrap_port_yield();
    assert_true(!was_inside && record_inside);
    assert_true(recorded_expect(RECORD_OUT).number[0] == RECORD_NONE);
    (void)recorded_expect(RECORD_BACK);
}

static void test_refused(void **state)
{
    const struct refusal refusal = {.error = XEN_EINVAL,
                                    .reason = REFUSE_SELF_MAP,
                                    .index = 3,
                                    .slot = {MFN(1), 2, 17},
                                    .frame = MFN(0x66),
                                    .value = 0x67};

    (void)state;
    __wrap_port_refused(&refusal);
    assert_true(!was_inside && record_inside);
    EXPECT(REFUSED, XEN_EINVAL, REFUSE_SELF_MAP, 3, 2, 17, 0x66, 0x67);
}

/* The machine's own calls. */
static void test_outside(void **state)
{
    static const uint64_t args[6];
    const struct refusal refusal = {.error = XEN_EINVAL};
    uint8_t bytes[3];
    mfn_t first, mfns[2];

    (void)state;
    record_inside = false;
    (void)__wrap_port_frame_map(MFN(5));
    __wrap_port_frame_clear(MFN(5));
    __wrap_port_frame_copy(MFN(6), 0, MFN(5), 0, 8);
    (void)__wrap_port_pool_take(0, MFN_NONE, &first);
    __wrap_port_pool_give(MFN(5), 0);
    (void)__wrap_port_pool_take_some(2, MFN_NONE, mfns);
    __wrap_port_pool_give_some(mfns, 2);
    __wrap_port_tlb_flush((cpumask_t){1});
    __wrap_port_tlb_flush_page((cpumask_t){1}, VADDR(0));
    __wrap_port_cache_flush((cpumask_t){1});
    __wrap_port_root_load(&vcpu);
    __wrap_port_mode_load(&vcpu);
    __wrap_port_window_set(&vcpu, 0, MFN(1));
    __wrap_port_ldt_load(&vcpu);
    (void)__wrap_port_copy_from_guest(&vcpu, bytes, VADDR(0), 3);
    (void)__wrap_port_copy_to_guest(&vcpu, VADDR(0), bytes, 3);
    __wrap_port_yield();
    (void)__wrap_port_hypercall(&vcpu, 1, args);
    __wrap_port_refused(&refusal);
    assert_true(__wrap_port_preempt_wanted() && !record_inside);
    recorded_expect_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_memory, begin),       cmocka_unit_test_setup(test_copied, begin),
        cmocka_unit_test_setup(test_some, begin),         cmocka_unit_test_setup(test_translations, begin),
        cmocka_unit_test_setup(test_guest_memory, begin), cmocka_unit_test_setup(test_hypercall, begin),
        cmocka_unit_test_setup(test_yield, begin),        cmocka_unit_test_setup(test_refused, begin),
        cmocka_unit_test_setup(test_outside, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
