/* SPDX-License-Identifier: MIT */
/* Calls written down: what a record has, batches and multicalls of both widths, a ring that is full or lied about. */
/* links: hv/domain/trace.c hv/domain/asked.c engine/refuse.c engine/access.c */
/* links: tests/hv/lib/guest_memory.c tests/hv/lib/lock_host.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/mmu.h>
#include <abi/mmuext.h>
#include <abi/multicall.h>
#include <engine/engine.h>
#include <hv/cpu/cpu.h>
#include <hv/domain/trace.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/guest_memory.h>
#include <tests/hv/lib/said.h>

#define RING_BYTES ((size_t)16 << 20)

static struct hv_domain domain;
static struct hv_vcpu vcpu;
static struct cpu_frame frame;
static uint8_t *memory;
static bool has_memory = true, are_traced, are_traps_traced, wants_traps;

bool machine_take(struct machine *machine, unsigned order, mfn_t *first)
{
    assert_null(machine);
    assert_int_equal((size_t)4096 << order, RING_BYTES);
    *first = MFN(0x1234);
    return has_memory;
}

void *paging_ram(uint64_t address)
{
    assert_true(address == 0x1234000);
    return memory;
}

void port_refused(const struct refusal *refusal)
{
    (void)refusal;
}

void cpu_trace_calls(void)
{
    are_traced = true;
}

void cpu_trace_traps(void)
{
    are_traps_traced = true;
}

static struct trace_ring *ring(void)
{
    return (struct trace_ring *)(void *)memory;
}

/* What has been written since: a record, and the words behind it. */
static uint64_t next[TRACE_RECORD_WORDS + TRACE_WORDS_MAX];

static const struct trace_record *take(void)
{
    const uint64_t *words = (const uint64_t *)(const void *)(memory + TRACE_RING_OFFSET);
    uint64_t place = ring()->tail / 8, mask = ring()->size / 8 - 1;
    const struct trace_record *record = (const struct trace_record *)(const void *)next;

    assert_true(ring()->head > ring()->tail);
    next[0] = words[place & mask];
    assert_in_range(record->words, TRACE_RECORD_WORDS, TRACE_RECORD_WORDS + TRACE_WORDS_MAX);
    for (unsigned i = 0; i < record->words; i++)
        next[i] = words[(place + i) & mask];
    ring()->tail += record->words * 8u;
    return record;
}

static const uint64_t *payload(void)
{
    return next + TRACE_RECORD_WORDS;
}

static void begin(enum width width, bool deep)
{
    memset(memory, 0, RING_BYTES);
    guest_memory_reset(&vcpu.engine);
    domain.engine = (struct domain){.width = width, .id = DOMID(7)};
    frame = (struct cpu_frame){.rip = 0x1000};
    vcpu = (struct hv_vcpu){.engine = {.domain = &domain.engine, .id = 2}, .frame = &frame};
    said[0] = '\0';
    are_traced = are_traps_traced = false;
    trace_start(NULL, (struct trace_wanted){.arguments = deep, .traps = wants_traps});
}

static void call(uint64_t number, uint64_t first, uint64_t second, int64_t result)
{
    struct trace_record record = {.began = 5, .rip = 0x4002, .number = number, .args = {first, second, 3, 4, 5, 6}};

    trace_call(&vcpu, &record, result);
}

static void assert_empty(void)
{
    assert_true(ring()->head == ring()->tail);
}

static void test_start(void **state)
{
    (void)state;
    begin(WIDTH_64, true);
    assert_true(are_traced && !are_traps_traced && !trace_has_traps());
    assert_true(ring()->magic == TRACE_MAGIC);
    assert_true(ring()->size == RING_BYTES / 2);
    assert_string_equal(said, "trace at 1234000, 800000 bytes\n");
    wants_traps = true;
    begin(WIDTH_64, true);
    wants_traps = false;
    assert_true(are_traced && are_traps_traced && trace_has_traps());
    has_memory = false;
    begin(WIDTH_64, true);
    has_memory = true;
    assert_false(are_traced);
    assert_string_equal(said, "nothing is traced: there is no memory for it\n");
}

