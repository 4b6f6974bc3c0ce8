/* SPDX-License-Identifier: MIT */
/* Traced calls read from a ring and told: in words, as JSON, counted; and a ring of which nothing is to be believed. */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include <abi/hypercall.h>
#include <abi/mmuext.h>
#include <abi/sched.h>
#include <cli/trace.h>

#define RING  65536u
#define PLACE 0x3000u /* of the ring in the machine */

static struct trace trace;
static struct trace_ring *ring;
static char path[] = "/tmp/test_trace.XXXXXX";
static const char *conditions;
static char told[65536];

static void begin(const char *words, const char *name)
{
    trace = (struct trace){.is_on = false};
    assert_int_equal(trace_open(&trace, words, conditions, name), STATUS_GOOD);
    assert_int_equal(ftruncate(trace.memory, PLACE + TRACE_RING_OFFSET + RING), 0);
    trace_note(&trace, "domain 1 (trace at 3000, 10000 bytes)");
    assert_null(trace.ring);
    trace_note(&trace, "trace at 3000, 10000 bytes");
    ring = trace.ring;
    assert_non_null(ring);
}

static void put(struct trace_record record, const uint64_t *payload, unsigned count)
{
    uint64_t *words = (uint64_t *)(void *)((char *)ring + TRACE_RING_OFFSET), from[TRACE_RECORD_WORDS];

    record.words = (uint16_t)(TRACE_RECORD_WORDS + count);
    memcpy(from, &record, sizeof(record));
    for (unsigned i = 0; i < record.words; i++)
        words[(ring->head / 8 + i) % (RING / 8)] = i < TRACE_RECORD_WORDS ? from[i] : payload[i - TRACE_RECORD_WORDS];
    ring->head += record.words * 8u;
}

static const char *finish(const char *name)
{
    FILE *from;
    size_t got;

    trace_finish(&trace);
    trace_close(&trace);
    from = fopen(name, "r");
    assert_non_null(from);
    got = fread(told, 1, sizeof(told) - 1, from);
    fclose(from);
    told[got] = '\0';
    return told;
}

static const struct trace_record update = {.domain = 1,
                                           .vcpu = 2,
                                           .began = 1000,
                                           .ended = 1234,
                                           .rip = 0xffffffff81000002,
                                           .number = __HYPERVISOR_mmu_update,
                                           .payload = TRACE_UPDATES,
                                           .args = {0x10000, 1, 0, 0x7ff0}};

static void test_words(void **state)
{
    struct trace_record record = update;
    struct symbol symbol = {0xffffffff81000000, 16, "the_call"};
    struct guest guest = {.number = 1, .symbols = {.list = &symbol, .count = 1}};

    (void)state;
    begin("", path);
    trace.guests = &guest;
    trace.nr_guests = 1;
    put(record, (uint64_t[]){0x77, 0x88}, 2);
    record.kind = TRACE_MORE;
    put(record, (uint64_t[]){0x99, 0xaa}, 2);
    record = (struct trace_record){
        .domain = 3, .began = 2000, .ended = 2500, .number = __HYPERVISOR_multicall, .args = {0x20, 2}};
    put(record, NULL, 0);
    record.caller = 0xffffffff8100000f;
    record.domain = 1;
    put(record, NULL, 0);
    record = (struct trace_record){.kind = TRACE_NESTED,
                                   .payload = TRACE_EXTENDED,
                                   .number = __HYPERVISOR_mmuext_op,
                                   .args = {0x30, 2, 0, 0x7ff0},
                                   .result = -22};
    put(record, (uint64_t[]){MMUEXT_PIN_L4_TABLE, 0x55, 0, 99, 1, 2}, 6);
    record = (struct trace_record){
        .payload = TRACE_BYTES, .number = __HYPERVISOR_sched_op, .args = {SCHEDOP_shutdown, 0x40}, .result = 17};
    put(record, (uint64_t[]){3}, 1);
    put((struct trace_record){.number = __HYPERVISOR_iret, .result = TRACE_NO_RESULT}, NULL, 0);
    put((struct trace_record){.number = 63, .result = -38}, NULL, 0);
    assert_string_equal(finish(path),
                        "0 d1v2 ffffffff81000002 <the_call+0x2> mmu_update(0x10000, 1, 0, 0x7ff0) = 0 <234>\n"
                        "    {ptr 0x77, val 0x88}\n"
                        "    {ptr 0x99, val 0xaa}\n"
                        "1000 d3v0 0 multicall(0x20, 2) = 0 <500>\n"
                        "1000 d1v0 ffffffff8100000f <the_call+0xf> multicall(0x20, 2) = 0 <500>\n"
                        "  mmuext_op(0x30, 2, 0, 0x7ff0) = -EINVAL\n"
                        "    {MMUEXT_PIN_L4_TABLE, 0x55, 0x0}\n"
                        "    {command 99, 0x1, 0x2}\n"
                        "18446744073709550616 d0v0 0 sched_op(SCHEDOP_shutdown, 0x40) = 0x11 <0>\n"
                        "    argument: 0000000000000003\n"
                        "18446744073709550616 d0v0 0 iret() <0>\n"
                        "18446744073709550616 d0v0 0 hypercall 63(0, 0) = -ENOSYS <0>\n");
}

