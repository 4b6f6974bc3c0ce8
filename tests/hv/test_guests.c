/* SPDX-License-Identifier: MIT */
/* The guests of a bundle: which are built, who has the console, and the code that a run of several ends with. */
/* links: hv/guests.c hv/domain/shutdown.c tests/hv/lib/port_halt.c tests/hv/lib/said.c tests/hv/lib/guests_host.c */
/* links: tests/hv/lib/lock_host.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/sched.h>
#include <hv/base/exit.h>
#include <hv/domain/shutdown.h>
#include <hv/guests.h>
#include <tests/hv/lib/guests_host.h>
#include <tests/hv/lib/said.h>

static void test_all_good(void **state)
{
    (void)state;
    begin();
    reasons[1] = SHUTDOWN_reboot;
    bundle.domains[1].ends_by_reboot = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(started, 7);
    assert_int_equal(releases, 3);
    assert_int_equal(audits, 6); /* before and after each release */
    assert_said("audit before the release of domain 1 (a): every count is right\n");
    assert_said("audit after the release of domain 3 (c): every count is right\n");
    assert_said("release of domain 1 (a): 77 frames, in 5 us\n");
    assert_said("last words of a\ndomain 1 (a) powered off\n");
    assert_said("domain 2 (b) wants to reboot\n");
}

/* The first that did not end well gives the code, whatever comes after it. */
static void test_code(void **state)
{
    (void)state;
    begin();
    reasons[1] = SHUTDOWN_crash;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_CRASHED);
    begin();
    reasons[0] = SHUTDOWN_crash;
    unbuildable[2] = true; /* which comes before any end */
    assert_int_equal(guests_run(&machine, &bundle), EXIT_REFUSED);
    assert_said("domain 3 (c) cannot be built: of a whim\n");
    assert_int_equal(started, 3);
    assert_int_equal(releases, 2);
    begin();
    reasons[0] = END_DESTROYED; /* is nobody's fault, and no good end */
    reasons[1] = SHUTDOWN_crash;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_DESTROYED);
    assert_said("domain 1 (a) was destroyed\n");
    assert_int_equal(started, 7);
    begin();
    unbuildable[0] = unbuildable[1] = unbuildable[2] = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_REFUSED);
    assert_null(attached);
}

/* What is wrong with the hypervisor is the code, though a guest came to a bad end before. */
static void test_broken(void **state)
{
    (void)state;
    for (unsigned audit = 1; audit <= 6; audit++) {
        begin();
        reasons[0] = SHUTDOWN_crash;
        bad_audit = audit;
        assert_int_equal(guests_run(&machine, &bundle), EXIT_BROKEN);
        assert_said("): inv_planted, frame 0: 0 expected, 0 found: this is a bug of the hypervisor\n");
        assert_int_equal(releases, 3); /* the others go on */
    }
    for (unsigned i = 0; i < GUESTS; i++) {
        begin();
        reasons[0] = SHUTDOWN_crash;
        leaks[i] = frames_lost = true;
        assert_int_equal(guests_run(&machine, &bundle), EXIT_BROKEN);
    }
    begin();
    lost = 1;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_BROKEN);
    assert_said("1 of the frames that were free before the guests are not free after them");
}

/* What one leaves in use by others is no fault of anybody's, and it is buried when they have let go. */
static void test_zombie(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GUESTS; i++) {
        begin();
        leaks[i] = true;
        memcpy(order, (unsigned[]){i, (i + 1) % GUESTS, (i + 2) % GUESTS}, sizeof(order));
        assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD); /* sched_run() sees who has the console */
        assert_int_equal(burials, 1);
        assert_int_equal(audits, 7);
        assert_said("of its frames are still in use, and stay until others have let go of them\n");
        assert_said("the last of its frames has come back\n");
        assert_said((const char *[]){"audit without domain 1 (a): every", "audit without domain 2 (b): every",
                                     "audit without domain 3 (c): every"}[i]);
    }
    begin();
    leaks[0] = true;
    bad_audit = 7;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_BROKEN);
}

