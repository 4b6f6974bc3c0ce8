/* SPDX-License-Identifier: MIT */
/*
 * The directory of QEMU's by the back end's driver, "shared": a file "file" in it, a link "link" that leads out to a
 * file "outside" beside it; and requests that no client should make, after which the next session finds all as it was.
 */
#include <guest/event.h>
#include <guest/string.h>
#include <backend/ninep.h>
#include <backend/share.h>
#include <guests/tests/lib/test.h>
#include <tests/backend/virtio/virtio.h>

enum {
    RLERROR = 7,
    TLOPEN = 12,
    RLOPEN,
    TVERSION = 100,
    RVERSION,
    TATTACH = 104,
    RATTACH,
    TWALK = 110,
    RWALK,
    TREAD = 116,
    RREAD,
    TCLUNK = 120,
    RCLUNK
};

#define NO_FID  UINT32_MAX
#define ROOT    0u
#define FID     1u
#define DATA_AT (NINEP_HEADER + 4) /* of Rread */

static struct share *share;
static struct share_message *message;

/* ---- A request, piece by piece, and its reply. */

static void add(const void *bytes, size_t size)
{
    memcpy(message->request + message->request_size, bytes, size);
    message->request_size += (uint32_t)size;
}

static void add32(uint32_t number)
{
    add(&number, sizeof(number));
}

static void add_text(const char *text)
{
    uint16_t length = (uint16_t)strlen(text);

    add(&length, sizeof(length));
    add(text, length);
}

static void begin(uint8_t type)
{
    const uint16_t tag = type == TVERSION ? UINT16_MAX : 5;

    message = share_get(share);
    message->request_size = 0;
    add32(0);
    add(&type, 1);
    add(&tag, sizeof(tag));
}

/* Sleep from event to event, as the main loop does.  NULL: the device has failed. */
static struct share_message *receive(void)
{
    for (;;) {
        uint64_t upcalls = event_upcalls;
        struct share_message *reply;

        share_poll();
        reply = share_receive(share);
        if (reply || share_has_failed(share))
            return reply;
        event_disable();
        if (event_upcalls == upcalls)
            event_wait();
        else
            event_enable();
    }
}

/* The type of the reply, 0 if there is none.  @size: what the request says of itself. */
static unsigned finish_as(uint32_t size)
{
    memcpy(message->request, &size, sizeof(size));
    if (share_send(share, message) || !receive())
        return 0;
    share_put(share, message); /* what is in it stays until the next request */
    return message->reply[4];
}

static unsigned finish(void)
{
    return finish_as(message->request_size);
}

/* ---- Sessions. */

static void start(void)
{
    test_result("the share starts", share_start(share), 0);
    begin(TVERSION);
    add32(SHARE_MESSAGE_MAX);
    add_text("9P2000.L");
    test_equal("a session begins", finish(), RVERSION);
    test_equal("of messages of this size", ninep_size(message->reply + NINEP_HEADER), SHARE_MESSAGE_MAX);
    begin(TATTACH);
    add32(ROOT);
    add32(NO_FID);
    add_text("");
    add_text("");
    add32(0);
    test_equal("the root is attached", finish(), RATTACH);
}

static unsigned walk(uint32_t fid, const char *first, const char *second)
{
    const uint16_t count = second ? 2 : 1;

    begin(TWALK);
    add32(ROOT);
    add32(fid);
    add(&count, sizeof(count));
    add_text(first);
    if (second)
        add_text(second);
    return finish();
}

static unsigned open(uint32_t fid)
{
    begin(TLOPEN);
    add32(fid);
    add32(0);
    return finish();
}

static unsigned read(uint32_t fid, uint32_t count)
{
    const uint64_t offset = 0;

    begin(TREAD);
    add32(fid);
    add(&offset, sizeof(offset));
    add32(count);
    return finish();
}

static void read_file(void)
{
    static const char text[] = "in the directory";

    test_equal("walk to the file", walk(FID, "file", NULL), RWALK);
    test_equal("open it", open(FID), RLOPEN);
    test_equal("read it", read(FID, SHARE_MESSAGE_MAX - DATA_AT), RREAD);
    test_check(message->reply_size == DATA_AT + sizeof(text) - 1 &&
                   memcmp(message->reply + DATA_AT, text, sizeof(text) - 1) == 0,
               "what is in the file", "something else");
}

/* CVE-2016-7116: what lies beside the directory cannot be named. */
static void stay_inside(void)
{
    test_equal("out and in again", walk(10, "..", "outside"), RWALK);
    test_equal("and no further than the root", message->reply[NINEP_HEADER], 1); /* qids */
    test_equal("a path", walk(11, "../outside", NULL), RLERROR);
    test_equal("no name", walk(12, "", NULL), RLERROR);
    test_equal("walk to a link", walk(13, "link", NULL), RWALK);
    test_equal("it is not followed", open(13), RLERROR);
}

/* Whether QEMU answers or gives up, the next session begins anew: without what was open. */
static void recover(const char *what, unsigned type)
{
    test_check(type == 0 || type == RLERROR || type == RREAD, what, "another reply");
    share_stop(share);
    start();
    begin(TCLUNK);
    add32(FID);
    test_equal("nothing is open any more", finish(), RLERROR);
    read_file();
}

/* What ninep_check() would not let pass. */
static void provoke(void)
{
    recover("more is asked for than there is room", read(FID, UINT32_MAX));
    begin(TREAD);
    add32(FID);
    recover("a request that is cut short", finish());
    begin(TCLUNK);
    add32(100);
    recover("a request that says it is longer", finish_as(SHARE_MESSAGE_MAX));
    begin(TCLUNK);
    add32(100);
    recover("or that it is nothing", finish_as(0));
}

void test_shares(void)
{
    share_init();
    share = share_find("shared");
    if (!test_check(share && !share_find("file"), "the share", "it is not there"))
        return;
    start();
    read_file();
    stay_inside();
    provoke();
    share_stop(share);
}
