/* SPDX-License-Identifier: MIT */
/* The serial lines: registers as of the PC16550D data sheet. */
#include <hv/base/asm.h>
#include <hv/base/serial.h>
#include <hv/base/ticket.h>

#define PORT_CONSOLE 0x3f8u
#define PORT_LOG     0x2f8u

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPTS = 1,
    UART_FIFO = 2, /* read: which interrupt, and whether the FIFOs are on */
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define LINE_8N1       0x03u
#define LINE_DIVISOR   0x80u /* the first two registers are the divisor's now */
#define FIFO_ON        0x07u /* on, both directions emptied */
#define FIFO_WORKS     0xc0u
#define FIFO_DEPTH     16u
#define MODEM_LOOPBACK 0x1eu
#define MODEM_READY    0x0fu /* DTR, RTS, both outputs */
#define STATUS_INPUT   0x01u
#define STATUS_EMPTY   0x20u /* there is room */
#define STATUS_SENT    0x40u /* and nothing is under way any more */

#define PROBE_BYTE  0xaeu
#define PROBE_SPINS 2000u

/*
 * How often to look whether a line has become empty.  It takes a millisecond at most, but where the line is QEMU's, and
 * whoever reads its other end is not let run, a good part of a second; then what does not fit is lost, and the log says
 * how much that was once the line gets on.
 */
#define SPINS 3000000u

#define DEBUG_CONSOLE_PORT 0xe9u /* reads as its own number where it exists */

#define HELD_MAX 4096u

struct line {
    enum { LINE_NONE, LINE_UART, LINE_DEBUG_PORT } kind;
    unsigned port;
    unsigned depth; /* bytes that it takes once it is empty */
    unsigned room;  /* how many of them are left */
    bool stuck;     /* it was busy for too long; not waited for until it has been ready again */
};

static struct line console = {.port = PORT_CONSOLE};
static struct line second = {.port = PORT_LOG};

static struct {
    bool second; /* it goes there */
    bool held;
    bool kept;    /* held for good: the last of them are there */
    size_t count; /* of all that were held */
    char bytes[HELD_MAX];
    unsigned lost; /* bytes that a line which was stuck has not taken, and which it has not been told yet */
} messages;

static struct ticket turns; /* over all of the above */
static bool nobody_waits;

void serial_begin(void)
{
    uint32_t number = ticket_draw(&turns);

    while (!ticket_is_served(&turns, number) && !__atomic_load_n(&nobody_waits, __ATOMIC_RELAXED))
        __builtin_ia32_pause();
}

void serial_end(void)
{
    (void)ticket_pass_on(&turns);
}

void serial_last_words(void)
{
    __atomic_store_n(&nobody_waits, true, __ATOMIC_RELAXED);
}

static void write_register(const struct line *line, enum uart_register which, unsigned value)
{
    asm_out8((uint16_t)(line->port + which), (uint8_t)value);
}

static unsigned read_register(const struct line *line, enum uart_register which)
{
    return asm_in8((uint16_t)(line->port + which));
}

/* What is sent in loopback comes back at once, if there is a UART at all. */
static bool uart_answers(const struct line *line)
{
    write_register(line, UART_MODEM_CONTROL, MODEM_LOOPBACK);
    write_register(line, UART_DATA, PROBE_BYTE);
    for (unsigned i = 0; i < PROBE_SPINS; i++) {
        if (read_register(line, UART_DATA) == PROBE_BYTE)
            return true;
    }
    return false;
}

static bool uart_init(struct line *line)
{
    write_register(line, UART_INTERRUPTS, 0);
    write_register(line, UART_LINE_CONTROL, LINE_DIVISOR);
    write_register(line, UART_DATA, 1); /* 115200 / 1 */
    write_register(line, UART_INTERRUPTS, 0);
    write_register(line, UART_LINE_CONTROL, LINE_8N1);
    write_register(line, UART_FIFO, FIFO_ON);
    if (!uart_answers(line))
        return false;
    write_register(line, UART_MODEM_CONTROL, MODEM_READY);
    line->depth = (read_register(line, UART_FIFO) & FIFO_WORKS) == FIFO_WORKS ? FIFO_DEPTH : 1;
    line->kind = LINE_UART;
    return true;
}