/* Those of 64 bits are two of a 32-bit guest's; what is behind the last one are the guest's registers. */
static void test_arguments(void **state)
{
    static const unsigned numbers[] = {__HYPERVISOR_set_timer_op, __HYPERVISOR_update_va_mapping,
                                       __HYPERVISOR_update_descriptor, __HYPERVISOR_set_callbacks,
                                       __HYPERVISOR_get_debugreg};

    (void)state;
    begin("", path);
    for (unsigned i = 0; i < 2 * sizeof(numbers) / sizeof(numbers[0]); i++) {
        struct trace_record record = {.narrow = i % 2, .number = numbers[i / 2], .args = {1, 2, 3, 4, 5, 6}};

        put(record, NULL, 0);
    }
    assert_string_equal(finish(path), "0 d0v0 0 set_timer_op(1) = 0 <0>\n"
                                      "0 d0v0 0 set_timer_op(1, 2) = 0 <0>\n"
                                      "0 d0v0 0 update_va_mapping(1, 2, 3) = 0 <0>\n"
                                      "0 d0v0 0 update_va_mapping(1, 2, 3, 4) = 0 <0>\n"
                                      "0 d0v0 0 update_descriptor(1, 2) = 0 <0>\n"
                                      "0 d0v0 0 update_descriptor(1, 2, 3, 4) = 0 <0>\n"
                                      "0 d0v0 0 set_callbacks(1, 2, 3) = 0 <0>\n"
                                      "0 d0v0 0 set_callbacks(1, 2, 3, 4) = 0 <0>\n"
                                      "0 d0v0 0 get_debugreg(1) = 0 <0>\n"
                                      "0 d0v0 0 get_debugreg(1) = 0 <0>\n");
}

static void test_json(void **state)
{
    char name[] = "/tmp/test_trace_XXXXXX.json";
    int file = mkstemps(name, 5);

    (void)state;
    close(file);
    begin("", name);
    put(update, (uint64_t[]){0x77, UINT64_MAX}, 2);
    put((struct trace_record){.number = __HYPERVISOR_sched_op, .began = 1000, .result = TRACE_NO_RESULT}, NULL, 0);
    assert_string_equal(
        finish(name),
        "{\"kind\":\"call\",\"domain\":1,\"vcpu\":2,\"began\":0,\"ticks\":234,\"rip\":\"0xffffffff81000002\","
        "\"number\":1,"
        "\"call\":\"mmu_update\",\"args\":[\"0x10000\",\"0x1\",\"0x0\",\"0x7ff0\",\"0x0\",\"0x0\"],\"result\":0,"
        "\"updates\":[\"0x77\",\"0xffffffffffffffff\"]}\n"
        "{\"kind\":\"call\",\"domain\":0,\"vcpu\":0,\"began\":0,\"ticks\":18446744073709550616,\"rip\":\"0x0\","
        "\"number\":29,"
        "\"call\":\"sched_op\",\"command\":\"SCHEDOP_yield\",\"args\":[\"0x0\",\"0x0\",\"0x0\",\"0x0\",\"0x0\",\"0x0\"]"
        "}\n");
    unlink(name);
}

