/* SPDX-License-Identifier: MIT */
/* The watches of a xenstore session: one behind the other, like the nodes of a tree. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_parts.h>

struct store_watch {
    uint16_t size;
    uint16_t path_length;
    uint16_t token_length;
    uint8_t relative; /* the guest named it relative to its home, and hears of it in the same way */
    uint8_t due;      /* an event did not fit into the output: it is sent as soon as there is room */
    char bytes[];     /* path, absolute; token */
};
_Static_assert(sizeof(struct store_watch) % 8 == 0, "watches are aligned");

static struct store_watch *watch_at(struct store_session *session, uint32_t offset)
{
    return (struct store_watch *)(void *)&session->watches[offset];
}

static struct store_text watch_path(const struct store_watch *watch)
{
    return (struct store_text){watch->bytes, watch->path_length};
}

static struct store_text watch_token(const struct store_watch *watch)
{
    return (struct store_text){watch->bytes + watch->path_length, watch->token_length};
}

#define FOR_EACH_WATCH(session, watch)                                \
    for (struct store_watch *watch = watch_at(session, 0);            \
         (uint8_t *)watch < session->watches + session->watches_used; \
         watch = (struct store_watch *)(void *)((uint8_t *)watch + watch->size))

/* Queue an event of @watch about @path.  False: it is too long, or there is no room. */
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

/* An event of a watch about itself says that anything may have changed: it stands for those that do not fit. */
static void send_event(struct store_session *session, struct store_watch *watch, struct store_text path)
{
    if (!queue_event(session, watch, path))
        watch->due = 1;
}

void store_watch_send_due(struct store_session *session)
{
    FOR_EACH_WATCH(session, watch)
    {
        if (watch->due && queue_event(session, watch, watch_path(watch)))
            watch->due = 0;
    }
}

/* The node at @path has changed, or has been removed with all below it. */
void store_watch_fire(struct store_session *session, struct store_text path, bool removed)
{
    FOR_EACH_WATCH(session, watch)
    {
        if (store_path_is_within(path, watch_path(watch)))
            send_event(session, watch, path);
        else if (removed && store_path_is_within(watch_path(watch), path))
            send_event(session, watch, watch_path(watch));
    }
}

struct store_watch *store_watch_find(struct store_session *session, struct store_text path, struct store_text token)
{
    FOR_EACH_WATCH(session, watch)
    {
        if (store_text_equal(watch_path(watch), path) && store_text_equal(watch_token(watch), token))
            return watch;
    }
    return NULL;
}

int store_watch_add(struct store_session *session, struct store_text path, struct store_text token, bool relative)
{
    size_t size = (sizeof(struct store_watch) + path.length + token.length + 7) / 8 * 8;
    struct store_watch *watch = watch_at(session, session->watches_used);

    if (path.length + token.length + 2 > XENSTORE_PAYLOAD_MAX || session->nr_watches == STORE_WATCHES_MAX ||
        size > STORE_WATCHES_SIZE - session->watches_used)
        return -XEN_E2BIG;
    *watch = (struct store_watch){.size = (uint16_t)size,
                                  .path_length = (uint16_t)path.length,
                                  .token_length = (uint16_t)token.length,
                                  .relative = relative,
                                  .due = 1};
    memcpy(watch->bytes, path.bytes, path.length);
    memcpy(watch->bytes + path.length, token.bytes, token.length);
    session->watches_used += (uint32_t)size;
    session->nr_watches++;
    return 0;
}

void store_watch_remove(struct store_session *session, struct store_watch *watch)
{
    uint8_t *place = (uint8_t *)watch, *next = place + watch->size, *end = session->watches + session->watches_used;

    session->watches_used -= watch->size;
    session->nr_watches--;
    memmove(place, next, (size_t)(end - next));
}

void store_watch_remove_all(struct store_session *session)
{
    session->nr_watches = 0;
    session->watches_used = 0;
}
