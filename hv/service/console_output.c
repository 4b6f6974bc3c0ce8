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

    if (!foreground) {
        (void)send_line(domain, line);
        return;
    }
    send(line->bytes, line->length);
    line->length = 0;
}
