/* SPDX-License-Identifier: MIT */
/* In order: what the back end stands on; the guests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <guest/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/print.h>
#include <guest/time.h>
#include <backend/netback.h>
#include <backend/uplink.h>
#include <backend/work.h>
#include <tests/backend/lib/net_guests.h>
#include <tests/backend/lib/pool.h>

struct guest_of net_guests[GUESTS];
const struct xenbus_type *net_type;
unsigned net_written, net_failures;
uint64_t net_now, net_timer;
char net_uplink_name[SWITCH_NAME_MAX + 1];
uint8_t net_uplink_mac[MAC_SIZE];

/*
 * ---- What the back end stands on.
 */

void xenbus_register(const struct xenbus_type *registered)
{
    net_type = registered;
}

void xenbus_fail(struct xenbus_device *device, const char *format, ...)
{
    (void)format;
    device->failed = true;
    net_failures++;
}

static struct guest_of *guest_of(struct xenbus_device *device)
{
    return (struct guest_of *)device;
}

int xenbus_read_back(struct xenbus_device *device, const char *key, char *value, size_t size)
{
    return keys_read(guest_of(device)->back, key, value, size);
}

int xenbus_read_front_number(struct xenbus_device *device, const char *key, uint64_t max, uint64_t *number)
{
    return keys_read_number(guest_of(device)->front, key, max, number);
}

int xenbus_write_number(struct xenbus_device *device, const char *key, uint64_t number)
{
    (void)device;
    assert_true(!strncmp(key, "feature-", 8) || (!strcmp(key, "multi-queue-max-queues") && number == QUEUES));
    net_written++;
    return 0;
}

struct front_tx *net_guest_tx(struct guest_of *one, unsigned queue)
{
    return queue ? &one->more_tx[queue - 1] : &one->tx;
}

struct front_rx *net_guest_rx(struct guest_of *one, unsigned queue)
{
    return queue ? &one->more_rx[queue - 1] : &one->rx;
}

void *ends_find_pages(unsigned domain, const grant_ref_t *refs, unsigned count)
{
    assert_int_equal(domain, LENDER_DOMAIN);
    assert_int_equal(count, 1);
    for (unsigned i = 0; i < GUESTS * QUEUES; i++) {
        struct guest_of *one = &net_guests[i % GUESTS];
        unsigned queue = i / GUESTS;

        if (*refs == TX_REF + i % GUESTS + 10 * queue)
            return &net_guest_tx(one, queue)->page;
        if (*refs == RX_REF + i % GUESTS + 10 * queue)
            return &net_guest_rx(one, queue)->page;
    }
    return NULL;
}

bool ends_has_port(unsigned domain, evtchn_port_t port)
{
    assert_int_equal(domain, LENDER_DOMAIN);
    return port >= FIRST_PORT && port < FIRST_PORT + 10 * QUEUES && (port - FIRST_PORT) % 10 < 2 * GUESTS;
}

void ends_tell(evtchn_port_t port)
{
    unsigned number = port - FIRST_PORT;
    struct guest_of *one = &net_guests[number % 10 / 2];

    one->told |= 1u << number / 10;
    if (number % 2)
        one->told_rx++;
    else
        one->told_tx++;
}

int timer_init(event_handler *handler)
{
    handler(1);
    return 0;
}

int timer_set(uint64_t deadline)
{
    net_timer = deadline;
    return 0;
}

uint64_t time_now(void)
{
    return net_now;
}

int uplink_join(const uint8_t mac[MAC_SIZE], const char *name)
{
    memcpy(net_uplink_mac, mac, MAC_SIZE);
    strcpy(net_uplink_name, name);
    return 0;
}

const char *errno_name(long error)
{
    (void)error;
    return "";
}

_Noreturn void guest_panic(const char *format, ...)
{
    (void)format;
    abort();
}

/*
 * ---- The guests.
 */

