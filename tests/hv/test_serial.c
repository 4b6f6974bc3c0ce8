/* SPDX-License-Identifier: MIT */
/*
 * The serial lines, with UARTs at the ports that do what the PC16550D data sheet says, section 8.0, or with none: what
 * comes out at the other end, what does not, and that nobody is waited for without end.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/asm.h>

/* Ports by name, not by instruction: a line that is stuck is asked for a million times. */
static void out(uint16_t port, uint8_t value);
static uint8_t in(uint16_t port);

#define asm_out8 out
#define asm_in8  in
#include <hv/base/serial.c>

#define SENT_MAX 16384u

struct uart {
    bool is_there, has_fifos;
    unsigned divisor, line_control, modem_control, interrupts, fifo_control;
    unsigned busy;  /* how often it says so before it has become empty: after the last byte that it took */
    unsigned late;  /* and so often, after that, that its last byte is under way */
    bool never;     /* it stays so */
    unsigned asked; /* so often */
    unsigned full, depth;
    uint8_t received[32];
    unsigned nr_received, nr_taken;
    char sent[SENT_MAX];
    unsigned nr_sent, nr_overrun; /* those sent while there was no room for them */
};

static struct uart uarts[2];
static bool debug_port;
static char debug_sent[64];
static unsigned nr_debug_sent;

static unsigned patience; /* what it takes to become empty */

static void transmit(struct uart *uart, uint8_t value)
{
    if (uart->modem_control & 0x10) { /* loopback */
        uart->received[uart->nr_received++ % 32] = value;
        return;
    }
    uart->nr_overrun += uart->full == uart->depth;
    uart->full += uart->full < uart->depth;
    uart->busy = patience;
    uart->late = patience;
    assert_true(uart->nr_sent < SENT_MAX);
    uart->sent[uart->nr_sent++] = (char)value;
}

static void uart_write(struct uart *uart, unsigned reg, uint8_t value)
{
    bool divisor = uart->line_control & 0x80;

    if (reg == 0 && divisor)
        uart->divisor = (uart->divisor & ~0xffu) | value;
    else if (reg == 0)
        transmit(uart, value);
    else if (reg == 1 && divisor)
        uart->divisor = (uart->divisor & 0xffu) | (unsigned)value << 8;
    else if (reg == 1)
        uart->interrupts = value;
    else if (reg == 2)
        uart->fifo_control = value;
    else if (reg == 3)
        uart->line_control = value;
    else if (reg == 4)
        uart->modem_control = value;
    uart->depth = uart->has_fifos && (uart->fifo_control & 1) ? 16 : 1;
}

static uint8_t line_status(struct uart *uart)
{
    uart->asked++;
    if (uart->busy > 0 && !uart->never)
        uart->busy--;
    else if (uart->late > 0 && !uart->never)
        uart->late--;
    if (uart->busy == 0)
        uart->full = 0;
    return (uint8_t)((uart->nr_taken != uart->nr_received) | (uart->full == 0 ? 0x20 : 0) |
                     (uart->full == 0 && uart->late == 0 ? 0x40 : 0));
}

static uint8_t uart_read(struct uart *uart, unsigned reg)
{
    switch (reg) {
    case 0:
        return uart->nr_taken != uart->nr_received ? uart->received[uart->nr_taken++ % 32] : 0;
    case 2:
        return uart->depth == 16 ? 0xc1 : 0x01;
    case 5:
        return line_status(uart);
    default:
        fail_msg("register %u read", reg);
        return 0;
    }
}

static struct uart *uart_at(uint16_t port)
{
    struct uart *uart = (port & ~7) == 0x3f8 ? &uarts[0] : &uarts[1];

    assert_true((port & ~7) == 0x3f8 || (port & ~7) == 0x2f8);
    return uart->is_there ? uart : NULL;
}

static void out(uint16_t port, uint8_t value)
{
    if (port != 0xe9) {
        if (uart_at(port))
            uart_write(uart_at(port), port & 7, value);
    } else if (debug_port) {
        debug_sent[nr_debug_sent++] = (char)value;
    }
}

