/* SPDX-License-Identifier: MIT */
/*
 * Cards that are virtio network devices (virtio 1.x, section 5.1), as nic.h has them.
 *
 * What comes in is written into pages of the pool of packets, several to a packet if it is long; the pages become the
 * packet's.  What goes out lies in its packet until it is sent.  A card that fails, or says what cannot be, is reset
 * and started again; what it held is lost, as on a wire.
 */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/nic.h>
#include <backend/virtio.h>
#include <backend/virtio_net_header.h>

#define F_CSUM       (UINT64_C(1) << 0)
#define F_GUEST_CSUM (UINT64_C(1) << 1)
#define F_MAC        (UINT64_C(1) << 5)
#define F_GUEST_TSO4 (UINT64_C(1) << 7)
#define F_GUEST_TSO6 (UINT64_C(1) << 8)
#define F_HOST_TSO4  (UINT64_C(1) << 11)
#define F_HOST_TSO6  (UINT64_C(1) << 12)
#define F_MRG_RXBUF  (UINT64_C(1) << 15)
#define F_STATUS     (UINT64_C(1) << 16)
#define F_CTRL_VQ    (UINT64_C(1) << 17)
#define F_CTRL_RX    (UINT64_C(1) << 18)

/* Without merged buffers a page would not hold what a card puts together, and without an address nobody finds it. */
#define REQUIRED (VIRTIO_F_VERSION_1 | F_MAC | F_MRG_RXBUF)
#define WANTED                                                                                                \
    (VIRTIO_F_INDIRECT_DESC | VIRTIO_F_RING_EVENT_IDX | F_CSUM | F_GUEST_CSUM | F_GUEST_TSO4 | F_GUEST_TSO6 | \
     F_HOST_TSO4 | F_HOST_TSO6 | F_STATUS | F_CTRL_VQ | F_CTRL_RX)

/* The configuration. */
#define CONFIG_MAC    0u
#define CONFIG_STATUS 6u
#define STATUS_LINK   1u

/* The queues, and how many packets or pages each has at once. */
#define QUEUE_RECEIVE 0u
#define QUEUE_SEND    1u
#define QUEUE_CONTROL 2u
#define SLOTS         128u
#define CONTROL_SIZE  4u
#define QUEUE_MIN     32u /* a packet that is sent takes up to 19 entries */
#define TABLE_ENTRIES 32u
#define PER_POLL      64u /* packets of one card that come in */

/* Section 5.1.6.5.1: let everything in. */
#define CONTROL_RX          0u
#define CONTROL_PROMISCUOUS 0u
#define CONTROL_OK          0u

struct control {
    uint8_t class, command;
    uint8_t on;
    uint8_t ack;
};

/* A packet on its way out. */
struct slot {
    struct slot *next_free;
    struct virtio_net_header *header; /* for the device */
    struct packet *packet;            /* NULL: free */
};

struct card {
    struct nic nic; /* first: nic_send() is handed this */
    struct card *next;
    struct virtio_device device;
    struct virtio_queue receive, send, control;
    unsigned receive_size, send_size, control_size; /* 0: no control queue */
    bool dead;
    bool due;                /* to be looked at without news of it: see nic_poll() */
    struct control *request; /* for the device */
    struct slot *free;
    struct slot slots[SLOTS];
};

static struct card *cards;

/* ---- Out. */

static void free_slot(struct card *card, struct slot *slot)
{
    slot->packet = NULL;
    slot->next_free = card->free;
    card->free = slot;
}

int nic_send(struct nic *nic, struct packet *packet)
{
    struct card *card = (struct card *)nic;
    struct slot *slot = card->free;
    struct virtqueue_buffer buffers[PACKET_FRAGMENTS + 1];
    int error;

    if (card->dead)
        return -XEN_EIO;
    if (!slot || card->send.ring.broken)
        return -XEN_EAGAIN;
    *slot->header = virtio_net_header_of(packet);
    buffers[0] = (struct virtqueue_buffer){virt_to_maddr(slot->header), sizeof(*slot->header)};
    for (unsigned i = 0; i < packet->nr_fragments; i++) {
        const struct packet_fragment *fragment = &packet->fragments[i];

        buffers[i + 1] = (struct virtqueue_buffer){virt_to_maddr(fragment->page + fragment->offset), fragment->size};
    }
    error = virtqueue_add(&card->send.ring, buffers, packet->nr_fragments + 1, 0, slot);
    if (error)
        return error;
    card->free = slot->next_free;
    slot->packet = packet;
    return 0;
}

static void take_sent(struct card *card)
{
    void *token;
    uint32_t written;

    for (unsigned i = 0; i < SLOTS && virtqueue_take(&card->send.ring, &token, &written); i++) {
        struct slot *slot = token;

        packet_free(slot->packet);
        free_slot(card, slot);
    }
}