/* The keys of a front end that can do everything, with a port for each direction. */
void net_guest_start(unsigned number)
{
    static char texts[GUESTS][4][8];
    struct guest_of *one = &net_guests[number];

    memset(one, 0, sizeof(*one));
    one->device.domain = LENDER_DOMAIN;
    front_tx_start(&one->tx, 0);
    front_rx_start(&one->rx, 0);
    sprintf(texts[number][0], "%u", TX_REF + number);
    sprintf(texts[number][1], "%u", RX_REF + number);
    sprintf(texts[number][2], "%u", FIRST_PORT + 2 * number);
    sprintf(texts[number][3], "%u", FIRST_PORT + 2 * number + 1);
    memcpy(one->front,
           (struct key[]){{"tx-ring-ref", texts[number][0]},
                          {"rx-ring-ref", texts[number][1]},
                          {"event-channel-tx", texts[number][2]},
                          {"event-channel-rx", texts[number][3]},
                          {"request-rx-copy", "1"},
                          {"feature-sg", "1"},
                          {"feature-gso-tcpv4", "1"},
                          {"feature-gso-tcpv6", "1"},
                          {"feature-ipv6-csum-offload", "1"},
                          {"feature-no-csum-offload", NULL},
                          {"event-channel", NULL}},
           11 * sizeof(struct key));
    one->back[0] = (struct key){"bridge", "net"};
    assert_int_equal(net_type->create(&one->device), 0);
}

/* Four queues in place of one; those with an odd number have a port for each direction. */
void net_guest_give_queues(unsigned number)
{
    static const char *const names[] = {"tx-ring-ref", "rx-ring-ref", "event-channel-tx", "event-channel-rx"};
    static char keys[GUESTS][QUEUES][4][32], texts[GUESTS][QUEUES][4][8];
    struct guest_of *one = &net_guests[number];

    for (unsigned i = 0; i < 4; i++)
        keys_set(one->front, names[i], NULL);
    keys_set(one->front, "multi-queue-num-queues", "4");
    for (unsigned queue = 0; queue < QUEUES; queue++) {
        const unsigned numbers[] = {TX_REF + number + 10 * queue, RX_REF + number + 10 * queue,
                                    FIRST_PORT + 2 * number + 10 * queue, FIRST_PORT + 2 * number + 10 * queue + 1};

        front_tx_start(net_guest_tx(one, queue), 0);
        front_rx_start(net_guest_rx(one, queue), queue * (NETIF_RING_SLOTS / QUEUES)); /* pages go by slots */
        for (unsigned i = 0; i < (queue % 2 ? 4 : 3); i++) {
            const char *name = queue % 2 || i < 2 ? names[i] : "event-channel";

            sprintf(keys[number][queue][i], "queue-%u/%s", queue, name);
            sprintf(texts[number][queue][i], "%u", numbers[i]);
            keys_set(one->front, keys[number][queue][i], texts[number][queue][i]);
        }
    }
}

void net_guests_connect(void)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        assert_int_equal(net_type->publish(&net_guests[i].device), 0);
        assert_int_equal(net_type->connect(&net_guests[i].device), 0);
        net_guests[i].device.open = true;
    }
}

/* A front end with one port for both directions has the first. */
static void send_events(struct guest_of *one, unsigned queue)
{
    evtchn_port_t port = FIRST_PORT + 2 * (evtchn_port_t)(one - net_guests) + 10 * queue;
    struct front_tx *tx = net_guest_tx(one, queue);
    struct front_rx *rx = net_guest_rx(one, queue);

    if (front_announce(&tx->page.head, &tx->announced))
        (void)ends_send(port);
    if (front_announce(&rx->page.head, &rx->announced) && !ends_send(port + 1))
        (void)ends_send(port);
}

void net_guests_run(void)
{
    for (unsigned i = 0; i < GUESTS * QUEUES; i++)
        send_events(&net_guests[i / QUEUES], i % QUEUES);
    do {
        (void)work_take();
        for (unsigned i = 0; i < GUESTS; i++) {
            if (net_guests[i].device.open && !net_guests[i].device.failed)
                net_type->turn(&net_guests[i].device);
        }
    } while (work_take());
}

bool net_guests_try(void)
{
    int error = net_type->connect(&net_guests[0].device);

    if (!error) {
        net_type->turn(&net_guests[0].device);
        assert_true(net_type->disconnect(&net_guests[0].device));
    }
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
    return !error;
}

static void destroy_all(void)
{
    for (unsigned i = 0; i < GUESTS; i++) {
        if (net_guests[i].device.open)
            assert_true(net_type->disconnect(&net_guests[i].device));
        net_type->destroy(&net_guests[i].device);
    }
    assert_int_equal(ends_mapped, 0);
    assert_int_equal(ends_bound, 0);
}

int net_guests_begin(void **state)
{
    (void)state;
    pool_start();
    lender_start();
    if (!net_type)
        netback_init();
    net_failures = 0;
    for (unsigned i = 0; i < GUESTS; i++)
        net_guest_start(i);
    return 0;
}

int net_guests_end(void **state)
{
    (void)state;
    destroy_all();
    pool_assert_full();
    return 0;
}
