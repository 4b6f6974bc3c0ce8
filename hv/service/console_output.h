/* SPDX-License-Identifier: MIT */
/* What guests say, on one serial line: in lines that people can read, or multiplexed, for a program to take apart. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

struct hv_domain;

#define CONSOLE_LINE_MAX 120u

/* Of a domain in the background: the beginning of a line whose end has not come. */
struct console_line {
    unsigned length;
    char bytes[CONSOLE_LINE_MAX];
};

/* From now on the line has a console for each domain, and one for the hypervisor, as hv/base/multiplex.h says. */
void console_output_multiplex(void);
bool console_output_is_multiplexed(void);

/* The hypervisor says @bytes to whoever takes a multiplexed line apart. */
void console_output_hypervisor(const char *bytes, size_t count);

/*
 * @domain says @bytes.  In the foreground they go out as they are; in the background by whole lines, each behind the
 * domain's name, and a line that is too long goes out as several, an empty one not at all.  Multiplexed, all go out as
 * they are.  What a back end says goes into the log (console_log.h).  Returns how many bytes went out, which takes its
 * time on a serial line.
 */
size_t console_output(struct hv_domain *domain, bool foreground, const char *bytes, size_t count);

/* What @domain has said of a line goes out: nothing will follow, or it comes to the foreground. */
void console_output_flush(struct hv_domain *domain, bool foreground);