static void test_call(void **state)
{
    const struct trace_record *record;

    (void)state;
    begin(WIDTH_64, true);
    call(__HYPERVISOR_set_gdt, 0x10, 0x20, -22);
    record = take();
    assert_int_equal(record->kind, TRACE_CALL);
    assert_int_equal(record->words, TRACE_RECORD_WORDS);
    assert_int_equal(record->payload, TRACE_NOTHING);
    assert_int_equal(record->domain, 7);
    assert_int_equal(record->vcpu, 2);
    assert_int_equal(record->rip, 0x4002);
    assert_int_equal(record->began, 5);
    assert_true(record->ended > 5);
    assert_int_equal(record->number, __HYPERVISOR_set_gdt);
    assert_memory_equal(record->args, ((uint64_t[]){0x10, 0x20, 3, 4, 5, 6}), 48);
    assert_true(record->result == -22);
    assert_empty();
}

/* Behind the call the stub returns, and there is whoever called it; nothing is read for that where nothing is told. */
static void test_caller(void **state)
{
    const uint64_t caller = 0x401234;

    (void)state;
    for (unsigned deep = 0; deep < 2; deep++) {
        begin(WIDTH_64, deep);
        guest_memory[0] = 0xc3;
        memcpy(guest_memory + 64, &caller, sizeof(caller));
        frame.rip = GUEST_MEMORY;
        frame.rsp = GUEST_MEMORY + 64;
        call(__HYPERVISOR_set_gdt, 0, 0, 0);
        assert_int_equal(take()->caller, deep ? caller : 0);
    }
}

static void test_updates(void **state)
{
    (void)state;
    for (enum width width = WIDTH_64; width <= WIDTH_PAE; width++) {
        begin(width, true);
        for (unsigned i = 0; i < 40; i++)
            ((struct mmu_update *)(void *)guest_memory)[i] = (struct mmu_update){.ptr = 100 + i, .val = 200 + i};
        call(__HYPERVISOR_mmu_update, GUEST_MEMORY, 40 | MMU_UPDATE_PREEMPTED, 0);
        assert_int_equal(take()->kind, TRACE_CALL);
        assert_int_equal(take()->kind, TRACE_MORE);
        assert_int_equal(((const struct trace_record *)(const void *)next)->words, TRACE_RECORD_WORDS + 16);
        assert_true(payload()[0] == 132 && payload()[1] == 232 && payload()[15] == 239);
        assert_empty();
    }
}

/* Exactly as many as a record takes: there is no empty one behind it. */
static void test_whole_record(void **state)
{
    (void)state;
    begin(WIDTH_64, true);
    call(__HYPERVISOR_mmu_update, GUEST_MEMORY, TRACE_WORDS_MAX / 2, 0);
    assert_int_equal(take()->words, TRACE_RECORD_WORDS + TRACE_WORDS_MAX);
    assert_empty();
}

static void test_extended(void **state)
{
    const struct mmuext_op wide = {.cmd = MMUEXT_PIN_L4_TABLE, .arg1.mfn = 0x77, .arg2.nr_ents = 9};
    const uint32_t narrow[3] = {MMUEXT_PIN_L3_TABLE, 0x78, 10};
    const struct trace_record *record;

    (void)state;
    begin(WIDTH_64, true);
    memcpy(guest_memory, &wide, sizeof(wide));
    call(__HYPERVISOR_mmuext_op, GUEST_MEMORY, 1, 0);
    record = take();
    assert_true(record->payload == TRACE_EXTENDED && !record->narrow);
    assert_true(payload()[0] == MMUEXT_PIN_L4_TABLE && payload()[1] == 0x77 && (uint32_t)payload()[2] == 9);
    begin(WIDTH_PAE, true);
    memcpy(guest_memory, narrow, sizeof(narrow));
    call(__HYPERVISOR_mmuext_op, GUEST_MEMORY, 1, 0);
    assert_true(take()->narrow);
    assert_true(payload()[0] == MMUEXT_PIN_L3_TABLE && payload()[1] == 0x78 && payload()[2] == 10);
}

