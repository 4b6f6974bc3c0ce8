/* SPDX-License-Identifier: MIT */
/*
 * Disks over a model of a virtio block device: each operation arrives as section 5.2.6 has it and its answer comes
 * back; what is not within the disk never arrives; a device that fails, lies or says nothing costs what was under way.
 */
/* links: backend/virtio_blk.c backend/virtio_blk_config.c backend/virtqueue.c tests/backend/lib/ring_device.c */
/* links: tests/backend/lib/virtio_model.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <guest/print.h>
#include <backend/disk.h>
#include <backend/virtio_blk_config.h>
#include <backend/work.h>
#include <tests/backend/lib/blk_config.h>
#include <tests/backend/lib/ring_device.h>
#include <tests/backend/lib/virtio_model.h>

#define DEVICE_FEATURES                                                                       \
    ((VIRTIO_BLK_FEATURES & ~VIRTIO_BLK_F_RO) | VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | \
     VIRTIO_F_RING_EVENT_IDX | UINT64_C(1) << 30 | UINT64_C(1) << 11)

/* ---- What the device has besides its rings. */

static struct disk_model {
    struct config config;
    char id[DISK_NAME_MAX];
    uint8_t id_status;
    bool silent; /* nothing is answered */
} disk_model;

void virtio_config_read(const struct virtio_device *device, unsigned offset, void *to, unsigned size, unsigned width)
{
    (void)device;
    assert_true(width == 1 || width == 4);
    assert_int_equal(offset % width, 0);
    assert_true(offset + size <= sizeof(disk_model.config));
    memcpy(to, (const char *)&disk_model.config + offset, size);
}

void print(const char *format, ...)
{
    (void)format;
}

static unsigned works;

void work_again(void)
{
    works++;
}

/* ---- What the device sees of a request. */

struct header {
    uint32_t type, reserved;
    uint64_t sector;
};

static struct header header_of(const struct ring_chain *chain)
{
    struct header header;

    assert_true(chain->count >= 2 && chain->nr_out >= 1);
    assert_int_equal(chain->buffers[0].size, 16);
    assert_int_equal(chain->buffers[chain->count - 1].size, 1);
    memcpy(&header, ring_memory_at(chain->buffers[0].maddr), sizeof(header));
    assert_int_equal(header.reserved, 0);
    return header;
}

static void answer(const struct ring_chain *chain, uint8_t status)
{
    uint32_t bytes = 0;

    for (unsigned i = chain->nr_out; i < chain->count; i++)
        bytes += chain->buffers[i].size;
    *(uint8_t *)ring_memory_at(chain->buffers[chain->count - 1].maddr) = status;
    ring_device_put(&model.rings[0], chain->head, bytes);
}

static unsigned kicks; /* the device has been told of something */

/* The request for the name is answered as soon as the device is told of it. */
void virtio_kick(struct virtio_queue *queue)
{
    struct ring_chain chain;

    if (!virtqueue_kick(&queue->ring) || !model.running)
        return;
    kicks++;
    if (model.resets || disk_model.silent || model.rings[0].avail != 0)
        return;
    assert_true(ring_device_get(&model.rings[0], &chain));
    assert_int_equal(header_of(&chain).type, 8);
    assert_int_equal(chain.count, 3);
    assert_int_equal(chain.nr_out, 1);
    assert_int_equal(chain.buffers[1].size, DISK_NAME_MAX);
    memcpy(ring_memory_at(chain.buffers[1].maddr), disk_model.id, DISK_NAME_MAX);
    answer(&chain, disk_model.id_status);
}

/* ---- The world: each test begins with one more disk, whose name is new. */

static unsigned names;
static struct disk *disk;

static void prepare(uint64_t features, const struct config *config)
{
    model = (struct virtio_model){.type = VIRTIO_BLK, .features = features, .nr_queues = 1, .queue_max = 256};
    disk_model = (struct disk_model){.config = *config};
    names++;
    disk_model.id[0] = (char)('a' + names / 26);
    disk_model.id[1] = (char)('a' + names % 26);
}