static uint8_t in(uint16_t port)
{
    if (port == 0xe9)
        return debug_port ? 0xe9 : 0xff;
    return uart_at(port) ? uart_read(uart_at(port), port & 7) : 0xff;
}

/* A machine with these, as its reset leaves it. */
static void make(bool first, bool other, bool has_debug_port)
{
    memset(uarts, 0, sizeof(uarts));
    for (unsigned i = 0; i < 2; i++) {
        uarts[i].is_there = i ? other : first;
        uarts[i].has_fifos = true;
        uarts[i].depth = 1;
    }
    debug_port = has_debug_port;
    nr_debug_sent = 0;
    patience = 3;
    console = (struct line){.port = PORT_CONSOLE};
    second = (struct line){.port = PORT_LOG};
    memset(&messages, 0, sizeof(messages));
}

static void begin(bool first, bool other, bool has_debug_port)
{
    make(first, other, has_debug_port);
    serial_init();
}

static void say(const char *text)
{
    while (*text)
        serial_put(*text++);
}

static void assert_sent(struct uart *uart, const char *text)
{
    assert_int_equal(uart->nr_sent, strlen(text));
    assert_memory_equal(uart->sent, text, strlen(text));
    assert_int_equal(uart->nr_overrun, 0);
    uart->nr_sent = 0;
}

static void receive(struct uart *uart, uint8_t byte)
{
    uart->received[uart->nr_received++ % 32] = byte;
}

/*
 * ---- The console.
 */

/* 115200 baud, 8 bits, no parity, 1 stop bit, no interrupts; what it was probed with has not left it. */
static void test_set_up(void **state)
{
    (void)state;
    begin(true, true, false);
    assert_int_equal(uarts[0].divisor, 1);
    assert_int_equal(uarts[0].line_control, 0x03);
    assert_int_equal(uarts[0].interrupts, 0);
    assert_int_equal(uarts[0].modem_control & 0x13, 0x03); /* DTR and RTS, and no loopback */
    assert_sent(&uarts[0], "");
    assert_int_equal(serial_get(), -1);
    assert_int_equal(uarts[1].line_control, 0);
}

/* Nothing is lost, whether the line takes 16 bytes at a time or one; bytes go as they are. */
static void test_write(void **state)
{
    static const char text[] = "line\nanother, which is longer than FIFOs are deep\n";

    (void)state;
    for (unsigned fifos = 0; fifos < 2; fifos++) {
        make(true, false, false);
        uarts[0].has_fifos = fifos;
        serial_init();
        assert_true(serial_write(text, sizeof(text) - 1));
        assert_int_equal(uarts[0].depth, fifos ? 16 : 1);
        assert_sent(&uarts[0], text);
        assert_true(serial_write("\n", 1));
        assert_true(serial_write("", 0));
        assert_sent(&uarts[0], "\n");
    }
}

/* What a line that is stuck does not take is lost, and waited for once only, until it gets on. */
static void test_stuck(void **state)
{
    unsigned asked;

    (void)state;
    begin(true, false, false);
    assert_true(serial_write("0123456789abcdef", 16));
    uarts[0].never = true;
    assert_false(serial_write("g", 1));
    asked = uarts[0].asked;
    assert_true(asked > 1000);
    assert_false(serial_write("0123456789", 10));
    assert_in_range(uarts[0].asked - asked, 1, 10);
    assert_sent(&uarts[0], "0123456789abcdef");
    uarts[0].never = false;
    uarts[0].busy = 1;
    assert_true(serial_write("on", 2));
    assert_sent(&uarts[0], "on");
    assert_true(serial_write("0123456789abcdefghij", 20)); /* it is waited for again */
    assert_sent(&uarts[0], "0123456789abcdefghij");
}

