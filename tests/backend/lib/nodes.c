/* SPDX-License-Identifier: MIT */
/* Paths and values in a list; for each watch what is to be told. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/event.h>
#include <guest/xenstore_ring.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/nodes.h>

#define NODES_MAX  256u
#define EVENTS_MAX 4096u
#define TEXT_MAX   128u
#define PORT       3u
#define A_POLL     4u /* events */

static struct node {
    char path[TEXT_MAX], value[TEXT_MAX];
} nodes[NODES_MAX], saved[NODES_MAX];
static unsigned nr_nodes, one_in;
static char events[EVENTS_MAX][TEXT_MAX];
static unsigned nr_events;
static struct xenstore_watch *watches;
static event_handler *handler;

void nodes_start(void)
{
    nr_nodes = nr_events = one_in = 0;
    watches = NULL;
}

void nodes_make_conflicts(unsigned failing)
{
    one_in = failing;
}

static bool is_below(const char *path, const char *top)
{
    size_t length = strlen(top);

    return strncmp(path, top, length) == 0 && (path[length] == '/' || !path[length]);
}

static struct node *find(const char *path)
{
    for (unsigned i = 0; i < nr_nodes; i++) {
        if (strcmp(nodes[i].path, path) == 0)
            return &nodes[i];
    }
    return NULL;
}

static void note(const char *path)
{
    assert_true(nr_events < EVENTS_MAX);
    (void)snprintf(events[nr_events++], TEXT_MAX, "%s", path);
    if (handler)
        handler(PORT);
}

void nodes_set(const char *path, const char *value)
{
    struct node *node = find(path);

    note(path);
    if (!value) {
        for (unsigned i = nr_nodes; i--;) {
            if (is_below(nodes[i].path, path))
                nodes[i] = nodes[--nr_nodes];
        }
        return;
    }
    if (!node) {
        assert_true(nr_nodes < NODES_MAX);
        node = &nodes[nr_nodes++];
        (void)snprintf(node->path, TEXT_MAX, "%s", path);
    }
    (void)snprintf(node->value, TEXT_MAX, "%s", value);
}

const char *nodes_get(const char *path)
{
    struct node *node = find(path);

    return node ? node->value : NULL;
}

int xenstore_init(void)
{
    return 0;
}

evtchn_port_t xenstore_ring_port(void)
{
    return PORT;
}

void event_set_handler(evtchn_port_t port, event_handler *set)
{
    assert_int_equal(port, PORT);
    handler = set;
}

int xenstore_read(uint32_t transaction, const char *path, char *value, size_t size)
{
    const char *there = nodes_get(path);

    (void)transaction;
    if (!there)
        return -XEN_ENOENT;
    return snprintf(value, size, "%s", there) < (int)size ? 0 : -XEN_E2BIG;
}

int xenstore_read_number(uint32_t transaction, const char *path, uint64_t max, uint64_t *number)
{
    char text[TEXT_MAX], *end;
    int error = xenstore_read(transaction, path, text, sizeof(text));

    if (error)
        return error;
    *number = strtoul(text, &end, 10);
    return *end || end == text || *number > max ? -XEN_EINVAL : 0;
}

int xenstore_write(uint32_t transaction, const char *path, const char *value)
{
    (void)transaction;
    nodes_set(path, value);
    return 0;
}

int xenstore_write_number(uint32_t transaction, const char *path, uint64_t number)
{
    char text[TEXT_MAX];

    (void)snprintf(text, sizeof(text), "%lu", number);
    return xenstore_write(transaction, path, text);
}

/* Names of what is below, each once. */
int xenstore_directory(uint32_t transaction, const char *path, char *names, size_t size, size_t *used)
{
    size_t length = strlen(path);

    (void)transaction;
    *used = 0;
    for (unsigned i = 0; i < nr_nodes; i++) {
        const char *name = nodes[i].path + length + 1;
        size_t end = is_below(nodes[i].path, path) && nodes[i].path[length] ? strcspn(name, "/") : 0;
        bool known = !end;

        for (size_t at = 0; at < *used && !known; at += strlen(names + at) + 1)
            known = strlen(names + at) == end && strncmp(names + at, name, end) == 0;
        if (known)
            continue;
        assert_true(*used + end + 1 <= size);
        memcpy(names + *used, name, end);
        names[*used + end] = '\0';
        *used += end + 1;
    }
    return *used ? 0 : -XEN_ENOENT;
}

int xenstore_transaction(int (*body)(uint32_t transaction, void *argument), void *argument)
{
    for (;;) {
        unsigned nodes_before = nr_nodes, events_before = nr_events;
        bool again = one_in && draw_below(one_in) == 0;
        int error;

        memcpy(saved, nodes, sizeof(nodes));
        error = body(1, argument);
        if (!error && !again)
            return 0;
        memcpy(nodes, saved, sizeof(nodes));
        nr_nodes = nodes_before;
        nr_events = events_before;
        if (error)
            return error;
    }
}

int xenstore_watch(struct xenstore_watch *watch)
{
    watch->next = watches;
    watches = watch;
    watch->changed(watch, watch->path);
    return 0;
}

int xenstore_unwatch(struct xenstore_watch *watch)
{
    struct xenstore_watch **place = &watches;

    while (*place != watch)
        place = &(*place)->next;
    *place = watch->next;
    return 0;
}

unsigned nodes_watched(void)
{
    unsigned count = 0;

    for (struct xenstore_watch *watch = watches; watch; watch = watch->next)
        count++;
    return count;
}

int xenstore_poll(bool *more)
{
    unsigned count = nr_events < A_POLL ? nr_events : A_POLL;

    for (unsigned i = 0; i < count; i++) {
        for (struct xenstore_watch *watch = watches; watch; watch = watch->next) {
            if (is_below(events[i], watch->path) || is_below(watch->path, events[i]))
                watch->changed(watch, is_below(events[i], watch->path) ? events[i] : watch->path);
        }
    }
    nr_events -= count;
    memmove(events, events[count], nr_events * sizeof(events[0]));
    *more = nr_events > 0;
    return 0;
}
