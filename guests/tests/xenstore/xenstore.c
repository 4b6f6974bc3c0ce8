/* SPDX-License-Identifier: MIT */
/*
 * The xenstore over its wire: values, directories, errors, transactions, watches.
 */
#include <guest/guest.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/xenstore/neighbours.h>
#include <guests/tests/xenstore/store.h>

static struct xenstore_message reply;

/* A call whose reply has the request's type and this text.  Shows xenstore_ring.answers. */
static void answers(const char *name, bool came, uint32_t type, const char *text)
{
    test_check(came && reply.head.type == type && strcmp(reply.text, text) == 0, name, "%s type %u, \"%s\"",
               came ? "reply of" : "no reply,", reply.head.type, reply.text);
}

static bool write_value(uint32_t transaction, const char *path, const char *value)
{
    return store_pair(XS_WRITE, transaction, path, value, (uint32_t)strlen(value), &reply);
}

static uint32_t begin(void)
{
    uint32_t number = 0;

    if (!store_call(XS_TRANSACTION_START, 0, "", 1, &reply) || reply.head.type != XS_TRANSACTION_START) {
        test_not_ok("start a transaction", "type %u, \"%s\"", reply.head.type, reply.text);
        return 0;
    }
    for (const char *digit = reply.text; *digit >= '0' && *digit <= '9'; digit++)
        number = number * 10 + (uint32_t)(*digit - '0');
    return number;
}

static bool end(uint32_t transaction, const char *how)
{
    return store_call(XS_TRANSACTION_END, transaction, how, 2, &reply);
}

static void values(void)
{
    answers("write", write_value(0, "data/one", "1"), XS_WRITE, "OK");
    answers("read", store_path(XS_READ, 0, "data/one", &reply), XS_READ, "1");
    test_equal("the value's length", reply.head.len, 1);
    answers("write again", write_value(0, "data/one", "another value"), XS_WRITE, "OK");
    answers("read again", store_path(XS_READ, 0, "data/one", &reply), XS_READ, "another value");
    answers("mkdir", store_path(XS_MKDIR, 0, "data/two", &reply), XS_MKDIR, "OK");
    test_check(store_path(XS_DIRECTORY, 0, "data", &reply) && reply.head.type == XS_DIRECTORY && reply.head.len == 8,
               "directory", "%u bytes: \"%s\"", reply.head.len, reply.text);
    answers("read what is not there", store_path(XS_READ, 0, "data/three", &reply), XS_ERROR, "ENOENT");
    answers("directory of what is not there", store_path(XS_DIRECTORY, 0, "data/three", &reply), XS_ERROR, "ENOENT");
    answers("remove", store_path(XS_RM, 0, "data/one", &reply), XS_RM, "OK");
    answers("read what was removed", store_path(XS_READ, 0, "data/one", &reply), XS_ERROR, "ENOENT");
    test_check(store_path(XS_READ, 0, "domid", &reply) && reply.head.type == XS_READ, "read domid", "type %u, \"%s\"",
               reply.head.type, reply.text);
    test_check(store_path(XS_GET_PERMS, 0, "data/two", &reply) && reply.head.type == XS_GET_PERMS, "permissions",
               "type %u, \"%s\"", reply.head.type, reply.text);
}

static void refused(void)
{
    answers("unknown type", store_path(99, 0, "data", &reply), XS_ERROR, "ENOSYS");
    test_check(store_path(XS_READ, 0, "bad//path", &reply) && reply.head.type == XS_ERROR, "a path that is none",
               "type %u", reply.head.type);
    test_check(store_call(XS_READ, 0, "no zero", 7, &reply) && reply.head.type == XS_ERROR, "a path without an end",
               "type %u", reply.head.type);
    answers("a transaction that does not exist", store_path(XS_READ, 12345, "data", &reply), XS_ERROR, "ENOENT");
    test_check(store_path(XS_RELEASE, 0, "1", &reply) && reply.head.type == XS_ERROR, "what only tools may", "type %u",
               reply.head.type);
}

