/* SPDX-License-Identifier: MIT */
/*
 * In order: what a request is about; nodes; watches; transactions; domains; the table.  A request sees its payload
 * through struct store_text; the reply is built where it will be sent from.
 */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_operation.h>
#include <hv/service/store_request.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_transaction.h>
#include <hv/service/store_watch.h>

struct request {
    struct store_session *session;
    struct store_transaction *transaction; /* that it names; a nameless one outside */
    struct store_text rest;                /* of the payload, what has not been looked at */
};

typedef int request_fn(struct request *request, struct store_reply *reply);

/*
 * ---- What a request is about.
 */

/* The absolute form of @path, in session->path.  -XEN_EINVAL: not a good path. */
static int resolve(struct store_session *session, struct store_text path, struct store_text *absolute)
{
    struct store_text home = store_home(session);
    bool relative = path.length == 0 || path.bytes[0] != '/';
    size_t before = relative ? home.length + 1 : 0;

    if (path.length == 0 || path.length > (relative ? XENSTORE_REL_PATH_MAX : XENSTORE_ABS_PATH_MAX))
        return -XEN_EINVAL;
    if (relative) {
        memcpy(session->path, home.bytes, home.length);
        session->path[home.length] = '/';
    }
    memcpy(session->path + before, path.bytes, path.length);
    *absolute = (struct store_text){session->path, before + path.length};
    return store_path_is_good(*absolute) ? 0 : -XEN_EINVAL;
}
_Static_assert(XENSTORE_REL_PATH_MAX + STORE_HOME_MAX <= STORE_PATH_MAX, "a relative path fits behind home");
_Static_assert(XENSTORE_ABS_PATH_MAX <= STORE_PATH_MAX, "so does an absolute one");

/* The path that the request begins with. */
static int read_path(struct request *request, struct store_text *path)
{
    return resolve(request->session, store_next_text(&request->rest), path);
}

static int read_domid(struct request *request, uint32_t *domid)
{
    bool good = store_read_number(store_next_text(&request->rest), domid) && *domid < STORE_DOMIDS;

    return good ? 0 : -XEN_EINVAL;
}

static int reply_ok(struct store_reply *reply)
{
    store_reply_text(reply, store_text("OK"));
    return 0;
}

/*
 * ---- Nodes.
 */

/* The node that the request is about, which the domain may read. */
static int find_node(struct request *request, unsigned what, struct store_node **node)
{
    struct store_text path;
    int error = read_path(request, &path);

    return error ? error : store_operation_find(request->transaction, path, what, node);
}

static int do_read(struct request *request, struct store_reply *reply)
{
    struct store_node *node;
    int error = find_node(request, STORE_LOOK_VALUE, &node);

    if (error)
        return error;
    memcpy(reply->bytes, node->value->bytes, node->value->length);
    reply->length = node->value->length;
    return 0;
}
_Static_assert(STORE_VALUE_MAX <= XENSTORE_PAYLOAD_MAX, "a value fits into a reply");

static int do_directory(struct request *request, struct store_reply *reply)
{
    struct store_node *node;
    int error = find_node(request, STORE_LOOK_LIST, &node);

    if (error)
        return error;
    reply->length = store_node_list(node, 0, reply->bytes, XENSTORE_PAYLOAD_MAX);
    return reply->length > XENSTORE_PAYLOAD_MAX ? -XEN_E2BIG : 0;
}

/* The list's generation, then names from an offset on; a zero byte more at the end of the last part. */
static int do_directory_part(struct request *request, struct store_reply *reply)
{
    struct store_node *node;
    size_t length, room;
    uint32_t skip;
    int error = find_node(request, STORE_LOOK_LIST, &node);

    if (error)
        return error;
    if (!store_read_number(store_next_text(&request->rest), &skip))
        return -XEN_EINVAL;
    store_reply_number(reply, store_text(""), node->listed);
    room = XENSTORE_PAYLOAD_MAX - reply->length - 1;
    length = store_node_list(node, skip, reply->bytes + reply->length, room);
    if (skip > length)
        return -XEN_EINVAL;
    length -= skip;
    reply->length += length < room ? length : room;
    if (length <= room) {
        reply->bytes[reply->length++] = '\0';
        return 0;
    }
    while (reply->bytes[reply->length - 1] != '\0')
        reply->length--; /* names are not cut */
    return 0;
}

