/* SPDX-License-Identifier: MIT */
/*
 * Random requests of two domains, in transactions and outside, beside a model that keeps a few nodes in arrays and
 * shares nothing with the xenstore.  A transaction that has come through must be the same as if its requests had been
 * made in the moment of its end, one after the other: so the model makes them then, and compares each reply.  One
 * that has changed nothing may be of an earlier moment.  One that fails must have met another's change.  Domains end
 * and come again.  After each step store_audit() recounts everything.
 *
 * PARAVANE_MODEL_SEED chooses a single seed.
 */
/* links: hv/service/xenstore.c hv/service/store_account.c hv/service/store_change.c hv/service/store_device.c */
/* links: hv/service/store_home.c hv/service/store_operation.c hv/service/store_permissions.c */
/* links: hv/service/store_request.c hv/service/store_rights.c hv/service/store_session.c hv/service/store_set.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c hv/service/store_watch.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/store_audit.c */
/* links: tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

#define SEEDS    30u
#define STEPS    1500u
#define DOMAINS  2u
#define OPEN     2u  /* transactions of a domain */
#define LOG      16u /* requests of a transaction */
#define MOMENTS  64u /* that are remembered */
#define TEXT_MAX 64u

/*
 * ---- The model's state: below the part "data" of each domain, names of two letters two levels deep.
 */

#define NODES 7u /* of a domain: data, its two children, and their two each */

struct node {
    bool there;
    unsigned owner; /* a domain */
    char letter;    /* for all others */
    char other;     /* for @named, if it is not the owner; 0: nothing is said */
    unsigned named;
    char value[4];
};

struct moment {
    struct node nodes[DOMAINS][NODES];
};

static struct moment now, moments[MOMENTS];
static unsigned nr_moments; /* that there were; the last MOMENTS of them are known */

static const char *const names[NODES] = {"data", "data/a", "data/b", "data/a/a", "data/a/b", "data/b/a", "data/b/b"};
static const unsigned above[NODES] = {0, 0, 0, 1, 1, 2, 2};

enum what { READ, LIST, GET, WRITE, MAKE, REMOVE, SET, KINDS };
static const uint32_t types[KINDS] = {XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_WRITE, XS_MKDIR, XS_RM, XS_SET_PERMS};

struct request {
    enum what what;
    unsigned domain, node; /* whose node, and which */
    char value[4];
    char letter, other;
};

struct answer {
    char text[TEXT_MAX]; /* or the name of the error */
    size_t length;
    bool error;
};

static unsigned nearest(struct node *nodes, unsigned node)
{
    while (!nodes[node].there)
        node = above[node];
    return node;
}

static bool may(const struct node *node, unsigned who, char right)
{
    char letter = node->other && node->named == who ? node->other : node->letter;

    return node->owner == who || letter == 'b' || letter == right;
}

static void say(struct answer *answer, const char *text, size_t length)
{
    memcpy(answer->text + answer->length, text, length);
    answer->length += length;
}

static void refuse(struct answer *answer, const char *error)
{
    answer->length = 0;
    answer->error = true;
    say(answer, error, strlen(error) + 1);
}

static unsigned domid_of(unsigned domain)
{
    return 3 + domain;
}

static void say_entry(struct answer *answer, char letter, unsigned domain)
{
    char text[8];

    say(answer, text, (size_t)snprintf(text, sizeof(text), "%c%u", letter, domid_of(domain)) + 1);
}

static void model_look(struct node *nodes, unsigned which, enum what what, struct answer *answer)
{
    const struct node *node = &nodes[which];

    if (!node->there) {
        refuse(answer, "ENOENT");
    } else if (what == READ) {
        say(answer, node->value, strlen(node->value));
    } else if (what == GET) {
        say_entry(answer, node->letter, node->owner);
        if (node->other)
            say_entry(answer, node->other, node->named);
    } else {
        for (unsigned i = 1; i < NODES; i++) {
            if (above[i] == which && nodes[i].there)
                say(answer, strrchr(names[i], '/') + 1, 2);
        }
    }
}

static void model_make(struct node *nodes, unsigned which, unsigned who)
{
    if (nodes[which].there)
        return;
    model_make(nodes, above[which], who);
    nodes[which] = nodes[above[which]];
    nodes[which].owner = who;
    nodes[which].value[0] = '\0';
}

