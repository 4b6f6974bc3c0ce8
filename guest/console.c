/* SPDX-License-Identifier: MIT */
/* Both ways of output, and waiting for room in the ring. */
#include <abi/io.h>
#include <guest/address.h>
#include <guest/console.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/native_device.h>
#include <guest/processor.h>

/* How often to look at a full ring that nobody empties before its output is dropped. */
#define PATIENCE 1000000u

static struct xencons_interface *ring;

void console_init(void)
{
    if (!(guest.start->flags & SIF_INITDOMAIN) && guest.start->console.domU.evtchn)
        ring = mfn_to_virt(MFN(guest.start->console.domU.mfn));
}

struct xencons_interface *console_ring(void)
{
    return ring;
}

static void notify(void)
{
    struct evtchn_send send = {.port = guest.start->console.domU.evtchn};

    (void)hypercall_event_channel_op(EVTCHNOP_send, &send);
}

/* Wait for the consumer to take all but @left bytes; false if it does not. */
static bool wait_for(uint32_t left)
{
    for (unsigned tries = 0; READ_ONCE(ring->out_prod) - READ_ONCE(ring->out_cons) > left; tries++) {
        if (tries == PATIENCE)
            return false;
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    return true;
}

static void put_ring(char letter)
{
    uint32_t producer = ring->out_prod;

    if (producer - READ_ONCE(ring->out_cons) >= sizeof(ring->out)) {
        notify();
        if (!wait_for(sizeof(ring->out) - 1))
            return;
    }
    ring->out[MASK_XENCONS_IDX(producer, ring->out)] = letter;
    barrier();
    WRITE_ONCE(ring->out_prod, producer + 1);
}

static void write_ring(const char *text, size_t length)
{
    for (; length; length--, text++) {
        if (*text == '\n')
            put_ring('\r');
        put_ring(*text);
    }
    notify();
}

void console_write(const char *text, size_t length)
{
    if (guest.native)
        native_console_write(text, length);
    else if (ring)
        write_ring(text, length);
    else
        (void)hypercall_console_io(CONSOLEIO_write, (unsigned)length, text);
}

static size_t read_ring(char *buffer, size_t size)
{
    uint32_t consumer = ring->in_cons;
    size_t length = 0;

    while (length < size && consumer != READ_ONCE(ring->in_prod)) {
        barrier();
        buffer[length++] = ring->in[MASK_XENCONS_IDX(consumer, ring->in)];
        consumer++;
    }
    barrier();
    WRITE_ONCE(ring->in_cons, consumer);
    if (length)
        notify();
    return length;
}

size_t console_read(char *buffer, size_t size)
{
    long length;

    if (ring)
        return read_ring(buffer, size);
    length = hypercall_console_io(CONSOLEIO_read, (unsigned)size, buffer);
    return length > 0 ? (size_t)length : 0;
}

void console_drain(void)
{
    if (ring) {
        notify();
        (void)wait_for(0);
    }
}
