/* SPDX-License-Identifier: MIT */
/* In order: memory; what is offered; the front end's keys; connecting; the end; a turn. */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/string.h>
#include <backend/blkback.h>
#include <backend/blkio.h>
#include <backend/work.h>
#include <backend/xenbus.h>

#define RING_ORDER_MAX 4u
#define WORD_MAX       16u /* of a key that holds a word */
#define RING_KEY_MAX   32u /* of a key of a ring's */

_Static_assert(1u << RING_ORDER_MAX <= GRANT_PAGES_MAX, "a ring is mapped in one go");
_Static_assert(XENBUS_DEVICES_MAX *(BLKIO_PAGES + BLKIO_RINGS * (1u << RING_ORDER_MAX)) <= 21760, "see BLKIO_PAGES");

/* What a ring of the io's has besides; all zero where it is not in use. */
struct ring_end {
    struct grant_pages pages;
    evtchn_port_t port;
};

struct blkback {
    struct blkback *next_free;
    struct disk *disk; /* in use for this device; NULL before it is offered */
    bool read_only, discard, removable;
    struct ring_end ends[BLKIO_RINGS];
    struct blkio io;
};

/*
 * ---- Memory.
 */

/* What was taken once is kept for the next device, since pages in a row may be hard to come by later. */
static struct blkback *unused;

static int create(struct xenbus_device *device)
{
    size_t pages = (sizeof(struct blkback) + PAGE_SIZE - 1) / PAGE_SIZE;
    struct blkback *back = unused;

    if (back)
        unused = back->next_free;
    else if (pages_free_count() < 2 * pages)
        return -XEN_ENOMEM;
    else
        back = pages_alloc(pages);
    memset(back, 0, sizeof(*back));
    device->data = back;
    return 0;
}

static void destroy(struct xenbus_device *device)
{
    struct blkback *back = device->data;

    if (back->disk)
        back->disk->in_use = false;
    back->next_free = unused;
    unused = back;
}

/*
 * ---- What is offered.
 */

/* Offer the disk that is named, which nobody else may have. */
static int take_disk(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    char name[DISK_NAME_MAX + 1];
    int error = xenbus_read_back(device, "params", name, sizeof(name));
    struct disk *disk = error ? NULL : disk_find(name);

    if (error)
        return error;
    if (!disk)
        return -XEN_ENODEV;
    if (disk == back->disk)
        return 0;
    if (disk->in_use)
        return -XEN_EBUSY;
    if (disk->sector_size != DISK_SECTOR || disk->max_segments < BLKIF_MAX_SEGMENTS_PER_REQUEST)
        return -XEN_EOPNOTSUPP;
    if (back->disk)
        back->disk->in_use = false;
    disk->in_use = true;
    back->disk = disk;
    return 0;
}

static bool is_set(struct xenbus_device *device, const char *key, bool otherwise)
{
    uint64_t number;

    return xenbus_read_back_number(device, key, UINT32_MAX, &number) ? otherwise : number != 0;
}

/* Whatever is not exactly "w" is not to be written. */
static bool is_writable(struct xenbus_device *device)
{
    char mode[WORD_MAX];

    return xenbus_read_back(device, "mode", mode, sizeof(mode)) == 0 && strcmp(mode, "w") == 0;
}

static void read_settings(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    const struct disk *disk = back->disk;

    back->read_only = disk->read_only || !is_writable(device);
    back->removable = is_set(device, "removable", false);
    back->discard =
        disk->can_discard && disk->max_discard_sectors && !back->read_only && is_set(device, "discard-enable", true);
}

static unsigned segments_offered(const struct disk *disk)
{
    return disk->max_segments < BLKPLAN_SEGMENTS ? disk->max_segments : BLKPLAN_SEGMENTS;
}

struct key {
    const char *name;
    uint64_t value;
};

static int write_keys(struct xenbus_device *device, const struct key *keys, unsigned count)
{
    int error = 0;

    for (unsigned i = 0; i < count && !error; i++)
        error = xenbus_write_number(device, keys[i].name, keys[i].value);
    return error;
}