/* Each call by itself, with its own result and its own batch; one inside another is none. */
static void test_multicall(void **state)
{
    struct multicall_entry *entries = (struct multicall_entry *)(void *)guest_memory;
    const struct trace_record *record;

    (void)state;
    begin(WIDTH_64, true);
    entries[0] = (struct multicall_entry){__HYPERVISOR_mmu_update, (uint64_t)-14, {GUEST_MEMORY + 4096, 1, 0, 0x7ff0}};
    entries[1] = (struct multicall_entry){__HYPERVISOR_multicall, (uint64_t)-22, {GUEST_MEMORY, 3}};
    entries[2] = (struct multicall_entry){__HYPERVISOR_stack_switch, 0, {8, 9}};
    *(struct mmu_update *)(void *)(guest_memory + 4096) = (struct mmu_update){.ptr = 11, .val = 12};
    call(__HYPERVISOR_multicall, GUEST_MEMORY, 3, 0);
    assert_int_equal(take()->number, __HYPERVISOR_multicall);
    record = take();
    assert_int_equal(record->kind, TRACE_NESTED);
    assert_int_equal(record->number, __HYPERVISOR_mmu_update);
    assert_true(record->result == -14 && record->args[3] == 0x7ff0);
    assert_true(payload()[0] == 11 && payload()[1] == 12);
    record = take();
    assert_int_equal(record->number, __HYPERVISOR_stack_switch);
    assert_true(record->args[0] == 8 && record->result == 0);
    assert_empty();
    begin(WIDTH_PAE, true);
    memcpy(guest_memory, ((uint32_t[]){__HYPERVISOR_set_gdt, (uint32_t)-22, 8, 9}), 16);
    call(__HYPERVISOR_multicall, GUEST_MEMORY, 1, 0);
    (void)take();
    record = take();
    assert_true(record->result == -22 && record->args[1] == 9);
}

/* What cannot be read is left out, however much there is to be. */
static void test_unreadable(void **state)
{
    const struct trace_record *record;

    (void)state;
    begin(WIDTH_64, true);
    call(__HYPERVISOR_mmu_update, 1, UINT32_MAX >> 1, -14);
    assert_int_equal(take()->words, TRACE_RECORD_WORDS);
    call(__HYPERVISOR_multicall, 1, UINT64_MAX, -14);
    assert_int_equal(take()->words, TRACE_RECORD_WORDS);
    call(__HYPERVISOR_memory_op, 3, 1, -14);
    assert_int_equal(take()->payload, TRACE_NOTHING);
    assert_empty();
    call(__HYPERVISOR_memory_op, 3, GUEST_MEMORY, 0);
    assert_int_equal(take()->words, TRACE_RECORD_WORDS + TRACE_BYTES_KEPT / 8);
    memset(guest_memory + GUEST_MEMORY_SIZE - 16, 0x5a, 16);
    call(__HYPERVISOR_memory_op, 3, GUEST_MEMORY + GUEST_MEMORY_SIZE - 16, 0); /* what is mapped ends behind it */
    record = take();
    assert_true(record->words == TRACE_RECORD_WORDS + 2 && record->payload == TRACE_BYTES);
    assert_true(payload()[0] == UINT64_C(0x5a5a5a5a5a5a5a5a) && payload()[1] == payload()[0]);
    call(__HYPERVISOR_memory_op, 3, GUEST_MEMORY + GUEST_MEMORY_SIZE - 4, 0);
    assert_int_equal(take()->payload, TRACE_NOTHING);
}

