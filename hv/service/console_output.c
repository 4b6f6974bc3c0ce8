/* SPDX-License-Identifier: MIT */
/* In order: a multiplexed line; lines for people, where the background never begins in the middle of another line. */
#include <stdint.h>

#include <hv/base/multiplex.h>
#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/service/console_output.h>
#include <hv/service/services.h>

#define NOBODY UINT32_MAX

static struct {
    bool on;
    unsigned selected; /* console; NOBODY: none yet, or what went out last has not arrived as a whole */
} multiplexed;

static bool in_line; /* what went out last did not end a line */

void console_output_multiplex(void)
{
    multiplexed.on = true;
    multiplexed.selected = NOBODY;
}

bool console_output_is_multiplexed(void)
{
    return multiplexed.on;
}

static bool select(unsigned console)
{
    char code[2];

    if (multiplexed.selected == console)
        return true;
    multiplex_select(console, false, code);
    return serial_write(&code[0], 1) && serial_write(&code[1], 1);
}

/* Where a byte is lost, so is the rest: the next ones begin with a selection. */
static size_t send_of(unsigned console, const char *bytes, size_t count)
{
    bool arrives = select(console);
    size_t sent = 0;

    for (size_t i = 0; i < count && arrives; i++) {
        char code[2];
        size_t length = multiplex_encode(bytes[i], code);

        arrives = serial_write(&code[0], 1) && (length == 1 || serial_write(&code[1], 1));
        sent += length;
    }
    multiplexed.selected = arrives ? console : NOBODY;
    return sent;
}

void console_output_hypervisor(const char *bytes, size_t count)
{
    (void)send_of(MULTIPLEX_HYPERVISOR, bytes, count);
}

static void send(const char *bytes, size_t count)
{
    if (count == 0)
        return;
    (void)serial_write(bytes, count);
    in_line = bytes[count - 1] != '\n';
}

static size_t send_line(const struct hv_domain *domain, struct console_line *line)
{
    size_t count = line->length;

    if (count == 0)
        return 0;
    if (in_line)
        send("\r\n", 2);
    for (const char *byte = domain->name; *byte; byte++, count++)
        send(byte, 1);
    send(": ", 2);
    send(line->bytes, line->length);
    send("\r\n", 2);
    line->length = 0;
    return count + 4;
}

static size_t add(const struct hv_domain *domain, struct console_line *line, char byte)
{
    if (byte == '\n')
        return send_line(domain, line);
    if (byte == '\r')
        return 0;
    line->bytes[line->length++] = byte;
    return line->length == CONSOLE_LINE_MAX ? send_line(domain, line) : 0;
}

size_t console_output(struct hv_domain *domain, bool foreground, const char *bytes, size_t count)
{
    size_t sent = 0;

    if (domain->is_back_end) {
        console_log(domain, bytes, count);
        return count;
    }
    if (multiplexed.on)
        return send_of(domain->engine.id.v, bytes, count);
    if (foreground) {
        send(bytes, count);
        return count;
    }
    for (size_t i = 0; i < count; i++)
        sent += add(domain, &domain->services->console.line, bytes[i]);
    return sent;
}

void console_output_flush(struct hv_domain *domain, bool foreground)
{
    struct console_line *line = &domain->services->console.line;

    if (domain->is_back_end) {
        console_log_end(domain);
        return;
    }
    if (!foreground) {
        (void)send_line(domain, line);
        return;
    }
    send(line->bytes, line->length);
    line->length = 0;
}
