/* SPDX-License-Identifier: MIT */
/* Messages in a list that is free, in an array of those sent, and in a list of those answered. */
#include <setjmp.h>
#include <stdarg.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <backend/ninep.h>
#include <tests/backend/lib/share_host.h>

struct share host_shares[HOST_SHARES] = {{.name = "share-1-0"}, {.name = "share-1-1"}};
static uint8_t requests[SHARE_MESSAGES][SHARE_MESSAGE_MAX], replies[SHARE_MESSAGES][SHARE_MESSAGE_MAX];
static struct share_message messages[SHARE_MESSAGES];
static struct share_message *unused, *answered;
struct share_message *host_sent[SHARE_MESSAGES];
unsigned host_nr_sent, host_starts;
uint64_t host_file;
bool host_running, host_start_fails, host_has_failed;

struct share *share_find(const char *name)
{
    for (unsigned i = 0; i < ARRAY_SIZE(host_shares); i++) {
        if (!strcmp(host_shares[i].name, name))
            return &host_shares[i];
    }
    return NULL;
}

static void free_all(void)
{
    unused = answered = NULL;
    host_nr_sent = 0;
    for (unsigned i = 0; i < SHARE_MESSAGES; i++) {
        messages[i] = (struct share_message){.next = unused, .request = requests[i], .reply = replies[i]};
        unused = &messages[i];
    }
}

int share_start(struct share *share)
{
    assert_false(host_running);
    assert_true(share->in_use);
    host_running = !host_start_fails;
    host_starts++;
    return host_running ? 0 : -XEN_EIO;
}

void share_stop(struct share *share)
{
    assert_true(share->in_use && host_running);
    host_running = host_has_failed = false;
    free_all();
}

bool share_is_idle(const struct share *share)
{
    (void)share;
    return host_nr_sent == 0;
}

bool share_has_failed(const struct share *share)
{
    (void)share;
    return host_has_failed;
}

struct share_message *share_get(struct share *share)
{
    struct share_message *message = unused;

    (void)share;
    if (message)
        unused = message->next;
    return message;
}

void share_put(struct share *share, struct share_message *message)
{
    (void)share;
    message->next = unused;
    unused = message;
}

int share_send(struct share *share, struct share_message *message)
{
    (void)share;
    assert_true(host_running);
    assert_in_range(message->request_size, NINEP_HEADER, SHARE_MESSAGE_MAX);
    assert_int_equal(ninep_size(message->request), message->request_size);
    assert_true(host_nr_sent < SHARE_MESSAGES);
    host_sent[host_nr_sent++] = message;
    return 0;
}

struct share_message *share_receive(struct share *share)
{
    struct share_message *message = answered;

    (void)share;
    if (message)
        answered = message->next;
    return message;
}

static struct share_message *take_oldest(uint32_t size)
{
    struct share_message *message = host_sent[0], **end = &answered;

    assert_true(host_nr_sent > 0);
    memmove(host_sent, host_sent + 1, --host_nr_sent * sizeof(*host_sent));
    memset(message->reply, 0, size);
    memcpy(message->reply, &size, sizeof(size));
    memcpy(message->reply + 4, message->request + 4, 3);
    message->reply_size = size;
    message->next = NULL;
    while (*end)
        end = &(*end)->next;
    *end = message;
    return message;
}

void host_answer(uint32_t size)
{
    (void)take_oldest(size);
}

void host_serve(uint32_t error)
{
    bool walks = !error && host_sent[0]->request[4] == NINEP_TWALK;
    bool creates = !error && host_sent[0]->request[4] == NINEP_TLCREATE;
    unsigned names = walks ? host_sent[0]->request[15] : 0;
    struct share_message *message = take_oldest(walks ? 9 + 13 * names : creates ? 24 : 11);

    message->reply[4] = error ? 7 : (uint8_t)(message->request[4] + 1);
    if (walks)
        message->reply[7] = (uint8_t)names;
    else
        memcpy(message->reply + 7, &error, sizeof(error));
    if (creates)
        memcpy(message->reply + 12, &host_file, sizeof(host_file));
    for (unsigned i = 0; i < names; i++)
        memcpy(message->reply + 9 + 13 * i + 5, &host_file, sizeof(host_file));
}

void host_begin(void)
{
    host_starts = 0;
    host_start_fails = host_has_failed = host_running = false;
    free_all();
}