/* Built anew as often as it wants, at its own expense, in the foreground if it was there; the end counts. */
static void test_reboot(void **state)
{
    (void)state;
    for (unsigned i = 0; i < GUESTS; i++) {
        begin();
        reboots[i] = 3;
        assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
        assert_int_equal(releases, GUESTS + 3);
        assert_int_equal(followed, 3);
        assert_said("wants to reboot\n");
        assert_said("restart 3\n");
        assert_said("powered off\n");
    }
    begin();
    reboots[0] = 1;
    reasons[0] = SHUTDOWN_crash;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_CRASHED);
}

/* Others map frames of it: it is built anew when its number is free. */
static void test_reboot_of_zombie(void **state)
{
    (void)state;
    begin();
    reboots[0] = 1;
    leaks[0] = back_soon = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(releases, GUESTS + 1);
    assert_int_equal(burials, 1);
    assert_int_equal(followed, 1);
    assert_said("restart 1\n");
    begin();
    reboots[0] = 2;
    leaks[0] = back_soon = true; /* once */
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(followed, 2);
    begin();
    leaks[0] = back_soon = true; /* it has powered off: no restart */
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(releases, GUESTS);
    assert_unsaid("restart");
}

/* They are mapped for long: it is built anew beside them, which have another number, and are buried later. */
static void test_reboot_beside(void **state)
{
    (void)state;
    begin();
    reboots[0] = delays = 1;
    leaks[0] = back_soon = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_said("who holds a\ndomain 1 (a): what is left of it is number 7 from now on\ndomain 1 (a): restart 1\n");
    assert_said("domain 7 (a): the last of its frames has come back\naudit without domain 7 (a): every");
    assert_int_equal(burials, 1);
    assert_int_equal(followed, 1);
}

/* There is no room for two: it is tried again and again, and said once. */
static void test_reboot_without_room(void **state)
{
    (void)state;
    begin();
    bundle.domains[0].memory_kib = 4000;
    free_frames = 1000 + 255;
    reboots[0] = 1;
    delays = 3;
    leaks[0] = back_soon = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_said("who holds a\ndomain 1 (a): it is built anew when they have let go, or there is memory for it besides\n"
                "domain 1 (a): the last of its frames has come back\n");
    assert_said("restart 1\n");
    assert_unsaid("number 7");
    begin();
    bundle.domains[0].memory_kib = 4000;
    free_frames = 1000 + 256;
    reboots[0] = delays = 1;
    leaks[0] = back_soon = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_said("number 7");
}

/* One that is ended for it, gives them back: then it is not built beside them. */
static void test_reboot_held_by_back_end(void **state)
{
    (void)state;
    begin();
    reboots[0] = delays = 1;
    leaks[0] = back_soon = back_end_holds = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_said("who holds a\ndomain 1 (a): the last of its frames has come back\n");
    assert_said("restart 1\n");
    assert_unsaid("number 7");
}

/* Nothing is recounted while another domain is inside an operation, or if nobody asked for it. */
static void test_no_audit(void **state)
{
    (void)state;
    begin();
    audit_wanted = false;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(audits, 0);
    assert_unsaid("audit");
}

static void test_busy(void **state)
{
    struct domain busy = {.operations = 1};

    (void)state;
    begin();
    table[7] = &busy;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(audits, 0);
    assert_said("audit before the release of domain 1 (a): not now, another domain is in the middle of an operation\n");
}

/* The foreground stays whose it is, and goes to the first that is left. */
static void test_console(void **state)
{
    static const unsigned orders[][GUESTS] = {{1, 2, 0}, {0, 1, 2}, {2, 0, 1}};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        begin();
        memcpy(order, orders[i], sizeof(order));
        assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD); /* sched_run() looks */
        assert_null(attached);
    }
    begin();
    unbuildable[0] = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_REFUSED);
}

/* The third serves the others. */
static void begin_served(void)
{
    begin();
    bundle.domains[2].is_back_end = true;
}

