/* SPDX-License-Identifier: MIT */
/* In order: events in a session's output; watches; what fires them. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_watch.h>

struct store_watch {
    struct store_watch *next;
    uint16_t path_length;
    uint16_t token_length;
    bool relative; /* the guest named it relative to its home, and hears of it in the same way */
    bool due;      /* an event did not fit into the output: it is sent as soon as there is room */
    char bytes[];  /* path, absolute; token */
};

static struct store_text watch_path(const struct store_watch *watch)
{
    return (struct store_text){watch->bytes, watch->path_length};
}

static struct store_text watch_token(const struct store_watch *watch)
{
    return (struct store_text){watch->bytes + watch->path_length, watch->token_length};
}

/*
 * ---- Events.
 */

void store_queue_head(struct store_session *session, const struct xsd_sockmsg *head)
{
    memcpy(&session->output[session->queued], head, STORE_HEAD);
    session->queued += (uint32_t)(STORE_HEAD + head->len);
}

/* Queue an event of @watch about @path.  False: it is too long (XSA-324), or there is no room. */
static bool queue_event(struct store_session *session, const struct store_watch *watch, struct store_text path)
{
    struct store_text token = watch_token(watch);
    size_t skip = watch->relative ? store_home(session).length + 1 : 0;
    struct xsd_sockmsg head = {.type = XS_WATCH_EVENT};
    struct store_reply event;

    path.bytes += skip;
    path.length -= skip;
    head.len = (uint32_t)(path.length + token.length + 2);
    if (head.len > XENSTORE_PAYLOAD_MAX || STORE_HEAD + head.len > STORE_OUTPUT_SIZE - session->queued)
        return false;
    event = (struct store_reply){&session->output[session->queued + STORE_HEAD], 0};
    store_reply_text(&event, path);
    store_reply_text(&event, token);
    store_queue_head(session, &head);
    return true;
}

/*
 * An event of a watch about itself says that anything may have changed: it stands for those that do not fit, so that
 * what waits for a domain that does not read is bounded (XSA-326).
 */
static void send_event(struct store_session *session, struct store_watch *watch, struct store_text path)
{
    if (!watch->due && !queue_event(session, watch, path))
        watch->due = true;
}

void store_watch_send_due(struct store_session *session)
{
    for (struct store_watch *watch = session->watches; watch; watch = watch->next) {
        if (watch->due && queue_event(session, watch, watch_path(watch)))
            watch->due = false;
    }
}

/*
 * ---- Watches.
 */

struct store_watch *store_watch_find(struct store_session *session, struct store_text path, struct store_text token)
{
    struct store_watch *watch = session->watches;

    while (watch && !(store_text_equal(watch_path(watch), path) && store_text_equal(watch_token(watch), token)))
        watch = watch->next;
    return watch;
}

int store_watch_add(struct store_session *session, struct store_text path, struct store_text token, bool relative)
{
    struct store_watch *watch, **last = &session->watches;

    if (path.length + token.length + 2 > XENSTORE_PAYLOAD_MAX ||
        (!session->privileged && session->nr_watches == STORE_WATCHES_MAX))
        return -XEN_E2BIG;
    watch = store_account_take(session->account, sizeof(*watch) + path.length + token.length);
    if (!watch)
        return -XEN_E2BIG;
    *watch = (struct store_watch){.path_length = (uint16_t)path.length,
                                  .token_length = (uint16_t)token.length,
                                  .relative = relative,
                                  .due = true};
    memcpy(watch->bytes, path.bytes, path.length);
    memcpy(watch->bytes + path.length, token.bytes, token.length);
    while (*last)
        last = &(*last)->next;
    *last = watch;
    session->nr_watches++;
    return 0;
}

void store_watch_remove(struct store_session *session, struct store_watch *watch)
{
    struct store_watch **link = &session->watches;

    while (*link != watch)
        link = &(*link)->next;
    *link = watch->next;
    session->nr_watches--;
    store_account_give(session->account, watch);
}

void store_watch_remove_all(struct store_session *session)
{
    while (session->watches)
        store_watch_remove(session, session->watches);
}

/*
 * ---- What fires them.
 */

#define FOR_EACH_WATCH(store, session, watch)                                                   \
    for (struct store_session *session = (store)->sessions; session; session = (session)->next) \
        for (struct store_watch *watch = (session)->watches; watch; watch = (watch)->next)

void store_watch_fire(struct store *store, const struct store_node *node, struct store_text path,
                      const struct store_permissions *before)
{
    FOR_EACH_WATCH(store, session, watch)
    {
        if (store_path_is_within(path, watch_path(watch)) &&
            (store_session_may(session, before, 'r') || store_session_may(session, &node->permissions, 'r')))
            send_event(session, watch, path);
    }
}

void store_watch_fire_removed(struct store *store, struct store_node *node, struct store_text path)
{
    FOR_EACH_WATCH(store, session, watch)
    {
        struct store_text own = watch_path(watch);

        if (store_path_is_within(path, own)) {
            if (store_session_may(session, &node->permissions, 'r'))
                send_event(session, watch, path);
        } else if (store_path_is_within(own, path)) {
            if (store_session_may(session, &store_node_find_nearest(node, path, own)->permissions, 'r'))
                send_event(session, watch, own);
        }
    }
}

void store_watch_fire_event(struct store *store, struct store_text event)
{
    FOR_EACH_WATCH(store, session, watch)
    {
        if (session->privileged && store_text_equal(watch_path(watch), event))
            send_event(session, watch, event);
    }
}