static void start(uint64_t features, const struct config *config)
{
    prepare(features, config);
    disk_init();
    disk = disk_find(disk_model.id);
}

static int set_up(void **state)
{
    (void)state;
    start(DEVICE_FEATURES, &ordinary);
    assert_non_null(disk);
    return 0;
}

/* ---- Requests, and what became of them. */

#define REQUESTS 200u

static struct disk_segment segments[REQUESTS][64];
static struct disk_request requests[REQUESTS];
static unsigned done_count[REQUESTS];
static int done_error[REQUESTS];
static unsigned submit_again; /* done() submits the request anew, so often */
static bool answer_at_once;   /* and the device has it done before done() returns */

static void done(struct disk_request *request, int error)
{
    size_t which = (size_t)(request - requests);

    done_count[which]++;
    done_error[which] = error;
    if (submit_again) {
        struct ring_chain chain;

        submit_again--;
        assert_int_equal(disk_submit(disk, request), 0);
        if (answer_at_once) {
            assert_true(ring_device_get(&model.rings[0], &chain));
            answer(&chain, 0);
        }
    }
}

static int submit(unsigned which, enum disk_operation operation, uint64_t sector, unsigned count)
{
    bool data = operation == DISK_READ || operation == DISK_WRITE;

    for (unsigned i = 0; i < count && i < 64; i++)
        segments[which][i] = (struct disk_segment){UINT64_C(0x123456000) + i * 0x5000, i ? 512 : 1024};
    requests[which] = (struct disk_request){
        .operation = operation,
        .sector = sector,
        .nr_sectors = data ? 0 : count,
        .segments = segments[which],
        .nr_segments = data ? count : 0,
        .done = done,
    };
    done_count[which] = 0;
    done_error[which] = 1;
    return disk_submit(disk, &requests[which]);
}

static void expect_done(unsigned which, int error)
{
    assert_int_equal(done_count[which], 1);
    assert_int_equal(done_error[which], error);
}

/* ---- Operations. */

static void expect_data(enum disk_operation operation, uint32_t type, unsigned count)
{
    struct ring_chain chain;
    struct header header;

    assert_int_equal(submit(0, operation, 77, count), 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    header = header_of(&chain);
    assert_int_equal(header.type, type);
    assert_int_equal(header.sector, 77);
    assert_int_equal(chain.count, count + 2);
    assert_int_equal(chain.nr_out, operation == DISK_READ ? 1 : count + 1);
    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(chain.buffers[i + 1].maddr, segments[0][i].maddr);
        assert_int_equal(chain.buffers[i + 1].size, segments[0][i].size);
    }
    disk_poll();
    assert_int_equal(done_count[0], 0);
    answer(&chain, 0);
    disk_poll();
    expect_done(0, 0);
}

static void test_data(void **state)
{
    (void)state;
    assert_int_equal(disk->max_segments, 62);
    for (unsigned count = 1; count <= 62; count += count < 5 ? 1 : 19) {
        expect_data(DISK_READ, 0, count);
        expect_data(DISK_WRITE, 1, count);
    }
}

