/* SPDX-License-Identifier: MIT */
/* Events in the ring: as they are read, beyond its end, and where it is full. */
/* links: hv/record/record_write.c tests/hv/lib/recorded.c tests/hv/lib/said.c -lpthread */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/record/record.h>
#include <tests/hv/lib/recorded.h>

#define RING_SIZE (UINT64_C(2) << 20)

static struct record_ring *ring(void)
{
    return (struct record_ring *)(void *)recorded_frame(RECORDED_FRAMES - 1024);
}

static int begin(void **state)
{
    (void)state;
    recorded_begin();
    return 0;
}

static void test_numbers(void **state)
{
    const uint64_t numbers[] = {0, 1, 127, 128, 300, UINT32_MAX, UINT64_MAX};
    uint8_t bytes[10];

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
        size_t size = record_put_number(bytes, numbers[i]);
        struct record_reader reader = record_reader(bytes, size);

        assert_true(record_number(&reader) == numbers[i]);
        assert_ptr_equal(reader.next, bytes + size);
    }
}

static void test_signs(void **state)
{
    const int64_t numbers[] = {0, -1, 1, -22, INT64_MAX, INT64_MIN};

    (void)state;
    for (size_t i = 0; i < ARRAY_SIZE(numbers); i++)
        assert_true(record_signed(record_sign(numbers[i])) == numbers[i]);
    assert_int_equal(record_sign(-1), 1);
}

static void test_events(void **state)
{
    struct record_event event;

    (void)state;
    RECORD_EVENT(TAKE, 3, UINT64_MAX, 0x1234);
    record_event_bytes(RECORD_READ, (const uint64_t[]){0xffff800000000000, 3}, "abc", 3);
    record_event_bytes(RECORD_READ, (const uint64_t[]){0x1000, 3}, NULL, 0);
    event = recorded_expect(RECORD_TAKE);
    assert_true(event.number[0] == 3 && event.number[1] == UINT64_MAX && event.number[2] == 0x1234);
    event = recorded_expect(RECORD_READ);
    assert_true(event.number[0] == 0xffff800000000000 && event.number[1] == 3 && event.size == 3);
    assert_memory_equal(event.bytes, "abc", 3);
    assert_int_equal(recorded_expect(RECORD_READ).size, 0);
    recorded_expect_nothing();
}

/* What is read, and how often; more than the ring holds, so that the writer has to wait. */
#define EVENTS 3000u
#define BYTES  4000u

static void *read_slowly(void *arg)
{
    const uint8_t *bytes = (const uint8_t *)ring() + RECORD_RING_OFFSET;
    uint64_t *sum = arg, tail = ring()->tail, wanted = tail + EVENTS * (1 + 2 + 2 + 2 + BYTES);

    while (tail < wanted) {
        uint64_t head = __atomic_load_n(&ring()->head, __ATOMIC_ACQUIRE);

        for (unsigned i = 0; tail < head && i < 100000; i++)
            *sum += bytes[tail++ % RING_SIZE];
        __atomic_store_n(&ring()->tail, tail, __ATOMIC_RELEASE);
    }
    return NULL;
}

static void test_waits(void **state)
{
    uint64_t sum = 0, wanted = 0;
    uint8_t bytes[BYTES];
    pthread_t reader;

    (void)state;
    pthread_create(&reader, NULL, read_slowly, &sum);
    for (unsigned i = 0; i < EVENTS; i++) {
        memset(bytes, (int)i, sizeof(bytes));
        record_event_bytes(RECORD_READ, (const uint64_t[]){0x80, BYTES}, bytes, sizeof(bytes));
        wanted += RECORD_READ + 0x80 + 1 + 2 * ((BYTES & 0x7f) + 0x80 + (BYTES >> 7)) + BYTES * (uint8_t)i;
    }
    pthread_join(reader, NULL);
    assert_true(sum == wanted);
    assert_true(ring()->head > 4 * RING_SIZE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_signs),
        cmocka_unit_test_setup(test_events, begin),
        cmocka_unit_test_setup(test_waits, begin),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
