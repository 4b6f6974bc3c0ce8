/* SPDX-License-Identifier: MIT */
/*
 * A session may have been begun by an earlier life of this domain: then the version and the roots that it had are
 * agreed on and attached anew, and the fids that are kept are found and opened again, before anything else is asked of
 * the server.  What had been taken and not answered is answered by an error, since nobody knows whether it has been
 * done; and a fid that is not what it was is stale.
 *
 * In order: memory; what is offered; the front end's keys; connecting; replies; requests; the end; a turn.
 */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/ninepfids.h>
#include <backend/ninepfs.h>
#include <backend/ninepkept.h>
#include <backend/ninepring.h>
#include <backend/share.h>
#include <backend/work.h>
#include <backend/xenbus.h>

#define KEY_MAX        24u
#define VERSION        1u
#define RINGS_MAX      2u /* Linux has two, and wants no fewer */
#define RING_ORDER_MAX 6u /* Linux before 6.0 wants no fewer */
#define RING_ORDER_MIN 1u

_Static_assert(1u << RING_ORDER_MAX <= GRANT_PAGES_MAX, "a ring is mapped in one go");
_Static_assert(SHARE_MESSAGES <= NINEPRING_ENTRIES, "a ring may have all of them");

/* A ring, and what goes with it. */
struct stream {
    struct grant_pages head, data;
    evtchn_port_t port; /* 0: none */
    struct ninepring ring;
    struct share_message *first, *last; /* replies that wait for room */
    uint32_t lost;                      /* bytes of requests that an earlier life has taken, and not answered */
    bool changed;                       /* the front end is to be told */
};

struct ninepfs {
    bool used;
    struct share *share; /* in use for this device; NULL before it is offered */
    unsigned nr_streams;
    struct stream streams[RINGS_MAX];
    uint32_t most;  /* bytes of a message, whatever the front end asks for */
    uint32_t msize; /* what it has agreed on */

    struct ninepkept kept; /* in the first ring's page */
    struct ninepfids fids; /* in the pages of both */
    bool is_resumed;       /* the session was begun by an earlier life */
    unsigned next;         /* of what is kept, to be asked again: requests, then fids */
    enum ninepfids_step step;
    bool asked; /* it has been sent */
};

/*
 * ---- Memory.
 */

static struct ninepfs backs[XENBUS_DEVICES_MAX];

static int create(struct xenbus_device *device)
{
    for (unsigned i = 0; i < ARRAY_SIZE(backs); i++) {
        if (backs[i].used)
            continue;
        backs[i] = (struct ninepfs){.used = true};
        device->data = &backs[i];
        return 0;
    }
    return -XEN_ENOMEM;
}

static void release_share(struct ninepfs *back)
{
    if (back->share)
        back->share->in_use = false;
    back->share = NULL;
}

static void destroy(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;

    release_share(back);
    back->used = false;
}

/*
 * ---- What is offered.
 */

/* The share that is named, which nobody else may have. */
static int take_share(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;
    char name[SHARE_NAME_MAX + 1];
    int error = xenbus_read_back(device, "params", name, sizeof(name));
    struct share *share = error ? NULL : share_find(name);

    if (error)
        return error;
    if (!share)
        return -XEN_ENODEV;
    if (share == back->share)
        return 0;
    if (share->in_use)
        return -XEN_EBUSY;
    release_share(back);
    share->in_use = true;
    back->share = share;
    return 0;
}

static int publish(struct xenbus_device *device)
{
    int error = take_share(device);

    if (!error)
        error = xenbus_write_number(device, "versions", VERSION);
    if (!error)
        error = xenbus_write_number(device, "max-rings", RINGS_MAX);
    if (!error)
        error = xenbus_write_number(device, "max-ring-page-order", RING_ORDER_MAX);
    return error;
}

/*
 * ---- The front end's keys.
 */

/* "KEYn". */
static int read_numbered(struct xenbus_device *device, const char *key, unsigned number, uint64_t max, uint64_t *value)
{
    char name[KEY_MAX];

    (void)print_to(name, sizeof(name), "%s%u", key, number);
    return xenbus_read_front_number(device, name, max, value);
}