/* It is built before those that it serves, and ended when they are gone. */
static void test_back_end(void **state)
{
    (void)state;
    begin_served();
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(started, 7);
    assert_int_equal(releases, 3);
    assert_int_equal(looks, 3);
    assert_said("devices of c\nserved by c\ndomain 1 (a): built");
    assert_said("no guest is left that it could serve\nlast words of c\ndomain 3 (c) powered off\n");
    assert_unsaid("restart");
    begin_served();
    memcpy(order, (unsigned[]){1, 0, 0}, sizeof(order));
    reasons[1] = SHUTDOWN_crash;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_CRASHED);
    assert_int_equal(releases, 3);
}

/* However it ends, it is built anew for the guests that live, and that is nobody's bad end. */
static void test_back_end_ends(void **state)
{
    static const unsigned how[] = {SHUTDOWN_poweroff, SHUTDOWN_crash, SHUTDOWN_watchdog};

    (void)state;
    for (unsigned i = 0; i < 3; i++) {
        begin_served();
        memcpy(order, (unsigned[]){0, 2, 1}, sizeof(order));
        reasons[2] = how[i];
        assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
        assert_int_equal(releases, 4);
        assert_int_equal(followed, 1);
        assert_said("c is released\n");
        assert_said("no more by c\ndomain 3 (c): restart 1\n");
        assert_unsaid("restart 2");
        assert_int_equal(given_up | closed, 0);
    }
    begin_served();
    memcpy(order, (unsigned[]){2, 0, 1}, sizeof(order));
    bad_audit = 2;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_BROKEN);
}

/* Its last life is there to close what the lives before have served. */
static void test_back_end_given_up(void **state)
{
    (void)state;
    begin_served();
    memcpy(order, (unsigned[]){2, 0, 1}, sizeof(order));
    reboots[2] = 100;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_int_equal(releases, 10 + 2);
    assert_said("it has ended too often, and is given up: it comes once more, to close what it served\n");
    assert_said("restart 9\n");
    assert_unsaid("restart 10\n");
    assert_int_equal(closed, 1u << 2);
    assert_said("domain 3 (c): it has ended too often, and is given up: the guests go on without it\n");
    assert_int_equal(given_up, 1u << 2);
}

/* Nobody to serve, or nobody who serves: the rest runs. */
static void test_back_end_alone(void **state)
{
    (void)state;
    begin_served();
    unbuildable[0] = unbuildable[1] = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_REFUSED);
    assert_int_equal(releases, 1);
    begin_served();
    unbuildable[2] = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_REFUSED);
    assert_int_equal(releases, 2);
    assert_int_equal(given_up, 1u << 2);
    assert_unsaid("no guest is left");
}

/* It has frames of a guest that is to come again: it stays until that has come. */
static void test_back_end_and_zombie(void **state)
{
    (void)state;
    begin_served();
    memcpy(order, (unsigned[]){0, 1, 1}, sizeof(order));
    reboots[0] = 1;
    leaks[0] = true;
    order[2] = 0;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_said("restart 1\n");
    assert_int_equal(burials, 2); /* both times */
    assert_int_equal(releases, 4);
    /* And it is not built anew when it is a zombie itself and no guest is left. */
    begin_served();
    memcpy(order, (unsigned[]){2, 0, 1}, sizeof(order));
    leaks[2] = true;
    assert_int_equal(guests_run(&machine, &bundle), EXIT_GOOD);
    assert_unsaid("restart");
    assert_int_equal(burials, 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_good),
        cmocka_unit_test(test_code),
        cmocka_unit_test(test_broken),
        cmocka_unit_test(test_zombie),
        cmocka_unit_test(test_reboot),
        cmocka_unit_test(test_reboot_of_zombie),
        cmocka_unit_test(test_reboot_beside),
        cmocka_unit_test(test_reboot_without_room),
        cmocka_unit_test(test_reboot_held_by_back_end),
        cmocka_unit_test(test_no_audit),
        cmocka_unit_test(test_busy),
        cmocka_unit_test(test_console),
        cmocka_unit_test(test_back_end),
        cmocka_unit_test(test_back_end_ends),
        cmocka_unit_test(test_back_end_given_up),
        cmocka_unit_test(test_back_end_alone),
        cmocka_unit_test(test_back_end_and_zombie),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
