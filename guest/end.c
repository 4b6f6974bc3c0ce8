/* SPDX-License-Identifier: MIT */
/* How a kernel ends, under a hypervisor or without one.  Everything that can fail for good stands above this. */
#include <guest/console.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/native_device.h>
#include <guest/print.h>

_Noreturn void guest_shutdown(unsigned reason)
{
    struct sched_shutdown shutdown = {.reason = reason};

    if (guest.native)
        native_shutdown(reason);
    console_drain();
    for (;;)
        (void)hypercall_sched_op(SCHEDOP_shutdown, &shutdown);
}

_Noreturn void guest_panic(const char *format, ...)
{
    va_list args;

    print("panic: ");
    va_start(args, format);
    print_list(format, args);
    va_end(args);
    print("\n");
    guest_shutdown(SHUTDOWN_crash);
}
