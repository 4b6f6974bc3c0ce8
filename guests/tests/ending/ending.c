/* SPDX-License-Identifier: MIT */
/* A guest that ends, or does not, as "how=" on its command line says; without that it says that it has crashed. */
#include <abi/sched.h>
#include <abi/vcpu.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

static void end(unsigned reason)
{
    const struct sched_shutdown shutdown = {.reason = reason};

    (void)hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}

static void crash(void)
{
    end(SHUTDOWN_crash);
}

static void power_off(void)
{
    end(SHUTDOWN_poweroff);
}

static void reboot(void)
{
    end(SHUTDOWN_reboot);
}

/* Again and again, for three seconds of the machine's time; then it is enough. */
static void reboot_often(void)
{
    end(time_now() < UINT64_C(3000000000) ? SHUTDOWN_reboot : SHUTDOWN_poweroff);
}

static void suspend(void)
{
    end(SHUTDOWN_suspend);
}

static void go_down(void)
{
    (void)hypercall_vcpu_op(VCPUOP_down, 0, NULL);
}

static void end_by_watchdog(void)
{
    const struct sched_watchdog watchdog = {.timeout = 1};

    (void)hypercall_sched_op(SCHEDOP_watchdog, &watchdog);
    for (;;)
        continue;
}

/* Nothing that it waits for comes. */
static void block(void)
{
    (void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    for (;;)
        (void)hypercall_sched_op(SCHEDOP_block, NULL);
}

static void poll_for_ever(void)
{
    evtchn_port_t port;
    struct sched_poll poll = {.ports = (uintptr_t)&port, .nr_ports = 1};

    (void)hypercall_vcpu_op(VCPUOP_stop_periodic_timer, 0, NULL);
    test_need(event_alloc_unbound(0, NULL, &port), "port");
    for (;;)
        (void)hypercall_sched_op(SCHEDOP_poll, &poll);
}

/* Not inlined: its name is looked for. */
__attribute__((noinline)) static void spin(void)
{
    for (;;)
        __asm__ volatile("");
}

static const struct {
    const char *word;
    void (*perform)(void);
} endings[] = {
    {"how=crash", crash},        {"how=down", go_down},       {"how=poweroff", power_off},
    {"how=reboot", reboot},      {"how=suspend", suspend},    {"how=watchdog", end_by_watchdog},
    {"how=block", block},        {"how=poll", poll_for_ever}, {"how=spin", spin},
    {"how=again", reboot_often},
};

void test_main(void)
{
    const char *line = guest.start->cmd_line;

    for (size_t i = 0; i < sizeof(endings) / sizeof(endings[0]); i++) {
        if (!strcmp(line, endings[i].word))
            endings[i].perform();
    }
    test_note("no such end: %s", line);
    crash();
}
