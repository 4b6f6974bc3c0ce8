/* SPDX-License-Identifier: MIT */
/*
 * Disks that are virtio block devices (virtio 1.x, section 5.2), as disk.h has them.
 *
 * Each request under way has a slot, with the header and the status that the device reads and writes; its data is where
 * the caller's segments say.  When a device fails, or answers what cannot be, it is reset, what was under way has
 * failed, and it is started again.
 */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/disk.h>
#include <backend/virtio.h>
#include <backend/virtio_blk_config.h>
#include <backend/work.h>

/* Requests under way, and segments of one: with header and status they fill a table of descriptors. */
#define SLOTS         128u
#define TABLE_ENTRIES 64u
#define SEGMENTS_MAX  (TABLE_ENTRIES - 2)
#define QUEUE_MIN     4u

/* How often to look for the answer to the one request before there is a loop: for seconds. */
#define NAME_LOOKS 20000000u

/* What the device reads and writes, section 5.2.6. */
#define TYPE_GET_ID        8u
#define STATUS_OK          0u
#define STATUS_UNSUPPORTED 2u
#define STATUS_NONE        0xffu /* ours: the device has written none */

struct header {
    uint32_t type;
    uint32_t reserved;
    uint64_t sector;
};

struct range {
    uint64_t sector;
    uint32_t nr_sectors;
    uint32_t flags;
};

/* Of a size that lets each lie in one page. */
struct exchange {
    struct header header;
    struct range range;
    uint8_t id[DISK_NAME_MAX];
    uint8_t status;
    uint8_t unused[11];
};
_Static_assert(sizeof(struct exchange) == 64, "exchange");
#define EXCHANGES_PER_PAGE (PAGE_SIZE / sizeof(struct exchange))

struct slot {
    struct slot *next_free;
    struct exchange *exchange;
    struct disk_request *request; /* NULL: free, or the driver's own */
};

struct blk {
    struct disk disk; /* first: disk_submit() is handed this */
    struct blk *next;
    struct virtio_device device;
    struct virtio_queue queue;
    unsigned queue_size;
    bool dead;
    bool due;    /* to be looked at without news of it: see disk_poll() */
    bool untold; /* it was given something and has not been told */
    struct slot *free;
    struct slot slots[SLOTS];
};

static struct blk *disks;

/* ---- Slots. */

static void free_slot(struct blk *blk, struct slot *slot)
{
    slot->request = NULL;
    slot->next_free = blk->free;
    blk->free = slot;
}

static void free_all_slots(struct blk *blk)
{
    blk->free = NULL;
    for (unsigned i = SLOTS; i > 0; i--)
        free_slot(blk, &blk->slots[i - 1]);
}

static void create_slots(struct blk *blk)
{
    struct exchange *page = NULL;

    for (unsigned i = 0; i < SLOTS; i++) {
        if (i % EXCHANGES_PER_PAGE == 0)
            page = page_alloc();
        blk->slots[i].exchange = &page[i % EXCHANGES_PER_PAGE];
    }
    free_all_slots(blk);
}

/* ---- Requests on their way to the device. */

static const struct operation {
    uint32_t type;
    bool data, writes;
} operations[] = {
    [DISK_READ] = {.type = 0, .data = true},
    [DISK_WRITE] = {.type = 1, .data = true, .writes = true},
    [DISK_FLUSH] = {.type = 4},
    [DISK_DISCARD] = {.type = 11, .writes = true},
    [DISK_WRITE_ZEROES] = {.type = 13, .writes = true},
};

static bool disk_can(const struct disk *disk, enum disk_operation operation)
{
    return operation == DISK_FLUSH     ? disk->can_flush
           : operation == DISK_DISCARD ? disk->can_discard
                                       : operation != DISK_WRITE_ZEROES || disk->can_write_zeroes;
}

static uint64_t sectors_of(const struct disk_request *request)
{
    uint64_t bytes = 0;

    if (!operations[request->operation].data)
        return request->nr_sectors;
    for (unsigned i = 0; i < request->nr_segments; i++)
        bytes += request->segments[i].size;
    return bytes / DISK_SECTOR;
}

