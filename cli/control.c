/* SPDX-License-Identifier: MIT */
/* In order: what clients are told; what they ask for; answers; consoles; clients that come and go. */
#define _GNU_SOURCE /* accept4, struct ucred */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cli/control.h>
#include <cli/message.h>

#define ID_MAX 999999999u

/* ---- What clients are told. */

static void __attribute__((format(printf, 2, 3))) tell(struct control_client *client, const char *format, ...)
{
    char line[LOG_LINE_LENGTH + 64];
    va_list arguments;
    int length;

    va_start(arguments, format);
    length = vsnprintf(line, sizeof(line) - 1, format, arguments);
    va_end(arguments);
    if (length > (int)sizeof(line) - 2)
        length = (int)sizeof(line) - 2;
    line[length++] = '\n';
    relay_put(&client->out, line, (size_t)length);
}

static void greet(const struct control *control, struct control_client *client)
{
    tell(client, "run %d", (int)getpid());
    for (unsigned i = 0; i < control->guests.count; i++)
        tell(client, "name %s", control->guests.list[i].name);
    tell(client, "end");
}

static bool is_restarting(const struct outcome *guest)
{
    return !strcmp(guest->words, "wants to reboot");
}

/* Those of whom the hypervisor says nothing are not there yet, or no more. */
static void end_list(const struct control *control, struct control_client *client)
{
    for (unsigned i = 0; i < control->guests.count; i++) {
        const struct outcome *guest = &control->guests.list[i];
        const char *state = is_restarting(guest) ? "restarting" : *guest->words ? "ended" : "building";

        if (!client->seen[i])
            tell(client, "guest %u %s %s 0 0 0 0 0", guest->number, guest->name, state);
    }
    tell(client, "ok these are all");
}

/* ---- What they ask for. */

/* The hypervisor's line is there, and somebody will look at it. */
static bool can_ask(const struct control *control)
{
    bool is_built = false;

    for (unsigned i = 0; i < control->guests.count; i++)
        is_built |= control->guests.list[i].is_built;
    return is_built && control->hypervisor->from >= 0;
}

static void pass_on(struct control *control, struct control_client *client)
{
    char line[ASK_LINE_MAX + 2];
    size_t length;

    control->last_id = control->last_id % ID_MAX + 1;
    client->id = control->last_id;
    if (!ask_print_request(&client->ask, client->id, control->guests.list[client->place].number, line)) {
        tell(client, "no the hypervisor is not asked that");
        return;
    }
    length = strlen(line);
    line[length++] = '\n';
    if (send(control->hypervisor->from, line, length, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)length)
        client->state = CLIENT_WAITS;
    else
        tell(client, "no the hypervisor takes no requests just now: try again");
}

static void list(struct control *control, struct control_client *client)
{
    memset(client->seen, 0, sizeof(client->seen));
    client->place = 0;
    client->missing = 0;
    if (can_ask(control))
        pass_on(control, client);
    else
        end_list(control, client);
}

static bool has_console(const struct control *control, unsigned place)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct control_client *client = &control->clients[i];

        if (client->fd >= 0 && client->state == CLIENT_HAS_CONSOLE && client->place == place)
            return true;
    }
    return false;
}

static void put_backlog(const struct control *control, struct control_client *client)
{
    size_t count = control->backlogs[client->place].count, at = count > CONTROL_BACKLOG ? count - CONTROL_BACKLOG : 0;

    for (; at < count; at++)
        relay_put(&client->out, &control->backlogs[client->place].bytes[at % CONTROL_BACKLOG], 1);
}

static void lend_console(const struct control *control, struct control_client *client)
{
    if (has_console(control, client->place)) {
        tell(client, "no somebody else has its console: it goes to one at a time");
        return;
    }
    tell(client, "ok");
    put_backlog(control, client);
    client->state = CLIENT_HAS_CONSOLE;
}

static bool find_guest(const struct control *control, const char *name, unsigned *place)
{
    for (*place = 0; *place < control->guests.count; ++*place) {
        if (!strcmp(control->guests.list[*place].name, name))
            return true;
    }
    return false;
}

static void tell_no_device(const struct control *control, struct control_client *client)
{
    const struct guest_options *guest = &control->options[client->place];
    char names[DEVICES_TEXT_MAX + sizeof("; it has")] = "", name[DEVICE_NAME_MAX + 1];
    size_t length = 0;

    for (unsigned i = 0; i < DEVICES_MAX && device_place_name(guest, i, name); i++)
        length += (size_t)snprintf(names + length, sizeof(names) - length, "%s %s", i ? "," : "; it has", name);
    tell(client, "no it has no device %s%s", client->ask.device, names);
}

static bool find_device(const struct control *control, struct control_client *client)
{
    unsigned place = 0;
    bool is_good =
        !*client->ask.device || device_place_find(&control->options[client->place], client->ask.device, &place);

    if (*client->ask.device)
        client->ask.amount = place;
    return is_good;
}

