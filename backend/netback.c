/* SPDX-License-Identifier: MIT */
/* In order: memory; what is offered; the front end's keys; connecting; the end; a turn. */
#include <abi/errno.h>
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/string.h>
#include <guest/time.h>
#include <backend/netback.h>
#include <backend/netrx.h>
#include <backend/nettx.h>
#include <backend/rate.h>
#include <backend/switch.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <backend/xenbus.h>

#define QUEUES_MAX SWITCH_QUEUES
#define KEY_MAX    48u /* of a key of a queue's */
#define WORD_MAX   32u /* of a key that holds a word */
#define MAC_TEXT   18u /* 02:00:00:00:00:01, with the final zero */
#define NO_BRIDGE  "default"

/* A pair of rings; all zero where it is not in use. */
struct netqueue {
    struct grant_pages tx_page, rx_page;
    evtchn_port_t tx_port, rx_port; /* the same where the front end has one for both */
    struct netring tx, rx;
};

struct netback {
    bool used;
    bool due; /* its next turn has something to do, whether an event has come or not */
    char bridge[SWITCH_NAME_MAX + 1];
    struct rate rate;

    struct netqueue queues[QUEUES_MAX];
    unsigned nr_queues;
    unsigned first; /* of them, in this turn: where what may be sent is limited the first one has most of it */
    struct groups groups;
    struct switch_port port;
};

/*
 * ---- Memory.
 */

static struct netback backs[XENBUS_DEVICES_MAX];

static int create(struct xenbus_device *device)
{
    for (unsigned i = 0; i < ARRAY_SIZE(backs); i++) {
        if (backs[i].used)
            continue;
        memset(&backs[i], 0, sizeof(backs[i]));
        backs[i].used = true;
        device->data = &backs[i];
        return 0;
    }
    return -XEN_ENOMEM;
}

static void destroy(struct xenbus_device *device)
{
    struct netback *back = device->data;

    back->used = false;
}

/*
 * ---- What is offered.
 */

/* A word of this domain's directory, and @otherwise where there is none. */
static int read_word(struct xenbus_device *device, const char *key, const char *otherwise, char *word, size_t size)
{
    int error = xenbus_read_back(device, key, word, size);

    if (error == -XEN_ENOENT) {
        memcpy(word, otherwise, strlen(otherwise) + 1);
        return 0;
    }
    return error;
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    return digit >= 'A' && digit <= 'F' ? digit - 'A' + 10 : -1;
}

static int parse_mac(const char *text, uint8_t mac[MAC_SIZE])
{
    if (strlen(text) != MAC_TEXT - 1)
        return -XEN_EINVAL;
    for (unsigned i = 0; i < MAC_SIZE; i++, text += 3) {
        int high = hex_digit(text[0]), low = hex_digit(text[1]);

        if (high < 0 || low < 0 || (i + 1 < MAC_SIZE && text[2] != ':'))
            return -XEN_EINVAL;
        mac[i] = (uint8_t)(high << 4 | low);
    }
    return 0;
}

/* The switch reaches a card of the machine, if one is named. */
static int join_uplink(struct xenbus_device *device, const char *bridge)
{
    char text[MAC_TEXT];
    uint8_t mac[MAC_SIZE];
    int error = read_word(device, "uplink", "", text, sizeof(text));

    if (error || !*text)
        return error;
    error = parse_mac(text, mac);
    return error ? error : uplink_join(mac, bridge);
}

static int read_rate(struct xenbus_device *device, struct rate *rate)
{
    char text[WORD_MAX];
    int error = read_word(device, "rate", "", text, sizeof(text));

    *rate = (struct rate){0};
    return error || !*text ? error : rate_parse(rate, text);
}

static int publish(struct xenbus_device *device)
{
    static const char *const offered[] = {
        "feature-rx-copy",           "feature-sg",
        "feature-gso-tcpv4",         "feature-gso-tcpv6",
        "feature-ipv6-csum-offload", "feature-split-event-channels",
        "feature-multicast-control",
    };
    struct netback *back = device->data;
    int error = read_word(device, "bridge", NO_BRIDGE, back->bridge, sizeof(back->bridge));

    if (!error)
        error = read_rate(device, &back->rate);
    if (!error)
        error = join_uplink(device, back->bridge);
    for (unsigned i = 0; i < ARRAY_SIZE(offered) && !error; i++)
        error = xenbus_write_number(device, offered[i], 1);
    if (!error)
        error = xenbus_write_number(device, "multi-queue-max-queues", QUEUES_MAX);
    if (!error)
        error = xenbus_write_number(device, "feature-rx-flip", 0);
    return error;
}

/*
 * ---- The front end's keys.
 */

/* Keys that are absent are 0. */
static int read_flag(struct xenbus_device *device, const char *key, bool *flag)
{
    uint64_t number = 0;
    int error = xenbus_read_front_number(device, key, UINT32_MAX, &number);

    *flag = !error && number != 0;
    return error == -XEN_ENOENT ? 0 : error;
}

struct keys {
    bool copies, sg, tso4, tso6, blank6, no_blank, groups;
    unsigned nr_queues;
};

