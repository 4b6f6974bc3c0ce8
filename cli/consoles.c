/* SPDX-License-Identifier: MIT */
/* In order: files; what comes, and where it goes; who is in front; keys. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cli/consoles.h>
#include <cli/file.h>
#include <cli/guest_list.h>
#include <cli/message.h>

#define OF_NOBODY     UINT32_MAX
#define OF_HYPERVISOR (UINT32_MAX - 1)
#define ROOM          (PLAIN_LINE_MAX + GUEST_NAME_MAX + 8u) /* for what a byte may make of a line */

/* ---- Files ---- */

static enum status open_file(struct console *console, const char *path)
{
    *console = (struct console){.path = path, .file = {.from = -1, .to = -1}};
    if (!path)
        return STATUS_GOOD;
    console->file.to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0666);
    if (console->file.to >= 0)
        return STATUS_GOOD;
    say_error("--console: %s cannot be written: %s", path,
              errno == ENXIO ? "nobody reads from that pipe; start its reader first" : strerror(errno));
    return STATUS_FAILED;
}

/* Two guests would write over each other.  Both files have been opened, and are there. */
static enum status check_alone(const struct consoles *consoles, unsigned place)
{
    const char *path = consoles->list[place].path;

    for (unsigned i = 0; i < place; i++) {
        if (!file_is_same(path, consoles->list[i].path))
            continue;
        say_error("--console: %s is the file of %s already; name another one for %s", path,
                  consoles->guests->list[i].name, consoles->guests->list[place].name);
        return STATUS_USAGE;
    }
    return STATUS_GOOD;
}

enum status consoles_open(struct consoles *consoles, const struct outcomes *guests, const char *const paths[])
{
    enum status status = STATUS_GOOD;

    *consoles = (struct consoles){.guests = guests, .selected = OF_NOBODY, .must_select = true};
    consoles->front = guests->count;
    for (unsigned i = 0; i < guests->count; i++) {
        if (open_file(&consoles->list[i], paths[i]))
            status = STATUS_FAILED;
        else if (!status)
            status = check_alone(consoles, i);
        if (!paths[i] && consoles->front == guests->count)
            consoles->front = i;
    }
    if (consoles->front == guests->count)
        consoles->front = 0;
    return status;
}

void consoles_close(struct consoles *consoles)
{
    for (unsigned i = 0; consoles->guests && i < consoles->guests->count; i++) {
        if (consoles->list[i].path && consoles->list[i].file.to >= 0)
            close(consoles->list[i].file.to);
    }
}

const char *consoles_broken(const struct consoles *consoles, int *error)
{
    for (unsigned i = 0; consoles->guests && i < consoles->guests->count; i++) {
        *error = consoles->list[i].file.error;
        if (consoles->list[i].file.is_broken)
            return consoles->list[i].path;
    }
    return NULL;
}

/* ---- What comes ---- */

static void show(struct consoles *consoles, const char *bytes, size_t count)
{
    relay_put(consoles->out, bytes, count);
}

/* A guest that is not in front says whole lines; an empty one is not worth it. */
static void take_plain(struct consoles *consoles, unsigned place, char byte)
{
    struct plain_line *line = &consoles->list[place].line;
    const char *name = consoles->guests->list[place].name;

    if (!plain_line_add(line, byte) || line->length == 0)
        return;
    if (relay_ends_in_line(consoles->out))
        show(consoles, "\r\n", 2);
    show(consoles, name, strlen(name));
    show(consoles, ": ", 2);
    show(consoles, line->text, line->length);
    show(consoles, "\r\n", 2);
    line->length = 0;
}

static void take_answer(struct consoles *consoles, char byte)
{
    if (byte == '\n') {
        consoles->answer[consoles->has_answer] = '\0';
        consoles->has_answer = 0;
        if (guest_list_take(consoles->guests, consoles->rows, consoles->answer)) {
            relay_leave_line(consoles->out);
            guest_list_tell(consoles->guests, consoles->rows, consoles->front);
        }
    } else if (byte != '\r' && consoles->has_answer < CONSOLE_ANSWER_MAX - 1) {
        consoles->answer[consoles->has_answer++] = byte;
    }
}

