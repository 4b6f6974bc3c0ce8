/* SPDX-License-Identifier: MIT */
/*
 * In order: the ring, requests, all connections, one connection, what others write for it.  The ring is memory that the
 * guest can write at any time: each index is read once, each byte copied once.
 */
#include <abi/errno.h>
#include <abi/io.h>
#include <engine/port.h>
#include <hv/base/print.h>
#include <hv/domain/domain.h>
#include <hv/mem/allocate.h>
#include <hv/service/event_channel.h>
#include <hv/service/services.h>
#include <hv/service/store_device.h>
#include <hv/service/store_home.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_set.h>
#include <hv/service/store_transaction.h>
#include <hv/service/xenstore.h>

#define HEAD (sizeof(struct xsd_sockmsg))

struct store_connection {
    struct store_session session; /* first: the store has a list of them */
    struct hv_domain *domain;
    bool broken;  /* the guest's end makes no sense: not served any more, which says nothing of the domain (XSA-325) */
    bool serving; /* a vCPU of the guest is at it, and may have stepped back meanwhile */
    bool waiting; /* for a transaction that is preferred */
    uint32_t copied; /* of message */
    union {
        struct xsd_sockmsg head;
        char bytes[HEAD + XENSTORE_PAYLOAD_MAX];
    } message; /* the request that is coming in */
};

static struct store *store; /* NULL: no domain has a connection */
static void (*listener)(void);

typedef struct xenstore_domain_interface ring_t;

static ring_t *ring_of(const struct store_connection *connection)
{
    return connection->domain->services->store.ring;
}

static uint32_t read_index(const uint32_t *index)
{
    return __atomic_load_n(index, __ATOMIC_ACQUIRE);
}

static void write_index(uint32_t *index, uint32_t value)
{
    __atomic_store_n(index, value, __ATOMIC_RELEASE);
}

static void notify(struct store_connection *connection)
{
    event_notify(connection->domain, connection->domain->services->store.port);
}

static void give_up(struct store_connection *connection, uint32_t error, const char *why)
{
    connection->broken = true;
    store_session_disconnect(&connection->session);
    write_index(&ring_of(connection)->error, error);
    print("domain %u: its xenstore connection is closed, because %s\n", connection->session.domid, why);
}

/*
 * ---- The ring.
 */

/* Send what is waiting, as far as there is room.  Has anything gone? */
static bool send(struct store_connection *connection)
{
    ring_t *ring = ring_of(connection);
    uint32_t start = read_index(&ring->rsp_prod), at = start, used = at - read_index(&ring->rsp_cons);
    const char *bytes;
    size_t count;

    if (used > XENSTORE_RING_SIZE) {
        give_up(connection, XENSTORE_ERROR_RINGIDX, "the indexes of its ring of replies are impossible");
        return false;
    }
    while (used < XENSTORE_RING_SIZE && (bytes = store_session_output(&connection->session, &count))) {
        if (count > XENSTORE_RING_SIZE - used)
            count = XENSTORE_RING_SIZE - used;
        for (size_t i = 0; i < count; i++)
            __atomic_store_n(&ring->rsp[MASK_XENSTORE_IDX(at + i)], bytes[i], __ATOMIC_RELAXED);
        store_session_sent(&connection->session, count);
        at += (uint32_t)count;
        used += (uint32_t)count;
    }
    if (at != start)
        write_index(&ring->rsp_prod, at);
    return at != start;
}

/* How many bytes the request that is coming in has, as far as is known. */
static uint32_t message_size(const struct store_connection *connection)
{
    return (uint32_t)HEAD + (connection->copied < HEAD ? 0 : connection->message.head.len);
}

/* Copy from the ring's bytes @at to @end until the request is complete.  Returns where the next byte is. */
static uint32_t copy_request(struct store_connection *connection, uint32_t at, uint32_t end)
{
    const ring_t *ring = ring_of(connection);

    while (at != end && connection->copied < message_size(connection)) {
        if (connection->copied >= HEAD && connection->message.head.len > XENSTORE_PAYLOAD_MAX)
            break;
        connection->message.bytes[connection->copied++] =
            __atomic_load_n(&ring->req[MASK_XENSTORE_IDX(at++)], __ATOMIC_RELAXED);
    }
    return at;
}

