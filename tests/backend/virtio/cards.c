/* SPDX-License-Identifier: MIT */
/*
 * QEMU's network card by the back end's driver, on QEMU's user network: the gateway says who it is, and echoes what it
 * is sent.
 */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/string.h>
#include <backend/nic.h>
#include <guests/tests/lib/test.h>
#include <tests/backend/virtio/virtio.h>

#define ETHERNET   14u
#define IP         20u
#define ICMP       8u
#define BROADCAST  0xff
#define PAYLOAD    1400u
#define ECHOES     300u
#define PER_ROUND  20u
#define ECHO_REPLY 0u

static const uint8_t own_mac[] = {0x52, 0x54, 0x00, 0x12, 0x34, 0x56};
static const uint8_t own_ip[] = {10, 0, 2, 15}, gateway_ip[] = {10, 0, 2, 2};
static uint8_t gateway_mac[MAC_SIZE];

static uint8_t frame[ETHERNET + IP + ICMP + PAYLOAD];
static unsigned nr_arp, nr_echoes, nr_wrong;

/* The sum of RFC 1071, of an even number of bytes. */
static void set_checksum(uint8_t *field, const uint8_t *bytes, unsigned size)
{
    uint32_t sum = 0;

    field[0] = field[1] = 0;
    for (unsigned i = 0; i < size; i += 2)
        sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    field[0] = (uint8_t)(~sum >> 8);
    field[1] = (uint8_t)~sum;
}

static bool to_us(const uint8_t *bytes)
{
    return memcmp(bytes, own_mac, MAC_SIZE) == 0;
}

/* The echo of frame[], but for addresses, time to live, sequence number and checksums. */
static void look_at_echo(const uint8_t *bytes, unsigned size)
{
    if (size == sizeof(frame) && bytes[ETHERNET + IP] == ECHO_REPLY &&
        memcmp(bytes + ETHERNET + IP + ICMP, frame + ETHERNET + IP + ICMP, PAYLOAD) == 0)
        nr_echoes++;
    else
        nr_wrong++;
}

static void receive(struct nic *nic, struct packet *packet)
{
    uint8_t bytes[sizeof(frame)] = {0};
    unsigned size = packet->size < sizeof(bytes) ? packet->size : sizeof(bytes);

    (void)nic;
    if (!packet_read(packet, 0, bytes, size))
        nr_wrong++;
    if (to_us(bytes) && bytes[12] == 0x08 && bytes[13] == 0x06 && memcmp(&bytes[28], gateway_ip, 4) == 0) {
        memcpy(gateway_mac, &bytes[22], MAC_SIZE);
        nr_arp++;
    } else if (to_us(bytes) && bytes[12] == 0x08 && bytes[13] == 0x00) {
        look_at_echo(bytes, packet->size);
    }
    packet_free(packet);
}

static void wait_for(const unsigned *count, unsigned wanted)
{
    for (;;) {
        uint64_t upcalls = event_upcalls;
        bool more = nic_poll();

        if (*count >= wanted || nr_wrong)
            return;
        event_disable();
        if (event_upcalls == upcalls && !more)
            event_wait();
        else
            event_enable();
    }
}

/* In fragments of @part bytes. */
static void send(struct nic *nic, const uint8_t *bytes, unsigned size, unsigned part)
{
    struct packet *packet = packet_alloc();
    int error;

    for (unsigned done = 0; done < size; done += part) {
        uint8_t *page = packet_page_alloc();
        unsigned count = size - done < part ? size - done : part;

        memcpy(page + 100, bytes + done, count);
        test_need(packet_append(packet, page, 100, count), "a fragment");
    }
    while ((error = nic_send(nic, packet)) == -XEN_EAGAIN)
        (void)nic_poll();
    test_need(error, "a packet is sent");
    nic_kick();
}

static void ask_gateway(struct nic *nic)
{
    uint8_t request[60] = {0};
    static const uint8_t kind[] = {0x08, 0x06, 0x00, 0x01, 0x08, 0x00, 0x06, 0x04, 0x00, 0x01};

    memset(request, BROADCAST, MAC_SIZE);
    memcpy(&request[6], own_mac, MAC_SIZE);
    memcpy(&request[12], kind, sizeof(kind));
    memcpy(&request[22], own_mac, MAC_SIZE);
    memcpy(&request[28], own_ip, 4);
    memcpy(&request[38], gateway_ip, 4);
    send(nic, request, sizeof(request), sizeof(request));
    wait_for(&nr_arp, 1);
    test_equal("the gateway says who it is", nr_arp, 1);
}

static void make_echo(void)
{
    static const uint8_t ip[] = {0x45, 0, (IP + ICMP + PAYLOAD) >> 8, (IP + ICMP + PAYLOAD) & 0xff, 0, 0, 0, 0, 64, 1};

    memcpy(frame, gateway_mac, MAC_SIZE);
    memcpy(&frame[6], own_mac, MAC_SIZE);
    frame[12] = 0x08;
    memcpy(&frame[ETHERNET], ip, sizeof(ip));
    memcpy(&frame[ETHERNET + 12], own_ip, 4);
    memcpy(&frame[ETHERNET + 16], gateway_ip, 4);
    set_checksum(&frame[ETHERNET + 10], &frame[ETHERNET], IP);
    frame[ETHERNET + IP] = 8; /* echo */
    for (unsigned i = 0; i < PAYLOAD; i++)
        frame[ETHERNET + IP + ICMP + i] = (uint8_t)(i * 7 + i / 256);
}

/* More than the queues have entries, in fragments of many sizes; the network drops nothing of so few at a time. */
static void echoes(struct nic *nic)
{
    make_echo();
    for (unsigned i = 0; i < ECHOES; i++) {
        frame[ETHERNET + IP + 6] = (uint8_t)(i >> 8);
        frame[ETHERNET + IP + 7] = (uint8_t)i;
        set_checksum(&frame[ETHERNET + IP + 2], &frame[ETHERNET + IP], ICMP + PAYLOAD);
        send(nic, frame, sizeof(frame), i % 2 ? sizeof(frame) : 90 + i);
        if ((i + 1) % PER_ROUND == 0)
            wait_for(&nr_echoes, i + 1);
    }
    test_equal("echoes", nr_echoes, ECHOES);
    test_equal("that are wrong", nr_wrong, 0);
}

void test_cards(void)
{
    static const uint8_t nobody[MAC_SIZE] = {2};
    struct nic *nic;
    unsigned pages, packets;

    packet_init();
    nic_init();
    nic = nic_find(own_mac);
    if (!test_check(nic && !nic_find(nobody), "the card", "it is not there"))
        return;
    test_check(nic->link_up, "its link is up", "it is down");
    pages = packet_pages_free();
    packets = packet_count_free();
    nic->receive = receive;
    ask_gateway(nic);
    echoes(nic);
    while (packet_pages_free() != pages || packet_count_free() != packets)
        (void)nic_poll();
    test_ok("all packets are back");
}