/* A log that has lost bytes says how many, where they would have been; whatever else the line loses is not its own. */
static void test_log_lost(void **state)
{
    (void)state;
    begin(true, true, false);
    assert_true(serial_set_log(true));
    say("0123456789abcdef");
    uarts[1].never = true;
    say("lost too\n");
    say("and\n");
    assert_sent(&uarts[1], "0123456789abcdef");
    uarts[1].never = false;
    uarts[1].busy = 1;
    say("here\n");
    assert_sent(&uarts[1], "\r\n[15 bytes of the log are lost here]\r\nhere\r\n");
    say("on\n");
    assert_sent(&uarts[1], "on\r\n");

    begin(true, false, false);
    assert_true(serial_write("0123456789abcdef", 16));
    uarts[0].never = true;
    assert_false(serial_write("g", 1));
    uarts[0].never = false;
    uarts[0].busy = 1;
    say("log\n");
    assert_sent(&uarts[0], "0123456789abcdeflog\r\n");
}

/* The end of a run takes nothing away that is still under way, on either line; a line that is stuck is left to it. */
static void test_drain(void **state)
{
    (void)state;
    begin(true, true, false);
    assert_true(serial_set_log(true));
    say("log");
    assert_true(serial_write("console", 7));
    assert_true(uarts[0].busy + uarts[0].late > 0 && uarts[1].busy + uarts[1].late > 0);
    serial_drain();
    assert_int_equal(uarts[0].busy + uarts[0].late, 0);
    assert_int_equal(uarts[1].busy + uarts[1].late, 0);

    begin(true, false, false);
    say("0123456789abcdef");
    uarts[0].never = true;
    uarts[0].asked = 0;
    serial_drain();
    assert_true(uarts[0].asked > 1000);
    say("g"); /* it is known to be stuck from here on */
    uarts[0].asked = 0;
    serial_drain();
    assert_int_equal(uarts[0].asked, 1);

    begin(false, false, true);
    serial_drain();
    begin(false, false, false);
    serial_drain();
}

static void test_get(void **state)
{
    (void)state;
    begin(true, false, false);
    assert_int_equal(serial_get(), -1);
    receive(&uarts[0], 'a');
    receive(&uarts[0], 0xff);
    assert_int_equal(serial_get(), 'a');
    assert_int_equal(serial_get(), 0xff);
    assert_int_equal(serial_get(), -1);
}

/* Without a UART: the port of emulators, and where there is none of that either, silence. */
static void test_no_uart(void **state)
{
    (void)state;
    begin(false, false, true);
    assert_true(serial_write("a\n", 2));
    say("b\n");
    assert_int_equal(nr_debug_sent, 5);
    assert_memory_equal(debug_sent, "a\nb\r\n", 5);
    assert_int_equal(serial_get(), -1);

    begin(false, false, false);
    assert_false(serial_write("a", 1));
    say("b");
    assert_int_equal(serial_get(), -1); /* where nothing is, all bits are ones */
    assert_int_equal(nr_debug_sent, 0);

    begin(true, false, true); /* no byte comes twice */
    say("c");
    assert_sent(&uarts[0], "c");
    assert_int_equal(nr_debug_sent, 0);
}

/*
 * ---- The log.
 */

static void test_log(void **state)
{
    (void)state;
    begin(true, true, false);
    say("log\n");
    assert_sent(&uarts[0], "log\r\n");
    assert_true(serial_set_log(true));
    say("log\n");
    assert_true(serial_write("console\n", 8));
    assert_sent(&uarts[0], "console\n");
    assert_sent(&uarts[1], "log\r\n");
    assert_int_equal(uarts[1].divisor, 1);
    assert_int_equal(uarts[1].line_control, 0x03);
    assert_true(serial_set_log(false));
    say("back");
    assert_sent(&uarts[0], "back");
    assert_sent(&uarts[1], "");
}

static void test_no_second_line(void **state)
{
    (void)state;
    begin(true, false, false);
    assert_false(serial_set_log(true));
    say("log");
    assert_sent(&uarts[0], "log");
    assert_int_equal(serial_log_get(), -1);
}