/* ---- In. */

/* As many pages as the queue takes and the pool has.  False: it takes more, and nothing will say when there are any. */
static bool refill(struct card *card)
{
    uint8_t *page;

    while ((page = packet_page_alloc())) {
        struct virtqueue_buffer buffer = {virt_to_maddr(page), PAGE_SIZE};

        if (virtqueue_add(&card->receive.ring, &buffer, 0, 1, page)) {
            packet_page_free(page);
            return true;
        }
    }
    return false;
}

/* Of a page that came in, what is from @offset to @end is the packet's.  False: it has no room, or there is none. */
static bool keep(struct packet *packet, uint8_t *page, unsigned offset, unsigned end)
{
    if (packet && end > offset && packet_append(packet, page, offset, end - offset) == 0)
        return true;
    packet_page_free(page);
    return packet && end == offset;
}

/* The pages of one packet, the first of which is @page.  They come back together, or the card lies: section 5.1.6.4. */
static bool gather(struct card *card, struct packet *packet, uint8_t *page, uint32_t written, unsigned count)
{
    bool whole = keep(packet, page, sizeof(struct virtio_net_header), written);

    for (unsigned i = 1; i < count; i++) {
        void *more;

        if (!virtqueue_take(&card->receive.ring, &more, &written)) {
            card->receive.ring.broken = true;
            return false;
        }
        whole = keep(packet, more, 0, written) && whole;
    }
    return whole;
}

/* False: nothing came in, or the card lies. */
static bool receive_one(struct card *card)
{
    struct virtio_net_header header;
    struct packet *packet;
    void *page;
    uint32_t written;
    bool whole;

    if (!virtqueue_take(&card->receive.ring, &page, &written))
        return false;
    memcpy(&header, page, sizeof(header));
    if (written < sizeof(header) || header.num_buffers == 0) {
        packet_page_free(page);
        card->receive.ring.broken = true;
        return false;
    }
    packet = packet_alloc();
    whole = gather(card, packet, page, written, header.num_buffers);
    if (whole && packet->size >= ETHERNET_HEADER && virtio_net_header_apply(&header, packet) && card->nic.receive)
        card->nic.receive(&card->nic, packet);
    else if (packet)
        packet_free(packet);
    return true;
}

/* ---- The card's state. */

static void read_link(struct card *card)
{
    uint16_t status = STATUS_LINK;

    if (card->device.features & F_STATUS)
        virtio_config_read(&card->device, CONFIG_STATUS, &status, sizeof(status), sizeof(status));
    card->nic.link_up = status & STATUS_LINK;
}

/* Ask for packets to all addresses, since those of the guests are none of the card's. */
static void ask_promiscuous(struct card *card)
{
    struct virtqueue_buffer buffers[] = {
        {virt_to_maddr(&card->request->class), 2},
        {virt_to_maddr(&card->request->on), 1},
        {virt_to_maddr(&card->request->ack), 1},
    };

    *card->request = (struct control){CONTROL_RX, CONTROL_PROMISCUOUS, 1, 0xff};
    if (virtqueue_add(&card->control.ring, buffers, 2, 1, card->request) == 0)
        virtio_kick(&card->control);
}

static void take_answer(struct card *card)
{
    void *token;
    uint32_t written;

    if (virtqueue_take(&card->control.ring, &token, &written) && READ_ONCE(card->request->ack) != CONTROL_OK)
        print("card: does not let in what is for the guests\n");
}

static bool start(struct card *card, uint64_t required)
{
    bool control;

    if (!virtio_begin(&card->device, WANTED, required) ||
        !virtio_queue(&card->device, &card->receive, QUEUE_RECEIVE, card->receive_size) ||
        !virtio_queue(&card->device, &card->send, QUEUE_SEND, card->send_size))
        return false;
    control = card->control_size && (card->device.features & F_CTRL_VQ) && (card->device.features & F_CTRL_RX);
    if (control && !virtio_queue(&card->device, &card->control, QUEUE_CONTROL, card->control_size))
        return false;
    virtio_run(&card->device);
    card->nic.can_checksum = card->device.features & F_CSUM;
    card->nic.can_tso4 = card->nic.can_checksum && (card->device.features & F_HOST_TSO4);
    card->nic.can_tso6 = card->nic.can_checksum && (card->device.features & F_HOST_TSO6);
    read_link(card);
    card->due = true;
    (void)refill(card); /* it is due anyhow */
    virtio_kick(&card->receive);
    if (control)
        ask_promiscuous(card);
    return true;
}