static void expect_range(enum disk_operation operation, uint32_t type)
{
    struct {
        uint64_t sector;
        uint32_t nr_sectors, flags;
    } range;
    struct ring_chain chain;
    struct header header;

    assert_int_equal(submit(0, operation, 600, 300), 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    header = header_of(&chain);
    assert_int_equal(header.type, type);
    assert_int_equal(header.sector, 0);
    assert_int_equal(chain.count, 3);
    assert_int_equal(chain.nr_out, 2);
    assert_int_equal(chain.buffers[1].size, sizeof(range));
    memcpy(&range, ring_memory_at(chain.buffers[1].maddr), sizeof(range));
    assert_int_equal(range.sector, 600);
    assert_int_equal(range.nr_sectors, 300);
    assert_int_equal(range.flags, 0);
    answer(&chain, 0);
    disk_poll();
    expect_done(0, 0);
}

static void test_ranges(void **state)
{
    (void)state;
    expect_range(DISK_DISCARD, 11);
    expect_range(DISK_WRITE_ZEROES, 13);
}

static void test_flush(void **state)
{
    struct ring_chain chain;

    (void)state;
    assert_int_equal(submit(0, DISK_FLUSH, 0, 0), 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    assert_int_equal(header_of(&chain).type, 4);
    assert_int_equal(header_of(&chain).sector, 0);
    assert_int_equal(chain.count, 2);
    answer(&chain, 0);
    disk_poll();
    expect_done(0, 0);
}

static void test_status(void **state)
{
    static const struct {
        uint8_t status;
        int error;
    } cases[] = {{1, -XEN_EIO}, {2, -XEN_EOPNOTSUPP}, {3, -XEN_EIO}, {0xfe, -XEN_EIO}, {0xff, -XEN_EIO}, {0, 0}};
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        assert_int_equal(submit(0, DISK_READ, 0, 1), 0);
        assert_true(ring_device_get(&model.rings[0], &chain));
        answer(&chain, cases[i].status);
        disk_poll();
        expect_done(0, cases[i].error);
    }
    /* A status that was not written is not the one of the request before. */
    assert_int_equal(submit(0, DISK_READ, 0, 1), 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    ring_device_put(&model.rings[0], chain.head, 0);
    disk_poll();
    expect_done(0, -XEN_EIO);
}

static void test_refused(void **state)
{
    (void)state;
    assert_int_equal(submit(0, DISK_READ, 1000, 1), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_READ, 998, 2), -XEN_EINVAL); /* three sectors */
    assert_int_equal(submit(0, DISK_READ, ~UINT64_C(0), 1), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_READ, ~UINT64_C(0) - 2, 2), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_READ, 0, 0), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_READ, 0, 63), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_DISCARD, 0, 0), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_DISCARD, 0, 301), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_WRITE_ZEROES, 900, 101), -XEN_EINVAL);
    assert_int_equal(submit(0, DISK_READ, 997, 2), 0);
    assert_int_equal(model.rings[0].queue->avail_next, 2);
}

static void test_read_only(void **state)
{
    static const enum disk_operation writes[] = {DISK_WRITE, DISK_DISCARD, DISK_WRITE_ZEROES};

    (void)state;
    for (unsigned read_only = 0; read_only < 2; read_only++) {
        start(read_only ? DEVICE_FEATURES | VIRTIO_BLK_F_RO : DEVICE_FEATURES, &ordinary);
        assert_int_equal(disk->read_only, read_only);
        assert_int_equal(disk->can_discard, !read_only);
        assert_int_equal(disk->can_write_zeroes, !read_only);
        for (unsigned i = 0; i < ARRAY_SIZE(writes); i++)
            assert_int_equal(submit(0, writes[i], 0, 8), read_only ? -XEN_EINVAL : 0);
        assert_int_equal(submit(1, DISK_READ, 0, 1), 0);
    }
}

/* Without a feature the operation is refused, before the device hears of it. */
static void test_absent(void **state)
{
    (void)state;
    start(VIRTIO_F_VERSION_1, &ordinary);
    assert_false(disk->can_flush || disk->can_discard || disk->can_write_zeroes);
    assert_int_equal(disk->max_segments, 1);
    assert_int_equal(submit(0, DISK_FLUSH, 0, 0), -XEN_EOPNOTSUPP);
    assert_int_equal(submit(0, DISK_DISCARD, 0, 8), -XEN_EOPNOTSUPP);
    assert_int_equal(submit(0, DISK_WRITE_ZEROES, 0, 8), -XEN_EOPNOTSUPP);
    expect_data(DISK_WRITE, 1, 1);
}