void serial_init(void)
{
    if (!uart_init(&console) && asm_in8(DEBUG_CONSOLE_PORT) == DEBUG_CONSOLE_PORT)
        console.kind = LINE_DEBUG_PORT;
}

/* Is there room for a byte, at the latest after a while? */
static bool uart_wait(struct line *line)
{
    unsigned spins = line->stuck ? 1 : SPINS;

    for (unsigned i = 0; i < spins && line->room == 0; i++) {
        if (read_register(line, UART_LINE_STATUS) & STATUS_EMPTY)
            line->room = line->depth;
    }
    line->stuck = line->room == 0;
    return !line->stuck;
}

/* Did it go out? */
static bool line_put(struct line *line, char byte)
{
    if (line->kind == LINE_DEBUG_PORT) {
        asm_out8(DEBUG_CONSOLE_PORT, (uint8_t)byte);
        return true;
    }
    if (line->kind != LINE_UART || !uart_wait(line))
        return false;
    write_register(line, UART_DATA, (uint8_t)byte);
    line->room--;
    return true;
}

bool serial_write(const char *bytes, size_t count)
{
    bool all = true;

    serial_begin();
    for (size_t i = 0; i < count; i++)
        all &= line_put(&console, bytes[i]);
    serial_end();
    return all;
}

static void line_drain(const struct line *line)
{
    unsigned spins = line->stuck ? 1 : SPINS;

    if (line->kind != LINE_UART)
        return;
    for (unsigned i = 0; i < spins && !(read_register(line, UART_LINE_STATUS) & STATUS_SENT); i++)
        ;
}

void serial_drain(void)
{
    serial_begin();
    line_drain(&console);
    line_drain(&second);
    serial_end();
}

/* Outside a UART there is no input. */
static int line_get(const struct line *line)
{
    if (line->kind != LINE_UART || !(read_register(line, UART_LINE_STATUS) & STATUS_INPUT))
        return -1;
    return (int)read_register(line, UART_DATA);
}

int serial_get(void)
{
    return line_get(&console);
}

int serial_log_get(void)
{
    return messages.second ? line_get(&second) : -1;
}

static void line_put_number(struct line *line, unsigned number)
{
    if (number >= 10)
        line_put_number(line, number / 10);
    (void)line_put(line, (char)('0' + number % 10));
}

static void line_put_text(struct line *line, const char *text)
{
    while (*text)
        (void)line_put(line, *text++);
}

/* In the middle of a line or not: what was lost may have ended it. */
static void tell_lost(struct line *line)
{
    unsigned lost = messages.lost;

    messages.lost = 0;
    line_put_text(line, "\r\n[");
    line_put_number(line, lost);
    line_put_text(line, " bytes of the log are lost here]\r\n");
}

/* A line that is none at all loses everything, and is told nothing. */
static void log_put_raw(char byte)
{
    struct line *line = messages.second ? &second : &console;

    if (messages.lost > 0 && uart_wait(line))
        tell_lost(line);
    messages.lost += !line_put(line, byte) && line->kind == LINE_UART;
}

static void log_put(char byte)
{
    if (byte == '\n')
        log_put_raw('\r');
    log_put_raw(byte);
}

static void release_log(void)
{
    size_t first = messages.count > HELD_MAX ? messages.count - HELD_MAX : 0;

    messages.held = messages.kept = false;
    for (size_t i = first; i < messages.count; i++)
        log_put(messages.bytes[i % HELD_MAX]);
    messages.count = 0;
}

void serial_put(char byte)
{
    if (messages.held && (messages.kept || messages.count < HELD_MAX)) {
        messages.bytes[messages.count++ % HELD_MAX] = byte;
        return;
    }
    release_log();
    log_put(byte);
}

void serial_hold_log(void)
{
    serial_begin();
    messages.held = true;
    serial_end();
}

void serial_release_log(void)
{
    serial_begin();
    release_log();
    serial_end();
}

void serial_keep_log(void)
{
    serial_begin();
    messages.kept = messages.held;
    serial_end();
}

void serial_forget_log(void)
{
    serial_begin();
    if (messages.kept)
        messages.count = 0;
    serial_end();
}

bool serial_set_log(bool com2)
{
    bool done;

    serial_begin();
    messages.second = com2 && (second.kind == LINE_UART || uart_init(&second));
    if (messages.second || !messages.kept)
        release_log();
    done = messages.second == com2;
    serial_end();
    return done;
}