static int read_streams(struct xenbus_device *device, unsigned *count)
{
    uint64_t version, number = 0;
    int error = xenbus_read_front_number(device, "version", UINT32_MAX, &version);

    if (!error && version != VERSION)
        error = -XEN_EOPNOTSUPP;
    if (!error)
        error = xenbus_read_front_number(device, "num-rings", RINGS_MAX, &number);
    if (!error && number == 0)
        error = -XEN_EINVAL;
    *count = (unsigned)number;
    return error;
}

/*
 * ---- Connecting.
 */

/* The first page says how many others there are, and which. */
static int map_data(struct xenbus_device *device, struct stream *stream)
{
    const struct xen_9pfs_data_intf *shared = stream->head.start;
    uint32_t order = READ_ONCE(shared->ring_order);
    grant_ref_t refs[1u << RING_ORDER_MAX];
    int error;

    if (order < RING_ORDER_MIN || order > RING_ORDER_MAX)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < 1u << order; i++)
        refs[i] = READ_ONCE(shared->ref[i]);
    error = grant_map_pages(&stream->data, device->domain, refs, 1u << order);
    if (!error)
        ninepring_init(&stream->ring, stream->head.start, stream->data.start, order);
    return error;
}

static int connect_stream(struct xenbus_device *device, unsigned number, struct stream *stream)
{
    uint64_t ref, remote;
    int error = read_numbered(device, "ring-ref", number, UINT32_MAX, &ref);

    if (!error)
        error = read_numbered(device, "event-channel-", number, EVTCHN_FIFO_NR_CHANNELS, &remote);
    if (!error) {
        const grant_ref_t page = (grant_ref_t)ref;

        error = grant_map_pages(&stream->head, device->domain, &page, 1);
    }
    if (!error)
        error = map_data(device, stream);
    if (!error)
        error = event_bind_interdomain(device->domain, (evtchn_port_t)remote, event_only_wakes, &stream->port);
    return error;
}

/* Whatever of them is there goes. */
static void release_streams(struct ninepfs *back)
{
    for (unsigned i = 0; i < RINGS_MAX; i++) {
        struct stream *stream = &back->streams[i];

        if (stream->port)
            (void)!event_close(stream->port);
        grant_unmap_pages(&stream->data);
        grant_unmap_pages(&stream->head);
        *stream = (struct stream){0};
    }
    back->nr_streams = 0;
}

/* A reply must fit into any of the rings. */
static uint32_t message_max(const struct ninepfs *back)
{
    uint32_t most = SHARE_MESSAGE_MAX;

    for (unsigned i = 0; i < back->nr_streams; i++) {
        if (back->streams[i].ring.size < most)
            most = back->streams[i].ring.size;
    }
    return most;
}

/* Where the index that was left cannot be, all that is there may have been taken. */
static uint32_t find_lost(const struct stream *stream)
{
    const struct ninepring *ring = &stream->ring;
    uint32_t there = READ_ONCE(ring->shared->out_prod) - ring->out_cons;
    uint32_t taken = ninepkept_get_taken(stream->head.start) - ring->out_cons;

    return taken <= there ? taken : there;
}

/* A session that nothing has been answered of yet begins with its first request, as if it had not been taken. */
static void resume(struct ninepfs *back)
{
    back->is_resumed = false;
    for (unsigned i = 0; i < back->nr_streams; i++) {
        const struct ninepring *ring = &back->streams[i].ring;

        back->is_resumed = back->is_resumed || ring->in_prod || ring->out_cons;
    }
    for (unsigned i = 0; i < back->nr_streams && back->is_resumed; i++)
        back->streams[i].lost = find_lost(&back->streams[i]);
    ninepkept_init(&back->kept, back->streams[0].head.start, back->is_resumed);
    ninepfids_init(&back->fids, back->streams[0].head.start, back->streams[1].head.start, back->is_resumed);
    back->next = 0;
    back->step = NINEPFIDS_WALK;
    back->asked = false;
}