static void model_remove(struct node *nodes, unsigned which)
{
    nodes[which].there = false;
    for (unsigned i = which + 1; i < NODES; i++) {
        if (above[i] == which)
            model_remove(nodes, i);
    }
}

static void model_change(struct node *nodes, const struct request *request, unsigned who, struct answer *answer)
{
    struct node *node = &nodes[request->node];

    if (request->what == SET && nodes[nearest(nodes, request->node)].owner != who) {
        refuse(answer, "EACCES");
        return;
    }
    if (request->what == SET && !node->there) {
        refuse(answer, "ENOENT");
        return;
    }
    if (request->what == REMOVE && !node->there && !nodes[above[request->node]].there) {
        refuse(answer, "ENOENT");
        return;
    }
    say(answer, "OK", 3);
    if (request->what == SET) {
        node->letter = request->letter;
        node->other = request->other;
        node->named = !who;
    } else if (request->what == REMOVE) {
        if (node->there)
            model_remove(nodes, request->node);
    } else {
        model_make(nodes, request->node, who);
        if (request->what == WRITE)
            strcpy(node->value, request->value);
    }
}

static struct answer model_do(struct moment *moment, const struct request *request, unsigned who)
{
    struct node *nodes = moment->nodes[request->domain];
    const struct node *governs = &nodes[nearest(nodes, request->node)];
    struct answer answer = {.length = 0};

    if (!may(governs, who, request->what < WRITE ? 'r' : 'w'))
        refuse(&answer, "EACCES");
    else if (request->what < WRITE)
        model_look(nodes, request->node, request->what, &answer);
    else
        model_change(nodes, request, who, &answer);
    return answer;
}

static void remember(void)
{
    moments[++nr_moments % MOMENTS] = now;
}

static void model_come(unsigned domain)
{
    memset(now.nodes[domain], 0, sizeof(now.nodes[domain]));
    now.nodes[domain][0] = (struct node){.there = true, .owner = domain, .letter = 'n'};
}

/* What the domain owned goes, with all below it; who it was is named nowhere. */
static void model_go(unsigned domain)
{
    for (unsigned home = 0; home < DOMAINS; home++) {
        for (unsigned i = 0; i < NODES; i++) {
            struct node *node = &now.nodes[home][i];

            if (node->there && node->owner == domain)
                model_remove(now.nodes[home], i);
            else if (node->named == domain)
                node->other = 0;
        }
    }
    model_come(domain);
}

/*
 * ---- What is asked.
 */

static uint64_t random_state;

static unsigned draw(unsigned below)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (unsigned)(random_state >> 33) % below;
}

/* "data" itself stays: nobody could make it again. */
static struct request draw_request(void)
{
    static const char letters[] = "nrwb", others[] = {0, 'n', 'r', 'w', 'b', 'b'};
    struct request request = {.what = (enum what)draw(KINDS), .domain = draw(DOMAINS), .node = draw(NODES)};

    if (request.what == REMOVE && request.node == 0)
        request.node = 1 + draw(NODES - 1);
    if (request.what == SET && draw(2) == 0)
        request.node = draw(3);
    request.letter = letters[draw(4)];
    request.other = others[draw(sizeof(others))];
    snprintf(request.value, sizeof(request.value), "%u", draw(100));
    return request;
}

static size_t payload_of(const struct request *request, unsigned who, char *payload, size_t size)
{
    int length = snprintf(payload, size, "/local/domain/%u/%s", domid_of(request->domain), names[request->node]) + 1;

    if (request->what == WRITE)
        length += snprintf(payload + length, size - (size_t)length, "%s", request->value);
    if (request->what == SET)
        length += snprintf(payload + length, size - (size_t)length, "%c%u", request->letter, domid_of(who)) + 1;
    if (request->what == SET && request->other)
        length += snprintf(payload + length, size - (size_t)length, "%c%u", request->other, domid_of(!who)) + 1;
    return (size_t)length;
}

static struct answer ask(uint32_t transaction, const struct request *request, unsigned who)
{
    struct answer answer = {.length = 0};
    char payload[128];

    call_in(transaction, types[request->what], payload, payload_of(request, who, payload, sizeof(payload)));
    assert_true(reply.head.len <= sizeof(answer.text));
    answer.error = reply.head.type == XS_ERROR;
    say(&answer, reply.payload, reply.head.len);
    return answer;
}