/* ---- Room. */

static void test_room(void **state)
{
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(submit(i, DISK_READ, i, 1), 0);
    assert_int_equal(submit(128, DISK_READ, 0, 1), -XEN_EAGAIN);
    for (unsigned i = 0; i < 128; i++) {
        assert_true(ring_device_get(&model.rings[0], &chain));
        assert_int_equal(header_of(&chain).sector, i);
        answer(&chain, 0);
    }
    submit_again = 1;
    disk_poll();
    assert_int_equal(submit_again, 0);
    for (unsigned i = 0; i < 128; i++)
        expect_done(i, 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    assert_int_equal(header_of(&chain).sector, 0);
}

/* What is finished while the others were called is not slept over. */
static void test_turns(void **state)
{
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(submit(i, DISK_READ, i, 1), 0);
    while (ring_device_get(&model.rings[0], &chain))
        answer(&chain, 0);
    works = 0;
    disk_poll();
    assert_int_equal(works, 0);
    assert_int_equal(model.rings[0].queue->avail->ring[128], model.rings[0].queue->used->idx);
}

/* What one poll has no time for is done by the next, without an interrupt, which comes for what is new alone. */
static void test_more_than_a_poll(void **state)
{
    struct ring_chain chain;

    (void)state;
    assert_int_equal(submit(0, DISK_READ, 0, 1), 0);
    assert_true(ring_device_get(&model.rings[0], &chain));
    answer(&chain, 0);
    submit_again = 200;
    answer_at_once = true;
    works = 0;
    disk_poll();
    assert_in_range(submit_again, 1, 199);
    assert_int_equal(works, 1);
    assert_false(model.rings[0].interrupt);
    disk_poll();
    answer_at_once = false;
    assert_int_equal(submit_again, 0);
    assert_int_equal(done_count[0], 201);
    assert_int_equal(works, 1);
}

/* A device is told once of all that it was given, and by a poll as well. */
static void test_kick(void **state)
{
    (void)state;
    disk_poll();
    model.rings[0].queue->event_index = false; /* it wants to be told each time */
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(submit(i, DISK_READ, i, 1), 0);
    kicks = 0;
    disk_kick();
    assert_int_equal(kicks, 1);
    disk_kick();
    disk_poll();
    assert_int_equal(kicks, 1);
    assert_int_equal(submit(3, DISK_READ, 3, 1), 0);
    disk_poll();
    assert_int_equal(kicks, 2);
    disk_kick();
    assert_int_equal(kicks, 2);
}

/* ---- Devices that fail. */

static void expect_restarted(unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        expect_done(i, -XEN_EIO);
    assert_int_equal(model.resets, 1);
    assert_true(model.running);
    expect_data(DISK_WRITE, 1, 3);
}

static void test_needs_reset(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 128; i++)
        assert_int_equal(submit(i, DISK_WRITE, i, 1), 0);
    model.needs_reset = model.interrupt = true;
    disk_poll();
    expect_restarted(128);
}

static void test_lie(void **state)
{
    (void)state;
    for (unsigned i = 0; i < 5; i++)
        assert_int_equal(submit(i, DISK_WRITE, i, 1), 0);
    ring_device_put(&model.rings[0], 100, 0);
    disk_poll();
    expect_restarted(5);
}

/* A request that done() submits while the others are told is not told as well. */
static void test_submit_while_failing(void **state)
{
    struct ring_chain chain;

    (void)state;
    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(submit(i, DISK_WRITE, i, 1), 0);
    ring_device_put(&model.rings[0], 100, 0);
    submit_again = 1;
    disk_poll();
    for (unsigned i = 0; i < 3; i++)
        expect_done(i, -XEN_EIO);
    assert_true(ring_device_get(&model.rings[0], &chain));
    answer(&chain, 0);
    disk_poll();
    assert_int_equal(done_count[0], 2);
    assert_int_equal(done_error[0], 0);
}