static int connect(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;
    int error = read_streams(device, &back->nr_streams);

    for (unsigned i = 0; i < back->nr_streams && !error; i++)
        error = connect_stream(device, i, &back->streams[i]);
    if (!error)
        error = share_start(back->share);
    if (error)
        release_streams(back);
    else
        resume(back);
    back->most = back->msize = message_max(back);
    return error;
}

/*
 * ---- Replies.
 */

static void append(struct stream *stream, struct share_message *message)
{
    message->next = NULL;
    if (stream->first)
        stream->last->next = message;
    else
        stream->first = message;
    stream->last = message;
}

/* The front end is about to hear of it. */
static void look_at(struct ninepfs *back, const struct share_message *message)
{
    if (ninep_type(message->request) == NINEP_TVERSION)
        back->is_resumed = false; /* whatever it says, no fid is left */
    if (back->is_resumed)
        ninep_make_stale(message->request, message->request_size, message->reply, message->reply_size);
    ninepfids_note(&back->fids, &back->kept, message->request, message->request_size, message->reply,
                   message->reply_size);
    ninepkept_note(&back->kept, message->request, message->request_size, message->reply);
}

static void go_on(struct ninepfs *back)
{
    back->next++;
    back->step = NINEPFIDS_WALK;
}

/* The reply to what was asked again. */
static void look_at_again(struct ninepfs *back, const struct share_message *message)
{
    unsigned which = back->next - NINEPKEPT_MAX;

    back->asked = false;
    if (back->next < NINEPKEPT_MAX) {
        back->next++;
    } else if (back->step == NINEPFIDS_CLUNK) {
        ninepfids_drop(&back->fids, which);
        go_on(back);
    } else if (!ninepfids_is_same(&back->fids, which, back->step, message->reply, message->reply_size)) {
        back->step = NINEPFIDS_CLUNK;
    } else if (back->step == NINEPFIDS_WALK) {
        back->step = NINEPFIDS_OPEN;
    } else {
        go_on(back);
    }
}

/* Each reply goes to the stream that its request came from; those to what was asked again nobody waits for. */
static void take_replies(struct ninepfs *back)
{
    struct share_message *message;

    while ((message = share_receive(back->share))) {
        if (message->owner) {
            look_at(back, message);
            append(message->owner, message);
        } else {
            look_at_again(back, message);
            share_put(back->share, message);
        }
    }
}

static int give_replies(struct ninepfs *back, struct stream *stream)
{
    struct share_message *message;
    int given = 1;

    while ((message = stream->first)) {
        given = ninepring_put(&stream->ring, message->reply, message->reply_size);
        if (given <= 0)
            return given;
        stream->first = message->next;
        ninepring_retire(&stream->ring, message->entry);
        share_put(back->share, message);
        stream->changed = true;
    }
    return 0;
}

/*
 * ---- Requests.
 */

/* The next of what is to be asked again.  Its size; 0: nothing is left of it. */
static uint32_t make_next(struct ninepfs *back, uint8_t *request)
{
    for (; back->next < NINEPKEPT_MAX; back->next++) {
        const struct ninepkept_request *kept = &back->kept.requests[back->next];

        if (kept->size) {
            memcpy(request, kept->bytes, kept->size);
            return kept->size;
        }
    }
    for (; back->next < NINEPKEPT_MAX + back->fids.count; go_on(back)) {
        uint32_t size = ninepfids_ask(&back->fids, back->next - NINEPKEPT_MAX, back->step, request);

        if (size)
            return size;
    }
    return 0;
}

/* One after the other.  True: nothing is left of it. */
static bool ask_again(struct ninepfs *back)
{
    struct share_message *message = back->asked || !back->is_resumed ? NULL : share_get(back->share);
    bool done = false;

    if (!message)
        return !back->is_resumed;
    message->owner = NULL;
    while (!back->asked && !done) {
        message->request_size = make_next(back, message->request);
        done = !message->request_size;
        back->asked = !done && !ninep_check(message->request, message->request_size, back->most, &back->msize) &&
                      !share_send(back->share, message);
        if (!back->asked && !done)
            go_on(back);
    }
    if (!back->asked)
        share_put(back->share, message);
    return done;
}