/* A byte on the second line is for whoever asks where the log goes there, and nothing at all where it does not. */
static void test_log_input(void **state)
{
    (void)state;
    begin(true, true, false);
    receive(&uarts[1], 'x');
    assert_int_equal(serial_log_get(), -1);
    assert_true(serial_set_log(true));
    while (serial_log_get() >= 0) {
    }
    receive(&uarts[0], 'y');
    assert_int_equal(serial_log_get(), -1);
    receive(&uarts[1], 0);
    assert_int_equal(serial_log_get(), 0);
    assert_int_equal(serial_log_get(), -1);
    assert_int_equal(serial_get(), 'y');
}

/*
 * ---- The log while it waits.
 */

static void test_hold(void **state)
{
    (void)state;
    begin(true, true, false);
    serial_hold_log();
    say("first\n");
    assert_true(serial_write("console", 7));
    assert_sent(&uarts[0], "console");
    assert_true(serial_set_log(true));
    assert_sent(&uarts[1], "first\r\n");
    say("then\n");
    assert_sent(&uarts[1], "then\r\n");
    serial_release_log();
    assert_sent(&uarts[1], "");
    assert_sent(&uarts[0], "");

    begin(true, true, false);
    serial_hold_log();
    say("first\n");
    serial_release_log();
    assert_sent(&uarts[0], "first\r\n");
    serial_release_log();
    say("then\n");
    assert_sent(&uarts[0], "then\r\n");
}

/* 4 KiB wait; one byte more, and all of it goes, in order, as what follows does. */
static void test_hold_too_much(void **state)
{
    (void)state;
    begin(true, false, false);
    patience = 0;
    serial_hold_log();
    for (unsigned i = 0; i < 4096; i++)
        serial_put((char)('a' + i % 26));
    assert_int_equal(uarts[0].nr_sent, 0);
    serial_put('!');
    serial_put('?');
    assert_int_equal(uarts[0].nr_sent, 4098);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(uarts[0].sent[i], 'a' + i % 26);
    assert_memory_equal(uarts[0].sent + 4096, "!?", 2);
}

/* Kept, it waits for a second line, or for an end that is not good; the last 4 KiB are there, in order. */
static void test_keep(void **state)
{
    (void)state;
    begin(true, true, false);
    serial_hold_log();
    say("first");
    serial_keep_log();
    assert_true(serial_set_log(true));
    assert_sent(&uarts[1], "first");
    say("then");
    serial_forget_log(); /* of what is there none is kept */
    assert_sent(&uarts[1], "then");

    begin(true, false, false);
    patience = 0;
    serial_hold_log();
    serial_keep_log();
    assert_false(serial_set_log(true));
    for (unsigned i = 0; i < 10000; i++)
        serial_put((char)('a' + i % 26));
    assert_sent(&uarts[0], "");
    serial_release_log();
    assert_int_equal(uarts[0].nr_sent, 4096);
    for (unsigned i = 0; i < 4096; i++)
        assert_int_equal(uarts[0].sent[i], 'a' + (10000 - 4096 + i) % 26);
    uarts[0].nr_sent = 0;
    say("last");
    assert_sent(&uarts[0], "last");
}

/* After a good end nobody wants it; what only waits for its line is no part of that. */
static void test_forget(void **state)
{
    (void)state;
    begin(true, false, false);
    serial_hold_log();
    serial_keep_log();
    assert_false(serial_set_log(true));
    say("kept");
    serial_forget_log();
    serial_release_log();
    assert_sent(&uarts[0], "");

    begin(true, false, false);
    serial_hold_log();
    say("waits");
    serial_forget_log();
    serial_release_log();
    assert_sent(&uarts[0], "waits");

    begin(true, false, false);
    serial_keep_log(); /* nothing waits */
    say("log");
    assert_sent(&uarts[0], "log");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_set_up), cmocka_unit_test(test_write),          cmocka_unit_test(test_stuck),
        cmocka_unit_test(test_get),    cmocka_unit_test(test_log_lost),       cmocka_unit_test(test_no_uart),
        cmocka_unit_test(test_log),    cmocka_unit_test(test_no_second_line), cmocka_unit_test(test_log_input),
        cmocka_unit_test(test_hold),   cmocka_unit_test(test_hold_too_much),  cmocka_unit_test(test_keep),
        cmocka_unit_test(test_forget), cmocka_unit_test(test_drain),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