static void take_byte(struct consoles *consoles, char byte)
{
    unsigned place = consoles->selected;

    if (place == OF_HYPERVISOR)
        take_answer(consoles, byte);
    if (place >= consoles->guests->count)
        return;
    control_show(consoles->control, place, &byte, 1);
    if (consoles->list[place].path)
        relay_put(&consoles->list[place].file, &byte, 1);
    else if (place == consoles->front)
        show(consoles, &byte, 1);
    else
        take_plain(consoles, place, byte);
}

/* Numbers that no guest has are nobody's. */
static void select_console(struct consoles *consoles, unsigned number)
{
    consoles->selected = number == MULTIPLEX_HYPERVISOR ? OF_HYPERVISOR : OF_NOBODY;
    for (unsigned i = 0; i < consoles->guests->count; i++) {
        if (consoles->guests->list[i].number == number)
            consoles->selected = i;
    }
}

static void take_apart(struct consoles *consoles, char byte)
{
    struct multiplex_item item = multiplex_decode(&consoles->decoder, byte);

    if (item.kind == MULTIPLEX_BYTE)
        take_byte(consoles, item.byte);
    else if (item.kind == MULTIPLEX_SELECT)
        select_console(consoles, item.console);
}

static bool has_room(const struct consoles *consoles)
{
    bool has = relay_room(consoles->out) >= ROOM;

    for (unsigned i = 0; i < consoles->guests->count; i++)
        has = has && relay_room(&consoles->list[i].file) > 0;
    return has;
}

void consoles_begin(struct consoles *consoles, int from, struct relay *out, struct control *control, bool hurried)
{
    consoles->line = (struct relay){.from = from, .to = -1};
    consoles->out = out;
    consoles->control = control;
    consoles->hurried = hurried;
}

static size_t waiting(const struct consoles *consoles)
{
    return consoles->line.end - consoles->line.begin;
}

void consoles_poll(const struct consoles *consoles, struct pollfd polls[CONSOLES_POLLED])
{
    for (unsigned i = 0; i < CONSOLES_POLLED; i++)
        polls[i] = (struct pollfd){.fd = -1};
    if (!consoles_are_there(consoles))
        return;
    if (waiting(consoles) == 0)
        polls[0] = (struct pollfd){.fd = consoles->line.from, .events = POLLIN};
    for (unsigned i = 0; i < consoles->guests->count; i++)
        polls[1 + i] = relay_poll(&consoles->list[i].file);
}

void consoles_read(struct consoles *consoles, short events)
{
    relay_move(&consoles->line, events);
}

bool consoles_are_busy(const struct consoles *consoles)
{
    bool busy = consoles_are_there(consoles) && waiting(consoles) > 0;

    for (unsigned i = 0; consoles->guests && i < consoles->guests->count; i++)
        busy = busy || (consoles->list[i].path && !relay_is_done(&consoles->list[i].file));
    return busy;
}

/* ---- Who is in front ---- */

static bool has_ended(const struct consoles *consoles, unsigned place)
{
    return *consoles->guests->list[place].words;
}

/* The next one that is left, one that is shown if there is one; the one in front itself: there is no other. */
static unsigned next_left(const struct consoles *consoles)
{
    unsigned count = consoles->guests->count, found = consoles->front;

    for (unsigned i = 1; i < count; i++) {
        unsigned place = (consoles->front + i) % count;

        if (has_ended(consoles, place))
            continue;
        if (!consoles->list[place].path)
            return place;
        if (found == consoles->front)
            found = place;
    }
    return found;
}