/* What belongs to a call that nobody wants is not told either. */
static void test_chosen(void **state)
{
    struct trace_record record = update;

    (void)state;
    begin("sched_op,set_gdt", path);
    put(record, (uint64_t[]){0x77, 0x88}, 2);
    record.kind = TRACE_MORE;
    put(record, (uint64_t[]){0x99, 0xaa}, 2);
    put((struct trace_record){.began = 1000, .ended = 1000, .number = __HYPERVISOR_set_gdt}, NULL, 0);
    assert_string_equal(finish(path), "0 d0v0 0 set_gdt(0, 0) = 0 <0>\n");
    assert_int_equal(trace_open(&trace, "sched_op,nonsense", conditions, path), STATUS_USAGE);
    assert_int_equal(trace_open(&trace, "sched", conditions, path), STATUS_USAGE);
    assert_int_equal(trace_open(&trace, "", conditions, "/none/file"), STATUS_USAGE);
}

/* What fulfils all conditions, calls of a multicall among it, which then say themselves where they were made. */
static void test_conditions(void **state)
{
    struct symbol symbol = {0xffffffff81000000, 16, "the_call"};
    struct guest guest = {.number = 1, .symbols = {.list = &symbol, .count = 1}};
    struct trace_record record = {.domain = 1, .began = 1, .rip = 0x8000, .number = __HYPERVISOR_multicall};

    (void)state;
    conditions = "errors,vcpu=1-2,domain=1,rip=the_call,rip=0x7000-0x7fff";
    begin("", path);
    trace.guests = &guest;
    trace.nr_guests = 1;
    record.caller = 0xffffffff81000001;
    record.vcpu = 1;
    put(record, NULL, 0);
    record.kind = TRACE_NESTED;
    record.number = __HYPERVISOR_set_gdt;
    record.result = -22;
    put(record, NULL, 0);
    record.vcpu = 3;
    put(record, NULL, 0);
    record.kind = TRACE_CALL;
    put(record, NULL, 0);
    record.vcpu = 2;
    record.caller = 0;
    put(record, NULL, 0);
    record.rip = 0x7fff;
    put(record, NULL, 0);
    record.domain = 2;
    put(record, NULL, 0);
    assert_string_equal(finish(path), "0 d1v1 ffffffff81000001 <the_call+0x1> in a multicall: set_gdt(0, 0) = -EINVAL\n"
                                      "0 d1v2 7fff set_gdt(0, 0) = -EINVAL <18446744073709551615>\n");
    for (size_t i = 0; i < 7; i++) {
        static const char *const wrong[] = {"error",
                                            "vcpu=",
                                            "vcpu=2-1",
                                            "vcpu=-1",
                                            "rip=",
                                            "rip=0x12g",
                                            "domain=1,domain=1,domain=1,domain=1,domain=1,"
                                            "domain=1,domain=1,domain=1,domain=1"};

        conditions = wrong[i];
        assert_int_equal(trace_open(&trace, "", conditions, path), STATUS_USAGE);
    }
    conditions = NULL;
}

