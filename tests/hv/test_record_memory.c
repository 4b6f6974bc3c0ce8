/* SPDX-License-Identifier: MIT */
/* What is told of the contents of frames: all that a replay does not know, and nothing else. */
/* links: hv/record/record_memory.c hv/record/record_write.c tests/hv/lib/recorded.c tests/hv/lib/said.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#include <cmocka.h>

#include <engine/engine.h>
#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

#define COPIES 4096u

static int begin(void **state)
{
    (void)state;
    recorded_begin();
    assert_true(record_open_memory(&recorded_machine));
    record_begin_memory();
    return 0;
}

/* An event about @mfn, with one run: so many words at that place. */
static void expect_run(enum record_kind kind, uint64_t mfn, uint64_t flags, uint64_t place, uint64_t count)
{
    struct record_event event = recorded_expect(kind);
    struct record_reader reader = recorded_numbers(&event);

    assert_true(event.number[0] == mfn);
    if (kind == RECORD_MEMORY)
        assert_int_equal(event.number[1], flags);
    if (!count) {
        assert_int_equal(event.size, 0);
        return;
    }
    assert_true(record_number(&reader) == place && record_number(&reader) == count);
    for (uint64_t i = 0; i < count; i++)
        assert_true(record_word(&reader) == recorded_frame(mfn)[place + i]);
    assert_ptr_equal(reader.next, reader.end);
}

static void end_and_begin(void)
{
    record_leave_memory();
    record_begin_memory();
}

static void test_first_look(void **state)
{
    (void)state;
    recorded_frame(5)[7] = 0x77;
    recorded_frame(5)[8] = 0x88;
    record_map(MFN(5));
    expect_run(RECORD_MEMORY, 5, RECORD_MEMORY_WHOLE, 7, 2);
    record_map(MFN(6));
    expect_run(RECORD_MEMORY, 6, RECORD_MEMORY_WHOLE, 0, 0);
    record_map(MFN(5));
    recorded_expect_nothing();
    end_and_begin();
    record_map(MFN(5));
    recorded_expect_nothing();
}

static void test_changes_of_others(void **state)
{
    (void)state;
    record_map(MFN(5));
    (void)recorded_expect(RECORD_MEMORY);
    end_and_begin();
    recorded_frame(5)[511] = 1;
    record_map(MFN(5));
    expect_run(RECORD_MEMORY, 5, 0, 511, 1);
    end_and_begin();
    recorded_expect_nothing();
}

static void test_changes_of_its_own(void **state)
{
    (void)state;
    record_map(MFN(5));
    (void)recorded_expect(RECORD_MEMORY);
    recorded_frame(5)[0] = 3;
    record_leave_memory();
    expect_run(RECORD_WROTE, 5, 0, 0, 1);
    record_begin_memory();
    record_map(MFN(5));
    recorded_expect_nothing();
}

static void test_several_runs(void **state)
{
    struct record_event event;
    struct record_reader reader;

    (void)state;
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i += 2)
        recorded_frame(9)[i] = i + 1;
    record_map(MFN(9));
    event = recorded_expect(RECORD_MEMORY);
    reader = recorded_numbers(&event);
    for (unsigned i = 0; i < ENTRIES_PER_TABLE; i += 2) {
        assert_int_equal(record_number(&reader), i ? 1 : 0);
        assert_int_equal(record_number(&reader), 1);
        assert_int_equal(record_word(&reader), i + 1);
    }
    assert_ptr_equal(reader.next, reader.end);
}

/* The engine wipes; what a replay has there is known then. */
static void test_cleared(void **state)
{
    (void)state;
    recorded_frame(5)[1] = 1;
    record_map(MFN(5));
    (void)recorded_expect(RECORD_MEMORY);
    end_and_begin();
    recorded_frame(5)[1] = 0;
    record_clear(MFN(5));
    record_map(MFN(5));
    recorded_expect_nothing();
}

/* It copies what it does not know: all of that is told when it looks. */
static void test_forgotten(void **state)
{
    (void)state;
    record_map(MFN(5));
    (void)recorded_expect(RECORD_MEMORY);
    record_forget(MFN(5));
    recorded_frame(5)[2] = 2;
    end_and_begin();
    record_map(MFN(5));
    expect_run(RECORD_MEMORY, 5, RECORD_MEMORY_WHOLE, 2, 1);
}

/* Guest memory is written in the middle of an operation: a table cannot be meant, what is none can. */
static void test_written(void **state)
{
    (void)state;
    recorded_machine.frames[6].type = type_word(TYPE_L1, TYPE_VALIDATED, 1);
    record_map(MFN(5));
    record_map(MFN(6));
    (void)recorded_expect(RECORD_MEMORY);
    (void)recorded_expect(RECORD_MEMORY);
    recorded_frame(5)[0] = 1;
    recorded_frame(6)[0] = 1;
    record_written();
    expect_run(RECORD_WROTE, 5, 0, 0, 1);
    recorded_frame(5)[3] = 3;
    record_map(MFN(5));
    expect_run(RECORD_MEMORY, 5, RECORD_MEMORY_LATE, 3, 1);
    record_map(MFN(6));
    recorded_expect_nothing();
    record_leave_memory();
    expect_run(RECORD_WROTE, 6, 0, 0, 1);
}

/* More frames than there are copies, in one operation: the first has to give way, and is told again. */
static void test_crowded(void **state)
{
    (void)state;
    for (uint64_t i = 0; i < COPIES; i++) {
        record_map(MFN(i));
        expect_run(RECORD_MEMORY, i, RECORD_MEMORY_WHOLE, 0, 0);
    }
    recorded_frame(0)[4] = 4;
    record_map(MFN(COPIES));
    expect_run(RECORD_WROTE, 0, 0, 4, 1);
    expect_run(RECORD_MEMORY, COPIES, RECORD_MEMORY_WHOLE | RECORD_MEMORY_LATE, 0, 0);
    record_map(MFN(0));
    expect_run(RECORD_MEMORY, 0, RECORD_MEMORY_WHOLE | RECORD_MEMORY_LATE, 4, 1);
    record_leave_memory();
    recorded_expect_nothing();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_first_look, begin),
        cmocka_unit_test_setup(test_changes_of_others, begin),
        cmocka_unit_test_setup(test_changes_of_its_own, begin),
        cmocka_unit_test_setup(test_several_runs, begin),
        cmocka_unit_test_setup(test_cleared, begin),
        cmocka_unit_test_setup(test_forgotten, begin),
        cmocka_unit_test_setup(test_written, begin),
        cmocka_unit_test_setup(test_crowded, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
