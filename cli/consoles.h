/* SPDX-License-Identifier: MIT */
/*
 * The consoles of several guests, on QEMU's one line: hv/base/multiplex.h.  One guest is in front: keys are for it, and
 * what it says goes to stdout as it is.  The others' output goes there by whole lines, with the guest's name, and
 * without what a terminal would take for a command; or to a file, as it is.
 *
 * Nothing here waits: while stdout or a file does not take what there is for it, nothing is read from the line.
 */
#pragma once

#include <hv/base/multiplex.h>
#include <cli/control.h>
#include <cli/guest_list.h>
#include <cli/message.h>
#include <cli/outcome.h>
#include <cli/plain_line.h>
#include <cli/relay.h>

#define CONSOLE_ANSWER_MAX 160u

struct console {
    const char *path; /* NULL: it has no file */
    struct relay file;
    struct plain_line line; /* under way, while it is not in front */
};

struct consoles {
    const struct outcomes *guests; /* their names, and who has ended */
    bool hurried;                  /* keys need not be waited for */
    struct console list[GUESTS_MAX];
    struct relay line; /* from QEMU; what is there of it waits to be taken apart */
    struct relay *out; /* to stdout */
    struct control *control;
    struct multiplex_decoder decoder;
    unsigned selected;   /* what comes is of this guest, by place, or of: */
    unsigned front;      /* by place */
    bool must_select;    /* the hypervisor does not know yet who is in front */
    bool is_leaving;     /* the guest in front has ended: another comes there */
    size_t to_be_shown;  /* after so many bytes of the line, which were there when it ended */
    unsigned has_answer; /* bytes of a line of the hypervisor's */
    char answer[CONSOLE_ANSWER_MAX];
    struct guest_row rows[GUESTS_MAX]; /* of the answer under way */
};

/* Is there more than the one console of a plain line? */
static inline bool consoles_are_there(const struct consoles *consoles)
{
    return consoles->guests;
}

/*
 * Begin: @guests are there, @paths[] their files or NULL; the first without a file is in front.  Files are created, or
 * emptied.  STATUS_FAILED: one cannot be; STATUS_USAGE: two guests have the same.  consoles_close() in any case.
 */
enum status __must_check consoles_open(struct consoles *consoles, const struct outcomes *guests,
                                       const char *const paths[]);
void consoles_close(struct consoles *consoles);

/* QEMU runs: bytes come from @from, and stdout is written by @out; @control is shown all that guests say. */
void consoles_begin(struct consoles *consoles, int from, struct relay *out, struct control *control, bool hurried);

/* What is to be polled: the line, unless there is something left of it, and files that do not take what they get. */
#define CONSOLES_POLLED (1 + GUESTS_MAX)
void consoles_poll(const struct consoles *consoles, struct pollfd polls[CONSOLES_POLLED]);

/* poll() has answered for the line: read once. */
void consoles_read(struct consoles *consoles, short events);

/* Take apart what has been read, as far as there is room for it; see who has ended.  Whenever anything has moved. */
void consoles_work(struct consoles *consoles);

/* Is there anything that has been read and is not where it belongs yet? */
bool consoles_are_busy(const struct consoles *consoles);

/* The file that can no longer be written, and why; NULL: none. */
const char *consoles_broken(const struct consoles *consoles, int *error);

/* Put what is typed for the guest in front on its way; what there is no room for is lost. */
void consoles_type(struct consoles *consoles, struct relay *in, const char *keys, size_t count);

/* The same for the guest at @place, who comes to the front by that for the hypervisor, and for nobody else. */
void consoles_type_for(struct consoles *consoles, struct relay *in, unsigned place, const char *keys, size_t count);

/* The guest at @place, from 0 on, comes to the front; or the next one that is left.  Whoever runs it is told. */
void consoles_bring(struct consoles *consoles, unsigned place);
void consoles_bring_next(struct consoles *consoles);

/* Ask the hypervisor for its guests; the list is shown when the answer comes. */
void consoles_ask(struct consoles *consoles, struct relay *in);
