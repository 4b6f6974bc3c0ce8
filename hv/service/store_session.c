/* SPDX-License-Identifier: MIT */
/* In order: the store, domains that come and go, messages. */
#include <abi/errno.h>
#include <engine/check.h>
#include <hv/base/string.h>
#include <hv/service/store_request.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_transaction.h>
#include <hv/service/store_watch.h>

/* Nobody but the control reads what is above the directories of domains.  An empty account has room for that. */
static struct store_node *make_node(struct store *store, struct store_node *parent, const char *name)
{
    struct store_node *node = NULL, **link;
    int error = store_node_new(&store->control, store_text(name), store_text(""), &node);

    CHECK(!error);
    node->rights = node->changed = node->listed = ++store->tree.generation;
    node->permissions = (struct store_permissions){1, {{.instance = STORE_CONTROL, .domid = 0, .letter = 'n'}}};
    if (parent) {
        (void)store_node_child(parent, store_text(name), &link);
        store_node_link(parent, node, link);
    }
    return node;
}

void store_init(struct store *store)
{
    store_account_init(&store->control);
    store->control.unlimited = true;
    store->last_instance = STORE_FIRST - 1;
    store->tree.root = make_node(store, NULL, "");
    (void)make_node(store, make_node(store, store->tree.root, "local"), "domain");
    (void)make_node(store, store->tree.root, "vm");
}

/*
 * ---- Domains.
 */

void store_session_begin(struct store_session *session, struct store *store, unsigned domid, bool privileged)
{
    struct store_reply home = {session->home, 0};
    struct store_session **last = &store->sessions;

    store_account_init(&session->own);
    session->store = store;
    session->instance = ++store->last_instance;
    session->domid = domid;
    session->privileged = privileged;
    session->account = privileged ? &store->control : &session->own;
    store_reply_number(&home, store_text("/local/domain/"), domid);
    while (*last)
        last = &(*last)->next;
    *last = session;
}

void store_session_introduce(struct store_session *session)
{
    session->introduced = true;
    store_watch_fire_event(session->store, store_text("@introduceDomain"));
}

void store_session_disconnect(struct store_session *session)
{
    store_watch_remove_all(session);
    store_transaction_drop_all(session);
}

/* It pays for the node, or owns it: nobody else is to (XSA-419). */
static bool belongs_to(const struct store_node *node, const struct store_session *session)
{
    return node->account == &session->own || store_permissions_own(&node->permissions, session->instance);
}

static void remove_nodes(struct store_session *session)
{
    struct store *store = session->store;
    struct store_node *node = store->tree.root, *next;

    while (node) {
        bool goes = belongs_to(node, session);

        next = store_node_following(node, !goes);
        if (goes)
            store_change_remove_now(store, node, store_node_path(node, store->path));
        node = next;
    }
}

/* Lists of permissions that name it do so no more: in the tree, and in what transactions are about to make. */
static void forget(struct store *store, uint32_t instance)
{
    for (struct store_node *node = store->tree.root; node; node = store_node_following(node, true)) {
        if (store_permissions_forget(&node->permissions, instance))
            node->rights = ++store->tree.generation;
    }
    for (struct store_session *session = store->sessions; session; session = session->next) {
        for (struct store_transaction *each = session->transactions; each; each = each->next)
            store_change_forget(each, instance);
    }
}

void store_session_end(struct store_session *session)
{
    struct store *store = session->store;
    struct store_session **link = &store->sessions;

    store_session_disconnect(session);
    store_enter(store, NULL);
    while (*link != session)
        link = &(*link)->next;
    *link = session->next;
    remove_nodes(session);
    forget(store, session->instance);
    if (session->introduced)
        store_watch_fire_event(store, store_text("@releaseDomain"));
}

/*
 * ---- Messages.
 */

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
 * The reply goes first.  Events that the request fires while it is carried out are collected behind the room for the
 * longest reply, and then move up to it.
 */
void store_session_handle(struct store_session *session, const struct xsd_sockmsg *head, const char *payload)
{
    const uint32_t reserved = (uint32_t)(STORE_HEAD + XENSTORE_PAYLOAD_MAX);
    struct xsd_sockmsg answer = *head;
    struct store_reply reply = {session->output + STORE_HEAD, 0};
    uint32_t events;
    int error;

    session->sent = 0;
    session->queued = reserved;
    error = store_request(session, head, payload, &reply);
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