/* The last three say how to discard, and are not there if that is not offered. */
static int write_offer(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    const struct key keys[] = {
        {"feature-flush-cache", back->disk->can_flush},
        {"feature-barrier", 0},
        {"feature-persistent", 0},
        {"feature-max-indirect-segments", segments_offered(back->disk)},
        {"max-ring-page-order", RING_ORDER_MAX},
        {"multi-queue-max-queues", BLKIO_RINGS},
        {"feature-discard", back->discard},
        {"discard-granularity", back->disk->discard_granularity},
        {"discard-alignment", 0},
        {"discard-secure", 0},
    };

    return write_keys(device, keys, ARRAY_SIZE(keys) - (back->discard ? 0 : 3));
}

static int publish(struct xenbus_device *device)
{
    int error = take_disk(device);

    if (error)
        return error;
    read_settings(device);
    return write_offer(device);
}

/*
 * ---- The front end's keys.
 */

static int read_layout(struct xenbus_device *device, enum blkring_layout *layout)
{
    char protocol[WORD_MAX];
    int error = xenbus_read_front(device, "protocol", protocol, sizeof(protocol));

    *layout = BLKRING_64;
    if (error == -XEN_ENOENT)
        return 0; /* it is as wide as we are */
    if (error)
        return error;
    if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_32) == 0)
        *layout = BLKRING_32;
    else if (strcmp(protocol, XEN_IO_PROTO_ABI_X86_64) != 0)
        return -XEN_EINVAL;
    return 0;
}

/* A number that need not be there. */
static int read_optional(struct xenbus_device *device, const char *key, uint64_t max, unsigned otherwise,
                         unsigned *value)
{
    uint64_t number;
    int error = xenbus_read_front_number(device, key, max, &number);

    *value = error ? otherwise : (unsigned)number;
    return error == -XEN_ENOENT ? 0 : error;
}

static int read_rings(struct xenbus_device *device, unsigned *nr_rings)
{
    int error = read_optional(device, "multi-queue-num-queues", BLKIO_RINGS, 1, nr_rings);

    return !error && !*nr_rings ? -XEN_EINVAL : error;
}

/* All rings have as many pages. */
static int read_ring_pages(struct xenbus_device *device, unsigned *count)
{
    unsigned order;
    int error = read_optional(device, "ring-page-order", RING_ORDER_MAX, 0, &order);

    *count = 1u << order;
    return error;
}

/* The keys of one ring, and those that all have in common. */
struct ring_keys {
    enum blkring_layout layout;
    unsigned nr_rings, nr_pages;
    grant_ref_t refs[1u << RING_ORDER_MAX];
    evtchn_port_t port;
};

/* A key of ring @which, which is in a directory of its own if there are several. */
static int read_ring_number(struct xenbus_device *device, const struct ring_keys *keys, unsigned which,
                            const char *name, uint64_t max, uint64_t *number)
{
    char key[RING_KEY_MAX];

    if (keys->nr_rings == 1)
        return xenbus_read_front_number(device, name, max, number);
    (void)print_to(key, sizeof(key), "queue-%u/%s", which, name);
    return xenbus_read_front_number(device, key, max, number);
}

/* The pages of a ring: one, named `ring-ref`, unless `ring-page-order` says that there are several. */
static int read_ring_refs(struct xenbus_device *device, struct ring_keys *keys, unsigned which)
{
    char name[WORD_MAX];

    for (unsigned i = 0; i < keys->nr_pages; i++) {
        uint64_t number = 0;
        int error;

        (void)print_to(name, sizeof(name), "ring-ref%u", i);
        error = read_ring_number(device, keys, which, keys->nr_pages > 1 ? name : "ring-ref", UINT32_MAX, &number);
        /* An order of 0 is one page, which some name as if there were several. */
        if (error == -XEN_ENOENT && keys->nr_pages == 1)
            error = read_ring_number(device, keys, which, name, UINT32_MAX, &number);
        if (error)
            return error;
        keys->refs[i] = (grant_ref_t)number;
    }
    return 0;
}

static int read_ring(struct xenbus_device *device, struct ring_keys *keys, unsigned which)
{
    uint64_t port = 0;
    int error = read_ring_number(device, keys, which, "event-channel", EVTCHN_FIFO_NR_CHANNELS, &port);

    keys->port = (evtchn_port_t)port;
    return error ? error : read_ring_refs(device, keys, which);
}

static int read_common(struct xenbus_device *device, struct ring_keys *keys)
{
    int error = read_layout(device, &keys->layout);

    if (!error)
        error = read_rings(device, &keys->nr_rings);
    return error ? error : read_ring_pages(device, &keys->nr_pages);
}

