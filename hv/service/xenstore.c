/* SPDX-License-Identifier: MIT */
/*
 * The xenstore's ring, and what stands in the tree when the guest starts.  The ring is memory that the guest can write
 * at any time: each index is read once, each byte copied once.
 */
#include <abi/errno.h>
#include <abi/io.h>
#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/base/string.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>
#include <hv/service/event_channel.h>
#include <hv/service/services.h>
#include <hv/service/store_session.h>
#include <hv/service/xenstore.h>

#define HEAD (sizeof(struct xsd_sockmsg))

struct store {
    struct store_session session;
    bool filled;     /* the tree is: at the first notification, when everything of the domain is known */
    bool broken;     /* the guest's end makes no sense: not served any more */
    uint32_t copied; /* of message */
    union {
        struct xsd_sockmsg head;
        char bytes[HEAD + XENSTORE_PAYLOAD_MAX];
    } message; /* the request that is coming in */
};

typedef struct xenstore_domain_interface ring_t;

static uint32_t read_index(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void write_index(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void give_up(struct hv_domain *domain, uint32_t error, const char *why)
{
    ring_t *ring = domain->services->store.ring;

    domain->services->store.store->broken = true;
    write_index(&ring->error, error);
    print("domain %u: its xenstore connection is closed, because %s\n", domain->engine.id.v, why);
}

/*
 * ---- The ring.
 */

/* Send what is waiting, as far as there is room.  Has anything gone? */
static bool send(struct hv_domain *domain, ring_t *ring)
{
    struct store *store = domain->services->store.store;
    uint32_t start = read_index(&ring->rsp_prod), at = start, used = at - read_index(&ring->rsp_cons);
    const char *bytes;
    size_t count;

    if (used > XENSTORE_RING_SIZE) {
        give_up(domain, XENSTORE_ERROR_RINGIDX, "the indexes of its ring of replies are impossible");
        return false;
    }
    while (used < XENSTORE_RING_SIZE && (bytes = store_session_output(&store->session, &count))) {
        if (count > XENSTORE_RING_SIZE - used)
            count = XENSTORE_RING_SIZE - used;
        for (size_t i = 0; i < count; i++)
            __atomic_store_n(&ring->rsp[MASK_XENSTORE_IDX(at + i)], bytes[i], __ATOMIC_RELAXED);
        store_session_sent(&store->session, count);
        at += (uint32_t)count;
        used += (uint32_t)count;
    }
    if (at != start)
        write_index(&ring->rsp_prod, at);
    return at != start;
}

/* How many bytes the request that is coming in has, as far as is known. */
static uint32_t message_size(const struct store *store)
{
    return (uint32_t)HEAD + (store->copied < HEAD ? 0 : store->message.head.len);
}

/* Copy from the ring's bytes @at to @end until the request is complete.  Returns where the next byte is. */
static uint32_t copy_request(struct store *store, const ring_t *ring, uint32_t at, uint32_t end)
{
    while (at != end && store->copied < message_size(store)) {
        if (store->copied >= HEAD && store->message.head.len > XENSTORE_PAYLOAD_MAX)
            break;
        store->message.bytes[store->copied++] = __atomic_load_n(&ring->req[MASK_XENSTORE_IDX(at++)], __ATOMIC_RELAXED);
    }
    return at;
}

/* Carry out the requests between @at and @end, one by one, as long as their replies go out. */
static bool serve(struct hv_domain *domain, ring_t *ring, uint32_t at, uint32_t end)
{
    struct store *store = domain->services->store.store;
    bool moved = send(domain, ring);
    size_t left;

    while (!store->broken && at != end && !store_session_output(&store->session, &left)) {
        at = copy_request(store, ring, at, end);
        write_index(&ring->req_cons, at);
        moved = true;
        if (store->copied >= HEAD && store->message.head.len > XENSTORE_PAYLOAD_MAX) {
            give_up(domain, XENSTORE_ERROR_PROTO, "it sent a message that is longer than allowed");
        } else if (store->copied == message_size(store) && store->copied >= HEAD) {
            store_session_handle(&store->session, &store->message.head, store->message.bytes + HEAD);
            store->copied = 0;
            (void)send(domain, ring);
        }
    }
    return moved;
}

/*
 * ---- The tree at the start.
 */

#define PLACE_MAX     128u
#define CONSOLE_LIMIT 1048576u /* bytes of output that are kept where a back end keeps it */

static void append(char *to, size_t *length, struct store_text text)
{
    for (size_t i = 0; i < text.length && *length < PLACE_MAX; i++)
        to[(*length)++] = text.bytes[i];
}

/* The path of @name, below @above, in @bytes of PLACE_MAX bytes. */
static struct store_text path_below(const char *above, const char *name, char *bytes)
{
    size_t length = 0;

    append(bytes, &length, store_text(above));
    append(bytes, &length, store_text("/"));
    append(bytes, &length, store_text(name));
    return (struct store_text){bytes, length};
}

/* Write @value at @name, below @above. */
static int set(struct store_session *session, const char *above, const char *name, struct store_text value)
{
    char bytes[PLACE_MAX];

    return store_session_write(session, path_below(above, name, bytes), value);
}

static int set_number(struct store_session *session, const char *above, const char *name, uint64_t number)
{
    char digits[STORE_DIGITS_MAX];

    return set(session, above, name, (struct store_text){digits, store_put_number(digits, number)});
}

/* The guest owns the node at @path, and nobody else sees it. */
static int give(struct store_session *session, struct store_text path)
{
    char bytes[2 + STORE_DIGITS_MAX] = {'n'};
    size_t length = 1 + store_put_number(bytes + 1, session->domid);

    return store_session_set_permissions(session, path, (struct store_text){bytes, length + 1});
}

/* The guest may read the node at @path. */
static int show(struct store_session *session, struct store_text path)
{
    char bytes[5 + STORE_DIGITS_MAX] = {'n', '0', '\0', 'r'};
    size_t length = 4 + store_put_number(bytes + 4, session->domid);

    return store_session_set_permissions(session, path, (struct store_text){bytes, length + 1});
}

static int fill_vcpus(struct store_session *session, unsigned count)
{
    char name[PLACE_MAX];
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++) {
        size_t length = 0;

        append(name, &length, store_text("cpu/"));
        length += store_put_number(name + length, i);
        append(name, &length, store_text("/availability"));
        name[length] = '\0';
        error = set(session, session->home, name, store_text("online"));
    }
    return error;
}

/* What any guest finds below its directory, and whether it may write there.  Domains of xl(1) have the same. */
static const struct {
    const char *name, *value;
    bool own;
} nodes[] = {
    {"device", "", false},
    {"device/suspend/event-channel", "", true},
    {"control/shutdown", "", true},
    {"control/feature-poweroff", "", true},
    {"control/feature-reboot", "", true},
    {"control/feature-suspend", "", true},
    {"control/sysrq", "", true},
    {"control/platform-feature-multiprocessor-suspend", "1", false},
    {"control/platform-feature-xs_reset_watches", "1", false},
    {"data", "", true},
    {"drivers", "", true},
    {"feature", "", true},
    {"attr", "", true},
    {"error", "", true},
    {"memory/videoram", "0", false},
};

/* Of the whole tree the guest sees its own directory. */
static int fill_home(struct store_session *session)
{
    struct store_text home = store_text(session->home);
    char bytes[PLACE_MAX];
    int error = store_session_set_permissions(session, store_text("/"), (struct store_text){"n0", sizeof("n0")});

    error |= store_session_write(session, home, store_text(""));
    error |= show(session, home);
    for (size_t i = 0; i < ARRAY_SIZE(nodes); i++) {
        error |= set(session, session->home, nodes[i].name, store_text(nodes[i].value));
        if (nodes[i].own)
            error |= give(session, path_below(session->home, nodes[i].name, bytes));
    }
    return error;
}

/* There is no terminal behind the console that the guest could be told of. */
static int fill_console(struct store_session *session, const struct domain_console *console)
{
    const char *home = session->home;
    char backend[PLACE_MAX];
    size_t length = 0;
    int error;

    append(backend, &length, store_text("/local/domain/0/backend/console/"));
    length += store_put_number(backend + length, session->domid);
    append(backend, &length, store_text("/0"));
    error = set(session, home, "console/backend", (struct store_text){backend, length});
    error |= set_number(session, home, "console/backend-id", 0);
    error |= set_number(session, home, "console/limit", CONSOLE_LIMIT);
    error |= set(session, home, "console/type", store_text("paravane"));
    error |= set(session, home, "console/output", store_text("pty"));
    error |= set(session, home, "console/tty", store_text(""));
    error |= set_number(session, home, "console/port", console->port);
    error |= set_number(session, home, "console/ring-ref", console->frame.v);
    return error;
}

/* As what starts domains elsewhere leaves it for a guest that has no devices. */
static int fill(struct store_session *session, const struct hv_domain *domain)
{
    static const char vm[] = "/vm/00000000-0000-0000-0000-000000000000"; /* as XENVER_guest_handle */
    const char *home = session->home;
    uint64_t kib = domain->engine.max_frames * (PAGE_SIZE / 1024);
    int error = fill_home(session);

    error |= set(session, home, "vm", store_text(vm));
    error |= set(session, home, "name", store_text(domain->name));
    error |= set_number(session, home, "domid", domain->engine.id.v);
    error |= set_number(session, home, "memory/target", kib);
    error |= set_number(session, home, "memory/static-max", kib);
    error |= set_number(session, home, "store/port", domain->services->store.port);
    error |= set_number(session, home, "store/ring-ref", domain->services->store.frame.v);
    if (domain->services->console.ring)
        error |= fill_console(session, &domain->services->console);
    error |= store_session_write(session, store_text(vm), store_text(""));
    error |= show(session, store_text(vm));
    error |= set(session, vm, "name", store_text(domain->name));
    error |= set(session, vm, "uuid", store_text(vm + sizeof("/vm/") - 1));
    return error | fill_vcpus(session, domain->engine.nr_vcpus);
}

/*
 * ---- The connection.
 */

void xenstore_run(struct hv_domain *domain)
{
    ring_t *ring = domain->services->store.ring;
    struct store *store = domain->services->store.store;
    uint32_t at, end;

    if (!ring || store->broken)
        return;
    if (!store->filled && fill(&store->session, domain))
        give_up(domain, XENSTORE_ERROR_COMM, "what it starts with does not fit into it");
    store->filled = true;
    at = read_index(&ring->req_cons);
    end = read_index(&ring->req_prod);
    if (end - at > XENSTORE_RING_SIZE)
        give_up(domain, XENSTORE_ERROR_RINGIDX, "the indexes of its ring of requests are impossible");
    else if (!serve(domain, ring, at, end) && !store->broken)
        return;
    event_notify(domain, domain->services->store.port);
}

int xenstore_create(struct hv_domain *domain, mfn_t frame)
{
    struct domain_store *out = &domain->services->store;
    ring_t *ring = port_frame_map(frame);
    struct store *store = allocate(sizeof(*store));
    int error;

    if (!store)
        return -XEN_ENOMEM;
    error = event_open_backend(domain, xenstore_run, &out->port);
    if (error) {
        release(store, sizeof(*store));
        return error;
    }
    out->frame = frame;
    store_session_init(&store->session, domain->engine.id.v);
    write_index(&ring->server_features, XENSTORE_SERVER_FEATURE_ERROR);
    out->store = store;
    out->ring = ring;
    return 0;
}

void xenstore_destroy(struct hv_domain *domain)
{
    struct domain_store *out = &domain->services->store;

    if (!out->store)
        return;
    store_session_end(&out->store->session);
    release(out->store, sizeof(*out->store));
    *out = (struct domain_store){.frame = MFN_NONE};
}
