/* SPDX-License-Identifier: MIT */
/*
 * The xenstore's rings under libFuzzer: the input says, step by step, which messages to send, whole or in pieces, how
 * much of the replies to take, which indexes to spoil, which of the guests acts, and who goes and comes again.  One of
 * them is privileged.  The sanitizers judge, the rules about what the host writes, and the recount of store_audit.h.
 * Built by:
 *
 *   clang -I. -g -O1 -fsanitize=fuzzer,address,undefined tests/hv/fuzz_xenstore.c LINKS
 */
/* links: hv/service/xenstore.c hv/service/store_account.c hv/service/store_change.c hv/service/store_device.c */
/* links: hv/service/store_home.c hv/service/store_operation.c hv/service/store_permissions.c */
/* links: hv/service/store_request.c hv/service/store_rights.c hv/service/store_session.c hv/service/store_set.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c hv/service/store_watch.c */
/* links: tests/hv/lib/xenstore_host.c tests/hv/lib/store_audit.c tests/hv/lib/objects.c */
#include <stdlib.h>
#include <string.h>

#include <tests/hv/lib/objects.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_host.h>

#define CHECK_RULE(condition) ((condition) ? (void)0 : abort())

struct input {
    const uint8_t *bytes;
    size_t left;
};

static uint8_t next(struct input *input)
{
    if (input->left == 0)
        return 0;
    input->left--;
    return *input->bytes++;
}

static uint32_t next_word(struct input *input)
{
    uint32_t word = 0;

    for (unsigned i = 0; i < 4; i++)
        word = word << 8 | next(input);
    return word;
}

/* A piece of a path or of anything else; zero bytes are frequent. */
static size_t fill(struct input *input, char *to, size_t size)
{
    static const char *const pieces[32] = {"data",
                                           "/",
                                           "a",
                                           "b/c",
                                           "",
                                           "/local/domain/3/",
                                           "name",
                                           "@releaseDomain",
                                           "T",
                                           "F",
                                           "n3",
                                           "0",
                                           "device",
                                           "token",
                                           "x",
                                           "memory/target",
                                           "/local/domain/4/",
                                           "/local/domain/0/",
                                           "b3",
                                           "r4",
                                           "n4",
                                           "b4",
                                           "n0",
                                           "w0",
                                           "4",
                                           "3",
                                           "@introduceDomain",
                                           "/local/domain",
                                           "/vm",
                                           "error",
                                           "attr",
                                           "1"};
    size_t length = 0;

    for (unsigned count = next(input) % 8; count > 0; count--) {
        uint8_t choice = next(input);
        size_t piece = strlen(pieces[choice % 32]), copies = choice & 0x40 ? 40 : 1;

        for (; copies > 0 && length + piece + 1 < size; copies--) {
            memcpy(to + length, pieces[choice % 32], piece);
            length += piece;
        }
        if (choice & 0x80)
            to[length++] = '\0';
    }
    return length;
}

static void send_message(struct input *input)
{
    static char message[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
    struct xsd_sockmsg head = {next(input) % 24, next(input), next(input) % 8, 0};
    size_t size = fill(input, message + sizeof(head), XENSTORE_PAYLOAD_MAX), done = 0;

    head.len = (uint32_t)size;
    memcpy(message, &head, sizeof(head));
    size += sizeof(head);
    for (unsigned tries = 0; done < size && tries < 12; tries++) {
        done += host_put(message + done, size - done);
        xenstore_run(&host->domain);
    }
}

static void spoil(struct input *input)
{
    uint32_t *const indexes[] = {&host->page.ring.req_cons, &host->page.ring.req_prod, &host->page.ring.rsp_cons,
                                 &host->page.ring.rsp_prod};

    *indexes[next(input) % 4] += next_word(input) % 2048 - 1024;
}

static const struct {
    unsigned domid;
    bool privileged;
} guests[] = {{3, false}, {4, false}, {0, true}};
#define GUESTS (sizeof(guests) / sizeof(guests[0]))

static void end_and_come_again(void)
{
    unsigned guest = (unsigned)(host - host_guests);

    host_go();
    store_audit();
    host_come(guests[guest].domid, guests[guest].privileged);
    host_words = 0;
}

static void step(struct input *input)
{
    static char taken[XENSTORE_RING_SIZE];
    const uint8_t choice = next(input);
    uint8_t raw[32];

    if (choice < 160) {
        send_message(input);
    } else if (choice < 240) {
        (void)host_take(taken, choice < 200 ? sizeof(taken) : next(input));
    } else if (choice < 250) {
        for (size_t i = 0; i < sizeof(raw); i++)
            raw[i] = next(input);
        (void)host_put(raw, choice % sizeof(raw));
    } else if (choice < 253) {
        host = &host_guests[choice - 250];
    } else if (choice < 254) {
        end_and_come_again();
    } else {
        spoil(input);
    }
    xenstore_run(&host->domain);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t size)
{
    struct input input = {bytes, size};

    host_begin();
    for (size_t i = 1; i < GUESTS; i++) {
        host = &host_guests[i];
        host_come(guests[i].domid, guests[i].privileged);
    }
    host = host_guests;
    while (input.left > 0) {
        step(&input);
        CHECK_RULE(objects <= 1 + GUESTS);
        CHECK_RULE(host_words <= GUESTS);
    }
    store_audit();
    host_end();
    return 0;
}