/* The card has been reset: what it held goes back to the pools. */
static void take_back(struct card *card)
{
    uint8_t *page;

    while ((page = virtqueue_detach(&card->receive.ring)))
        packet_page_free(page);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (!card->slots[i].packet)
            continue;
        packet_free(card->slots[i].packet);
        free_slot(card, &card->slots[i]);
    }
}

static void restart(struct card *card)
{
    virtio_reset(&card->device);
    take_back(card);
    card->dead = !start(card, card->device.features);
    if (card->dead) {
        virtio_reset(&card->device);
        take_back(card);
        card->nic.link_up = false;
    }
    print("card: it failed; %s\n", card->dead ? "it does not start again" : "started again");
}

static bool broken(const struct card *card)
{
    return card->receive.ring.broken || card->send.ring.broken || (card->control_size && card->control.ring.broken);
}

/* Arming asks for the next interrupt, and says whether something has come that would not raise it. */
static bool look_at(struct card *card, enum virtio_news news)
{
    bool more = false, full;

    take_sent(card);
    for (unsigned i = 0; i < PER_POLL && receive_one(card); i++)
        more = true;
    full = refill(card);
    virtio_kick(&card->receive);
    if (card->control_size)
        take_answer(card);
    more = virtqueue_arm(&card->receive.ring) || more;
    more = virtqueue_arm(&card->send.ring) || more;
    card->due = more || !full;
    if (broken(card) || (news == VIRTIO_CHANGED && virtio_failed(&card->device)))
        restart(card);
    else if (news == VIRTIO_CHANGED)
        read_link(card);
    return more;
}

/*
 * Nothing comes unseen to a card that is passed over: both queues have been armed since it was looked at last, and
 * nothing had come by then, or it would be due.
 */
bool nic_poll(void)
{
    bool more = false;

    for (struct card *card = cards; card; card = card->next) {
        enum virtio_news news = virtio_interrupts(&card->device);

        if (!card->dead && (news || card->due))
            more = look_at(card, news) || more;
    }
    return more;
}

void nic_kick(void)
{
    for (struct card *card = cards; card; card = card->next) {
        if (!card->dead)
            virtio_kick(&card->send);
    }
}

/* ---- Finding them. */

static unsigned queue_size(const struct card *card, unsigned index, unsigned max)
{
    unsigned size = virtio_queue_size(&card->device, index);

    return size < max ? size : max;
}

static void create_slots(struct card *card)
{
    struct virtio_net_header *headers = page_alloc();

    _Static_assert(SLOTS * sizeof(*headers) + sizeof(struct control) <= PAGE_SIZE, "one page");
    for (unsigned i = 0; i < SLOTS; i++) {
        card->slots[i].header = &headers[i];
        free_slot(card, &card->slots[i]);
    }
    card->request = (struct control *)&headers[SLOTS];
}

static bool create(struct card *card, const struct virtio_place *place)
{
    if (!virtio_open(&card->device, place))
        return false;
    card->receive_size = queue_size(card, QUEUE_RECEIVE, SLOTS);
    card->send_size = queue_size(card, QUEUE_SEND, SLOTS);
    card->control_size = queue_size(card, QUEUE_CONTROL, CONTROL_SIZE);
    if (card->receive_size < QUEUE_MIN || card->send_size < QUEUE_MIN)
        return false;
    virtqueue_create(&card->receive.ring, card->receive_size, 0);
    virtqueue_create(&card->send.ring, card->send_size, TABLE_ENTRIES);
    virtqueue_create(&card->control.ring, CONTROL_SIZE, 0);
    create_slots(card);
    if (!start(card, REQUIRED)) {
        virtio_reset(&card->device);
        return false;
    }
    virtio_config_read(&card->device, CONFIG_MAC, card->nic.mac, MAC_SIZE, 1);
    return true;
}

static void found(const struct virtio_place *place)
{
    struct card *card;

    card = pages_alloc((sizeof(*card) + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!create(card, place)) {
        virtio_print(place);
        print(": cannot be used as a card\n");
        return;
    }
    card->next = cards;
    cards = card;
    print("card %02x:%02x:%02x:%02x:%02x:%02x: link %s\n", card->nic.mac[0], card->nic.mac[1], card->nic.mac[2],
          card->nic.mac[3], card->nic.mac[4], card->nic.mac[5], card->nic.link_up ? "up" : "down");
}

void nic_init(void)
{
    virtio_scan(VIRTIO_NET, found);
}

struct nic *nic_find(const uint8_t mac[MAC_SIZE])
{
    for (struct card *card = cards; card; card = card->next) {
        if (memcmp(card->nic.mac, mac, MAC_SIZE) == 0)
            return &card->nic;
    }
    return NULL;
}
