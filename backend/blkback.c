/* SPDX-License-Identifier: MIT */
/* In order: memory; what is offered; the front end's keys; connecting; the end; a turn. */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/string.h>
#include <backend/blkback.h>
#include <backend/blkio.h>
#include <backend/xenbus.h>

#define RING_ORDER_MAX 4u
#define WORD_MAX       16u /* of a key that holds a word */

_Static_assert(1u << RING_ORDER_MAX <= GRANT_PAGES_MAX, "a ring is mapped in one go");
_Static_assert(XENBUS_DEVICES_MAX *(BLKIO_PAGES + (1u << RING_ORDER_MAX)) <= 21760, "see BLKIO_PAGES");

struct blkback {
    struct blkback *next_free;
    struct disk *disk; /* in use for this device; NULL before it is offered */
    bool read_only, discard, removable;
    struct grant_pages ring_pages;
    evtchn_port_t port;
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

/* The pages of its ring: one, named `ring-ref`, unless `ring-page-order` says that there are several. */
static int read_ring_refs(struct xenbus_device *device, grant_ref_t *refs, unsigned *count)
{
    uint64_t number = 0;
    int error = xenbus_read_front_number(device, "ring-page-order", RING_ORDER_MAX, &number);
    char key[WORD_MAX];

    if (error && error != -XEN_ENOENT)
        return error;
    *count = 1u << number;
    for (unsigned i = 0; i < *count; i++) {
        (void)print_to(key, sizeof(key), "ring-ref%u", i);
        error = xenbus_read_front_number(device, *count > 1 ? key : "ring-ref", UINT32_MAX, &number);
        /* An order of 0 is one page, which some name as if there were several. */
        if (error == -XEN_ENOENT && *count == 1)
            error = xenbus_read_front_number(device, key, UINT32_MAX, &number);
        if (error)
            return error;
        refs[i] = (grant_ref_t)number;
    }
    return 0;
}

/*
 * ---- Connecting.
 */

static int connect(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    grant_ref_t refs[1u << RING_ORDER_MAX];
    enum blkring_layout layout;
    uint64_t remote = 0;
    unsigned count;
    int error = read_layout(device, &layout);

    if (!error)
        error = xenbus_read_front_number(device, "event-channel", EVTCHN_FIFO_NR_CHANNELS, &remote);
    if (!error)
        error = read_ring_refs(device, refs, &count);
    if (!error)
        error = grant_map_pages(&back->ring_pages, device->domain, refs, count);
    if (error)
        return error;
    blkio_init(&back->io, back->disk, device->domain, back->read_only, back->discard);
    error = blkring_init(&back->io.ring, back->ring_pages.start, count, layout);
    if (!error)
        error = event_bind_interdomain(device->domain, (evtchn_port_t)remote, event_only_wakes, &back->port);
    if (error)
        grant_unmap_pages(&back->ring_pages);
    else if (back->io.ring.rsp_pushed)
        (void)!event_send(back->port); /* whoever answered so far may have ended before it told of it */
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

static void release_ring(struct blkback *back)
{
    blkio_leave(&back->io);
    if (back->port)
        (void)!event_close(back->port);
    back->port = 0;
    grant_unmap_pages(&back->ring_pages);
}

/*
 * The disk may be long at a flush, which needs no page of the front end's.  Where the directories have gone nobody
 * waits for answers, and a guest that reboots has its ring back at once: whoever keeps pages of it is ended.
 */
static bool disconnect(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    bool notify, is_idle = blkio_stop(&back->io, &notify);

    if (notify)
        (void)!event_send(back->port);
    if (is_idle || device->vanished)
        release_ring(back);
    return is_idle;
}

static void refuse(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    bool notify;

    (void)blkio_stop(&back->io, &notify);
    if (notify)
        (void)!event_send(back->port);
}

/*
 * ---- A turn.
 */

static void turn(struct xenbus_device *device)
{
    struct blkback *back = device->data;
    bool notify;

    if (blkio_turn(&back->io, &notify))
        xenbus_fail(device, "the front end's ring has more requests than slots");
    if (notify)
        (void)!event_send(back->port);
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
