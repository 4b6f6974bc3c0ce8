/* SPDX-License-Identifier: MIT */
/* What a device would do with the segments is done when the request is finished. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <tests/backend/lib/draw.h>
#include <tests/backend/lib/fake_disk.h>
#include <tests/backend/lib/lent.h>

#define ROOM_MAX 256u

struct disk fake_disk;
uint8_t fake_sectors[FAKE_SECTORS][DISK_SECTOR];
unsigned fake_given, fake_flushes;

static struct disk_request *requests[ROOM_MAX];
static unsigned nr_requests, room, one_in;

void fake_disk_start(unsigned room_for, unsigned failing)
{
    fake_disk = (struct disk){.name = "fake",
                              .nr_sectors = FAKE_SECTORS,
                              .sector_size = DISK_SECTOR,
                              .physical_size = DISK_SECTOR,
                              .max_discard_sectors = 100,
                              .max_segments = 126,
                              .can_flush = true,
                              .can_discard = true};
    memset(fake_sectors, 0, sizeof(fake_sectors));
    room = room_for;
    one_in = failing;
    fake_given = fake_flushes = nr_requests = 0;
}

unsigned fake_disk_has(void)
{
    return nr_requests;
}

/* What it is given is right as it is, since nobody behind it looks again. */
static void check(const struct disk_request *request)
{
    uint64_t sectors = request->nr_sectors;

    if (request->operation == DISK_READ || request->operation == DISK_WRITE) {
        assert_in_range(request->nr_segments, 1, fake_disk.max_segments);
        sectors = 0;
        for (unsigned i = 0; i < request->nr_segments; i++) {
            const struct disk_segment *segment = &request->segments[i];

            assert_true(segment->size && segment->size % DISK_SECTOR == 0 && segment->maddr % DISK_SECTOR == 0);
            assert_true(lent_is_mapped(segment->maddr, segment->size, request->operation == DISK_READ));
            sectors += segment->size / DISK_SECTOR;
        }
    }
    if (request->operation == DISK_DISCARD)
        assert_in_range(sectors, 1, fake_disk.max_discard_sectors);
    if (request->operation != DISK_FLUSH)
        assert_true(request->sector <= FAKE_SECTORS && sectors <= FAKE_SECTORS - request->sector);
    assert_false(fake_disk.read_only && request->operation != DISK_READ && request->operation != DISK_FLUSH);
}

int disk_submit(struct disk *disk, struct disk_request *request)
{
    assert_ptr_equal(disk, &fake_disk);
    if (nr_requests == room)
        return -XEN_EAGAIN;
    check(request);
    requests[nr_requests++] = request;
    fake_given++;
    return 0;
}

static void transfer(const struct disk_request *request)
{
    uint8_t *at = request->operation == DISK_FLUSH ? NULL : &fake_sectors[0][0] + request->sector * DISK_SECTOR;

    check(request); /* its pages are mapped until it is done */
    for (unsigned i = 0; i < request->nr_segments; i++) {
        void *page = (void *)request->segments[i].maddr;

        if (request->operation == DISK_READ)
            memcpy(page, at, request->segments[i].size);
        else
            memcpy(at, page, request->segments[i].size);
        at += request->segments[i].size;
    }
    if (request->operation == DISK_DISCARD)
        memset(at, 0, request->nr_sectors * DISK_SECTOR);
    if (request->operation == DISK_FLUSH)
        fake_flushes++;
}

void fake_disk_finish(unsigned count)
{
    while (count-- && nr_requests) {
        unsigned which = draw_below(nr_requests);
        struct disk_request *request = requests[which];
        int error = one_in && draw_below(one_in) == 0 ? -XEN_EIO : 0;

        requests[which] = requests[--nr_requests];
        if (!error)
            transfer(request);
        request->done(request, error);
    }
}