static int do_get_permissions(struct request *request, struct store_reply *reply)
{
    struct store_node *node;
    int error = find_node(request, 0, &node);

    if (!error)
        store_permissions_write(&node->permissions, reply);
    return error;
}

static int do_set_permissions(struct request *request, struct store_reply *reply)
{
    struct store_text path;
    int error = read_path(request, &path);

    if (!error)
        error = store_operation_set_permissions(request->transaction, path, request->rest);
    return error ? error : reply_ok(reply);
}

static int do_write(struct request *request, struct store_reply *reply)
{
    struct store_text path;
    int error = read_path(request, &path);

    if (!error)
        error = store_operation_write(request->transaction, path, request->rest);
    return error ? error : reply_ok(reply);
}

static int do_make(struct request *request, struct store_reply *reply)
{
    struct store_text path;
    int error = read_path(request, &path);

    if (!error)
        error = store_operation_make(request->transaction, path);
    return error ? error : reply_ok(reply);
}

static int do_remove(struct request *request, struct store_reply *reply)
{
    struct store_text path;
    int error = read_path(request, &path);

    if (!error)
        error = store_operation_remove(request->transaction, path);
    return error ? error : reply_ok(reply);
}

/*
 * ---- Watches: what they fire for is outside transactions.
 */

/* The path of a watch may also name an event, such as @releaseDomain. */
static int read_watch(struct request *request, struct store_text *path, struct store_text *token, bool *relative)
{
    struct store_text named = store_next_text(&request->rest);
    bool event = named.length > 0 && named.bytes[0] == '@';

    if (request->rest.length == 0)
        return -XEN_EINVAL;
    *token = store_next_text(&request->rest);
    *relative = !event && named.length > 0 && named.bytes[0] != '/';
    if (request->rest.length > 0)
        return -XEN_EINVAL;
    if (!event)
        return resolve(request->session, named, path);
    *path = named;
    return named.length <= XENSTORE_REL_PATH_MAX ? 0 : -XEN_EINVAL;
}

static int do_watch(struct request *request, struct store_reply *reply)
{
    struct store_text path, token;
    bool relative;
    int error = read_watch(request, &path, &token, &relative);

    if (error)
        return error;
    if (store_watch_find(request->session, path, token))
        return -XEN_EEXIST;
    error = store_watch_add(request->session, path, token, relative);
    return error ? error : reply_ok(reply);
}

static int do_unwatch(struct request *request, struct store_reply *reply)
{
    struct store_text path, token;
    struct store_watch *watch;
    bool relative;
    int error = read_watch(request, &path, &token, &relative);

    if (error)
        return error;
    watch = store_watch_find(request->session, path, token);
    if (!watch)
        return -XEN_ENOENT;
    store_watch_remove(request->session, watch);
    return reply_ok(reply);
}

static int do_reset_watches(struct request *request, struct store_reply *reply)
{
    store_watch_remove_all(request->session);
    store_transaction_drop_all(request->session);
    return reply_ok(reply);
}

/*
 * ---- Transactions.
 */

static int do_transaction_start(struct request *request, struct store_reply *reply)
{
    uint32_t id;
    int error = request->transaction->id != 0 ? -XEN_EBUSY : store_transaction_start(request->session, &id);

    if (!error)
        store_reply_number(reply, store_text(""), id);
    return error;
}

