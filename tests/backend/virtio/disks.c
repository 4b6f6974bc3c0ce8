/* SPDX-License-Identifier: MIT */
/*
 * The disks of QEMU by the back end's driver: "first", 4 MiB, written and read back; "second", read-only, whose first
 * sector says so.
 */
#include <abi/errno.h>
#include <guest/address.h>
#include <guest/event.h>
#include <guest/memory.h>
#include <guest/processor.h>
#include <guest/string.h>
#include <backend/disk.h>
#include <guests/tests/lib/test.h>
#include <tests/backend/virtio/virtio.h>

#define PAGES           256u /* 1 MiB */
#define SECTORS_OF_PAGE (PAGE_SIZE / DISK_SECTOR)
#define FIRST_SECTORS   8192u
#define AT              100u

static uint8_t *pages[PAGES], *others[PAGES];
static struct disk_segment segments[PAGES];
static unsigned nr_pending, nr_failed;

static void done(struct disk_request *request, int error)
{
    (void)request;
    nr_pending--;
    nr_failed += error != 0;
}

/* Sleep from event to event, as the main loop does. */
static void wait_for_all(void)
{
    for (;;) {
        uint64_t upcalls = event_upcalls;

        disk_poll();
        if (!nr_pending)
            return;
        event_disable();
        if (event_upcalls == upcalls)
            event_wait();
        else
            event_enable();
    }
}

static void submit(struct disk *disk, struct disk_request *request)
{
    int error;

    request->done = done;
    while ((error = disk_submit(disk, request)) == -XEN_EAGAIN)
        disk_poll();
    if (error)
        test_error("a request is refused: %d", error);
    nr_pending++;
}

/* All pages from sector AT on, @count segments a request. */
static void transfer(struct disk *disk, enum disk_operation operation, uint8_t *const *memory, unsigned count)
{
    static struct disk_request requests[PAGES];

    for (unsigned i = 0; i < PAGES; i++)
        segments[i] = (struct disk_segment){virt_to_maddr(memory[i]), PAGE_SIZE};
    for (unsigned i = 0; i < PAGES; i += count) {
        requests[i] = (struct disk_request){
            .operation = operation,
            .sector = AT + i * SECTORS_OF_PAGE,
            .segments = &segments[i],
            .nr_segments = PAGES - i < count ? PAGES - i : count,
        };
        submit(disk, &requests[i]);
    }
    wait_for_all();
}

static void simple(struct disk *disk, enum disk_operation operation, uint64_t sector, uint64_t nr_sectors)
{
    struct disk_request request = {.operation = operation, .sector = sector, .nr_sectors = nr_sectors};

    submit(disk, &request);
    wait_for_all();
}

static void fill(uint32_t seed)
{
    for (unsigned i = 0; i < PAGES; i++) {
        for (unsigned j = 0; j < PAGE_SIZE; j += sizeof(seed)) {
            seed = seed * 1664525 + 1013904223;
            memcpy(&pages[i][j], &seed, sizeof(seed));
        }
    }
}

static bool equal(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        if (memcmp(pages[i], others[i], PAGE_SIZE))
            return false;
    }
    return true;
}

/* Written with one size of requests, read with another, into memory that held something else. */
static void write_and_read(struct disk *disk)
{
    static const unsigned counts[] = {62, 1, 11, 37};

    for (unsigned i = 0; i < ARRAY_SIZE(counts); i++) {
        fill(i + 1);
        transfer(disk, DISK_WRITE, pages, counts[i]);
        simple(disk, DISK_FLUSH, 0, 0);
        for (unsigned page = 0; page < PAGES; page++)
            memset(others[page], 0x5a, PAGE_SIZE);
        transfer(disk, DISK_READ, others, counts[(i + 1) % ARRAY_SIZE(counts)]);
        test_equal("1 MiB written and read: requests failed", nr_failed, 0);
        test_check(equal(), "and it is the same", "it is not");
    }
}

/* The middle of what was written is zeroes, and no more than that. */
static void ranges(struct disk *disk)
{
    simple(disk, DISK_WRITE_ZEROES, AT + 10 * SECTORS_OF_PAGE, 20 * SECTORS_OF_PAGE);
    for (unsigned i = 10; i < 30; i++)
        memset(pages[i], 0, PAGE_SIZE);
    transfer(disk, DISK_READ, others, 62);
    test_check(equal(), "zeroes", "they are not, or elsewhere as well");
    simple(disk, DISK_DISCARD, AT + 30 * SECTORS_OF_PAGE, 20 * SECTORS_OF_PAGE);
    transfer(disk, DISK_READ, others, 62);
    for (unsigned i = 30; i < 50; i++)
        memcpy(others[i], pages[i], PAGE_SIZE);
    test_check(equal(), "discarded", "elsewhere as well");
    test_equal("requests failed", nr_failed, 0);
}

static void first(void)
{
    struct disk *disk = disk_find("first");
    struct disk_segment segment = {virt_to_maddr(pages[0]), PAGE_SIZE};
    struct disk_request request = {.operation = DISK_READ, .segments = &segment, .nr_segments = 1, .done = done};

    if (!test_check(disk, "the first disk", "it is not there"))
        return;
    test_equal("sectors", disk->nr_sectors, FIRST_SECTORS);
    test_equal("of bytes", disk->sector_size, DISK_SECTOR);
    test_equal("segments", disk->max_segments, 62);
    test_check(!disk->read_only && disk->can_flush && disk->can_discard && disk->can_write_zeroes, "it can all", "not");
    write_and_read(disk);
    ranges(disk);
    request.sector = FIRST_SECTORS - SECTORS_OF_PAGE + 1;
    test_result("beyond the end", disk_submit(disk, &request), -XEN_EINVAL);
    request.sector--;
    submit(disk, &request);
    wait_for_all();
    test_equal("up to the end: requests failed", nr_failed, 0);
}

static void second(void)
{
    static const char text[] = "the second disk";
    struct disk *disk = disk_find("second");
    struct disk_segment segment = {virt_to_maddr(pages[0]), DISK_SECTOR};
    struct disk_request request = {.operation = DISK_READ, .segments = &segment, .nr_segments = 1};

    if (!test_check(disk, "the second disk", "it is not there"))
        return;
    submit(disk, &request);
    wait_for_all();
    test_check(memcmp(pages[0], text, sizeof(text) - 1) == 0, "what it says", "something else");
    test_check(disk->read_only, "it is read-only", "it is not");
    request.operation = DISK_WRITE;
    test_result("write", disk_submit(disk, &request), -XEN_EINVAL);
    test_check(!disk_find("third") && !disk_find(""), "no others", "there are");
}

void test_disks(void)
{
    for (unsigned i = 0; i < PAGES; i++) {
        pages[i] = page_alloc();
        others[i] = page_alloc();
    }
    disk_init();
    first();
    second();
}
