/* SPDX-License-Identifier: MIT */
/* Lines of the background never begin in the middle of what the foreground says. */
#include <hv/base/serial.h>
#include <hv/domain/domain.h>
#include <hv/service/console_output.h>
#include <hv/service/services.h>

static bool in_line; /* what went out last did not end a line */

static void send(const char *bytes, size_t count)
{
    if (count == 0)
        return;
    serial_write(bytes, count);
    in_line = bytes[count - 1] != '\n';
}

static void send_line(const struct hv_domain *domain, struct console_line *line)
{
    if (in_line)
        send("\r\n", 2);
    for (const char *byte = domain->name; *byte; byte++)
        send(byte, 1);
    send(": ", 2);
    send(line->bytes, line->length);
    send("\r\n", 2);
    line->length = 0;
}

static void add(const struct hv_domain *domain, struct console_line *line, char byte)
{
    if (byte == '\n') {
        send_line(domain, line);
    } else if (byte != '\r') {
        line->bytes[line->length++] = byte;
        if (line->length == CONSOLE_LINE_MAX)
            send_line(domain, line);
    }
}

void console_output(struct hv_domain *domain, bool foreground, const char *bytes, size_t count)
{
    if (foreground) {
        send(bytes, count);
        return;
    }
    for (size_t i = 0; i < count; i++)
        add(domain, &domain->services->console.line, bytes[i]);
}

void console_output_flush(struct hv_domain *domain, bool foreground)
{
    struct console_line *line = &domain->services->console.line;

    if (foreground) {
        send(line->bytes, line->length);
        line->length = 0;
    } else if (line->length > 0) {
        send_line(domain, line);
    }
}
