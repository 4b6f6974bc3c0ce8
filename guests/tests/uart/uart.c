/* SPDX-License-Identifier: MIT */
/*
 * A domain with the ports and the interrupt line of a UART, the third serial line of a PC: that it reaches these, and
 * nothing beside them.  With the word "own=0": a domain that has neither.
 */
#include <abi/errno.h>
#include <abi/physdev.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/port.h>
#include <guest/table.h>
#include <guests/tests/lib/test.h>

#define WINDOW UINT64_C(0x30000000)

/* A 16550's registers. */
#define UART     0x3e8
#define ENABLE   (UART + 1)
#define IDENTITY (UART + 2) /* of the interrupt that waits; reading takes one of an empty transmitter away */
#define MODEM    (UART + 4)
#define SCRATCH  (UART + 7)
#define END      (UART + 8)

#define ENABLE_EMPTY   0x02
#define MODEM_OUT2     0x08 /* lets interrupts out */
#define IDENTITY_EMPTY 0x02

#define LINE     5
#define LINES    24 /* of the machine */
#define ROUNDS   50
#define PATIENCE 100000000

static volatile unsigned seen;

static void count(evtchn_port_t port)
{
    (void)port;
    seen++;
}

static long map_line(int line, int *pirq)
{
    struct physdev_map_pirq args = {.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = line, .pirq = *pirq};
    long result = hypercall_physdev_op(PHYSDEVOP_map_pirq, &args);

    *pirq = args.pirq;
    return result;
}

static bool end(void)
{
    struct physdev_eoi eoi = {.irq = LINE};

    return hypercall_physdev_op(PHYSDEVOP_eoi, &eoi) == 0;
}

/* What is beside its ports, and what the run would not survive.  All bits read as ones; nothing comes of writes. */
static void others(void)
{
    static const uint16_t ports[] = {0x20,  0x40,  0x43,  0x64,  0x71,  0x92,  0xf4,   0x2f8,    0x2ff,
                                     0x3f8, 0x3fd, 0x510, 0x511, 0xcf9, 0xcfc, 0xffff, UART - 1, END};

    for (unsigned i = 0; i < sizeof(ports) / sizeof(ports[0]); i++) {
        if (in8(ports[i]) != 0xff || in16(ports[i]) != 0xffff || in32(ports[i]) != UINT32_MAX)
            test_not_ok("no port but its own", "%x", ports[i]);
    }
    out8(0x64, 0xfe);
    out8(0x92, 0x03);
    out8(0xcf9, 0x06);
    out8(0xf4, 0x10);
    out8(0x43, 0x30);
    out8(0x21, 0);
    test_ok("the machine is not reset");
}

/* An access by each width, within, at both ends and across them. */
static void ports(void)
{
    for (unsigned value = 0; value < 256; value += 85) {
        out8(SCRATCH, (uint8_t)value);
        test_equal("a byte", in8(SCRATCH), value);
        test_equal("the upper of two", in16(SCRATCH - 1) >> 8, value);
        test_equal("the last of four", in32(SCRATCH - 3) >> 24, value);
    }
    out8(SCRATCH, 0x5a);
    test_equal("two bytes across the end", in16(SCRATCH), 0xffff);
    test_equal("four bytes, the last beyond", in32(SCRATCH - 2), UINT32_MAX);
    test_equal("four bytes, the first at the end", in32(SCRATCH), UINT32_MAX);
    out16(SCRATCH, 0xa5a5);
    out32(SCRATCH, 0xa5a5a5a5);
    out32(SCRATCH - 2, 0xa5a5a5a5);
    test_equal("nothing is written across the end", in8(SCRATCH), 0x5a);
    test_equal("two bytes across the beginning", in16(UART - 1), 0xffff);
    test_equal("four bytes across the beginning", in32(UART - 3), UINT32_MAX);
    out16(SCRATCH - 1, 0x1234);
    test_equal("two bytes", in8(SCRATCH), 0x12);
    others();
    test_equal("it is as it was", in8(SCRATCH), 0x12);
}

static void no_port(void)
{
    out8(SCRATCH, 0x77);
    for (unsigned port = UART; port < END; port++) {
        if (in8((uint16_t)port) != 0xff)
            test_not_ok("no UART", "%x", port);
    }
    others();
}

static void lines(bool has_own)
{
    for (int line = -1; line <= LINES; line++) {
        long wanted = !has_own ? -XEN_EPERM : line < 0 || line == LINES ? -XEN_EINVAL : -XEN_EPERM;
        int pirq = -1;

        if (!(has_own && line == LINE) && map_line(line, &pirq) != wanted)
            test_not_ok("no line but its own", "%d", line);
    }
    test_ok("all lines have been tried");
}

static bool comes(unsigned number)
{
    for (unsigned i = 0; i < PATIENCE && seen < number; i++)
        __asm__ volatile("pause");
    return seen == number;
}

/* The empty transmitter keeps the line up until it is asked, and raises it again when it is enabled anew. */
static void interrupts(void)
{
    evtchn_port_t port;
    int pirq = LINE;

    test_result("map the line", map_line(LINE, &pirq), 0);
    test_equal("its number", (uint64_t)pirq, LINE);
    test_result("bind", event_bind_pirq(LINE, 0, count, &port), 0);
    event_enable();
    out8(MODEM, MODEM_OUT2);
    out8(ENABLE, ENABLE_EMPTY);
    test_check(comes(1), "an interrupt", "%u", seen);
    for (unsigned i = 2; i < 10; i++) {
        if (!end() || !comes(i))
            test_not_ok("it comes again until the device is asked", "%u", i);
    }
    test_equal("it was the device", in8(IDENTITY) & 0x0f, IDENTITY_EMPTY);
    test_check(end(), "end", "an error");
    test_equal("not again", seen, 9);
    for (unsigned i = 10; i < 10 + ROUNDS; i++) {
        out8(ENABLE, 0);
        out8(ENABLE, ENABLE_EMPTY);
        if (!comes(i) || (in8(IDENTITY) & 0x0f) != IDENTITY_EMPTY || !end())
            test_not_ok("round", "%u", i);
    }
    test_equal("each has come once", seen, 9 + ROUNDS);
    out8(ENABLE, 0);
    out8(ENABLE, ENABLE_EMPTY); /* it stays up when the domain ends */
}

/* Of frames it has none, whatever else it has. */
static void memory(void)
{
    static const uint64_t frames[] = {0, 0xff, 0x100, 0xfeb00, 0xfec00, 0xfec10, 0xfed00, 0xfee00};

    test_need(table_make(WINDOW), "tables");
    for (unsigned i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
        if (hypercall_update_va_mapping(WINDOW, pte_make(MFN(frames[i]), PTE_READONLY), UVMF_INVLPG) == 0)
            test_not_ok("no frame", "%" PRIx64, frames[i]);
    }
    test_ok("no frame of the machine's");
}

void test_main(void)
{
    struct physdev_set_iopl iopl = {.iopl = 1};
    bool has_own = guest_option("own", 2) == 1;

    if (guest_option("own", 2) > 1)
        test_skip("nothing is said of what it has");
    test_result("ports", hypercall_physdev_op(PHYSDEVOP_set_iopl, &iopl), 0);
    lines(has_own);
    memory();
    if (!has_own) {
        no_port();
        return;
    }
    ports();
    interrupts();
}