/*
 * ---- Connecting.
 */

/* What there is of them goes; may be called for rings that are half connected. */
static void release_rings(struct blkback *back)
{
    for (struct ring_end *end = back->ends; end < back->ends + BLKIO_RINGS; end++) {
        if (end->port)
            (void)!event_close(end->port);
        end->port = 0;
        grant_unmap_pages(&end->pages);
    }
}

/* On errors there is something left for release_rings(). */
static int connect_ring(struct xenbus_device *device, struct ring_keys *keys, unsigned which)
{
    struct blkback *back = device->data;
    struct ring_end *end = &back->ends[which];
    int error = read_ring(device, keys, which);

    if (!error)
        error = grant_map_pages(&end->pages, device->domain, keys->refs, keys->nr_pages);
    if (!error)
        error = blkring_init(&back->io.rings[which].ring, end->pages.start, keys->nr_pages, keys->layout);
    if (!error)
        error = event_bind_interdomain(device->domain, keys->port, work_note_event, &end->port);
    return error;
}

/* Whoever answered so far may have ended before it told of it. */
static void tell(const struct blkback *back)
{
    for (unsigned i = 0; i < back->io.nr_rings; i++) {
        if (back->io.rings[i].ring.rsp_pushed)
            (void)!event_send(back->ends[i].port);
    }
}

static int connect(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    struct ring_keys keys;
    int error = read_common(device, &keys);

    if (error)
        return error;
    blkio_init(&back->io, back->disk, device->domain, keys.nr_rings, back->read_only, back->discard);
    for (unsigned i = 0; i < keys.nr_rings && !error; i++)
        error = connect_ring(device, &keys, i);
    if (error)
        release_rings(back);
    else
        tell(back);
    return error;
}

static bool is_cdrom(struct xenbus_device *device)
{
    char type[WORD_MAX];

    return xenbus_read_front(device, "device-type", type, sizeof(type)) == 0 && strcmp(type, "cdrom") == 0;
}

static int announce(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    unsigned info = (is_cdrom(device) ? VDISK_CDROM : 0) | (back->removable ? VDISK_REMOVABLE : 0) |
                    (back->read_only ? VDISK_READONLY : 0);
    const struct key keys[] = {
        {"sectors", back->disk->nr_sectors},
        {"sector-size", DISK_SECTOR},
        {"physical-sector-size", back->disk->physical_size},
        {"info", info},
    };

    return write_keys(device, keys, ARRAY_SIZE(keys));
}

/*
 * ---- The end.
 */

static void notify_rings(const struct blkback *back, unsigned notify)
{
    for (unsigned i = 0; i < back->io.nr_rings; i++) {
        if (notify & 1u << i)
            (void)!event_send(back->ends[i].port);
    }
}

/*
 * The disk may be long at a flush, which needs no page of the front end's.  Where the directories have gone nobody
 * waits for answers, and a guest that reboots has its ring back at once: whoever keeps pages of it is ended.
 */
static bool disconnect(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    unsigned notify;
    bool is_idle = blkio_stop(&back->io, &notify);

    notify_rings(back, notify);
    if (is_idle || device->vanished) {
        blkio_leave(&back->io);
        release_rings(back);
    }
    return is_idle;
}

static void refuse(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    unsigned notify;

    (void)blkio_stop(&back->io, &notify);
    notify_rings(back, notify);
}

/*
 * ---- A turn.
 */

/* All notes are taken, whatever the first of them says. */
static bool is_due(const struct blkback *back)
{
    bool due = back->io.due;

    for (unsigned i = 0; i < back->io.nr_rings; i++)
        due = work_take_event(back->ends[i].port) || due;
    return due;
}

static void turn(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    unsigned notify;

    if (!is_due(back))
        return;
    if (blkio_turn(&back->io, &notify))
        xenbus_fail(device, "the front end's ring has more requests than slots");
    notify_rings(back, notify);
}

void blkback_init(void)
{
    static const struct xenbus_type type = {.name = "vbd",
                                            .create = create,
                                            .publish = publish,
                                            .connect = connect,
                                            .announce = announce,
                                            .turn = turn,
                                            .disconnect = disconnect,
                                            .destroy = destroy,
                                            .refuse = refuse};

    xenbus_register(&type);
}
