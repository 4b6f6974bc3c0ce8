/* SPDX-License-Identifier: MIT */
/*
 * A guest that is asked for something from outside, by `paravane shutdown` and the like.  Its command line is:
 *
 *   listen    it says that it listens to what stands in control/shutdown, and does that; other wishes it repeats
 *   flood     it says so, and overwrites what stands there for ever
 *
 * Otherwise it is a test of what stands there when nobody has asked.
 */
#include <abi/sched.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>

#define VALUE_MAX 32u
#define PAGE_KIB  4u

static unsigned changes;

static void note(struct xenstore_watch *watch, const char *path)
{
    (void)watch;
    (void)path;
    changes++;
}

static void wait_for_store(void)
{
    evtchn_port_t port = xenstore_ring_port();
    const struct sched_poll poll = {.ports = (uintptr_t)&port, .nr_ports = 1};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
    event_clear(port);
}

static void say_that_it_listens(void)
{
    test_need(xenstore_write(0, "control/feature-poweroff", "1"), "control/feature-poweroff");
    test_need(xenstore_write(0, "control/feature-reboot", "1"), "control/feature-reboot");
}

/* True: that was the wish for an end. */
static bool do_what_is_wished(void)
{
    const struct sched_shutdown reboot = {.reason = SHUTDOWN_reboot};
    char wish[VALUE_MAX], target[VALUE_MAX], vcpu[VALUE_MAX];

    test_need(xenstore_read(0, "control/shutdown", wish, sizeof(wish)), "control/shutdown");
    test_need(xenstore_read(0, "memory/target", target, sizeof(target)), "memory/target");
    test_need(xenstore_read(0, "cpu/0/availability", vcpu, sizeof(vcpu)), "cpu/0/availability");
    print("asked: [%s] %s KiB, vCPU 0 %s\n", wish, target, vcpu);
    if (!*wish)
        return false;
    test_need(xenstore_write(0, "control/shutdown", ""), "the wish is taken");
    if (!strcmp(wish, "reboot"))
        (void)hypercall_sched_op(SCHEDOP_shutdown, &reboot);
    return !strcmp(wish, "poweroff");
}

static void listen(void)
{
    static struct xenstore_watch watches[] = {
        {.path = "control/shutdown", .changed = note},
        {.path = "memory/target", .changed = note},
        {.path = "cpu", .changed = note},
    };
    unsigned seen = 0;
    bool more;

    for (unsigned i = 0; i < ARRAY_SIZE(watches); i++)
        test_need(xenstore_watch(&watches[i]), watches[i].path);
    say_that_it_listens();
    for (;;) {
        test_need(xenstore_poll(&more), "watches");
        if (changes != seen) {
            seen = changes;
            if (do_what_is_wished())
                break;
        } else if (!more) {
            wait_for_store();
        }
    }
    test_ok("asked to power off");
}

static void flood(void)
{
    say_that_it_listens();
    print("flood: begins\n");
    for (;;)
        test_need(xenstore_write(0, "control/shutdown", "nothing"), "control/shutdown");
}

static void try_nobody(void)
{
    char wish[VALUE_MAX] = "x";
    uint64_t target = 0, most = 0;

    test_need(xenstore_read(0, "control/shutdown", wish, sizeof(wish)), "control/shutdown");
    test_need(xenstore_read_number(0, "memory/target", UINT64_MAX, &target), "memory/target");
    test_need(xenstore_read_number(0, "memory/static-max", UINT64_MAX, &most), "memory/static-max");
    test_check(!*wish, "no wish", "%s", wish);
    test_equal("memory/target", target, guest.start->nr_pages * PAGE_KIB);
    test_check(most >= target, "memory/static-max", "%" PRIx64 " KiB", most);
}

void test_main(void)
{
    const char *role = guest.start->cmd_line;

    if (xenstore_init())
        test_skip("there is no xenstore");
    if (!strcmp(role, "listen"))
        listen();
    else if (!strcmp(role, "flood"))
        flood();
    else
        try_nobody();
}