/* No event comes of that, and there may be more requests than messages. */
static void refuse_request(struct ninepfs *back, struct stream *stream, struct share_message *message)
{
    message->reply_size = ninep_refuse(message->request, message->reply, NINEP_EIO);
    ninepkept_note(&back->kept, message->request, message->request_size, message->reply);
    append(stream, message);
    work_again();
}

/*
 * What ends a fid that has been made anew has to be done, since the front end lets go of it whatever it is told; and it
 * does no harm if it has been done before: the fid is the same file's, or there is none.
 */
static bool may_be_repeated(const uint8_t *request)
{
    return ninep_type(request) == NINEP_TCLUNK || ninep_type(request) == NINEP_TREMOVE;
}

/* Was this one taken before?  It has been taken now. */
static bool was_lost(struct stream *stream, uint32_t size)
{
    bool lost = stream->lost != 0;

    stream->lost -= size < stream->lost ? size : stream->lost;
    return lost;
}

/* 1: one went on its way.  0: there is none.  Otherwise an error. */
static int send_request(struct ninepfs *back, struct stream *stream, struct share_message *message, bool refused)
{
    int error = ninepring_take(&stream->ring, message->request, back->most, &message->request_size, &message->entry);

    if (error <= 0)
        return error;
    ninepkept_put_taken(stream->head.start, stream->ring.taken);
    message->owner = stream;
    error = ninep_check(message->request, message->request_size, back->most, &back->msize);
    if (error)
        return error;
    if (refused || (was_lost(stream, message->request_size) && !may_be_repeated(message->request)))
        refuse_request(back, stream, message);
    else
        error = share_send(back->share, message);
    return error ? error : 1;
}

/* As many as there are messages, which bounds the turn. */
static int take_requests(struct ninepfs *back, struct stream *stream, bool refused)
{
    struct share_message *message;

    while ((message = share_get(back->share))) {
        int sent = send_request(back, stream, message, refused);

        if (sent <= 0) {
            share_put(back->share, message);
            return sent;
        }
    }
    return 0;
}

/* A message that one stream gives back may be what another one waits for. */
static int serve(struct ninepfs *back, bool refused)
{
    int error = 0;

    take_replies(back);
    for (unsigned i = 0; i < back->nr_streams && !error; i++)
        error = give_replies(back, &back->streams[i]);
    if (!error && !refused && !ask_again(back))
        return 0;
    for (unsigned i = 0; i < back->nr_streams && !error; i++)
        error = take_requests(back, &back->streams[i], refused);
    for (unsigned i = 0; i < back->nr_streams && !error; i++)
        error = give_replies(back, &back->streams[i]);
    return error;
}

static void tell(struct ninepfs *back)
{
    for (unsigned i = 0; i < back->nr_streams; i++) {
        if (back->streams[i].changed)
            (void)!event_send(back->streams[i].port);
        back->streams[i].changed = false;
    }
}

/*
 * ---- The end.
 */

/*
 * The host finishes what it has begun, which may take as long as it likes, in copies.  The front end hears no more of
 * it, and has its pages back at once: whoever keeps those of a guest that reboots is ended.
 */
static bool disconnect(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;
    struct share_message *message;

    release_streams(back);
    while ((message = share_receive(back->share)))
        share_put(back->share, message);
    if (!share_is_idle(back->share) && !share_has_failed(back->share))
        return false;
    share_stop(back->share);
    return true;
}

/* What the server has of it may still be answered by that. */
static void refuse(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;

    (void)!serve(back, true);
    tell(back);
}

/*
 * ---- A turn.
 */

static void turn(struct xenbus_device *device)
{
    struct ninepfs *back = device->data;
    int error = serve(back, false);

    if (share_has_failed(back->share))
        xenbus_fail(device, "the host's side has failed");
    else if (error)
        xenbus_fail(device, "the front end's ring has what cannot be, or a message that is too long or too short");
    tell(back);
}

void ninepfs_init(void)
{
    static const struct xenbus_type type = {.name = "9pfs",
                                            .create = create,
                                            .publish = publish,
                                            .connect = connect,
                                            .turn = turn,
                                            .disconnect = disconnect,
                                            .destroy = destroy,
                                            .refuse = refuse};

    xenbus_register(&type);
}