/* The argument that points to a structure, of each call that has one. */
static void test_structures(void **state)
{
    static const struct {
        unsigned number, argument;
    } calls[] = {
        {__HYPERVISOR_platform_op, 0}, {__HYPERVISOR_event_channel_op_compat, 0}, {__HYPERVISOR_physdev_op_compat, 0},
        {__HYPERVISOR_sched_op, 1},    {__HYPERVISOR_event_channel_op, 1},        {__HYPERVISOR_memory_op, 1},
        {__HYPERVISOR_physdev_op, 1},  {__HYPERVISOR_grant_table_op, 1},          {__HYPERVISOR_callback_op, 1},
        {__HYPERVISOR_nmi_op, 1},
    };

    (void)state;
    begin(WIDTH_64, true);
    for (unsigned i = 0; i < ARRAY_SIZE(calls); i++) {
        guest_memory[0] = (uint8_t)(i + 1);
        call(calls[i].number, calls[i].argument == 0 ? GUEST_MEMORY : 1, calls[i].argument == 1 ? GUEST_MEMORY : 1, 0);
        assert_int_equal(take()->payload, TRACE_BYTES);
        assert_true(payload()[0] == i + 1);
    }
    call(__HYPERVISOR_xen_version, GUEST_MEMORY, GUEST_MEMORY, 0);
    assert_int_equal(take()->payload, TRACE_NOTHING);
}

/* For the summary alone, or of a call that does not return, nothing of the guest's is read. */
static void test_shallow(void **state)
{
    (void)state;
    begin(WIDTH_64, false);
    call(__HYPERVISOR_mmu_update, GUEST_MEMORY, 1, 0);
    assert_int_equal(take()->words, TRACE_RECORD_WORDS);
    begin(WIDTH_64, true);
    call(__HYPERVISOR_memory_op, 3, GUEST_MEMORY, TRACE_NO_RESULT);
    assert_true(take()->result == TRACE_NO_RESULT);
    assert_int_equal(guest_memory_reads, 0);
}

/* Nothing is overwritten that has not been read, and what is lost is counted; then it goes on at the beginning. */
static void test_full(void **state)
{
    const uint64_t record_bytes = TRACE_RECORD_WORDS * 8;
    uint64_t room;

    (void)state;
    begin(WIDTH_64, true);
    room = ring()->size / record_bytes;
    for (uint64_t i = 0; i < room + 3; i++)
        call(__HYPERVISOR_set_gdt, i, 0, 0);
    assert_true(ring()->lost == 3 && ring()->head == room * record_bytes);
    assert_true(take()->args[0] == 0);
    call(__HYPERVISOR_set_gdt, 0x77, 0, 0);
    for (uint64_t i = 1; i < room; i++)
        assert_true(take()->args[0] == i);
    assert_true(take()->args[0] == 0x77);
    assert_empty();
}

/* A count that cannot be, or the hypervisor's own changed: all that is lost is the trace. */
static void test_lies(void **state)
{
    (void)state;
    begin(WIDTH_64, true);
    ring()->size = 16; /* the command's own affair */
    call(__HYPERVISOR_set_gdt, 1, 2, -22);
    ring()->size = RING_BYTES / 2;
    assert_true(take()->rip == 0x4002 && ((const struct trace_record *)(const void *)next)->result == -22);
    ring()->tail = UINT64_MAX & ~UINT64_C(7);
    ring()->head = 0x123456789;
    ring()->size = UINT64_MAX;
    for (unsigned i = 0; i < 3; i++)
        call(__HYPERVISOR_set_gdt, 1, 0, 0);
    assert_true(ring()->lost + ring()->head > 0);
    for (size_t i = TRACE_RING_OFFSET + RING_BYTES / 2; i < RING_BYTES; i++)
        assert_int_equal(memory[i], 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_start),        cmocka_unit_test(test_call),     cmocka_unit_test(test_updates),
        cmocka_unit_test(test_whole_record), cmocka_unit_test(test_extended), cmocka_unit_test(test_multicall),
        cmocka_unit_test(test_unreadable),   cmocka_unit_test(test_shallow),  cmocka_unit_test(test_full),
        cmocka_unit_test(test_lies),         cmocka_unit_test(test_caller),   cmocka_unit_test(test_structures),
    };
    int failed;

    memory = malloc(RING_BYTES);
    failed = memory ? cmocka_run_group_tests(tests, NULL, NULL) : 1;
    free(memory);
    return failed;
}