static void test_no_restart(void **state)
{
    (void)state;
    assert_int_equal(submit(0, DISK_WRITE, 0, 1), 0);
    ring_device_put(&model.rings[0], 100, 0);
    model.refuses = true;
    disk_poll();
    expect_done(0, -XEN_EIO);
    assert_int_equal(model.resets, 2); /* what it had begun when it refused ends as well */
    assert_int_equal(submit(0, DISK_WRITE, 0, 1), -XEN_EIO);
    disk_poll();
    assert_int_equal(done_count[0], 0);
    assert_int_equal(model.resets, 2);
    assert_false(model.running);
}

/* ---- What it says of itself. */

static void test_unusable(void **state)
{
    struct config config = ordinary;

    (void)state;
    config.blk_size = 513;
    start(DEVICE_FEATURES, &config);
    assert_null(disk);
    assert_false(model.running);
    start(DEVICE_FEATURES & ~VIRTIO_F_VERSION_1, &ordinary);
    assert_null(disk);
    prepare(DEVICE_FEATURES, &ordinary);
    model.queue_max = 2;
    disk_init();
    assert_null(disk_find(disk_model.id));
}

/* Sectors of 4096 bytes: all but whole ones is refused. */
static void test_large_sectors(void **state)
{
    struct config config = ordinary;

    (void)state;
    assert_false(model.accepted & (UINT64_C(1) << 30 | UINT64_C(1) << 11));
    config.blk_size = 4096;
    start(DEVICE_FEATURES, &config);
    assert_int_equal(submit(0, DISK_DISCARD, 8, 8), 0);
    assert_int_equal(submit(1, DISK_DISCARD, 4, 8), -XEN_EINVAL);
    assert_int_equal(submit(1, DISK_DISCARD, 8, 4), -XEN_EINVAL);
}

/* The longest name has no zero behind it; without a name nobody finds the disk. */
static void test_name(void **state)
{
    (void)state;
    prepare(DEVICE_FEATURES, &ordinary);
    memcpy(disk_model.id, "12345678901234567890", DISK_NAME_MAX);
    disk_init();
    assert_non_null(disk_find("12345678901234567890"));
    prepare(DEVICE_FEATURES, &ordinary);
    disk_model.id_status = 2;
    disk_init();
    assert_null(disk_find(disk_model.id));
    assert_null(disk_find(""));
    assert_true(model.running);
}

/* One that never answers is reset, so that it does not answer later. */
static void test_silent(void **state)
{
    (void)state;
    prepare(DEVICE_FEATURES, &ordinary);
    disk_model.silent = true;
    disk_init();
    assert_null(disk_find(disk_model.id));
    assert_false(model.running);
    disk_poll();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_data, set_up),       cmocka_unit_test_setup(test_ranges, set_up),
        cmocka_unit_test_setup(test_flush, set_up),      cmocka_unit_test_setup(test_status, set_up),
        cmocka_unit_test_setup(test_refused, set_up),    cmocka_unit_test_setup(test_read_only, set_up),
        cmocka_unit_test_setup(test_absent, set_up),     cmocka_unit_test_setup(test_room, set_up),
        cmocka_unit_test_setup(test_turns, set_up),      cmocka_unit_test_setup(test_needs_reset, set_up),
        cmocka_unit_test_setup(test_lie, set_up),        cmocka_unit_test_setup(test_submit_while_failing, set_up),
        cmocka_unit_test_setup(test_no_restart, set_up), cmocka_unit_test_setup(test_large_sectors, set_up),
        cmocka_unit_test_setup(test_unusable, set_up),   cmocka_unit_test_setup(test_name, set_up),
        cmocka_unit_test_setup(test_silent, set_up),     cmocka_unit_test_setup(test_more_than_a_poll, set_up),
        cmocka_unit_test_setup(test_kick, set_up),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);

    ring_memory_release();
    return failed;
}