static void transactions(void)
{
    uint32_t first = begin(), second;

    answers("write inside", write_value(first, "data/t", "in"), XS_WRITE, "OK");
    answers("outside it does not show", store_path(XS_READ, 0, "data/t", &reply), XS_ERROR, "ENOENT");
    answers("inside it does", store_path(XS_READ, first, "data/t", &reply), XS_READ, "in");
    answers("drop it", end(first, "F"), XS_TRANSACTION_END, "OK");
    answers("nothing happened", store_path(XS_READ, 0, "data/t", &reply), XS_ERROR, "ENOENT");
    first = begin();
    (void)write_value(first, "data/t", "kept");
    answers("commit", end(first, "T"), XS_TRANSACTION_END, "OK");
    answers("it happened", store_path(XS_READ, 0, "data/t", &reply), XS_READ, "kept");
    first = begin();
    second = begin();
    (void)store_path(XS_READ, first, "data/t", &reply);
    (void)write_value(first, "data/t", "first");
    (void)write_value(second, "data/t", "second");
    answers("commit one of two in conflict", end(second, "T"), XS_TRANSACTION_END, "OK");
    answers("the other has to be done again", end(first, "T"), XS_ERROR, "EAGAIN");
    answers("the first to commit counts", store_path(XS_READ, 0, "data/t", &reply), XS_READ, "second");
}

static void event_is(const char *name, const char *path)
{
    struct xenstore_message event;
    bool came = store_event(&event);

    test_check(came && strcmp(event.text, path) == 0 && strcmp(event.text + strlen(event.text) + 1, "token") == 0, name,
               "%s \"%s\"", came ? "event for" : "none,", event.text);
}

/* Shows xenstore_ring.events. */
static void watches(void)
{
    answers("watch", store_pair(XS_WATCH, 0, "data/w", "token", 6, &reply), XS_WATCH, "OK");
    event_is("its first event comes at once", "data/w");
    answers("watch it twice", store_pair(XS_WATCH, 0, "data/w", "token", 6, &reply), XS_ERROR, "EEXIST");
    (void)write_value(0, "data/w", "1");
    event_is("a write is told", "data/w");
    (void)write_value(0, "data/w/below", "1");
    event_is("a write below is told", "data/w/below");
    (void)store_path(XS_RM, 0, "data/w", &reply);
    event_is("its removal is told", "data/w");
    answers("unwatch", store_pair(XS_UNWATCH, 0, "data/w", "token", 6, &reply), XS_UNWATCH, "OK");
    answers("unwatch again", store_pair(XS_UNWATCH, 0, "data/w", "token", 6, &reply), XS_ERROR, "ENOENT");
}

static void may_not(const char *name, const char *path)
{
    answers(name, write_value(0, path, "1"), XS_ERROR, "EACCES");
}

/* The first of them, which names the owner. */
static void permissions_are(const char *name, const char *path, const char *first)
{
    answers(name, store_path(XS_GET_PERMS, 0, path, &reply), XS_GET_PERMS, first);
}

/* What belongs to the guest of the tree, and of its own directory. */
static void rights(void)
{
    may_not("write into its directory", "mine");
    may_not("write its name", "name");
    may_not("write where its devices are described", "device/mine");
    may_not("write the console's description", "console/tty");
    may_not("write another's directory", "/local/domain/0/mine");
    may_not("write at the root", "/mine");
    answers("write into its part of control", write_value(0, "control/shutdown", ""), XS_WRITE, "OK");
    answers("read another's name", store_path(XS_READ, 0, "/local/domain/0/name", &reply), XS_ERROR, "EACCES");
    answers("list domains", store_path(XS_DIRECTORY, 0, "/local/domain", &reply), XS_ERROR, "EACCES");
    answers("read what it lacks", store_path(XS_READ, 0, "mine", &reply), XS_ERROR, "ENOENT");
    answers("make what is there", store_path(XS_MKDIR, 0, "control", &reply), XS_ERROR, "EACCES");
    answers("remove what is not its own", store_path(XS_RM, 0, "device", &reply), XS_ERROR, "EACCES");
    permissions_are("its directory is not its own", "device", "n0");
}

/* More than a ring holds, in one message. */
static void large(void)
{
    static char value[2048];

    memset(value, 'x', sizeof(value));
    if (test_under_xen())
        return; /* its xenstore keeps values below 2 KiB */
    answers("write of twice the ring", store_pair(XS_WRITE, 0, "data/large", value, sizeof(value), &reply), XS_WRITE,
            "OK");
    test_check(store_path(XS_READ, 0, "data/large", &reply) && reply.head.len == sizeof(value) &&
                   memcmp(reply.text, value, sizeof(value)) == 0,
               "read of twice the ring", "%u bytes", reply.head.len);
}

static void alone(void)
{
    values();
    rights();
    refused();
    transactions();
    watches();
    large();
}

void test_main(void)
{
    static void (*const roles[])(void) = {alone, neighbours_watcher, neighbours_writer, neighbours_hostile};
    uint64_t role = guest_option("role", 0);

    if (!store_init())
        test_skip("nobody serves a xenstore here");
    if (role >= ARRAY_SIZE(roles))
        test_error("there is no role %" PRIu64, role);
    roles[role]();
}