/* None of them is a call, and only those that are asked for are told, or counted. */
static void put_traps(void)
{
    struct trace_record record = {.kind = TRACE_EXCEPTION, .domain = 1, .began = 1000, .ended = 1010, .rip = 0x4000};

    record.number = 14;
    record.args[TRAP_ERROR] = 6;
    record.args[TRAP_ADDRESS] = 0xbeef;
    record.args[TRAP_HANDLER] = 0xffffffff81000000;
    record.args[TRAP_USER] = 1;
    put(record, NULL, 0);
    record.number = 3;
    record.args[TRAP_USER] = 0;
    put(record, NULL, 0);
    record.kind = TRACE_EMULATION;
    record.payload = TRACE_INSTRUCTION;
    record.number = 13;
    record.args[TRAP_ADDRESS] = 0xc0000080;
    record.args[TRAP_VALUE] = 0xaa;
    record.args[TRAP_VALUE_HIGH] = 0xdd;
    put(record, (uint64_t[]){0x320f, 0}, 2);
    put(record, (uint64_t[]){0xa20f6e65780b0f, 0}, 2);
    record.number = 14;
    record.args[TRAP_ADDRESS] = 0x5008;
    record.args[TRAP_VALUE] = 0x67;
    put(record, (uint64_t[]){0x078948, 0}, 2);
    put(record, NULL, 0); /* without its bytes */
    record.kind = TRACE_UPCALL;
    record.payload = TRACE_NOTHING;
    record.number = 0;
    put(record, NULL, 0);
}

static void test_traps(void **state)
{
    (void)state;
    begin("all", path);
    assert_true(trace.has_traps);
    put_traps();
    assert_string_equal(
        finish(path),
        "0 d1v0 4000 exception 14 #PF, error 6, address beef, in user mode -> ffffffff81000000 <10>\n"
        "0 d1v0 4000 exception 3 #BP, error 6 -> ffffffff81000000 <10>\n"
        "0 d1v0 4000 emulation: rdmsr (0f 32 00 00 00 00 00 00 00 00 00 00 00 00 00), rcx c0000080 -> rax aa, rdx dd "
        "<10>\n"
        "0 d1v0 4000 emulation: cpuid (0f 0b 78 65 6e 0f a2 00 00 00 00 00 00 00 00), rcx c0000080 -> rax aa, rdx dd "
        "<10>\n"
        "0 d1v0 4000 emulation: write to a table (48 89 07 00 00 00 00 00 00 00 00 00 00 00 00), address 5008 -> entry "
        "67 <10>\n"
        "0 d1v0 4000 emulation: write to a table (00 00 00 00 00 00 00 00 00 00 00 00 00 00 00), address 5008 -> entry "
        "67 <10>\n"
        "0 d1v0 4000 upcall -> ffffffff81000000 <10>\n");
    begin("upcalls,mmu_update", path);
    assert_true(trace.has_traps);
    put_traps();
    assert_string_equal(finish(path), "0 d1v0 4000 upcall -> ffffffff81000000 <10>\n");
    begin("", path);
    assert_false(trace.has_traps);
    put_traps();
    assert_string_equal(finish(path), "");
    begin("summary,exceptions,emulations", path);
    put_traps();
    put(update, NULL, 0);
    assert_string_equal(finish(path),
                        "call                                calls     errors            ticks   ticks/call\n"
                        "exception 3                             1                          10           10\n"
                        "emulation, vector 13                    2                          20           10\n"
                        "exception 14                            1                          10           10\n"
                        "emulation, vector 14                    2                          20           10\n");
}

static void test_traps_json(void **state)
{
    char name[] = "/tmp/test_trace_XXXXXX.json";
    int file = mkstemps(name, 5);

    (void)state;
    close(file);
    begin("all", name);
    put_traps();
    finish(name);
    assert_ptr_equal(
        strstr(told, "{\"kind\":\"exception\",\"domain\":1,\"vcpu\":0,\"began\":0,\"ticks\":10,\"rip\":\"0x4000\","
                     "\"vector\":14,\"user\":true,\"error\":\"0x6\",\"address\":\"0xbeef\","
                     "\"handler\":\"0xffffffff81000000\"}\n"),
        told);
    assert_non_null(strstr(told, "\"vector\":13,\"user\":false,\"error\":\"0x6\",\"instruction\":\"rdmsr\","
                                 "\"bytes\":\"0f3200000000000000000000000000\",\"rcx\":\"0xc0000080\","
                                 "\"rax\":\"0xaa\",\"rdx\":\"0xdd\"}\n"));
    assert_non_null(strstr(told, "\"address\":\"0x5008\",\"instruction\":\"write to a table\","
                                 "\"bytes\":\"488907000000000000000000000000\",\"entry\":\"0x67\"}\n"));
    assert_non_null(strstr(told, "{\"kind\":\"upcall\",\"domain\":1,\"vcpu\":0,\"began\":0,\"ticks\":10,"
                                 "\"rip\":\"0x4000\",\"handler\":\"0xffffffff81000000\"}\n"));
    unlink(name);
}