static void serve(struct control *control, struct control_client *client)
{
    const struct outcome *guest;

    if (!ask_parse(client->bytes, &client->ask)) {
        tell(client, "no this run does not know what that means: does it belong to another version?");
        return;
    }
    if (client->ask.verb == ASK_LIST) {
        list(control, client);
        return;
    }
    if (!find_guest(control, client->ask.name, &client->place)) {
        tell(client, "no there is no such guest");
        return;
    }
    guest = &control->guests.list[client->place];
    if (!find_device(control, client))
        tell_no_device(control, client);
    else if (client->ask.verb == ASK_CONSOLE)
        lend_console(control, client);
    else if (is_restarting(guest))
        tell(client, "no it is just being started anew: try again");
    else if (*guest->words)
        tell(client, "no it has ended: %s", guest->words);
    else if (!guest->is_built || !can_ask(control))
        tell(client, "no it is still being built: try again");
    else
        pass_on(control, client);
}

/* ---- Answers of the hypervisor's. */

static void tell_devices(const struct control *control, struct control_client *client, unsigned place)
{
    char names[DEVICES_TEXT_MAX + 1], name[DEVICE_NAME_MAX + 1];
    size_t length = 0;

    for (unsigned i = 0; i < DEVICES_MAX && device_place_name(&control->options[place], i, name); i++)
        length += (size_t)snprintf(names + length, sizeof(names) - length, " %c%s",
                                   client->missing >> i & 1 ? '-' : '+', name);
    if (length)
        tell(client, "devices %u%s", control->guests.list[place].number, names);
}

/* A guest of the list, passed on. */
static void tell_guest(const struct control *control, struct control_client *client, const char *line)
{
    struct guest_line row;

    tell(client, "%s", line);
    for (unsigned i = 0; guest_line_parse(line, &row) && i < control->guests.count; i++) {
        if (control->guests.list[i].number != row.number)
            continue;
        client->seen[i] = true;
        tell_devices(control, client, i);
    }
    client->missing = 0;
}

static void take_answer(const struct control *control, struct control_client *client, const struct answer *answer)
{
    bool is_good = answer->kind == ANSWER_OK, is_end = false;

    if (answer->kind == ANSWER_OUT) {
        (void)sscanf(answer->line, "out %*u %8x", &client->missing);
        return;
    }
    if (answer->kind == ANSWER_GUEST) {
        tell_guest(control, client, answer->line);
        return;
    }
    if (is_good && client->ask.verb == ASK_LIST)
        end_list(control, client);
    else
        tell(client, "%s", answer->line);
    is_end = client->ask.verb == ASK_POWEROFF || client->ask.verb == ASK_REBOOT || client->ask.verb == ASK_DESTROY;
    client->state = is_good && is_end ? CLIENT_WAITS_END : CLIENT_ASKS;
}

/* To whom the end of the guest at @place is news: who waits for it, and who has its console, unless it comes again. */
static void tell_end(struct control *control, unsigned place)
{
    const struct outcome *guest = &control->guests.list[place];

    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd < 0 || client->place != place)
            continue;
        client->is_behind = client->state == CLIENT_HAS_CONSOLE && !is_restarting(guest);
        if (client->state != CLIENT_WAITS_END)
            continue;
        tell(client, "ended %s", guest->words);
        client->state = CLIENT_ASKS;
    }
}

static void note_ends(struct control *control, const char *line)
{
    bool had_ended[GUESTS_MAX];

    for (unsigned i = 0; i < control->guests.count; i++)
        had_ended[i] = *control->guests.list[i].words;
    outcomes_note(&control->guests, line);
    for (unsigned i = 0; i < control->guests.count; i++) {
        if (!had_ended[i] && *control->guests.list[i].words)
            tell_end(control, i);
    }
}

bool control_note(struct control *control, const char *line)
{
    struct answer answer;

    if (!answer_parse(line, &answer)) {
        note_ends(control, line);
        return false;
    }
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd >= 0 && client->state == CLIENT_WAITS && client->id == answer.id)
            take_answer(control, client, &answer);
    }
    return true;
}

const char *control_restarting(const struct control *control)
{
    for (unsigned i = 0; i < control->guests.count; i++) {
        if (is_restarting(&control->guests.list[i]) && !control->options[i].ends_by_reboot)
            return control->guests.list[i].name;
    }
    return NULL;
}

/* ---- Consoles. */

void control_show(struct control *control, unsigned place, const char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        control->backlogs[place].bytes[control->backlogs[place].count++ % CONTROL_BACKLOG] = bytes[i];
    clue_look(&control->clues[place], bytes, count);
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd >= 0 && client->state == CLIENT_HAS_CONSOLE && client->place == place)
            relay_put(&client->out, bytes, count);
    }
}

bool control_is_behind(const struct control *control)
{
    bool is_behind = false;

    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        is_behind |= control->clients[i].fd >= 0 && control->clients[i].is_behind;
    return is_behind;
}

