/* SPDX-License-Identifier: MIT */
/*
 * A hostile front end, by seed: "seed=N until=SECONDS bystander=N".  In rounds it writes keys, states, rings and
 * indexes as it comes, and takes back in the middle what it has lent; now and then the guest reboots instead.  The back
 * end owes it nothing but an interface again after each round, with nothing of the guest's kept.
 *
 * In order: chance; keys; states; rings; rounds; lives.
 */
#include <abi/errno.h>
#include <abi/sched.h>
#include <guest/errno.h>
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/netfront/netfront.h>

#define ROUNDS    12u /* of a life, at most */
#define STEPS     60u /* of a round, at most */
#define NO_REF    1999u
#define MS        (SECOND / 1000)
#define EACH_SLOT NETIF_RING_SLOTS
#define QUEUES    4u

static struct net single, queues[QUEUES], *net = &single; /* what is used now: the one, or one of several */
static unsigned nr_queues;
static struct net_frame frame, answer;
static uint64_t state;

static unsigned below(unsigned limit)
{
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return (unsigned)((state >> 16) % limit);
}

/*
 * ---- Keys.
 */

static const char *const keys[] = {
    "tx-ring-ref",      "rx-ring-ref",     "event-channel", "event-channel-tx",
    "event-channel-rx", "request-rx-copy", "feature-sg",    "feature-gso-tcpv4",
};

static const char *const queue_keys[] = {
    "multi-queue-num-queues",
    "queue-0/tx-ring-ref",
    "queue-1/rx-ring-ref",
    "queue-2/event-channel",
    "queue-2/event-channel-tx",
    "queue-3/event-channel-rx",
    "queue-3",
};

static const char *any_key(void)
{
    return nr_queues && below(3) ? queue_keys[below(ARRAY_SIZE(queue_keys))] : keys[below(ARRAY_SIZE(keys))];
}

/* The keys and rings of the one, or of several. */
static void prepare(void)
{
    unsigned features = below(32);

    if (!nr_queues) {
        net = &single;
        net_prepare(net, features);
        return;
    }
    for (unsigned i = 0; i < QUEUES; i++)
        net_prepare(&queues[i], features);
    device_write_number(&queues->device, "multi-queue-num-queues", nr_queues);
    net = &queues[below(nr_queues)];
}

static void release(void)
{
    if (!nr_queues)
        net_release(&single);
    for (unsigned i = 0; i < (nr_queues ? QUEUES : 0); i++)
        net_release(&queues[i]);
}

static bool connect(void)
{
    prepare();
    device_set_state(&net->device, 4);
    return device_await_state(&net->device, 4);
}

/* The last ones are grants and ports of other kinds, or of others. */
static const char *const values[] = {
    "",
    "abc",
    "-1",
    "0x8",
    " 8",
    "4294967295",
    "4294967296",
    "18446744073709551616",
    "99999999999999999999999",
    "0",
    "1",
    "2",
    "8",
    "9",
    "12",
    "100",
    "131071",
    "131072",
};

static void bad_keys(void)
{
    prepare();
    for (unsigned i = 1 + below(3); i; i--) {
        if (below(4))
            device_write(&net->device, any_key(), values[below(ARRAY_SIZE(values))]);
        else
            device_remove(&net->device, any_key());
    }
    device_set_state(&net->device, 3 + below(2));
    time_sleep(below(5) * MS);
    release();
}

/*
 * ---- States.
 */

static void any_states(void)
{
    prepare();
    for (unsigned i = 1 + below(10); i; i--) {
        if (below(8))
            device_set_state(&net->device, below(10));
        else if (below(2))
            device_write(&net->device, "state", values[below(ARRAY_SIZE(values))]);
        else
            device_remove(&net->device, "state");
        if (below(2))
            time_sleep(below(2) * MS);
    }
    release();
}

/*
 * ---- Rings.
 */

static void show_tx(uint32_t produced)
{
    __atomic_store_n(&net->tx->head.req_prod, produced, __ATOMIC_SEQ_CST);
    (void)!event_send(net->tx_port);
}

static void show_rx(uint32_t produced)
{
    __atomic_store_n(&net->rx->head.req_prod, produced, __ATOMIC_SEQ_CST);
    (void)!event_send(net->rx_port);
}

static void put_anything(void *slot, size_t size)
{
    for (size_t i = 0; i < size; i++)
        ((uint8_t *)slot)[i] = (uint8_t)below(256);
}

static grant_ref_t any_ref(void)
{
    switch (below(8)) {
    case 0:
        return NO_REF;
    case 1:
        return net->tx_ref;
    case 2:
        return net->buffer_refs[below(NET_BUFFERS)];
    case 3:
        return below(16); /* of the console, of the xenstore */
    default:
        return net->part_refs[below(NET_PARTS)];
    }
}

/* Sizes and places about the limits. */
static uint16_t any_size(void)
{
    static const uint16_t sizes[] = {0, 1, 13, 14, 33, 60, 64, 128, 1514, 4095, 4096, 4097, 8192, 65534, 65535};

    return below(4) ? sizes[below(ARRAY_SIZE(sizes))] : (uint16_t)below(65536);
}

