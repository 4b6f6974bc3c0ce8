/* SPDX-License-Identifier: MIT */
/* In order: one request; what is made of it; transactions; watches. */
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>

#define EVENTS_A_POLL 64u
#define NUMBER_MAX    21u /* of a number of 64 bits, with its zero byte */

static uint32_t last_id;
static struct xenstore_watch *watches;
static unsigned last_token;

/*
 * ---- Messages.
 */

/* "path, zero, token, zero": to whom the token belongs, if to anybody. */
static void tell(const struct xenstore_message *event)
{
    size_t length = strlen(event->text);
    char token[NUMBER_MAX];

    if (length >= event->head.len)
        return;
    for (struct xenstore_watch *watch = watches; watch; watch = watch->next) {
        (void)print_to(token, sizeof(token), "%u", watch->token);
        if (strcmp(token, event->text + length + 1) == 0) {
            watch->changed(watch, event->text);
            return;
        }
    }
}

/* The reply to request @id; others, to requests that were given up, are dropped. */
static int await_reply(uint32_t id, uint64_t deadline, const struct xenstore_message **reply)
{
    for (;;) {
        int error = xenstore_ring_receive(reply);

        if (!error && !*reply)
            error = xenstore_ring_wait(deadline);
        else if (!error && (*reply)->head.type == XS_WATCH_EVENT)
            tell(*reply);
        else if (!error && (*reply)->head.req_id == id)
            return 0;
        if (!error && time_now() >= deadline)
            error = -XEN_ETIMEDOUT;
        if (error)
            return error;
    }
}

/* The payload in two parts. */
static int call(uint32_t type, uint32_t transaction, const void *first, size_t first_size, const void *second,
                size_t second_size, const struct xenstore_message **reply)
{
    struct xsd_sockmsg head = {
        .type = type, .req_id = ++last_id, .tx_id = transaction, .len = (uint32_t)(first_size + second_size)};
    uint64_t deadline = time_now() + XENSTORE_PATIENCE;
    int error = first_size + second_size > XENSTORE_PAYLOAD_MAX ? -XEN_E2BIG : 0;

    if (!error)
        error = xenstore_ring_send(&head, sizeof(head), deadline);
    if (!error)
        error = xenstore_ring_send(first, first_size, deadline);
    if (!error)
        error = xenstore_ring_send(second, second_size, deadline);
    return error ? error : await_reply(head.req_id, deadline, reply);
}

int xenstore_call(uint32_t type, uint32_t transaction, const void *payload, size_t size,
                  const struct xenstore_message **reply)
{
    return call(type, transaction, payload, size, NULL, 0, reply);
}

int xenstore_error(const struct xenstore_message *reply)
{
    int error = reply->head.type == XS_ERROR ? errno_of(reply->text) : 0;

    return reply->head.type == XS_ERROR && !error ? -XEN_EIO : error;
}

/* A request about a path, whose reply must be of its own type. */
static int ask(uint32_t type, uint32_t transaction, const char *path, const void *more, size_t more_size,
               const struct xenstore_message **reply)
{
    int error = call(type, transaction, path, strlen(path) + 1, more, more_size, reply);

    if (!error)
        error = xenstore_error(*reply);
    return !error && (*reply)->head.type != type ? -XEN_EIO : error;
}

/*
 * ---- Values.
 */

int xenstore_read(uint32_t transaction, const char *path, char *value, size_t size)
{
    const struct xenstore_message *reply;
    int error = ask(XS_READ, transaction, path, NULL, 0, &reply);

    if (error)
        return error;
    if (strlen(reply->text) != reply->head.len)
        return -XEN_EINVAL;
    if (reply->head.len >= size)
        return -XEN_E2BIG;
    memcpy(value, reply->text, reply->head.len + 1);
    return 0;
}

static int to_number(const char *text, uint64_t max, uint64_t *number)
{
    uint64_t value = 0;

    if (!*text)
        return -XEN_EINVAL;
    for (; *text; text++) {
        uint64_t digit = (uint64_t)(uint8_t)*text - '0';

        if (digit > 9 || value > max / 10 || digit > max - value * 10)
            return -XEN_EINVAL;
        value = value * 10 + digit;
    }
    *number = value;
    return 0;
}

