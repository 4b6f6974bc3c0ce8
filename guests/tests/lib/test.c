/* SPDX-License-Identifier: MIT */
/* The lines that are printed, the count of what failed, and the verdict at the end. */
#include <abi/sched.h>
#include <abi/version.h>
#include <guest/errno.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>

#define PARAVANE "-paravane" /* what it says of itself */

static unsigned nr_ok, nr_not_ok;

static _Noreturn void finish(const char *verdict)
{
    print("verdict: %s\n", verdict);
    guest_shutdown(SHUTDOWN_poweroff);
}

void test_ok(const char *name)
{
    nr_ok++;
    print("ok %s\n", name);
}

static void not_ok(const char *name, const char *format, va_list args)
{
    nr_not_ok++;
    print("not ok %s: ", name);
    print_list(format, args);
    print("\n");
}

void test_not_ok(const char *name, const char *format, ...)
{
    va_list args;

    va_start(args, format);
    not_ok(name, format, args);
    va_end(args);
}

bool test_check(bool holds, const char *name, const char *format, ...)
{
    va_list args;

    if (holds) {
        test_ok(name);
        return true;
    }
    va_start(args, format);
    not_ok(name, format, args);
    va_end(args);
    return false;
}

bool test_equal(const char *name, uint64_t got, uint64_t want)
{
    return test_check(got == want, name, "0x%" PRIx64 ", expected 0x%" PRIx64, got, want);
}

bool test_result(const char *name, long got, long want)
{
    return test_check(got == want, name, "%ld (%s), expected %ld (%s)", got, errno_name(got), want, errno_name(want));
}

void test_skip(const char *format, ...)
{
    va_list args;

    print("skipped: ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    finish("skip");
}

void test_error(const char *format, ...)
{
    va_list args;

    print("error: ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    finish("error");
}

void test_note(const char *format, ...)
{
    va_list args;

    print("# ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
}

bool test_under_xen(void)
{
    xen_extraversion_t text;

    return hypercall_xen_version(XENVER_extraversion, text) || memcmp(text, PARAVANE, sizeof(PARAVANE)) != 0;
}

void test_need(int error, const char *what)
{
    if (error)
        test_error("%s: %s", what, errno_name(error));
}

void guest_main(void)
{
    test_main();
    finish(nr_not_ok ? "failure" : nr_ok ? "success" : "error");
}

uint16_t test_own_number(void)
{
    struct evtchn_alloc_unbound alloc = {.dom = DOMID_SELF, .remote_dom = DOMID_SELF};
    struct evtchn_status status = {.dom = DOMID_SELF};

    test_need((int)hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &alloc), "a port");
    status.port = alloc.port;
    test_need((int)hypercall_event_channel_op(EVTCHNOP_status, &status), "its status");
    test_need((int)hypercall_event_channel_op(EVTCHNOP_close, &(struct evtchn_close){.port = alloc.port}), "closed");
    return status.u.unbound.dom;
}
