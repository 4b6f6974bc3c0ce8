/* SPDX-License-Identifier: MIT */
/* The serial line: registers as of the PC16550D data sheet. */
#include <hv/asm.h>
#include <hv/serial.h>

#define PORT 0x3f8u

enum uart_register {
    UART_DATA = 0,
    UART_INTERRUPTS = 1,
    UART_FIFO = 2,
    UART_LINE_CONTROL = 3,
    UART_MODEM_CONTROL = 4,
    UART_LINE_STATUS = 5,
};

#define LINE_8N1       0x03u
#define LINE_DIVISOR   0x80u /* the first two registers are the divisor's now */
#define FIFO_ON        0x07u /* on, both directions emptied */
#define MODEM_LOOPBACK 0x1eu
#define MODEM_READY    0x0fu /* DTR, RTS, both outputs */
#define STATUS_EMPTY   0x20u

#define PROBE_BYTE 0xaeu
#define SPINS      200000u

#define DEBUG_PORT 0xe9u /* reads as its own number where it exists */

static enum { LINE_NONE, LINE_UART, LINE_DEBUG_PORT } line;

static void write_register(enum uart_register which, unsigned value)
{
    asm_out8((uint16_t)(PORT + which), (uint8_t)value);
}

static unsigned read_register(enum uart_register which)
{
    return asm_in8((uint16_t)(PORT + which));
}

/* What is sent in loopback comes back at once, if there is a UART at all. */
static bool uart_answers(void)
{
    write_register(UART_MODEM_CONTROL, MODEM_LOOPBACK);
    write_register(UART_DATA, PROBE_BYTE);
    for (unsigned i = 0; i < SPINS / 100; i++) {
        if (read_register(UART_DATA) == PROBE_BYTE)
            return true;
    }
    return false;
}

void serial_init(void)
{
    write_register(UART_INTERRUPTS, 0);
    write_register(UART_LINE_CONTROL, LINE_DIVISOR);
    write_register(UART_DATA, 1); /* 115200 / 1 */
    write_register(UART_INTERRUPTS, 0);
    write_register(UART_LINE_CONTROL, LINE_8N1);
    write_register(UART_FIFO, FIFO_ON);
    if (uart_answers()) {
        write_register(UART_MODEM_CONTROL, MODEM_READY);
        line = LINE_UART;
    } else if (asm_in8(DEBUG_PORT) == DEBUG_PORT) {
        line = LINE_DEBUG_PORT;
    }
}

static void uart_put(char byte)
{
    for (unsigned i = 0; i < SPINS && !(read_register(UART_LINE_STATUS) & STATUS_EMPTY); i++)
        ;
    write_register(UART_DATA, (uint8_t)byte);
}

void serial_put(char byte)
{
    if (byte == '\n')
        serial_put('\r');
    if (line == LINE_UART)
        uart_put(byte);
    else if (line == LINE_DEBUG_PORT)
        asm_out8(DEBUG_PORT, (uint8_t)byte);
}
