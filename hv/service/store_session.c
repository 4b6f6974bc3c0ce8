/* SPDX-License-Identifier: MIT */
/*
 * The xenstore's messages, in order: requests, the session.  A request sees the payload through struct
 * store_text; the reply is built where it will be sent from.
 */
#include <abi/errno.h>
#include <engine/types.h>
#include <hv/base/string.h>
#include <hv/service/store_parts.h>

struct request {
    struct xsd_sockmsg head;
    struct store_text rest; /* of the payload, what has not been looked at */
};

/*
 * ---- Requests.
 */

/* What a request works on: the tree itself, or a transaction's. */
struct target {
    struct store_transaction *transaction; /* NULL: none */
    struct store_tree *tree;
    struct store_text path;
};

static bool can_note_change(const struct target *target)
{
    return !target->transaction || store_transaction_has_room(target->transaction, target->path);
}

/* Something has changed at the target: watches fire, now or at the end of the transaction, which can note it. */
static void note_change(struct store_session *session, const struct target *target, bool removed)
{
    if (target->transaction)
        store_transaction_note(target->transaction, target->path, removed);
    else
        store_watch_fire(session, target->path, removed);
}

typedef int request_fn(struct store_session *session, struct request *request, struct store_reply *reply);

/* The absolute form of @path in session->path.  -XEN_EINVAL: not a good path. */
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

/* The path that the request begins with, and the tree that it means. */
static int read_target(struct store_session *session, struct request *request, struct target *target)
{
    int error = resolve(session, store_next_text(&request->rest), &target->path);

    if (error)
        return error;
    *target = (struct target){NULL, &session->tree, target->path};
    if (request->head.tx_id == 0)
        return 0;
    target->transaction = store_transaction_find(session, request->head.tx_id);
    if (!target->transaction)
        return -XEN_ENOENT;
    target->tree = &target->transaction->tree;
    return 0;
}

/*
 * The same, if the guest may read it: what it may not read is not told from what is not there, unless it may see that
 * from above.
 */
static int read_readable(struct store_session *session, struct request *request, struct target *target)
{
    int error = read_target(session, request, target);

    if (error)
        return error;
    return store_permissions_allow(store_tree_governing(target->tree, target->path), session->domid, 'r') ? 0
                                                                                                          : -XEN_EACCES;
}

/* The same for a request that changes something. */
static int read_writable(struct store_session *session, struct request *request, struct target *target)
{
    int error = read_target(session, request, target);

    if (error)
        return error;
    if (!store_permissions_allow(store_tree_governing(target->tree, target->path), session->domid, 'w'))
        return -XEN_EACCES;
    return can_note_change(target) ? 0 : -XEN_ENOSPC;
}

static int reply_ok(struct store_reply *reply)
{
    store_reply_text(reply, store_text("OK"));
    return 0;
}

static int do_read(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    struct store_text value;
    int error = read_readable(session, request, &target);

    if (!error)
        error = store_tree_read(target.tree, target.path, &value);
    if (error)
        return error;
    memcpy(reply->bytes, value.bytes, value.length);
    reply->length = value.length;
    return 0;
}

static int do_directory(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    int error = read_readable(session, request, &target);

    if (!error)
        error = store_tree_list(target.tree, target.path, 0, reply->bytes, XENSTORE_PAYLOAD_MAX, &reply->length);
    if (!error && reply->length > XENSTORE_PAYLOAD_MAX)
        error = -XEN_E2BIG;
    return error;
}