void control_catch_up(struct control *control)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];
        const struct outcome *guest = &control->guests.list[client->place];

        if (client->fd >= 0 && client->is_behind)
            tell(client, "\r\nparavane: %s has ended: %s\r", guest->name, guest->words);
        client->is_behind = false;
    }
}

bool control_take_keys(struct control *control, unsigned *place, char keys[CONTROL_KEYS_MAX], size_t *count)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd < 0 || client->state != CLIENT_HAS_CONSOLE || !client->length)
            continue;
        *place = client->place;
        *count = client->length;
        memcpy(keys, client->bytes, client->length);
        client->length = 0;
        return true;
    }
    return false;
}

/* ---- Clients that come and go. */

static void drop(struct control_client *client)
{
    close(client->fd);
    client->fd = -1;
}

/* A client that has asked for something waits for its answer before it asks again. */
static void take_line(struct control *control, struct control_client *client)
{
    char *end = memchr(client->bytes, '\n', client->length);

    if (end && client->state == CLIENT_ASKS) {
        *end = '\0';
        client->length = 0;
        serve(control, client);
    } else if (end || client->length > ASK_LINE_MAX) {
        tell(client, "no one line at a time, and that of %u characters at most", ASK_LINE_MAX);
        client->state = CLIENT_LEAVES;
    }
}

static void read_client(struct control *control, struct control_client *client)
{
    ssize_t got = recv(client->fd, client->bytes + client->length, sizeof(client->bytes) - client->length, 0);

    if (got > 0)
        client->length += (size_t)got;
    else if (got == 0 || (errno != EAGAIN && errno != EINTR))
        drop(client);
    if (client->fd >= 0 && client->state != CLIENT_HAS_CONSOLE)
        take_line(control, client);
}

static bool is_allowed(int fd)
{
    struct ucred peer;
    socklen_t size = sizeof(peer);

    return !getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) && (peer.uid == geteuid() || peer.uid == 0);
}

/* Who is not let in is told, as far as that goes without waiting: otherwise this run would seem not to be there. */
static void accept_client(struct control *control)
{
    static const char busy[] = "busy\n";
    int fd = accept4(control->place.listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (fd >= 0 && !is_allowed(fd)) {
        close(fd);
        return;
    }
    for (unsigned i = 0; fd >= 0 && i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd >= 0)
            continue;
        client->fd = fd;
        client->state = CLIENT_ASKS;
        client->length = 0;
        client->is_behind = false;
        client->out = (struct relay){.from = -1, .to = fd};
        greet(control, client);
        return;
    }
    if (fd >= 0) {
        (void)!send(fd, busy, sizeof(busy) - 1, MSG_NOSIGNAL | MSG_DONTWAIT);
        close(fd);
    }
}

static bool has_output(const struct control_client *client)
{
    return client->out.begin != client->out.end;
}

void control_poll(const struct control *control, struct pollfd polls[CONTROL_POLLED])
{
    polls[0] = (struct pollfd){.fd = control->place.listener, .events = POLLIN};
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        const struct control_client *client = &control->clients[i];
        bool reads = client->state != CLIENT_LEAVES && client->length < sizeof(client->bytes);

        polls[1 + i] = (struct pollfd){.fd = client->fd,
                                       .events = (short)((reads ? POLLIN : 0) | (has_output(client) ? POLLOUT : 0))};
    }
}

static void move_client(struct control *control, struct control_client *client, short events)
{
    if (events & POLLOUT)
        relay_move(&client->out, POLLOUT);
    if (events & (POLLIN | POLLHUP | POLLERR))
        read_client(control, client);
    if (client->fd >= 0 && (client->out.is_broken || (client->state == CLIENT_LEAVES && !has_output(client))))
        drop(client);
}

void control_move(struct control *control, const struct pollfd polls[CONTROL_POLLED])
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        if (control->clients[i].fd >= 0 && control->clients[i].fd == polls[1 + i].fd)
            move_client(control, &control->clients[i], polls[1 + i].revents);
    }
    if (polls[0].revents)
        accept_client(control);
}

void control_open(struct control *control, const struct outcomes *guests, const struct guest_options *options,
                  const struct log *hypervisor)
{
    char why[RUN_PLACE_WHY_MAX];

    control->guests = *guests;
    control->options = options;
    control->hypervisor = hypervisor;
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++)
        control->clients[i].fd = -1;
    if (!run_place_listen(&control->place, why))
        say("this run cannot be spoken to by other commands: %s", why);
}

void control_close(struct control *control)
{
    for (unsigned i = 0; i < CONTROL_CLIENTS_MAX; i++) {
        struct control_client *client = &control->clients[i];

        if (client->fd < 0)
            continue;
        if (client->state == CLIENT_WAITS || client->state == CLIENT_WAITS_END)
            tell(client, "ended without a word: its run is over");
        relay_move(&client->out, has_output(client) ? POLLOUT : 0);
        drop(client);
    }
    run_place_close(&control->place);
}