struct queue_keys {
    uint64_t tx_ref, rx_ref, tx_port, rx_port;
};

static int read_flags(struct xenbus_device *device, struct keys *keys)
{
    const struct {
        const char *key;
        bool *flag;
    } flags[] = {
        {"request-rx-copy", &keys->copies},           {"feature-sg", &keys->sg},
        {"feature-gso-tcpv4", &keys->tso4},           {"feature-gso-tcpv6", &keys->tso6},
        {"feature-ipv6-csum-offload", &keys->blank6}, {"feature-no-csum-offload", &keys->no_blank},
        {"request-multicast-control", &keys->groups},
    };
    int error = 0;

    for (unsigned i = 0; i < ARRAY_SIZE(flags) && !error; i++)
        error = read_flag(device, flags[i].key, flags[i].flag);
    return error;
}

/* One pair of rings, unless there are said to be more. */
static int read_queues(struct xenbus_device *device, struct keys *keys)
{
    uint64_t number;
    int error = xenbus_read_front_number(device, "multi-queue-num-queues", QUEUES_MAX, &number);

    keys->nr_queues = error ? 1 : (unsigned)number;
    if (error)
        return error == -XEN_ENOENT ? 0 : error;
    return number ? 0 : -XEN_EINVAL;
}

static int read_keys(struct xenbus_device *device, struct keys *keys)
{
    int error = read_flags(device, keys);

    if (!error)
        error = read_queues(device, keys);
    /* Pages are copied into; to exchange them for others is the past. */
    return !error && !keys->copies ? -XEN_EOPNOTSUPP : error;
}

/* Which queue is read; it is in a directory of its own if there are several. */
struct place {
    struct xenbus_device *device;
    unsigned which, nr_queues;
};

static int read_number(const struct place *place, const char *name, uint64_t max, uint64_t *number)
{
    char key[KEY_MAX];

    if (place->nr_queues == 1)
        return xenbus_read_front_number(place->device, name, max, number);
    (void)print_to(key, sizeof(key), "queue-%u/%s", place->which, name);
    return xenbus_read_front_number(place->device, key, max, number);
}

/* One port for both directions, or one for each. */
static int read_ports(const struct place *place, struct queue_keys *keys)
{
    int error = read_number(place, "event-channel-tx", EVTCHN_FIFO_NR_CHANNELS, &keys->tx_port);

    if (!error)
        return read_number(place, "event-channel-rx", EVTCHN_FIFO_NR_CHANNELS, &keys->rx_port);
    if (error != -XEN_ENOENT)
        return error;
    error = read_number(place, "event-channel", EVTCHN_FIFO_NR_CHANNELS, &keys->tx_port);
    keys->rx_port = keys->tx_port;
    return error;
}

static int read_queue(const struct place *place, struct queue_keys *keys)
{
    int error = read_number(place, "tx-ring-ref", UINT32_MAX, &keys->tx_ref);

    if (!error)
        error = read_number(place, "rx-ring-ref", UINT32_MAX, &keys->rx_ref);
    return error ? error : read_ports(place, keys);
}

/*
 * ---- Connecting.
 */

static int map_ring(struct xenbus_device *device, uint64_t number, struct grant_pages *page, struct netring *ring)
{
    grant_ref_t ref = (grant_ref_t)number;
    int error = grant_map_pages(page, device->domain, &ref, 1);

    if (!error)
        netring_init(ring, page->start);
    return error;
}

static int bind(unsigned domain, const struct queue_keys *keys, struct netqueue *queue)
{
    int error = event_bind_interdomain(domain, (evtchn_port_t)keys->tx_port, work_note_event, &queue->tx_port);

    if (error)
        return error;
    queue->rx_port = queue->tx_port;
    if (keys->rx_port == keys->tx_port)
        return 0;
    queue->rx_port = 0;
    return event_bind_interdomain(domain, (evtchn_port_t)keys->rx_port, work_note_event, &queue->rx_port);
}

static void release_queue(struct netqueue *queue)
{
    if (queue->rx_port && queue->rx_port != queue->tx_port)
        (void)!event_close(queue->rx_port);
    if (queue->tx_port)
        (void)!event_close(queue->tx_port);
    queue->rx_port = queue->tx_port = 0;
    grant_unmap_pages(&queue->rx_page);
    grant_unmap_pages(&queue->tx_page);
}

/* Whatever of it is there goes, in reverse order; may be called for what is half connected, and again. */
static void release(struct netback *back)
{
    switch_detach(&back->port);
    for (unsigned i = 0; i < QUEUES_MAX; i++)
        release_queue(&back->queues[i]);
}

/* Has an earlier life of this domain served these rings?  Then nobody knows what groups the front end has named. */
static bool is_taken_over(const struct netback *back)
{
    bool any = false;

    for (unsigned i = 0; i < back->nr_queues; i++)
        any = any || back->queues[i].tx.answered;
    return any;
}

