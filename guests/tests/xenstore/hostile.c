/* SPDX-License-Identifier: MIT */
/* A domain that tries in the xenstore what it has no right to, and takes what there is: neighbours.h. */
#include <guest/guest.h>
#include <guest/string.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/xenstore/neighbours.h>
#include <guests/tests/xenstore/store.h>

#define ROUNDS  20u
#define DOMAINS 9u

static struct xenstore_message reply;

static const char *const guesses[] = {"",        "/name",   "/data",           "/data/shared", "/control/shutdown",
                                      "/memory", "/device", "/console/port",   "/error",       "/data/secret",
                                      "/store",  "/cpu/0",  "/drivers/attack", "/vm"};

/* Is the last reply a refusal? */
static bool is_refused(bool came)
{
    return came && reply.head.type == XS_ERROR && strcmp(reply.text, "EACCES") == 0;
}

static unsigned try_path(const char *path)
{
    static const uint32_t types[] = {XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_MKDIR, XS_RM};
    unsigned done = 0;

    for (size_t i = 0; i < ARRAY_SIZE(types); i++)
        done += !is_refused(store_path(types[i], 0, path, &reply));
    done += !is_refused(store_pair(XS_WRITE, 0, path, "mine", 4, &reply));
    done += !is_refused(store_pair(XS_SET_PERMS, 0, path, "b0", 3, &reply));
    return done;
}

/* Of every domain but itself, whether it is there or not. */
static unsigned guess(char self)
{
    unsigned done = try_path("/") + try_path("/local/domain") + try_path("/vm");

    for (char number = '0'; number < (char)('0' + DOMAINS); number++) {
        for (size_t i = 0; i < ARRAY_SIZE(guesses) && number != self; i++) {
            char path[64] = "/local/domain/?";

            path[14] = number;
            memcpy(path + 15, guesses[i], strlen(guesses[i]) + 1);
            done += try_path(path);
        }
    }
    return done;
}

/* Until there is no more of it: nodes with values, watches of everything, transactions with changes. */
static bool take_all(void)
{
    static char value[1000];
    char path[] = "data/aaaa";
    bool full = false;

    for (unsigned i = 0; i < 2000 && !full; i++) {
        for (unsigned j = 0, rest = i; j < 4; j++, rest /= 26)
            path[5 + j] = (char)('a' + rest % 26);
        full = store_pair(XS_WRITE, 0, path, value, sizeof(value), &reply) && reply.head.type == XS_ERROR;
    }
    for (unsigned i = 0; i < 12; i++)
        (void)store_call(XS_TRANSACTION_START, 0, "", 1, &reply);
    return full;
}

static void flood(void)
{
    static const char *const watched[] = {"/", "/local/domain", "/local/domain/1", "@releaseDomain",
                                          "@introduceDomain"};

    for (size_t i = 0; i < ARRAY_SIZE(watched); i++)
        (void)store_pair(XS_WATCH, 0, watched[i], "token", 6, &reply);
    for (unsigned i = 0; i < ROUNDS; i++) {
        (void)store_pair(XS_WRITE, 0, "data/a", "value", 5, &reply);
        (void)store_path(XS_RM, 0, "data/a", &reply);
    }
    test_check(take_all(), "there is an end of what it may have", "type %u, \"%s\"", reply.head.type, reply.text);
}

void neighbours_hostile(void)
{
    char self = store_path(XS_READ, 0, "domid", &reply) ? reply.text[0] : '?';

    test_equal("nothing is done to another", guess(self), 0);
    flood();
    test_equal("nor is it afterwards", guess(self), 0);
}
