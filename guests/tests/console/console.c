/* SPDX-License-Identifier: MIT */
/*
 * The console: the ring of an ordinary domain takes more than it holds, nothing lost; console_io for who may use it.
 */
#include <abi/errno.h>
#include <abi/io.h>
#include <guest/console.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guests/tests/lib/test.h>

/* Lines of a known text, several times what the ring holds. */
static void much_output(const struct xencons_interface *ring)
{
    uint32_t before = ring->out_prod;

    for (unsigned line = 0; line < 100; line++)
        print("# line %03u of 100: abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789\n", line);
    console_drain();
    test_check(ring->out_prod - before > 4 * sizeof(ring->out), "several rings full were written", "%u bytes",
               ring->out_prod - before);
    test_equal("all of it was taken", READ_ONCE(ring->out_cons), ring->out_prod);
}

static void console_io(void)
{
    static const char text[] = "# written with console_io\n";
    char buffer[16];
    long result = hypercall_console_io(CONSOLEIO_write, sizeof(text) - 1, text);

    test_check(result == 0 || result == -XEN_EPERM, "console_io write", "%ld", result);
    result = hypercall_console_io(CONSOLEIO_read, sizeof(buffer), buffer);
    test_check(result == 0 || result == -XEN_EPERM, "console_io read: nothing there", "%ld", result);
    result = hypercall_console_io(77, 0, buffer);
    test_check(result == -XEN_ENOSYS || result == -XEN_EPERM, "console_io, unknown command", "%ld", result);
    result = hypercall_console_io(CONSOLEIO_read, 0x80000000, buffer);
    test_check(result == -XEN_E2BIG || result == -XEN_EPERM, "console_io read of 2 GiB", "%ld", result);
}

/*
 * Indexes that cannot be: the other end must not believe them, nor the domain's own output depend on it afterwards.
 * Shows console_ring.distrust.
 */
static void bad_index(struct xencons_interface *ring)
{
    struct evtchn_send send = {.port = guest.start->console.domU.evtchn};
    uint32_t producer = ring->out_prod;

    WRITE_ONCE(ring->out_prod, producer + 0x7fffffff);
    (void)hypercall_event_channel_op(EVTCHNOP_send, &send);
    (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    WRITE_ONCE(ring->out_prod, READ_ONCE(ring->out_cons));
    test_ok("an index that cannot be: survived");
}

void test_main(void)
{
    struct xencons_interface *ring = console_ring();
    char buffer[16];

    console_io();
    test_equal("no input", console_read(buffer, sizeof(buffer)), 0);
    if (ring) {
        much_output(ring);
        bad_index(ring);
    } else {
        test_note("no ring here");
    }
}
