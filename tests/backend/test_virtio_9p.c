/* SPDX-License-Identifier: MIT */
/*
 * Shares over a model of a virtio 9P device: requests arrive as they are and replies come back; a device that fails,
 * lies or is none of ours costs the one who uses it the session.
 */
/* links: backend/virtio_9p.c backend/ninep.c backend/virtqueue.c tests/backend/lib/ring_device.c */
/* links: tests/backend/lib/virtio_model.c tests/backend/lib/draw.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/memory.h>
#include <guest/print.h>
#include <backend/share.h>
#include <backend/work.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/ring_device.h>
#include <tests/backend/lib/virtio_model.h>

#define MOUNT_TAG UINT64_C(1)

/* ---- What its configuration says, and what else is in the place of the kernel. */

static struct {
    char text[64];
    uint16_t size;
} mount_tag;
static size_t pages_free;
static unsigned works;

void virtio_kick(struct virtio_queue *queue)
{
    (void)!virtqueue_kick(&queue->ring);
}

void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width)
{
    (void)device;
    if (offset == 0) {
        assert_true(size == 2 && width == 2);
        memcpy(to, &mount_tag.size, 2);
        return;
    }
    assert_true(offset == 2 && size == mount_tag.size && width == 1);
    memcpy(to, mount_tag.text, size);
}

size_t pages_free_count(void)
{
    return pages_free;
}

void print(const char *format, ...)
{
    (void)format;
}

void work_again(void)
{
    works++;
}

/* ---- The world: each test begins with one more share, whose name is new. */

static struct share *share;

static void prepare(void)
{
    static unsigned names;

    model = (struct virtio_model){.type = VIRTIO_9P,
                                  .features = MOUNT_TAG | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX |
                                              VIRTIO_F_INDIRECT_DESC | UINT64_C(1) << 30,
                                  .nr_queues = 1,
                                  .queue_max = 128};
    pages_free = 1000;
    mount_tag.size = (uint16_t)snprintf(mount_tag.text, sizeof(mount_tag.text), "share-%u", names++);
}

static struct share *find(void)
{
    char name[64] = "";

    share_init();
    memcpy(name, mount_tag.text, mount_tag.size);
    return share_find(name);
}

static int set_up(void **state)
{
    (void)state;
    prepare();
    share = find();
    assert_non_null(share);
    assert_false(model.running);
    assert_int_equal(share_start(share), 0);
    assert_true(model.running);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    share_stop(share);
    assert_false(model.running);
    return 0;
}

/* ---- Requests and replies. */

static struct share_message *request(uint32_t size)
{
    struct share_message *message = share_get(share);

    assert_non_null(message);
    draw_bytes(message->request, size);
    message->request_size = size;
    assert_int_equal(share_send(share, message), 0);
    return message;
}

static uint32_t room(const struct ring_chain *chain)
{
    uint32_t bytes = 0;

    for (unsigned i = chain->nr_out; i < chain->count; i++)
        bytes += chain->buffers[i].size;
    return bytes;
}

/* What the device reads is what was sent. */
static void expect_request(const struct share_message *message, struct ring_chain *chain)
{
    uint32_t at = 0;

    assert_true(ring_device_get(&model.rings[0], chain));
    for (unsigned i = 0; i < chain->nr_out; at += chain->buffers[i++].size) {
        const struct virtqueue_buffer *buffer = &chain->buffers[i];

        assert_true(buffer->maddr % PAGE_SIZE + buffer->size <= PAGE_SIZE);
        assert_memory_equal(ring_memory_at(buffer->maddr), message->request + at, buffer->size);
    }
    assert_int_equal(at, message->request_size);
    assert_int_equal(room(chain), SHARE_MESSAGE_MAX);
}

/* A reply of @size bytes that says it has @claimed; *@bytes gets them. */
static void reply(const struct ring_chain *chain, uint32_t size, uint32_t claimed, uint8_t *bytes)
{
    draw_bytes(bytes, size);
    memcpy(bytes, &claimed, size < 4 ? size : 4);
    for (uint32_t at = 0; at < size; at += PAGE_SIZE) {
        const struct virtqueue_buffer *buffer = &chain->buffers[chain->nr_out + at / PAGE_SIZE];

        memcpy(ring_memory_at(buffer->maddr), bytes + at, size - at < PAGE_SIZE ? size - at : PAGE_SIZE);
    }
    ring_device_put(&model.rings[0], chain->head, size);
}

static uint8_t bytes[SHARE_MESSAGE_MAX];

static void exchange(uint32_t request_size, uint32_t reply_size)
{
    struct share_message *message = request(request_size);
    struct ring_chain chain;

    message->owner = &chain;
    assert_false(share_is_idle(share));
    expect_request(message, &chain);
    assert_null(share_receive(share));
    reply(&chain, reply_size, reply_size, bytes);
    assert_ptr_equal(share_receive(share), message);
    assert_ptr_equal(message->owner, &chain);
    assert_int_equal(message->reply_size, reply_size);
    assert_memory_equal(message->reply, bytes, reply_size);
    assert_true(share_is_idle(share));
    share_put(share, message);
}

