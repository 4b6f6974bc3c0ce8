/* SPDX-License-Identifier: MIT */
/* A line costs the time in which so many go out in the long run; what is owed is bounded. */
#include <stdbool.h>

#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/service/console_log.h>
#include <hv/service/services.h>
#include <hv/time/time.h>

#define COST  (UINT64_C(1000000000) / CONSOLE_LOG_PER_SECOND) /* of a line, in ns */
#define OWING (CONSOLE_LOG_AT_ONCE * COST)

static bool may_say(struct console_log *log)
{
    uint64_t now = time_now(), passed = now - log->when;

    log->said = passed < log->said ? log->said - passed : 0;
    log->when = now;
    if (log->said > OWING - COST)
        return false;
    log->said += COST;
    return true;
}

static void say_left_out(const struct hv_domain *domain, struct console_log *log)
{
    if (log->left_out > 0)
        print("domain %u (%s): %lu lines left out here\n", domain->engine.id.v, domain->name, log->left_out);
    log->left_out = 0;
}

static void say_line(const struct hv_domain *domain, struct domain_console *console)
{
    char text[CONSOLE_LINE_MAX + 1];
    struct console_line *line = &console->line;

    for (unsigned i = 0; i < line->length; i++)
        text[i] = line->bytes[i] >= ' ' && line->bytes[i] <= '~' ? line->bytes[i] : '?';
    text[line->length] = '\0';
    line->length = 0;
    if (!may_say(&console->log)) {
        console->log.left_out++;
        return;
    }
    say_left_out(domain, &console->log);
    print("domain %u (%s): %s\n", domain->engine.id.v, domain->name, text);
}

void console_log(struct hv_domain *domain, const char *bytes, size_t count)
{
    struct domain_console *console = &domain->services->console;

    for (size_t i = 0; i < count; i++) {
        if (bytes[i] == '\n' && console->line.length > 0)
            say_line(domain, console);
        if (bytes[i] == '\n' || bytes[i] == '\r')
            continue;
        console->line.bytes[console->line.length++] = bytes[i];
        if (console->line.length == CONSOLE_LINE_MAX)
            say_line(domain, console);
    }
}

void console_log_end(struct hv_domain *domain)
{
    struct domain_console *console = &domain->services->console;

    if (console->line.length > 0)
        say_line(domain, console);
    say_left_out(domain, &console->log);
}