static int do_transaction_end(struct request *request, struct store_reply *reply)
{
    struct store_text how = store_next_text(&request->rest);
    int error = 0;

    if (request->transaction->id == 0)
        return -XEN_ENOENT;
    if (!store_text_equal(how, store_text("T")) && !store_text_equal(how, store_text("F")))
        return -XEN_EINVAL;
    if (how.bytes[0] == 'T')
        error = store_transaction_commit(request->transaction);
    else
        store_transaction_drop(request->transaction);
    return error ? error : reply_ok(reply);
}

/*
 * ---- Domains.
 */

static int do_get_domain_path(struct request *request, struct store_reply *reply)
{
    uint32_t domid;
    int error = read_domid(request, &domid);

    if (!error)
        store_reply_number(reply, store_text("/local/domain/"), domid);
    return error;
}

/* Who else there is is not for everybody to know. */
static int do_is_domain_introduced(struct request *request, struct store_reply *reply)
{
    const struct store_session *session = request->session;
    uint32_t domid;
    int error = read_domid(request, &domid);

    if (error)
        return error;
    if (domid != session->domid && !session->privileged)
        return -XEN_EACCES;
    store_reply_text(reply, store_text(store_session_of(session->store, domid) ? "T" : "F"));
    return 0;
}

/* The hypervisor does itself what tools ask for elsewhere. */
static int not_for_guests(struct request *request, struct store_reply *reply)
{
    (void)reply;
    return request->session->privileged ? -XEN_ENOSYS : -XEN_EACCES;
}

/*
 * ---- The table.
 */

static const struct {
    request_fn *run;
    bool inside; /* it works in the transaction that it names; the others do not care */
} requests[] = {
    [XS_CONTROL] = {not_for_guests, false},
    [XS_DIRECTORY] = {do_directory, true},
    [XS_READ] = {do_read, true},
    [XS_GET_PERMS] = {do_get_permissions, true},
    [XS_WATCH] = {do_watch, false},
    [XS_UNWATCH] = {do_unwatch, false},
    [XS_TRANSACTION_START] = {do_transaction_start, true},
    [XS_TRANSACTION_END] = {do_transaction_end, true},
    [XS_INTRODUCE] = {not_for_guests, false},
    [XS_RELEASE] = {not_for_guests, false},
    [XS_GET_DOMAIN_PATH] = {do_get_domain_path, false},
    [XS_WRITE] = {do_write, true},
    [XS_MKDIR] = {do_make, true},
    [XS_RM] = {do_remove, true},
    [XS_SET_PERMS] = {do_set_permissions, true},
    [XS_IS_DOMAIN_INTRODUCED] = {do_is_domain_introduced, false},
    [XS_RESUME] = {not_for_guests, false},
    [XS_SET_TARGET] = {not_for_guests, false},
    [XS_RESET_WATCHES] = {do_reset_watches, false},
    [XS_DIRECTORY_PART] = {do_directory_part, true},
};

/* Outside a transaction a request is one of its own, which looks at one moment only. */
static int run_alone(request_fn *run, struct request *request, struct store_reply *reply)
{
    struct store_transaction alone = {.session = request->session};
    int error;

    request->transaction = &alone;
    store_enter(request->session->store, NULL);
    error = run(request, reply);
    if (error)
        store_change_cut(&alone, NULL);
    else
        error = store_change_settle_all(&alone);
    return error;
}

int store_request(struct store_session *session, const struct xsd_sockmsg *head, const char *payload,
                  struct store_reply *reply)
{
    struct request request = {session, NULL, {payload, head->len}};
    request_fn *run = head->type < ARRAY_SIZE(requests) ? requests[head->type].run : NULL;

    if (!run)
        return -XEN_ENOSYS;
    if (head->tx_id == 0 || !requests[head->type].inside)
        return run_alone(run, &request, reply);
    request.transaction = store_transaction_find(session, head->tx_id);
    if (!request.transaction)
        return -XEN_ENOENT;
    if (head->type != XS_TRANSACTION_END)
        store_enter(session->store, request.transaction);
    return run(&request, reply);
}