static union netif_tx_slot *next_tx(void)
{
    return &net->tx->slots[net->tx_produced++ % NETIF_RING_SLOTS];
}

static void put_request(unsigned flags)
{
    struct netif_tx_request *request = &next_tx()->request;

    *request = (struct netif_tx_request){.gref = any_ref(),
                                         .offset = below(3) ? 0 : any_size(),
                                         .flags = (uint16_t)(below(6) ? flags : below(65536)),
                                         .id = (uint16_t)below(65536),
                                         .size = any_size()};
}

static void put_any_extra(bool more)
{
    put_anything(next_tx(), sizeof(union netif_tx_slot));
    net->tx->slots[(net->tx_produced - 1) % NETIF_RING_SLOTS].extra.type = (uint8_t)below(6);
    net->tx->slots[(net->tx_produced - 1) % NETIF_RING_SLOTS].extra.flags = more;
}

/* What looks like a frame: a first part, extras, further parts. */
static void frame_of_anything(void)
{
    unsigned extras = below(3) ? 0 : 1 + below(3), more = below(2) ? 0 : below(22);

    put_request((extras ? NETTXF_extra_info : 0) | (more ? NETTXF_more_data : 0) | below(4));
    for (; extras; extras--)
        put_any_extra(extras > 1);
    for (; more; more--)
        put_request(more > 1 ? NETTXF_more_data : 0);
    show_tx(net->tx_produced);
}

static void slots_of_anything(void)
{
    for (unsigned i = below(40); i; i--)
        put_anything(next_tx(), sizeof(union netif_tx_slot));
    show_tx(net->tx_produced);
}

static void frame_without_end(void)
{
    bool extras = below(2);

    put_request(extras ? NETTXF_extra_info : NETTXF_more_data);
    for (unsigned i = 1 + below(EACH_SLOT); i; i--) {
        if (extras)
            put_any_extra(true);
        else
            put_request(NETTXF_more_data);
    }
    show_tx(net->tx_produced);
}

/* Right in itself; what is in it is hardly what its flags say. */
static void good_frame(void)
{
    if (below(3))
        make_question(net, &frame, below(2), below(9000));
    else if (below(2))
        frame_make_tcp(&frame, mirror_of(below(2)).bytes, net->mac, below(60000));
    else
        frame_begin(&frame, mac_of(below(256), below(3)).bytes, net->mac, below(65536));
    if (below(4) == 0)
        frame.bytes[below(frame.size)] = (uint8_t)below(256);
    frame.flags = below(4);
    frame.gso_type = below(2) ? 0 : below(4);
    frame.gso_size = below(2) ? 1400 : any_size();
    for (unsigned at = 0, i = 0; at < frame.size; at += PAGE_SIZE, i++)
        memcpy(net->parts[i], frame.bytes + at, PAGE_SIZE);
    for (unsigned at = 0, i = 0; at < frame.size; at += PAGE_SIZE, i++) {
        unsigned left = frame.size - at, size = left < PAGE_SIZE ? left : PAGE_SIZE;
        bool extra = !at && frame.gso_type;

        next_tx()->request = (struct netif_tx_request){
            .gref = net->part_refs[i],
            .flags = (uint16_t)((at ? 0 : frame.flags) | (extra ? NETTXF_extra_info : 0) |
                                (size < left ? NETTXF_more_data : 0)),
            .size = (uint16_t)(at ? size : frame.size),
        };
        if (extra)
            next_tx()->extra =
                (struct netif_extra_info){.type = XEN_NETIF_EXTRA_TYPE_GSO,
                                          .u.gso = {.size = (uint16_t)frame.gso_size, .type = (uint8_t)frame.gso_type}};
    }
    show_tx(net->tx_produced);
}

/* Many to everybody. */
static void flood(void)
{
    for (unsigned i = 0; i < 10; i++) {
        good_frame();
        memset(net->parts[0], 0xff, 6);
        (void)hypercall_sched_op(SCHEDOP_yield, NULL);
    }
}

static void receive_into_anything(void)
{
    for (unsigned i = 1 + below(40); i; i--) {
        struct netif_rx_request *request = &net->rx->slots[net->rx_produced++ % NETIF_RING_SLOTS].request;

        put_anything(request, sizeof(*request));
        if (below(4))
            request->gref = any_ref();
    }
    show_rx(net->rx_produced);
}

static void any_index(void)
{
    static const uint32_t distances[] = {1, 255, 256, 257, 1000, UINT32_C(1) << 31, UINT32_MAX};
    uint32_t distance = distances[below(ARRAY_SIZE(distances))];

    if (below(2))
        show_tx(net->tx_produced += distance);
    else
        show_rx(net->rx_produced += distance);
}

