/* SPDX-License-Identifier: MIT */
/* Domains that meet in the xenstore: neighbours.h.  In order: their words; a writer; the watcher. */
#include <abi/sched.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/xenstore/neighbours.h>
#include <guests/tests/xenstore/store.h>

#define WRITERS_MAX 8u
#define PATH_MAX    64u
#define TRIES       100000u

static struct xenstore_message reply;

/* @before, a digit, @after. */
static const char *numbered(const char *before, uint64_t digit, const char *after)
{
    static char path[PATH_MAX];
    size_t length = strlen(before);

    memcpy(path, before, length);
    path[length] = (char)('0' + digit);
    memcpy(path + length + 1, after, strlen(after) + 1);
    return path;
}

static bool answers(const char *text)
{
    return strcmp(reply.text, text) == 0;
}

static bool write_value(uint32_t transaction, const char *path, const char *value)
{
    return store_pair(XS_WRITE, transaction, path, value, (uint32_t)strlen(value), &reply) && answers("OK");
}

/* The entries of @list are texts, each with its zero byte, @size bytes in all. */
static bool set_permissions(const char *path, const char *list, uint32_t size)
{
    return store_pair(XS_SET_PERMS, 0, path, list, size, &reply) && answers("OK");
}

static uint64_t own_number(void)
{
    return store_path(XS_READ, 0, "domid", &reply) ? (uint64_t)(reply.text[0] - '0') : 0;
}

/*
 * ---- A writer.
 */

static uint64_t self;

/* As soon as the watcher lets it, since it watches from then on. */
static bool make_in_inbox(void)
{
    for (unsigned i = 0; i < TRIES; i++) {
        if (write_value(0, numbered("/local/domain/1/data/inbox/", self, ""), "here"))
            return true;
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
    return false;
}

static bool hide(void)
{
    return write_value(0, "data/shared", "hidden");
}

static bool show(void)
{
    const char list[] = {'n', (char)('0' + self), '\0', 'r', '1', '\0'};

    return set_permissions("data/shared", list, sizeof(list));
}

static bool write_again(void)
{
    return write_value(0, "data/shared", "shown");
}

static bool begin_to_change(void)
{
    uint32_t number = 0;

    if (!store_call(XS_TRANSACTION_START, 0, "", 1, &reply))
        return false;
    for (const char *digit = reply.text; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (uint32_t)(*digit - '0');
    return write_value(number, "data/shared", "never") && store_path(XS_RM, number, "data/shared", &reply) &&
           write_value(number, numbered("/local/domain/1/data/inbox/", self, "/never"), "never");
}

static bool (*const steps[])(void) = {make_in_inbox, hide, show, write_again, begin_to_change};

void neighbours_writer(void)
{
    uint64_t count = guest_option("steps", 0);

    self = own_number();
    for (uint64_t i = 0; i < count && i < ARRAY_SIZE(steps); i++)
        test_check(steps[i](), "a step of a writer", "%" PRIu64 ": type %u, \"%s\"", i, reply.head.type, reply.text);
    test_ok("ends");
}

/*
 * ---- The watcher.  Writer number i has i - 2 steps, for i from 2 on.
 */

static unsigned seen_inbox[WRITERS_MAX + 2], seen_shared[WRITERS_MAX + 2];

/* What a writer's steps make the watcher hear of, its end included. */
static unsigned events_of_inbox(uint64_t count)
{
    return count >= 1 ? 2 : 0; /* made, removed */
}

static unsigned events_of_shared(uint64_t count)
{
    return count >= 4 ? 3 : count >= 3 ? 2 : 0; /* shown, written, removed */
}

static size_t number_in(char digit)
{
    return (size_t)(uint8_t)digit % 16 % ARRAY_SIZE(seen_inbox); /* that of '0' is 0x30 */
}

static void note(const char *path)
{
    static const char inbox[] = "data/inbox/", home[] = "/local/domain/";

    if (memcmp(path, inbox, sizeof(inbox) - 1) == 0)
        seen_inbox[number_in(path[sizeof(inbox) - 1])]++;
    else if (memcmp(path, home, sizeof(home) - 1) == 0)
        seen_shared[number_in(path[sizeof(home) - 1])]++;
}

static void watch(const char *path)
{
    test_check(store_pair(XS_WATCH, 0, path, "token", 6, &reply) && answers("OK"), "a watch", "%s: \"%s\"", path,
               reply.text);
}

/* Each path, also its own, tells once at the beginning. */
static void await_events(unsigned expected)
{
    struct xenstore_message event;

    for (unsigned i = 0, quiet = 0; i < expected && quiet < 20; quiet++) {
        if (!store_event(&event))
            continue;
        note(event.text);
        i++;
        quiet = 0;
    }
}

static void look_at(uint64_t writer)
{
    uint64_t count = writer - 2;

    test_equal("what was made here, and went", seen_inbox[writer], events_of_inbox(count));
    test_equal("what was shown there, and went", seen_shared[writer] - 1, events_of_shared(count));
    test_check(store_path(XS_READ, 0, numbered("/local/domain/", writer, "/data/shared"), &reply) && answers("EACCES"),
               "nothing is left of a writer", "\"%s\"", reply.text);
}

void neighbours_watcher(void)
{
    uint64_t writers = guest_option("writers", 0);
    unsigned expected = 1;

    test_check(writers > 0 && writers <= WRITERS_MAX, "there are writers", "%" PRIu64, writers);
    for (uint64_t writer = 2; writer < writers + 2; writer++) {
        watch(numbered("/local/domain/", writer, "/data/shared"));
        expected += 1 + events_of_inbox(writer - 2) + events_of_shared(writer - 2);
    }
    test_check(write_value(0, "data/inbox", ""), "an inbox", "\"%s\"", reply.text);
    watch("data/inbox");
    test_check(set_permissions("data/inbox", "b1", 3), "which all may write", "\"%s\"", reply.text);
    await_events(expected + 1); /* the last is of the permissions */
    for (uint64_t writer = 2; writer < writers + 2; writer++)
        look_at(writer);
    test_check(store_path(XS_DIRECTORY, 0, "data/inbox", &reply) && reply.head.type == XS_DIRECTORY &&
                   reply.head.len == 0,
               "the inbox is empty again", "type %u, %u bytes", reply.head.type, reply.head.len);
}