static void test_exchange(void **state)
{
    static const uint32_t sizes[] = {7, 8, 4095, 4096, 4097, 8192, SHARE_MESSAGE_MAX - 1, SHARE_MESSAGE_MAX};

    (void)state;
    assert_int_equal(model.accepted, MOUNT_TAG | VIRTIO_F_VERSION_1 | VIRTIO_F_RING_EVENT_IDX);
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        for (unsigned j = 0; j < ARRAY_SIZE(sizes); j++)
            exchange(sizes[i], sizes[j]);
    }
    assert_false(share_has_failed(share));
}

/* All messages at once, each with its memory, whatever their sizes; in whatever order they come back. */
static void test_all(void **state)
{
    struct share_message *messages[SHARE_MESSAGES];
    struct ring_chain chains[SHARE_MESSAGES];

    (void)state;
    for (unsigned i = 0; i < SHARE_MESSAGES; i++) {
        messages[i] = request(SHARE_MESSAGE_MAX);
        memset(messages[i]->reply, 0, SHARE_MESSAGE_MAX);
    }
    assert_null(share_get(share));
    for (unsigned i = 0; i < SHARE_MESSAGES; i++)
        expect_request(messages[i], &chains[i]);
    for (unsigned i = SHARE_MESSAGES; i-- > 0;) {
        reply(&chains[i], SHARE_MESSAGE_MAX, SHARE_MESSAGE_MAX, bytes);
        assert_ptr_equal(share_receive(share), messages[i]);
        assert_memory_equal(messages[i]->reply, bytes, SHARE_MESSAGE_MAX);
        assert_int_equal(share_is_idle(share), i == 0);
    }
    for (unsigned i = 0; i < SHARE_MESSAGES; i++)
        share_put(share, messages[i]);
    exchange(100, 100);
}

/* ---- Devices that fail. */

/* The session is lost, with what was under way; the next one has all messages. */
static void expect_failed(void)
{
    assert_null(share_receive(share));
    works = 0;
    share_poll();
    assert_true(share_has_failed(share));
    assert_int_not_equal(works, 0);
    assert_null(share_receive(share));
    share_stop(share);
    assert_false(share_has_failed(share));
    assert_true(share_is_idle(share));
    assert_int_equal(share_start(share), 0);
    for (unsigned i = 0; i < 2 * SHARE_MESSAGES; i++)
        exchange(50, 60);
}

static void test_lies(void **state)
{
    static const struct {
        uint32_t written, claimed;
    } rows[] = {{0, 0},
                {6, 6},
                {6, 100},
                {7, 8},
                {100, 99},
                {100, 0},
                {100, 7},
                {100, UINT32_MAX},
                {SHARE_MESSAGE_MAX, SHARE_MESSAGE_MAX - 1}};
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(rows); i++) {
        expect_request(request(64), &chain);
        (void)request(64);
        reply(&chain, rows[i].written, rows[i].claimed, bytes);
        expect_failed();
    }
    expect_request(request(64), &chain);
    ring_device_put(&model.rings[0], chain.head, SHARE_MESSAGE_MAX + 1);
    expect_failed();
    (void)request(64);
    ring_device_put(&model.rings[0], 100, 10);
    expect_failed();
}

static void test_needs_reset(void **state)
{
    struct share_message *message;

    (void)state;
    (void)request(64);
    message = share_get(share);
    assert_non_null(message);
    model.needs_reset = model.interrupt = true;
    expect_failed();
}

static void test_no_start(void **state)
{
    struct share_message *message;

    (void)state;
    share_stop(share);
    model.refuses = true;
    assert_int_equal(share_start(share), -XEN_EIO);
    assert_false(model.running);
    message = share_get(share);
    message->request_size = 64;
    assert_int_equal(share_send(share, message), -XEN_EIO);
    assert_null(share_receive(share));
    share_put(share, message);
    share_poll();
    model.refuses = false;
    assert_int_equal(share_start(share), 0);
    exchange(64, 64);
}

/* An answer that comes while the others are served is not slept over. */
static void test_poll(void **state)
{
    struct ring_chain chain;

    (void)state;
    works = 0;
    expect_request(request(64), &chain);
    share_poll();
    assert_int_equal(works, 0);
    reply(&chain, 64, 64, bytes);
    share_poll();
    assert_int_not_equal(works, 0);
    assert_non_null(share_receive(share));
}

/* ---- Devices that are none. */

static void test_unusable(void **state)
{
    static const uint16_t sizes[] = {0, SHARE_NAME_MAX + 1, UINT16_MAX};

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(sizes); i++) {
        prepare();
        mount_tag.size = sizes[i];
        share_init();
        assert_null(share_find(mount_tag.text));
    }
    prepare();
    model.queue_max = 64;
    assert_null(find());
    prepare();
    model.features &= ~MOUNT_TAG;
    assert_null(find());
    prepare();
    model.features &= ~VIRTIO_F_VERSION_1;
    assert_null(find());
    prepare();
    pages_free = 250;
    assert_null(find());
    prepare();
    memset(mount_tag.text, 'x', SHARE_NAME_MAX);
    mount_tag.size = SHARE_NAME_MAX;
    assert_non_null(find());
    assert_null(share_find(""));
}

static int release(void **state)
{
    (void)state;
    ring_memory_release();
    return 0;
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_exchange),
        TEST(test_all),
        TEST(test_lies),
        TEST(test_needs_reset),
        TEST(test_no_start),
        TEST(test_poll),
        cmocka_unit_test(test_unusable),
    };

    draw_seed(1);
    return cmocka_run_group_tests(tests, NULL, release);
}