int xenstore_read_number(uint32_t transaction, const char *path, uint64_t max, uint64_t *number)
{
    char text[NUMBER_MAX];
    int error = xenstore_read(transaction, path, text, sizeof(text));

    if (error == -XEN_E2BIG)
        return -XEN_EINVAL;
    return error ? error : to_number(text, max, number);
}

int xenstore_write(uint32_t transaction, const char *path, const char *value)
{
    const struct xenstore_message *reply;

    return ask(XS_WRITE, transaction, path, value, strlen(value), &reply);
}

int xenstore_write_number(uint32_t transaction, const char *path, uint64_t number)
{
    char text[NUMBER_MAX];

    (void)print_to(text, sizeof(text), "%" PRIu64, number);
    return xenstore_write(transaction, path, text);
}

int xenstore_remove(uint32_t transaction, const char *path)
{
    const struct xenstore_message *reply;

    return ask(XS_RM, transaction, path, NULL, 0, &reply);
}

int xenstore_directory(uint32_t transaction, const char *path, char *names, size_t size, size_t *used)
{
    const struct xenstore_message *reply;
    int error = ask(XS_DIRECTORY, transaction, path, NULL, 0, &reply);

    if (!error && reply->head.len && reply->text[reply->head.len - 1])
        error = -XEN_EIO; /* the last name has no end */
    if (!error && reply->head.len > size)
        error = -XEN_E2BIG;
    if (error)
        return error;
    memcpy(names, reply->text, reply->head.len);
    *used = reply->head.len;
    return 0;
}

/*
 * ---- Transactions.
 */

int xenstore_begin(uint32_t *transaction)
{
    const struct xenstore_message *reply;
    uint64_t number = 0;
    int error = ask(XS_TRANSACTION_START, 0, "", NULL, 0, &reply);

    if (!error)
        error = to_number(reply->text, UINT32_MAX, &number);
    *transaction = (uint32_t)number;
    return error;
}

int xenstore_end(uint32_t transaction, bool commit)
{
    const struct xenstore_message *reply;

    return ask(XS_TRANSACTION_END, transaction, commit ? "T" : "F", NULL, 0, &reply);
}

static int try_once(int (*body)(uint32_t transaction, void *argument), void *argument)
{
    uint32_t transaction;
    int error = xenstore_begin(&transaction);

    if (error)
        return error;
    error = body(transaction, argument);
    if (!error)
        return xenstore_end(transaction, true);
    (void)!xenstore_end(transaction, false);
    return error;
}

int xenstore_transaction(int (*body)(uint32_t transaction, void *argument), void *argument)
{
    int error = -XEN_EAGAIN;

    for (unsigned i = 0; i < XENSTORE_TRIES && error == -XEN_EAGAIN; i++)
        error = try_once(body, argument);
    return error;
}

/*
 * ---- Watches.
 */

int xenstore_init(void)
{
    int error = xenstore_ring_init();

    if (!error)
        event_set_handler(xenstore_ring_port(), event_only_wakes);
    return error;
}

static int ask_watch(uint32_t type, const struct xenstore_watch *watch)
{
    const struct xenstore_message *reply;
    char token[NUMBER_MAX];

    (void)print_to(token, sizeof(token), "%u", watch->token);
    return ask(type, 0, watch->path, token, strlen(token) + 1, &reply);
}

static void forget(struct xenstore_watch *watch)
{
    struct xenstore_watch **place = &watches;

    while (*place && *place != watch)
        place = &(*place)->next;
    if (*place)
        *place = watch->next;
}

int xenstore_watch(struct xenstore_watch *watch)
{
    int error;

    watch->token = ++last_token;
    watch->next = watches;
    watches = watch; /* the first event may come before the reply */
    error = ask_watch(XS_WATCH, watch);
    if (error)
        forget(watch);
    return error;
}

int xenstore_unwatch(struct xenstore_watch *watch)
{
    forget(watch);
    return ask_watch(XS_UNWATCH, watch);
}

int xenstore_poll(bool *more)
{
    const struct xenstore_message *message;

    *more = false;
    for (unsigned i = 0; i < EVENTS_A_POLL; i++) {
        int error = xenstore_ring_receive(&message);

        if (error || !message)
            return error;
        if (message->head.type == XS_WATCH_EVENT)
            tell(message);
    }
    *more = true;
    return 0;
}