/* The generation, then names from an offset on; a zero byte more at the end of the last part. */
static int do_directory_part(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    size_t length, room;
    uint32_t skip;
    int error = read_readable(session, request, &target);

    if (error)
        return error;
    if (!store_read_number(store_next_text(&request->rest), &skip))
        return -XEN_EINVAL;
    store_reply_number(reply, store_text(""), target.tree->generation);
    room = XENSTORE_PAYLOAD_MAX - reply->length - 1;
    error = store_tree_list(target.tree, target.path, skip, reply->bytes + reply->length, room, &length);
    if (error)
        return error;
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

static int do_get_permissions(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    struct store_text permissions;
    int error = read_readable(session, request, &target);

    if (!error)
        error = store_tree_permissions(target.tree, target.path, &permissions);
    if (error)
        return error;
    memcpy(reply->bytes, permissions.bytes, permissions.length);
    reply->length = permissions.length;
    return 0;
}

/* A list of permissions, put together at @list.  -XEN_EINVAL: it is none. */
static int read_permissions(struct request *request, struct store_reply *list)
{
    while (request->rest.length > 0) {
        struct store_text text = store_next_text(&request->rest);

        if (!store_permission_is_good(text))
            return -XEN_EINVAL;
        store_reply_text(list, text);
    }
    if (list->length == 0)
        return -XEN_EINVAL;
    return list->length <= STORE_PERMISSIONS_MAX ? 0 : -XEN_ENOSPC;
}

/* The owner alone may, and stays the owner (XSA-352). */
static int do_set_permissions(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    struct store_reply permissions = {reply->bytes, 0};
    struct store_text list;
    int error = read_writable(session, request, &target);

    if (!error)
        error = read_permissions(request, &permissions);
    if (error)
        return error;
    list = (struct store_text){permissions.bytes, permissions.length};
    if (!store_permissions_own(store_tree_governing(target.tree, target.path), session->domid))
        return -XEN_EACCES;
    if (!store_permissions_own(list, session->domid))
        return -XEN_EPERM;
    error = store_tree_set_permissions(target.tree, target.path, list);
    if (error)
        return error;
    note_change(session, &target, false);
    return reply_ok(reply);
}

static int do_write(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    int error = read_writable(session, request, &target);

    if (!error)
        error = store_tree_write(target.tree, target.path, request->rest);
    if (error)
        return error;
    note_change(session, &target, false);
    return reply_ok(reply);
}

static int do_make(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    uint32_t before;
    int error = read_writable(session, request, &target);

    if (error)
        return error;
    before = target.tree->generation;
    error = store_tree_make(target.tree, target.path);
    if (error)
        return error;
    if (target.tree->generation != before)
        note_change(session, &target, false);
    return reply_ok(reply);
}

/* A node that is not there, under one that is, counts as removed. */
static int do_remove(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct target target;
    struct store_text above, value;
    int error = read_writable(session, request, &target);

    if (error)
        return error;
    error = store_tree_remove(target.tree, target.path);
    if (error == -XEN_ENOENT) {
        above = target.path;
        while (above.bytes[above.length - 1] != '/')
            above.length--;
        above.length--; /* the guest may write there: not the root */
        error = store_tree_read(target.tree, above, &value);
        return error ? error : reply_ok(reply);
    }
    if (error)
        return error;
    note_change(session, &target, true);
    return reply_ok(reply);
}

/* The path of a watch may also name an event, such as @releaseDomain, none of which ever comes. */
static int read_watch(struct store_session *session, struct request *request, struct store_text *path, bool *relative)
{
    *path = store_next_text(&request->rest);
    *relative = path->length > 0 && path->bytes[0] != '/' && path->bytes[0] != '@';
    if (path->length > 0 && path->bytes[0] == '@')
        return path->length <= XENSTORE_REL_PATH_MAX ? 0 : -XEN_EINVAL;
    return resolve(session, *path, path);
}

static int do_watch(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct store_text path, token;
    bool relative;
    int error = read_watch(session, request, &path, &relative);

    if (error)
        return error;
    token = store_next_text(&request->rest);
    if (store_watch_find(session, path, token))
        return -XEN_EEXIST;
    error = store_watch_add(session, path, token, relative);
    return error ? error : reply_ok(reply);
}

static int do_unwatch(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct store_text path;
    struct store_watch *watch;
    bool relative;
    int error = read_watch(session, request, &path, &relative);

    if (error)
        return error;
    watch = store_watch_find(session, path, store_next_text(&request->rest));
    if (!watch)
        return -XEN_ENOENT;
    store_watch_remove(session, watch);
    return reply_ok(reply);
}

static int do_transaction_start(struct store_session *session, struct request *request, struct store_reply *reply)
{
    uint32_t id;
    int error = request->head.tx_id != 0 ? -XEN_EBUSY : store_transaction_start(session, &id);

    if (!error)
        store_reply_number(reply, store_text(""), id);
    return error;
}

static int do_transaction_end(struct store_session *session, struct request *request, struct store_reply *reply)
{
    struct store_transaction *transaction = store_transaction_find(session, request->head.tx_id);
    struct store_text how = store_next_text(&request->rest);
    int error = 0;

    if (!transaction)
        return -XEN_ENOENT;
    if (!store_text_equal(how, store_text("T")) && !store_text_equal(how, store_text("F")))
        return -XEN_EINVAL;
    if (how.bytes[0] == 'T')
        error = store_transaction_commit(session, transaction);
    else
        store_transaction_drop(session, transaction);
    return error ? error : reply_ok(reply);
}

static int do_reset_watches(struct store_session *session, struct request *request, struct store_reply *reply)
{
    (void)request;
    store_watch_remove_all(session);
    store_transaction_drop_all(session);
    return reply_ok(reply);
}

static int do_get_domain_path(struct store_session *session, struct request *request, struct store_reply *reply)
{
    uint32_t domid;

    (void)session;
    if (!store_read_number(store_next_text(&request->rest), &domid) || domid >= STORE_DOMIDS)
        return -XEN_EINVAL;
    store_reply_number(reply, store_text("/local/domain/"), domid);
    return 0;
}

static int do_is_domain_introduced(struct store_session *session, struct request *request, struct store_reply *reply)
{
    uint32_t domid;

    if (!store_read_number(store_next_text(&request->rest), &domid) || domid >= STORE_DOMIDS)
        return -XEN_EINVAL;
    store_reply_text(reply, store_text(domid == session->domid ? "T" : "F"));
    return 0;
}

static int not_for_guests(struct store_session *session, struct request *request, struct store_reply *reply)
{
    (void)session;
    (void)request;
    (void)reply;
    return -XEN_EACCES;
}

static request_fn *const requests[] = {
    [XS_CONTROL] = not_for_guests,
    [XS_DIRECTORY] = do_directory,
    [XS_READ] = do_read,
    [XS_GET_PERMS] = do_get_permissions,
    [XS_WATCH] = do_watch,
    [XS_UNWATCH] = do_unwatch,
    [XS_TRANSACTION_START] = do_transaction_start,
    [XS_TRANSACTION_END] = do_transaction_end,
    [XS_INTRODUCE] = not_for_guests,
    [XS_RELEASE] = not_for_guests,
    [XS_GET_DOMAIN_PATH] = do_get_domain_path,
    [XS_WRITE] = do_write,
    [XS_MKDIR] = do_make,
    [XS_RM] = do_remove,
    [XS_SET_PERMS] = do_set_permissions,
    [XS_IS_DOMAIN_INTRODUCED] = do_is_domain_introduced,
    [XS_RESUME] = not_for_guests,
    [XS_SET_TARGET] = not_for_guests,
    [XS_RESET_WATCHES] = do_reset_watches,
    [XS_DIRECTORY_PART] = do_directory_part,
};

static const struct {
    int error;
    const char *name;
} error_names[] = {
    {-XEN_EINVAL, "EINVAL"}, {-XEN_EACCES, "EACCES"}, {-XEN_EEXIST, "EEXIST"}, {-XEN_ENOENT, "ENOENT"},
    {-XEN_ENOMEM, "ENOMEM"}, {-XEN_ENOSPC, "ENOSPC"}, {-XEN_ENOSYS, "ENOSYS"}, {-XEN_EBUSY, "EBUSY"},
    {-XEN_EAGAIN, "EAGAIN"}, {-XEN_E2BIG, "E2BIG"},   {-XEN_EPERM, "EPERM"},
};

static const char *error_name(int error)
{
    for (size_t i = 0; i < ARRAY_SIZE(error_names); i++) {
        if (error_names[i].error == error)
            return error_names[i].name;
    }
    return "EIO";
}

/*
 * ---- The session.
 */

void store_session_init(struct store_session *session, unsigned domid)
{
    struct store_reply home = {session->home, 0};

    memset(session, 0, sizeof(*session));
    session->domid = domid;
    store_reply_number(&home, store_text("/local/domain/"), domid);
    store_tree_init(&session->tree);
}

void store_session_end(struct store_session *session)
{
    store_transaction_drop_all(session);
}

/*
 * The reply goes first.  Events that the request fires while it is carried out are collected behind the room for the
 * longest reply, and then move up to it.
 */
void store_session_handle(struct store_session *session, const struct xsd_sockmsg *head, const char *payload)
{
    const uint32_t reserved = (uint32_t)(STORE_HEAD + XENSTORE_PAYLOAD_MAX);
    struct request request = {*head, {payload, head->len}};
    request_fn *run = TABLE_FIND(requests, head->type);
    struct xsd_sockmsg answer = *head;
    struct store_reply reply = {session->output + STORE_HEAD, 0};
    uint32_t events;
    int error = -XEN_ENOSYS;

    session->sent = 0;
    session->queued = reserved;
    if (run)
        error = run(session, &request, &reply);
    if (error) {
        answer.type = XS_ERROR;
        reply.length = 0;
        store_reply_text(&reply, store_text(error_name(error)));
    }
    answer.len = (uint32_t)reply.length;
    events = session->queued - reserved;
    session->queued = 0;
    store_queue_head(session, &answer);
    memmove(&session->output[session->queued], &session->output[reserved], events);
    session->queued += events;
    store_watch_send_due(session);
}

const char *store_session_output(struct store_session *session, size_t *count)
{
    if (session->sent == session->queued) {
        session->sent = 0;
        session->queued = 0;
        store_watch_send_due(session);
    }
    *count = session->queued - session->sent;
    return *count > 0 ? &session->output[session->sent] : NULL;
}

void store_session_sent(struct store_session *session, size_t count)
{
    session->sent += (uint32_t)count;
}

int store_session_write(struct store_session *session, struct store_text path, struct store_text value)
{
    int error = store_tree_write(&session->tree, path, value);

    if (!error)
        store_watch_fire(session, path, false);
    return error;
}

int store_session_set_permissions(struct store_session *session, struct store_text path, struct store_text list)
{
    return store_tree_set_permissions(&session->tree, path, list);
}