static bool same(const struct answer *a, const struct answer *b)
{
    return a->error == b->error && a->length == b->length && memcmp(a->text, b->text, a->length) == 0;
}

/*
 * ---- Transactions.
 */

static struct open {
    uint32_t id;     /* 0: none */
    unsigned began;  /* the moment */
    unsigned length; /* of the log */
    struct request requests[LOG];
    struct answer answers[LOG];
} open[DOMAINS][OPEN];

/* Would the transaction have had the same replies, had it happened in @moment, which becomes what it is then? */
static bool replay(const struct open *each, struct moment *moment, unsigned who)
{
    for (unsigned i = 0; i < each->length; i++) {
        const struct answer answer = model_do(moment, &each->requests[i], who);

        if (!same(&answer, &each->answers[i]))
            return false;
    }
    return true;
}

/* Or in another moment since it began, and changed nothing then? */
static bool was_ever(const struct open *each, unsigned who)
{
    for (unsigned at = each->began; at <= nr_moments; at++) {
        struct moment copy = moments[at % MOMENTS];

        if (at + MOMENTS <= nr_moments)
            return true; /* or nobody knows any more */
        if (replay(each, &copy, who) && memcmp(&copy, &moments[at % MOMENTS], sizeof(copy)) == 0)
            return true;
    }
    return false;
}

static void commit(struct open *each, unsigned who, unsigned *committed, unsigned *failed)
{
    const uint64_t generation = audit_store()->tree.generation;
    struct moment after = now;

    call_in(each->id, XS_TRANSACTION_END, TEXT("T\0"));
    if (reply.head.type == XS_ERROR) {
        assert_error("EAGAIN");
        assert_int_not_equal(each->began, nr_moments);
        ++*failed;
    } else if (audit_store()->tree.generation == generation) {
        assert_true(was_ever(each, who));
        ++*committed;
    } else {
        assert_true(replay(each, &after, who));
        now = after;
        remember();
        ++*committed;
    }
    each->id = 0;
}

static void step_in_transaction(struct open *each, unsigned who, unsigned *committed, unsigned *failed)
{
    if (each->id == 0) {
        *each = (struct open){.id = start_transaction(), .began = nr_moments};
    } else if (each->length == LOG || draw(6) == 0) {
        commit(each, who, committed, failed);
    } else if (draw(20) == 0) {
        call_in(each->id, XS_TRANSACTION_END, TEXT("F\0"));
        assert_ok();
        each->id = 0;
    } else {
        each->requests[each->length] = draw_request();
        each->answers[each->length] = ask(each->id, &each->requests[each->length], who);
        each->length++;
    }
}

/*
 * ---- The runs.
 */

static void step_alone(unsigned who)
{
    const struct request request = draw_request();
    const struct answer seen = ask(0, &request, who), expected = model_do(&now, &request, who);

    assert_true(same(&seen, &expected));
    if (request.what >= WRITE && !seen.error)
        remember();
}

static void end_and_come_again(unsigned who)
{
    host_go();
    host_come(domid_of(who), false);
    memset(open[who], 0, sizeof(open[who]));
    model_go(who);
    remember();
}

static void run(uint64_t seed)
{
    unsigned committed = 0, failed = 0;

    random_state = seed;
    memset(open, 0, sizeof(open));
    nr_moments = 0;
    as(1);
    host_come(domid_of(1), false);
    for (unsigned i = 0; i < DOMAINS; i++)
        model_come(i);
    remember();
    for (unsigned i = 0; i < STEPS; i++) {
        unsigned who = draw(DOMAINS), what = draw(200);

        as(who);
        if (what == 0)
            end_and_come_again(who);
        else if (what < 60)
            step_alone(who);
        else
            step_in_transaction(&open[who][draw(OPEN)], who, &committed, &failed);
        store_audit();
    }
    assert_true(committed > STEPS / 50 && failed > STEPS / 100);
}

static void random_runs(void **state)
{
    const char *chosen = getenv("PARAVANE_MODEL_SEED");
    uint64_t first = chosen ? strtoull(chosen, NULL, 0) : 1;

    for (uint64_t seed = first; seed < first + (chosen ? 1 : SEEDS); seed++) {
        (void)xenstore_set_up(state);
        print_message("seed %llu\n", (unsigned long long)seed);
        run(seed);
        (void)xenstore_tear_down(state);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(random_runs)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