/* The port of the switch takes what the front end does. */
static int plug(struct netback *back, const struct keys *keys)
{
    bool blank = !keys->no_blank && keys->blank6;

    back->groups = (struct groups){0};
    back->port = (struct switch_port){
        .takes_blank = blank,
        .takes_tso4 = blank && keys->sg && keys->tso4,
        .takes_tso6 = blank && keys->sg && keys->tso6,
        .size_max = keys->sg ? PACKET_SIZE_MAX : PAGE_SIZE,
        .groups = keys->groups && !is_taken_over(back) ? &back->groups : NULL,
        .nr_queues = keys->nr_queues,
    };
    return switch_attach(&back->port, back->bridge);
}

/* Whoever answered so far may have ended before it told of it. */
static void tell(const struct netback *back)
{
    for (const struct netqueue *queue = back->queues; queue < back->queues + back->nr_queues; queue++) {
        if (queue->tx.answered)
            (void)!event_send(queue->tx_port);
        if (queue->rx.answered)
            (void)!event_send(queue->rx_port);
    }
}

/* On errors there is something left for release(). */
static int connect_queue(const struct place *place)
{
    struct netback *back = place->device->data;
    struct netqueue *queue = &back->queues[place->which];
    struct queue_keys keys = {0};
    int error = read_queue(place, &keys);

    if (!error)
        error = map_ring(place->device, keys.tx_ref, &queue->tx_page, &queue->tx);
    if (!error)
        error = map_ring(place->device, keys.rx_ref, &queue->rx_page, &queue->rx);
    return error ? error : bind(place->device->domain, &keys, queue);
}

static int connect(struct xenbus_device *device)
{
    struct netback *back = device->data;
    struct keys keys = {0};
    int error = read_keys(device, &keys);

    back->nr_queues = keys.nr_queues;
    back->due = true;
    for (unsigned i = 0; i < keys.nr_queues && !error; i++)
        error = connect_queue(&(struct place){device, i, keys.nr_queues});
    if (!error)
        error = plug(back, &keys);
    if (error)
        release(back);
    else
        tell(back);
    return error;
}

/*
 * ---- The end.
 */

/* Nothing is in flight between turns: copies are done when the call returns. */
static bool disconnect(struct xenbus_device *device)
{
    release(device->data);
    return true;
}

/*
 * ---- A turn.
 */

static uint64_t alarm; /* when the timer will run out, if that is to come */

/* A sender that is over its rate goes on at @time. */
static void wake_at(uint64_t time)
{
    uint64_t now = time_now();

    if (alarm > now && alarm <= time)
        return;
    alarm = time;
    if (timer_set(time))
        work_again();
}

static void go_on(struct netback *back)
{
    back->due = true;
    work_again();
}

/* What the guest sends goes to the switch; one by one where each counts. */
static int take_sent(struct xenbus_device *device, struct netback *back, struct netqueue *queue)
{
    struct packet *list, *next;
    bool notify, more, sent;
    int error;

    if (!rate_allows(&back->rate, time_now())) {
        wake_at(back->rate.end);
        back->due = true;
        return 0;
    }
    error = nettx_take(&queue->tx, device->domain, back->rate.bytes ? 1 : NETTX_FRAMES, &back->groups, &list, &notify,
                       &more);
    sent = list;
    for (; list; list = next) {
        next = list->next;
        rate_charge(&back->rate, list->size);
        switch_input(&back->port, list);
    }
    if (notify)
        (void)!event_send(queue->tx_port);
    if (more)
        go_on(back);
    if (sent)
        work_again(); /* who receives it may have had its turn */
    return error;
}

static int give_received(struct xenbus_device *device, struct netback *back, struct netqueue *queue,
                         struct packet_queue *received)
{
    bool notify, more;
    int error = netrx_give(&queue->rx, device->domain, received, &notify, &more);

    if (notify)
        (void)!event_send(queue->rx_port);
    if (more)
        go_on(back);
    return error;
}

/* All notes are taken, whatever the first of them says.  Packets for the front end are there without one. */
static bool is_due(const struct netback *back)
{
    bool due = back->due;

    for (unsigned i = 0; i < back->nr_queues; i++) {
        due = work_take_event(back->queues[i].tx_port) || due;
        due = work_take_event(back->queues[i].rx_port) || due;
        due = back->port.queues[i].first || due;
    }
    return due;
}

static void turn(struct xenbus_device *device)
{
    struct netback *back = device->data;
    bool failed = false;

    if (!is_due(back))
        return;
    back->due = false;
    back->first = (back->first + 1) % back->nr_queues;
    for (unsigned i = 0; i < back->nr_queues && !failed; i++) {
        unsigned which = (back->first + i) % back->nr_queues;
        struct netqueue *queue = &back->queues[which];

        failed = take_sent(device, back, queue) || give_received(device, back, queue, &back->port.queues[which]);
    }
    if (failed)
        xenbus_fail(device, "the front end's ring has more requests than slots, or a frame without end");
}

void netback_init(void)
{
    static const struct xenbus_type type = {.name = "vif",
                                            .create = create,
                                            .publish = publish,
                                            .connect = connect,
                                            .turn = turn,
                                            .disconnect = disconnect,
                                            .destroy = destroy};
    int error = timer_init(event_only_wakes);

    if (error)
        guest_panic("the timer: %s", errno_name(error));
    xenbus_register(&type);
}
