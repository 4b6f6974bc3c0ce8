/* SPDX-License-Identifier: MIT */
/*
 * The guest's consoles: its ring (abi/io.h) and console_io, both on the serial line.  Several guests share that in
 * lines that people can read, or multiplexed, for a program: hv/base/multiplex.h.  That of a back end goes into the
 * hypervisor's log instead, and has no input.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/service/console_input.h>
#include <hv/service/console_log.h>
#include <hv/service/console_output.h>

struct hv_domain;

struct domain_console {
    mfn_t frame; /* the ring's, owned by the guest: it may give it back at any time, so nothing here relies on it */
    void *ring;  /* struct xencons_interface as the hypervisor reaches it; NULL: no ring */
    uint32_t port;
    struct console_line line;
    struct console_log log; /* of a back end */
    char last;              /* of what console_io wrote */
    struct console_input input;
    uint32_t announced; /* of @input, by VIRQ_CONSOLE, where there is no ring */
};

/*
 * Serve the ring in @frame, RAM that the caller holds for as long as the domain exists; opens its event channel.
 * -XEN_ENOSPC: no port is free.
 */
int __must_check console_create(struct hv_domain *domain, mfn_t frame);

/* Multiplex the line, before any guest is there: each guest has a console to itself. */
void console_multiplex(void);

/* Move bytes both ways: called for notifications of the guest, when it yields, and when the serial line has input. */
void console_run(struct hv_domain *domain);

/* Input has come on the serial line, or may have: give it to the domain that it is for. */
void console_poll(void);

/*
 * The foreground: the domain that has the console's input, which is looked for every few milliseconds, and whose output
 * goes out as it is.  @domain comes there, in place of whoever was there; or it goes for good, and what is left of its
 * output goes out.  On a multiplexed line input goes to whom it is for, who comes to the foreground by that; the
 * foreground has no rights there but to say more at once.
 */
void console_attach(struct hv_domain *domain);
void console_detach(struct hv_domain *domain);

/* Is nobody in the foreground? */
bool console_is_free(void);

/* Take at most @count bytes of input for @domain that it has not got by its ring.  Returns their number. */
size_t console_read(struct hv_domain *domain, char *bytes, size_t count);

/* Output of @domain by console_io: a line feed gets a carriage return before it, unless there is one. */
void console_write(struct hv_domain *domain, const char *bytes, size_t count);