/*
 * ---- Requests.
 */

/* What is left of replies goes out; then a request is taken, and carried out if it is complete.  Any progress? */
static bool serve_one(struct store_connection *connection)
{
    ring_t *ring = ring_of(connection);
    uint32_t at = read_index(&ring->req_cons), end = read_index(&ring->req_prod);
    bool moved = send(connection);
    size_t left;

    if (!connection->broken && end - at > XENSTORE_RING_SIZE)
        give_up(connection, XENSTORE_ERROR_RINGIDX, "the indexes of its ring of requests are impossible");
    if (connection->broken || at == end || store_session_output(&connection->session, &left))
        return moved;
    connection->waiting = store_transaction_must_wait(&connection->session);
    if (connection->waiting)
        return moved;
    write_index(&ring->req_cons, copy_request(connection, at, end));
    if (connection->copied >= HEAD && connection->message.head.len > XENSTORE_PAYLOAD_MAX) {
        give_up(connection, XENSTORE_ERROR_PROTO, "it sent a message that is longer than allowed");
    } else if (connection->copied >= HEAD && connection->copied == message_size(connection)) {
        store_session_handle(&connection->session, &connection->message.head, connection->message.bytes + HEAD);
        connection->copied = 0;
        (void)send(connection);
    }
    return true;
}

static struct store_connection *connection_of(struct store_session *session)
{
    return (struct store_connection *)session;
}

/* What one domain does makes events for others. */
static void send_to_others(const struct store_connection *connection)
{
    for (struct store_session *session = store ? store->sessions : NULL; session; session = session->next) {
        struct store_connection *other = connection_of(session);

        if (other != connection && !other->broken && send(other))
            notify(other);
    }
}

/*
 * As many requests as a ring can hold, so that this ends whatever the guest does to its indexes meanwhile; between two
 * of them others may run, if @yields.
 */
static void serve(struct store_connection *connection, bool yields)
{
    bool moved = false;

    connection->serving = true;
    for (unsigned i = 0; i < XENSTORE_RING_SIZE && serve_one(connection); i++) {
        moved = true;
        send_to_others(connection);
        if (yields && port_preempt_wanted()) {
            store_enter(store, NULL);
            port_yield();
        }
    }
    connection->serving = false;
    store_enter(store, NULL);
    if (moved || connection->broken)
        notify(connection);
}

/*
 * ---- All connections.
 */

/* A transaction that was preferred may have ended: those who waited go on. */
static void serve_waiting(void)
{
    for (struct store_session *session = store ? store->sessions : NULL; session; session = session->next) {
        struct store_connection *other = connection_of(session);

        if (other->waiting && !other->broken && !other->serving && !store_transaction_must_wait(session))
            serve(other, false);
    }
}

void xenstore_run(struct hv_domain *domain)
{
    struct store_connection *connection = domain->services->store.connection;

    if (!connection || connection->broken || connection->serving)
        return;
    serve(connection, true);
    serve_waiting();
    if (listener)
        listener();
}

void xenstore_listen(void (*changed)(void))
{
    listener = changed;
}

/*
 * ---- One connection.
 */

/* The store is there for as long as somebody has a connection. */
static bool begin_store(void)
{
    if (store)
        return true;
    store = allocate(sizeof(*store));
    if (store)
        store_init(store);
    return store;
}

static void end_store(void)
{
    if (store->sessions)
        return;
    release(store, sizeof(*store));
    store = NULL;
}

int xenstore_create(struct hv_domain *domain, mfn_t frame)
{
    struct domain_store *out = &domain->services->store;
    ring_t *ring = port_frame_map(frame);
    struct store_connection *connection;
    int error;

    if (!begin_store())
        return -XEN_ENOMEM;
    connection = allocate(sizeof(*connection));
    error = connection ? event_open_backend(domain, xenstore_run, &out->port) : -XEN_ENOMEM;
    if (error) {
        release(connection, sizeof(*connection));
        end_store();
        return error;
    }
    connection->domain = domain;
    store_session_begin(&connection->session, store, domain->engine.id.v, domain->engine.privileged);
    write_index(&ring->server_features, XENSTORE_SERVER_FEATURE_ERROR);
    *out = (struct domain_store){frame, ring, out->port, connection};
    return 0;
}

