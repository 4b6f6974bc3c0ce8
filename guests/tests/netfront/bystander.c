/* SPDX-License-Identifier: MIT */
/* One who wants to be left alone: each of its frames comes back, whatever the others on the network do. */
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/netfront/netfront.h>

#define TRIES    20u
#define PATIENCE (SECOND / 5)
#define LEAST    100u /* exchanges */
#define MOST     (600 * SECOND)

static struct net net;
static struct net_frame frame, answer;
static unsigned done; /* a bit for each domain that is */

/* Whoever says that it is done is told that this has been heard. */
static void hear(const struct net_frame *heard)
{
    struct mac from;

    if (frame_type(heard) != TYPE_DONE || memcmp(heard->bytes, net.mac, 6) != 0)
        return;
    memcpy(&from, heard->bytes + 6, sizeof(from));
    done |= 1u << (from.bytes[4] % 32);
    frame_begin(&frame, from.bytes, net.mac, TYPE_DONE);
    frame_fill(&frame, ETHERNET, 64);
    (void)net_send(&net, &frame, PAGE_SIZE);
}

/* Whatever comes meanwhile, the answer as well; what is lost on the way is sent again. */
static bool exchange(unsigned size)
{
    for (unsigned tries = 0; tries < TRIES; tries++) {
        uint64_t end = time_now() + PATIENCE;

        make_question(&net, &frame, 0, size);
        if (net_send(&net, &frame, PAGE_SIZE) != NETIF_RSP_OKAY)
            continue;
        while (net_receive(&net, &answer, end)) {
            if (is_answer(&frame, &answer))
                return true;
            if (frame_type(&answer) == TYPE_DONE) {
                hear(&answer);
                break;
            }
        }
    }
    return false;
}

static unsigned count(unsigned bits)
{
    unsigned number = 0;

    for (; bits; bits &= bits - 1)
        number++;
    return number;
}

void be_bystander(void)
{
    unsigned wanted = (unsigned)guest_option("hostile", 1), good = 0, all = 0;

    frame = net_frame_alloc();
    answer = net_frame_alloc();
    net_init(&net, 0);
    if (!test_check(net_connect(&net, NET_SPLIT | NET_SG), "connected", "not"))
        return;
    while ((count(done) < wanted && time_now() < MOST) || all < LEAST)
        good += exchange(50 + all++ * 37 % 5000);
    test_equal("each frame has come back", good, all);
    test_equal("the hostile ones have come to their ends", count(done), wanted);
    test_note("%u frames have been exchanged", all);
    test_check(end_mirror(&net), "the mirror ends", "it does not answer");
}
