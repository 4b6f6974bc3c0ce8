/* SPDX-License-Identifier: MIT */
/*
 * A run that is spoken to while it is under way: it listens (run_place.h), and commands ask it for something by lines
 * (control_line.h).  What concerns guests it asks the hypervisor, on the line of the log, and passes the answer on; or
 * it lends a guest's console, to one at a time.  Only processes of its own user, and root, are served.
 *
 * Nothing here waits, and no client can hold up the run: what one does not take of a console is lost.
 */
#pragma once

#include <poll.h>

#include <cli/clue.h>
#include <cli/control_line.h>
#include <cli/outcome.h>
#include <cli/relay.h>
#include <cli/run_place.h>

#define CONTROL_CLIENTS_MAX (2 * GUESTS_MAX) /* a console for each guest, and as many others */
#define CONTROL_POLLED      (1 + CONTROL_CLIENTS_MAX)
#define CONTROL_KEYS_MAX    256u
#define CONTROL_BACKLOG     2048u /* bytes of a console, for who comes later */

struct control_client {
    int fd; /* -1: nobody */
    enum {
        CLIENT_ASKS,
        CLIENT_WAITS,     /* for the hypervisor's answer to request @id */
        CLIENT_WAITS_END, /* of the guest */
        CLIENT_HAS_CONSOLE,
        CLIENT_LEAVES, /* as soon as it has taken what there is for it */
    } state;
    struct ask ask;
    unsigned place; /* of the guest that is meant */
    uint32_t id;
    bool seen[GUESTS_MAX]; /* in the list under way */
    unsigned missing;      /* of the guest that comes next there: those of its devices that are not plugged in */
    bool is_behind;        /* its console's guest has ended, which it will hear behind the last words */
    size_t length;         /* of a line, or of keys for a guest */
    char bytes[CONTROL_KEYS_MAX];
    struct relay out;
};

struct control {
    struct run_place place;
    struct outcomes guests;              /* in which a reboot is an end, until the guest is there again */
    const struct guest_options *options; /* of each of them */
    const struct log *hypervisor;        /* to whom the requests go */
    uint32_t last_id;
    struct control_client clients[CONTROL_CLIENTS_MAX];
    struct {
        size_t count; /* ever; the last CONTROL_BACKLOG are kept */
        char bytes[CONTROL_BACKLOG];
    } backlogs[GUESTS_MAX];
    struct clue clues[GUESTS_MAX];
};

/*
 * Listen for commands that want something of @guests, each with its @options, all of which are in use until
 * control_close(); without a place to do so the run is not spoken to, which is said.
 */
void control_open(struct control *control, const struct outcomes *guests, const struct guest_options *options,
                  const struct log *hypervisor);

/* The run is over, which those are told who wait for something. */
void control_close(struct control *control);

/* A line of the hypervisor's log.  True: it was an answer to a request, and is for nobody else. */
bool control_note(struct control *control, const char *line);

/* The name of a guest that has rebooted, and has not been built anew; NULL: none has. */
const char *control_restarting(const struct control *control);

/* What is to be polled; poll() has answered. */
void control_poll(const struct control *control, struct pollfd polls[CONTROL_POLLED]);
void control_move(struct control *control, const struct pollfd polls[CONTROL_POLLED]);

/* The guest at @place has said this. */
void control_show(struct control *control, unsigned place, const char *bytes, size_t count);

/* Is there an end to be told on a console?  Tell it: nothing is on its way any more that was said before. */
bool control_is_behind(const struct control *control);
void control_catch_up(struct control *control);

/* Take what has been typed for a guest, of which there may be more.  False: there is nothing. */
bool control_take_keys(struct control *control, unsigned *place, char keys[CONTROL_KEYS_MAX], size_t *count);