static int check(const struct disk *disk, const struct disk_request *request)
{
    const struct operation *operation = &operations[request->operation];
    uint64_t nr_sectors, unit = disk->sector_size / DISK_SECTOR;

    if (operation->writes && disk->read_only)
        return -XEN_EINVAL;
    if (!disk_can(disk, request->operation))
        return -XEN_EOPNOTSUPP;
    if (request->operation == DISK_FLUSH)
        return 0;
    if (operation->data && (request->nr_segments == 0 || request->nr_segments > disk->max_segments))
        return -XEN_EINVAL;
    nr_sectors = sectors_of(request);
    if (nr_sectors == 0 || nr_sectors > disk->nr_sectors || request->sector > disk->nr_sectors - nr_sectors)
        return -XEN_EINVAL;
    if (nr_sectors % unit || request->sector % unit || (!operation->data && nr_sectors > disk->max_discard_sectors))
        return -XEN_EINVAL;
    return 0;
}

/* Header, @count buffers that are in place at @buffers + 1, of which the device writes the last @nr_in, and status. */
static int give(struct blk *blk, struct slot *slot, uint32_t type, uint64_t sector, struct virtqueue_buffer *buffers,
                unsigned count, unsigned nr_in)
{
    struct exchange *exchange = slot->exchange;

    exchange->header = (struct header){.type = type, .sector = sector};
    exchange->status = STATUS_NONE;
    buffers[0] = (struct virtqueue_buffer){virt_to_maddr(&exchange->header), sizeof(exchange->header)};
    buffers[count + 1] = (struct virtqueue_buffer){virt_to_maddr(&exchange->status), sizeof(exchange->status)};
    return virtqueue_add(&blk->queue.ring, buffers, 1 + count - nr_in, nr_in + 1, slot);
}

static int give_request(struct blk *blk, struct slot *slot, const struct disk_request *request)
{
    const struct operation *operation = &operations[request->operation];
    struct virtqueue_buffer buffers[SEGMENTS_MAX + 2];
    unsigned count = 0;

    if (operation->data) {
        for (; count < request->nr_segments; count++) {
            const struct disk_segment *segment = &request->segments[count];

            buffers[count + 1] = (struct virtqueue_buffer){segment->maddr, segment->size};
        }
    } else if (operation->writes) {
        slot->exchange->range = (struct range){.sector = request->sector, .nr_sectors = (uint32_t)request->nr_sectors};
        buffers[++count] = (struct virtqueue_buffer){virt_to_maddr(&slot->exchange->range), sizeof(struct range)};
    }
    return give(blk, slot, operation->type, operation->data ? request->sector : 0, buffers, count,
                request->operation == DISK_READ ? count : 0);
}

int disk_submit(struct disk *disk, struct disk_request *request)
{
    struct blk *blk = (struct blk *)disk;
    struct slot *slot = blk->free;
    int error = check(disk, request);

    if (error)
        return error;
    if (blk->dead)
        return -XEN_EIO;
    if (!slot || blk->queue.ring.broken)
        return -XEN_EAGAIN;
    error = give_request(blk, slot, request);
    if (error)
        return error;
    blk->free = slot->next_free;
    slot->request = request;
    blk->untold = true;
    return 0;
}

/* ---- And back. */

static int error_of(const struct exchange *exchange)
{
    uint8_t status = READ_ONCE(exchange->status);

    return status == STATUS_OK ? 0 : status == STATUS_UNSUPPORTED ? -XEN_EOPNOTSUPP : -XEN_EIO;
}

/* At most as many as can be under way, so that other disks have their turn. */
static void complete(struct blk *blk)
{
    void *token;
    uint32_t written;

    for (unsigned i = 0; i < SLOTS && virtqueue_take(&blk->queue.ring, &token, &written); i++) {
        struct slot *slot = token;
        struct disk_request *request = slot->request;
        int error = error_of(slot->exchange);

        free_slot(blk, slot);
        request->done(request, error);
    }
    blk->due = virtqueue_arm(&blk->queue.ring);
    if (blk->due)
        work_again();
}

/* ---- The device's start, and its start anew. */

static bool start(struct blk *blk, uint64_t required)
{
    static const uint64_t features = VIRTIO_BLK_FEATURES | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_RING_EVENT_IDX;

    if (!virtio_begin(&blk->device, features, required) || !virtio_queue(&blk->device, &blk->queue, 0, blk->queue_size))
        return false;
    virtio_run(&blk->device);
    return true;
}

