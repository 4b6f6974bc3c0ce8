/* SPDX-License-Identifier: MIT */
/* Notes of events, with upcalls that come at any instruction: signals to the only thread. */
/* links: backend/work.c */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/time.h>

#include <cmocka.h>

#include <backend/work.h>

#define EVENTS   5000u
#define PORT     7u
#define OTHER    8u
#define PATIENCE 100000000u /* looks for an event's note: seconds */

static volatile unsigned written; /* by the sender */

static void upcall(int signal)
{
    (void)signal;
    written++;
    work_note_event(PORT);
}

/* In some microseconds, which are not the same each time. */
static void send_soon(unsigned event)
{
    const struct itimerval soon = {.it_value.tv_usec = 1 + event % 13};

    assert_int_equal(setitimer(ITIMER_REAL, &soon, NULL), 0);
}

/* Whoever looks only when there is a note has seen all that was written, though no other event comes to help. */
static void test_no_note_is_lost(void **state)
{
    (void)state;
    assert_true(signal(SIGALRM, upcall) != SIG_ERR);
    for (unsigned seen = 0; seen < EVENTS;) {
        unsigned looks = 0, before = seen;

        send_soon(seen);
        for (; seen == before && looks < PATIENCE; looks += written != before) {
            if (work_take_event(PORT))
                seen = written;
        }
        assert_int_equal(seen, before + 1);
    }
}

static void test_notes(void **state)
{
    (void)state;
    assert_false(work_take_event(PORT));
    work_note_event(PORT);
    work_note_event(PORT);
    assert_false(work_take_event(OTHER));
    assert_true(work_take_event(PORT));
    assert_false(work_take_event(PORT));
    assert_false(work_take());
    work_again();
    assert_true(work_take());
    assert_false(work_take());
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_notes), cmocka_unit_test(test_no_note_is_lost)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
