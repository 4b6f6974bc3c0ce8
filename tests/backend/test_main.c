/* SPDX-License-Identifier: MIT */
/* The loop: what a turn does, in which order, and when the domain sleeps. */
/* links: backend/main.c backend/work.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <guest/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <backend/blkback.h>
#include <backend/disk.h>
#include <backend/netback.h>
#include <backend/nic.h>
#include <backend/ninepfs.h>
#include <backend/packet.h>
#include <backend/share.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <backend/xenbus.h>

void guest_main(void);

uint64_t event_upcalls;
static jmp_buf asleep;
static char told[100];
static char wants;   /* who asks for one more turn, the first time that it is asked */
static bool upcall;  /* one comes in the middle of the first turn */
static bool enabled; /* events */

static void tell(char who)
{
    size_t length = strlen(told);

    assert_in_range(length, 0, sizeof(told) - 2);
    told[length] = who;
    if (wants == who) {
        wants = 0;
        work_again();
    }
}

/* ---- What is linked in place of the rest. */

void disk_poll(void)
{
    assert_true(enabled);
    tell('p');
}

void xenbus_turn(void)
{
    event_upcalls += upcall;
    upcall = false;
    tell('x');
}

void uplink_turn(void)
{
    tell('u');
}

void disk_kick(void)
{
    tell('k');
}

void share_poll(void)
{
    tell('s');
}

void event_enable(void)
{
    enabled = true;
}

void event_disable(void)
{
    enabled = false;
}

void event_wait(void)
{
    assert_false(enabled);
    longjmp(asleep, 1);
}

void packet_init(void)
{
}

void disk_init(void)
{
}

void nic_init(void)
{
}

void share_init(void)
{
}

void blkback_init(void)
{
}

void netback_init(void)
{
}

void ninepfs_init(void)
{
}

int xenbus_init(void)
{
    return 0;
}

void print(const char *format, ...)
{
    (void)format;
}

const char *errno_name(long error)
{
    (void)error;
    fail();
    return NULL;
}

_Noreturn void guest_panic(const char *format, ...)
{
    (void)format;
    fail();
    abort();
}

/* ---- The tests. */

static void assert_turns(const char *expected)
{
    memset(told, 0, sizeof(told));
    if (!setjmp(asleep))
        guest_main();
    assert_string_equal(told, expected);
}

static void test_order(void **state)
{
    (void)state;
    assert_turns("pxuks");
}

/* Whoever it is, it has another turn before the domain sleeps. */
static void test_again(void **state)
{
    (void)state;
    for (const char *who = "pxuks"; *who; who++) {
        wants = *who;
        assert_turns("pxukspxuks");
    }
}

static void test_upcall(void **state)
{
    (void)state;
    upcall = true;
    assert_turns("pxukspxuks");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_order),
        cmocka_unit_test(test_again),
        cmocka_unit_test(test_upcall),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
