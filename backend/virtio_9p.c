/* SPDX-License-Identifier: MIT */
/*
 * Directories that are virtio 9P devices, as share.h has them.  A device is known by its mount tag, a text in its
 * configuration; it has one queue, in which each chain is a request and room for the reply.
 *
 * In order: messages; on their way to the device and back; the device's start and end; finding them.
 */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <guest/string.h>
#include <backend/ninep.h>
#include <backend/share.h>
#include <backend/virtio.h>
#include <backend/work.h>

#define MOUNT_TAG (UINT64_C(1) << 0) /* the feature: the configuration has one */

/* Offsets in the configuration. */
#define TAG_SIZE 0u
#define TAG      2u

#define MESSAGE_PAGES (SHARE_MESSAGE_MAX / PAGE_SIZE)
#define PIECES        (2 * MESSAGE_PAGES) /* of a message: a descriptor for each page */
#define QUEUE_SIZE    (SHARE_MESSAGES * PIECES)
#define SHARE_PAGES   (SHARE_MESSAGES * PIECES + 8) /* with the queue and the struct */

_Static_assert(QUEUE_SIZE <= VIRTQUEUE_SIZE_MAX, "there is always room for all messages");

struct device {
    struct share share; /* first: the functions are handed this */
    struct device *next;
    struct virtio_device virtio;
    struct virtio_queue queue;
    bool running, failed;
    unsigned nr_sent; /* and not come back */
    struct share_message *free;
    struct share_message messages[SHARE_MESSAGES];
};
_Static_assert(sizeof(struct device) <= 4 * PAGE_SIZE, "SHARE_PAGES");

static struct device *devices;

static struct device *device_of(const struct share *share)
{
    return (struct device *)(uintptr_t)share;
}

/* ---- Messages. */

static void free_all(struct device *device)
{
    device->free = NULL;
    device->nr_sent = 0;
    for (unsigned i = SHARE_MESSAGES; i > 0; i--)
        share_put(&device->share, &device->messages[i - 1]);
}

static void create_messages(struct device *device)
{
    for (unsigned i = 0; i < SHARE_MESSAGES; i++) {
        device->messages[i].request = pages_alloc(MESSAGE_PAGES);
        device->messages[i].reply = pages_alloc(MESSAGE_PAGES);
    }
    free_all(device);
}

struct share_message *share_get(struct share *share)
{
    struct device *device = device_of(share);
    struct share_message *message = device->free;

    if (message)
        device->free = message->next;
    return message;
}

void share_put(struct share *share, struct share_message *message)
{
    struct device *device = device_of(share);

    message->next = device->free;
    device->free = message;
}

bool share_is_idle(const struct share *share)
{
    return device_of(share)->nr_sent == 0;
}

bool share_has_failed(const struct share *share)
{
    return device_of(share)->failed;
}

/* ---- To the device and back. */

static unsigned describe(const uint8_t *bytes, uint32_t size, struct virtqueue_buffer *buffers)
{
    unsigned count = 0;

    for (uint32_t done = 0; done < size; done += PAGE_SIZE)
        buffers[count++] =
            (struct virtqueue_buffer){virt_to_maddr(bytes + done), size - done < PAGE_SIZE ? size - done : PAGE_SIZE};
    return count;
}

int share_send(struct share *share, struct share_message *message)
{
    struct device *device = device_of(share);
    struct virtqueue_buffer buffers[PIECES];
    unsigned nr_out = describe(message->request, message->request_size, buffers);
    unsigned nr_in = describe(message->reply, SHARE_MESSAGE_MAX, buffers + nr_out);

    if (!device->running || virtqueue_add(&device->queue.ring, buffers, nr_out, nr_in, message))
        return -XEN_EIO;
    device->nr_sent++;
    return 0;
}

/* A reply of another size than it says would be cut apart elsewhere by the front end. */
static bool is_reply(const struct share_message *message, uint32_t written)
{
    return written >= NINEP_HEADER && ninep_size(message->reply) == written;
}

struct share_message *share_receive(struct share *share)
{
    struct device *device = device_of(share);
    struct share_message *message;
    uint32_t written;
    void *token;

    if (device->failed || !device->running || !virtqueue_take(&device->queue.ring, &token, &written))
        return NULL;
    device->nr_sent--;
    message = token;
    message->reply_size = written;
    if (is_reply(message, written))
        return message;
    share_put(share, message);
    device->failed = true;
    return NULL;
}

void share_poll(void)
{
    for (struct device *device = devices; device; device = device->next) {
        bool look = virtio_interrupts(&device->virtio) == VIRTIO_CHANGED;

        if (!device->running)
            continue;
        virtio_kick(&device->queue);
        if (device->queue.ring.broken || (look && virtio_failed(&device->virtio)))
            device->failed = true;
        if (device->failed || virtqueue_arm(&device->queue.ring))
            work_again();
    }
}

/* ---- Start and end. */

/* As far as that its configuration can be read. */
static bool begin(struct device *device)
{
    return virtio_begin(&device->virtio, VIRTIO_F_RING_EVENT_IDX, VIRTIO_F_VERSION_1 | MOUNT_TAG);
}

int share_start(struct share *share)
{
    struct device *device = device_of(share);

    if (!begin(device) || !virtio_queue(&device->virtio, &device->queue, 0, QUEUE_SIZE)) {
        virtio_reset(&device->virtio);
        return -XEN_EIO;
    }
    virtio_run(&device->virtio);
    device->running = true;
    return 0;
}

void share_stop(struct share *share)
{
    struct device *device = device_of(share);

    virtio_reset(&device->virtio);
    device->running = device->failed = false;
    free_all(device);
}

/* ---- Finding them. */

static bool read_tag(struct device *device)
{
    uint16_t size;

    virtio_config_read(&device->virtio, TAG_SIZE, &size, sizeof(size), sizeof(size));
    if (size == 0 || size > SHARE_NAME_MAX)
        return false;
    virtio_config_read(&device->virtio, TAG, device->share.name, size, 1);
    return true;
}

/* Memory is taken last, when the device is as it should be. */
static bool create(struct device *device, const struct virtio_place *place)
{
    bool is_known;

    if (!virtio_open(&device->virtio, place) || virtio_queue_size(&device->virtio, 0) < QUEUE_SIZE)
        return false;
    is_known = begin(device) && read_tag(device);
    virtio_reset(&device->virtio);
    if (!is_known)
        return false;
    virtqueue_create(&device->queue.ring, QUEUE_SIZE, 0);
    create_messages(device);
    return true;
}

static void found(const struct virtio_place *place)
{
    struct device *device;

    if (pages_free_count() < 2 * (size_t)SHARE_PAGES) {
        virtio_print(place);
        print(": no memory for a share\n");
        return;
    }
    device = pages_alloc((sizeof(*device) + PAGE_SIZE - 1) / PAGE_SIZE);
    if (!create(device, place)) {
        virtio_print(place);
        print(": cannot be used as a share\n");
        return;
    }
    device->next = devices;
    devices = device;
    print("share %s\n", device->share.name);
}

void share_init(void)
{
    virtio_scan(VIRTIO_9P, found);
}

struct share *share_find(const char *name)
{
    for (struct device *device = devices; device; device = device->next) {
        if (*name && strcmp(device->share.name, name) == 0)
            return &device->share;
    }
    return NULL;
}