/* Behind what has been read, or before it: the back end has not run meanwhile. */
static void change_slots(void)
{
    for (unsigned i = below(100); i; i--)
        put_anything(&net->tx->slots[below(NETIF_RING_SLOTS)], sizeof(union netif_tx_slot));
}

/* Lent anew with another reference, but for what the ring still says. */
static void take_back(void)
{
    unsigned which = below(NET_PARTS);

    if (!grant_end(net->part_refs[which]))
        test_need(grant_access(net->device.back_domain, net->parts[which], below(2) ? GTF_readonly : 0,
                               &net->part_refs[which]),
                  "a grant");
    which = below(NET_BUFFERS);
    if (!grant_end(net->buffer_refs[which]))
        test_need(grant_access(net->device.back_domain, net->buffers[which], below(8) ? 0 : GTF_readonly,
                               &net->buffer_refs[which]),
                  "a grant");
}

static void take_answers(void)
{
    net->tx->head.rsp_event = below(2) ? net->tx_produced : below(65536);
    time_sleep(below(3) * MS);
}

static void storm(void)
{
    for (unsigned i = 0; i < 100; i++)
        (void)!event_send(below(2) ? net->tx_port : net->rx_port);
}

static void use_rings(void)
{
    static void (*const steps[])(void) = {
        frame_of_anything,
        frame_of_anything,
        frame_of_anything,
        slots_of_anything,
        frame_without_end,
        good_frame,
        good_frame,
        good_frame,
        receive_into_anything,
        flood,
        change_slots,
        take_back,
        receive_into_anything,
        take_answers,
        take_answers,
        take_answers,
        storm,
    };

    if (!test_check(connect(), "connected", "not"))
        return;
    for (unsigned i = below(STEPS); i; i--) {
        if (nr_queues)
            net = &queues[below(nr_queues)];
        steps[below(ARRAY_SIZE(steps))]();
    }
    if (below(2))
        any_index();
    release();
}

/*
 * ---- Rounds.
 */

static void take_rings_back(struct net *of)
{
    test_result("the ring to send comes back", grant_end(of->tx_ref), 0);
    test_result("and the other one", grant_end(of->rx_ref), 0);
    test_need(grant_access(of->device.back_domain, of->tx, 0, &of->tx_ref), "a grant");
    test_need(grant_access(of->device.back_domain, of->rx, 0, &of->rx_ref), "a grant");
}

/* Whatever has been done, a front end that closes and begins anew is served, and has its pages. */
static bool recover(void)
{
    device_set_state(&net->device, 6);
    if (!test_check(device_await_state(&net->device, 6), "it closes", "it does not"))
        return false;
    device_set_state(&net->device, 1);
    if (!test_check(device_await_state(&net->device, 2), "it waits again", "it does not"))
        return false;
    take_rings_back(&single);
    for (unsigned i = 0; i < QUEUES; i++)
        take_rings_back(&queues[i]);
    return true;
}

static bool round(void)
{
    static void (*const kinds[])(void) = {bad_keys, any_states, use_rings, use_rings};

    nr_queues = below(2) ? 0 : 2 + below(QUEUES - 1);
    kinds[below(ARRAY_SIZE(kinds))]();
    device_remove(&single.device, "multi-queue-num-queues");
    return recover();
}

/* In the middle of everything. */
static _Noreturn void die(void)
{
    nr_queues = below(2) ? 0 : QUEUES;
    if (device_back_state(&net->device) == 2 && connect()) {
        for (unsigned i = below(10); i; i--) {
            good_frame();
            frame_of_anything();
        }
    }
    guest_shutdown(SHUTDOWN_reboot);
}

/*
 * ---- Lives.
 */

static bool tell(unsigned bystander)
{
    struct mac mac = mac_of(bystander, 0);

    for (unsigned tries = 0; tries < 50; tries++) {
        uint64_t end = time_now() + SECOND;

        frame_begin(&frame, mac.bytes, net->mac, TYPE_DONE);
        frame_fill(&frame, ETHERNET, 64);
        if (net_send(net, &frame, PAGE_SIZE) != NETIF_RSP_OKAY)
            continue;
        while (net_receive(net, &answer, end)) {
            if (frame_type(&answer) == TYPE_DONE)
                return true;
        }
    }
    return false;
}

void be_hostile(void)
{
    uint64_t until = guest_option("until", 1) * SECOND;
    bool last = time_now() >= until;

    state = (guest_option("seed", 0) + 1) * UINT64_C(0x9e3779b97f4a7c15) ^ time_now();
    frame = net_frame_alloc();
    answer = net_frame_alloc();
    net_init(&single, 0);
    for (unsigned i = 0; i < QUEUES; i++)
        net_init_queue(&queues[i], 0, i);
    for (unsigned i = 1 + below(ROUNDS); i && round(); i--)
        continue;
    if (!last)
        die();
    nr_queues = 0;
    net = &single;
    if (test_check(net_connect(net, NET_SG), "connected at last", "not"))
        test_check(tell((unsigned)guest_option("bystander", 0)), "the bystander hears of the end", "it does not");
}