/* What was under way is taken aside first, since done() may submit what is under way next. */
static void restart(struct blk *blk)
{
    struct disk_request *failed[SLOTS];
    unsigned count = 0;

    virtio_reset(&blk->device);
    for (unsigned i = 0; i < SLOTS; i++) {
        if (blk->slots[i].request)
            failed[count++] = blk->slots[i].request;
    }
    free_all_slots(blk);
    blk->due = true;
    blk->dead = !start(blk, blk->device.features);
    print("disk %s: the device failed; %u requests lost; %s\n", blk->disk.name, count,
          blk->dead ? "it does not start again" : "started again");
    if (blk->dead)
        virtio_reset(&blk->device);
    for (unsigned i = 0; i < count; i++)
        failed[i]->done(failed[i], -XEN_EIO);
}

static void tell(struct blk *blk)
{
    blk->untold = false;
    virtio_kick(&blk->queue);
}

static void look_at(struct blk *blk, enum virtio_news news)
{
    tell(blk);
    complete(blk);
    if (blk->queue.ring.broken || (news == VIRTIO_CHANGED && virtio_failed(&blk->device)))
        restart(blk);
    tell(blk);
}

/*
 * Nothing comes back unseen from a disk that is passed over: its queue has been armed since it was looked at last, and
 * nothing had come back by then, or it would be due.  A queue that has just begun is armed by the first look.
 */
void disk_poll(void)
{
    for (struct blk *blk = disks; blk; blk = blk->next) {
        enum virtio_news news = virtio_interrupts(&blk->device);

        if (!blk->dead && (news || blk->due || blk->untold))
            look_at(blk, news);
    }
}

void disk_kick(void)
{
    for (struct blk *blk = disks; blk; blk = blk->next) {
        if (blk->untold)
            tell(blk);
    }
}

/* ---- Finding them. */

/* The one request before there is a loop.  A disk need not have a name, but false: there was no answer. */
static bool __must_check ask_name(struct blk *blk)
{
    struct slot *slot = blk->free;
    struct virtqueue_buffer buffers[3];
    void *token;
    uint32_t written;

    buffers[1] = (struct virtqueue_buffer){virt_to_maddr(slot->exchange->id), DISK_NAME_MAX};
    if (give(blk, slot, TYPE_GET_ID, 0, buffers, 1, 1))
        return false;
    virtio_kick(&blk->queue);
    for (unsigned i = 0; !virtqueue_take(&blk->queue.ring, &token, &written); i++) {
        if (i == NAME_LOOKS || blk->queue.ring.broken)
            return false;
        cpu_relax();
    }
    if (error_of(slot->exchange) == 0)
        memcpy(blk->disk.name, slot->exchange->id, DISK_NAME_MAX);
    return true;
}

static unsigned lesser(unsigned a, unsigned b)
{
    return a < b ? a : b;
}

static bool create(struct blk *blk, const struct virtio_place *place)
{
    bool works;

    if (!virtio_open(&blk->device, place))
        return false;
    blk->queue_size = lesser(virtio_queue_size(&blk->device, 0), SLOTS);
    if (blk->queue_size < QUEUE_MIN)
        return false;
    virtqueue_create(&blk->queue.ring, blk->queue_size, TABLE_ENTRIES);
    create_slots(blk);
    blk->due = true;
    works = start(blk, VIRTIO_F_VERSION_1) &&
            virtio_blk_describe(&blk->device, lesser(blk->queue_size - 2, SEGMENTS_MAX), &blk->disk) && ask_name(blk);
    if (!works)
        virtio_reset(&blk->device);
    return works;
}

static void found(const struct virtio_place *place)
{
    struct blk *blk;

    blk = pages_alloc((sizeof(*blk) + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!create(blk, place)) {
        virtio_print(place);
        print(": cannot be used as a disk\n");
        return;
    }
    blk->next = disks;
    disks = blk;
    print("disk %s: %lu sectors%s\n", blk->disk.name, blk->disk.nr_sectors, blk->disk.read_only ? ", read-only" : "");
}

void disk_init(void)
{
    virtio_scan(VIRTIO_BLK, found);
}

struct disk *disk_find(const char *name)
{
    for (struct blk *blk = disks; blk; blk = blk->next) {
        if (*name && strcmp(blk->disk.name, name) == 0)
            return &blk->disk;
    }
    return NULL;
}