static void bring(struct consoles *consoles, unsigned place)
{
    struct console *console = &consoles->list[place];

    consoles->front = place;
    consoles->must_select = true;
    consoles->is_leaving = false;
    relay_leave_line(consoles->out);
    if (console->path)
        say("keys go to %s, whose console is in %s", consoles->guests->list[place].name, console->path);
    else
        say("this is the console of %s", consoles->guests->list[place].name);
    if (has_ended(consoles, place))
        say("it has ended: %s", consoles->guests->list[place].words);
    show(consoles, console->line.text, console->line.length);
    console->line = (struct plain_line){.length = 0};
}

void consoles_bring(struct consoles *consoles, unsigned place)
{
    if (place < consoles->guests->count) {
        bring(consoles, place);
        return;
    }
    relay_leave_line(consoles->out);
    say("there is no guest %u; Ctrl-A l lists them", place + 1);
}

void consoles_bring_next(struct consoles *consoles)
{
    bring(consoles, next_left(consoles));
}

/* What a guest has said before its end is in the pipe by then. */
static void note_end(struct consoles *consoles)
{
    int in_pipe = 0;

    if (consoles->is_leaving || !has_ended(consoles, consoles->front) || next_left(consoles) == consoles->front)
        return;
    if (ioctl(consoles->line.from, FIONREAD, &in_pipe) || in_pipe < 0)
        in_pipe = 0;
    consoles->is_leaving = true;
    consoles->to_be_shown = waiting(consoles) + (size_t)in_pipe;
}

/* All that it has said has been shown. */
static void leave(struct consoles *consoles)
{
    const struct outcome *guest = &consoles->guests->list[consoles->front];

    if (!consoles->is_leaving || consoles->to_be_shown > 0 || !relay_is_done(consoles->out))
        return;
    relay_leave_line(consoles->out);
    say("%s has ended: %s", guest->name, guest->words);
    bring(consoles, next_left(consoles));
}

static void work_line(struct consoles *consoles)
{
    while (waiting(consoles) > 0 && has_room(consoles)) {
        take_apart(consoles, consoles->line.buffer[consoles->line.begin++]);
        if (consoles->to_be_shown > 0)
            consoles->to_be_shown--;
    }
}

void consoles_work(struct consoles *consoles)
{
    note_end(consoles);
    leave(consoles);
    work_line(consoles);
    for (unsigned i = 0; i < consoles->guests->count; i++) {
        if (!relay_is_done(&consoles->list[i].file))
            relay_move(&consoles->list[i].file, POLLOUT);
    }
    leave(consoles);
}

/* ---- Keys ---- */

static bool put_whole(struct relay *in, const char *code, size_t count)
{
    if (relay_room(in) < count)
        return false;
    relay_put(in, code, count);
    return true;
}

static void select_front(struct consoles *consoles, struct relay *in)
{
    char code[2];

    multiplex_select(consoles->guests->list[consoles->front].number, consoles->hurried, code);
    if (consoles->must_select && put_whole(in, code, 2))
        consoles->must_select = false;
}

static void type(struct relay *in, const char *keys, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        char code[2];

        if (!put_whole(in, code, multiplex_encode(keys[i], code)))
            return;
    }
}

void consoles_type(struct consoles *consoles, struct relay *in, const char *keys, size_t count)
{
    select_front(consoles, in);
    if (!consoles->must_select)
        type(in, keys, count);
}

void consoles_type_for(struct consoles *consoles, struct relay *in, unsigned place, const char *keys, size_t count)
{
    char code[2];

    multiplex_select(consoles->guests->list[place].number, true, code);
    if (!put_whole(in, code, 2))
        return;
    type(in, keys, count);
    consoles->must_select = true;
}

void consoles_ask(struct consoles *consoles, struct relay *in)
{
    char code[2];

    multiplex_list(code);
    relay_leave_line(consoles->out);
    if (!put_whole(in, code, 2))
        say("no key has been taken for too long to ask for the list; try again");
}