int xenstore_introduce(struct hv_domain *domain)
{
    struct store_connection *connection = domain->services->store.connection;
    int error = store_home_fill(&connection->session, domain);

    if (error)
        return error;
    store_session_introduce(&connection->session);
    send_to_others(connection);
    return 0;
}

void xenstore_destroy(struct hv_domain *domain)
{
    struct domain_store *out = &domain->services->store;

    if (!out->connection)
        return;
    store_session_end(&out->connection->session);
    release(out->connection, sizeof(*out->connection));
    *out = (struct domain_store){.frame = MFN_NONE};
    end_store();
    send_to_others(NULL);
    serve_waiting();
}

/*
 * ---- What others write for a domain.
 */

static struct store_session *session_of(const struct hv_domain *domain)
{
    return &domain->services->store.connection->session;
}

static bool hears(const struct hv_domain *domain)
{
    const struct store_connection *connection = domain->services->store.connection;

    return connection && !connection->broken;
}

int xenstore_write(struct hv_domain *domain, const char *name, struct store_text value)
{
    int error;

    if (!hears(domain))
        return -XEN_EIO;
    error = store_set(session_of(domain), store_home(session_of(domain)), name, value);
    send_to_others(NULL);
    return error;
}

int xenstore_write_vcpus(struct hv_domain *domain, unsigned online)
{
    int error;

    if (!hears(domain))
        return -XEN_EIO;
    error = store_home_set_vcpus(session_of(domain), domain->engine.nr_vcpus, online);
    send_to_others(NULL);
    return error;
}

/* What is written at @name, below the directory of @domain; no bytes at all: nothing. */
static struct store_text find_value(const struct hv_domain *domain, const char *name)
{
    char bytes[STORE_PLACE_MAX];
    const struct store_node *node;

    if (!hears(domain))
        return store_text("");
    store_enter(store, NULL);
    node = store_tree_find(&store->tree, store_set_path(store_home(session_of(domain)), store_text(name), bytes));
    return node ? (struct store_text){node->value->bytes, node->value->length} : store_text("");
}

bool xenstore_is_one(const struct hv_domain *domain, const char *name)
{
    return store_text_equal(find_value(domain, name), store_text("1"));
}

bool xenstore_read_number(const struct hv_domain *domain, const char *name, uint32_t *number)
{
    return store_read_number(find_value(domain, name), number);
}

int xenstore_write_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    int error = store_device_write(session_of(front), session_of(back), device);

    send_to_others(NULL);
    return error;
}

int xenstore_write_back_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device,
                               bool online)
{
    int error = store_device_write_back(session_of(front), session_of(back), device, online);

    send_to_others(NULL);
    return error;
}

void xenstore_give_up_device(struct hv_domain *front, unsigned back, const struct store_device *device)
{
    store_device_give_up(session_of(front), back, device);
    send_to_others(NULL);
}

int xenstore_close_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    int error = store_device_close(session_of(front), session_of(back), device);

    send_to_others(NULL);
    return error;
}

void xenstore_unplug_device(struct hv_domain *front, struct hv_domain *back, const struct store_device *device)
{
    store_device_remove(session_of(front), session_of(back), device);
    send_to_others(NULL);
}

void xenstore_remove_device(struct hv_domain *front, const struct store_device *device)
{
    store_device_remove_front(session_of(front), device);
    send_to_others(NULL);
}

bool xenstore_device_is_there(const struct hv_domain *front, const struct hv_domain *back,
                              const struct store_device *device)
{
    return store_device_is_there(session_of(front), session_of(back), device);
}

bool xenstore_device_is_new(const struct hv_domain *front, const struct hv_domain *back,
                            const struct store_device *device)
{
    return store_device_is_new(session_of(front), session_of(back), device);
}

bool xenstore_device_is_closed(const struct hv_domain *front, const struct hv_domain *back,
                               const struct store_device *device)
{
    return store_device_is_closed(session_of(front), session_of(back), device);
}