static void test_summary(void **state)
{
    struct trace_record record = update;

    (void)state;
    begin("summary", path);
    for (unsigned i = 0; i < 3; i++)
        put(record, NULL, 0);
    record.kind = TRACE_MORE;
    put(record, NULL, 0);
    record.kind = TRACE_CALL;
    record.number = UINT64_MAX;
    record.result = -38;
    record.ended = 5000;
    put(record, NULL, 0);
    put((struct trace_record){.number = __HYPERVISOR_iret, .result = TRACE_NO_RESULT}, NULL, 0);
    assert_string_equal(finish(path),
                        "call                                calls     errors            ticks   ticks/call\n"
                        "(without a name)                        1          1             4000         4000\n"
                        "mmu_update                              3          0              702          234\n"
                        "iret                                    1          0                0            0\n");
}

/* Around the end of the ring, again and again. */
static void test_around(void **state)
{
    (void)state;
    begin("set_gdt", path);
    for (unsigned i = 0; i < 5 * RING / sizeof(struct trace_record); i++) {
        put((struct trace_record){.began = 7, .number = i % 500 ? 1 : __HYPERVISOR_set_gdt, .args = {i}},
            (uint64_t[]){1}, i % 2);
        trace_drain(&trace);
        assert_true(ring->tail == ring->head);
    }
    assert_non_null(strstr(finish(path), "set_gdt(0x7d0, 0) = 0"));
}

/* Lengths and places that cannot be end the trace, and nothing is read outside. */
static void test_lies(void **state)
{
    static const uint16_t lengths[] = {0, TRACE_RECORD_WORDS - 1, TRACE_RECORD_WORDS + TRACE_WORDS_MAX + 1,
                                       TRACE_RECORD_WORDS + 1, UINT16_MAX};
    static const char *const lines[] = {"trace at 3001, 10000 bytes",
                                        "trace at 3000, 10001 bytes",
                                        "trace at 3000, 0 bytes",
                                        "trace at 3000, 20000 bytes",
                                        "trace at ffffffffffffe000, 10000 bytes",
                                        "trace at"};

    (void)state;
    for (size_t i = 0; i < sizeof(lengths) / sizeof(lengths[0]); i++) {
        begin("", path);
        put(update, NULL, 0);
        ((struct trace_record *)(void *)((char *)ring + TRACE_RING_OFFSET))->words = lengths[i];
        assert_string_equal(finish(path), "");
    }
    begin("", path);
    ring->head = UINT64_MAX;
    assert_string_equal(finish(path), "");
    begin("", path);
    put(update, NULL, 0);
    ((struct trace_record *)(void *)((char *)ring + TRACE_RING_OFFSET))->kind = 77;
    ((struct trace_record *)(void *)((char *)ring + TRACE_RING_OFFSET))->payload = 88;
    assert_string_equal(finish(path), "");
    begin("", path);
    munmap(trace.ring, TRACE_RING_OFFSET + RING);
    trace.ring = NULL;
    for (size_t i = 0; i < sizeof(lines) / sizeof(lines[0]); i++) {
        trace_note(&trace, lines[i]);
        assert_null(trace.ring);
    }
    assert_string_equal(finish(path), "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words),      cmocka_unit_test(test_json),   cmocka_unit_test(test_chosen),
        cmocka_unit_test(test_conditions), cmocka_unit_test(test_traps),  cmocka_unit_test(test_traps_json),
        cmocka_unit_test(test_summary),    cmocka_unit_test(test_around), cmocka_unit_test(test_lies),
        cmocka_unit_test(test_arguments),
    };
    int failed;

    close(mkstemp(path));
    failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
