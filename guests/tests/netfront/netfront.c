/* SPDX-License-Identifier: MIT */
/*
 * Networks by way of a back end.  The word "role=N" says which of several guests this one is, "mirror=N" which number
 * the one with the mirror has.
 */
#include <guest/event.h>
#include <guest/grant.h>
#include <guest/guest.h>
#include <guest/string.h>
#include <guest/time.h>
#include <guest/xenstore.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/netfront/netfront.h>

struct mac mac_of(unsigned number, unsigned id)
{
    return (struct mac){{2, 0, 0, 0, (uint8_t)number, (uint8_t)id}};
}

struct mac mirror_of(unsigned id)
{
    return mac_of((unsigned)guest_option("mirror", 0), id);
}

/*
 * ---- Questions to the mirror.
 */

bool ask(struct net *net, const struct net_frame *frame, struct net_frame *answer, uint64_t patience)
{
    uint64_t end = time_now() + patience;

    if (net_send(net, frame, PAGE_SIZE) != NETIF_RSP_OKAY)
        return false;
    while (net_receive(net, answer, end)) {
        if (frame_type(answer) == TYPE_SEEN)
            return true;
    }
    return false;
}

void make_question(const struct net *net, struct net_frame *frame, unsigned id, unsigned size)
{
    frame_begin(frame, mirror_of(id).bytes, net->mac, TYPE_ASK);
    frame_fill(frame, ETHERNET, size);
}

bool is_answer(const struct net_frame *frame, const struct net_frame *answer)
{
    return answer->size == SEEN_HEAD + frame->size && !memcmp(answer->bytes + SEEN_HEAD, frame->bytes, frame->size);
}

bool end_mirror(struct net *net)
{
    struct net_frame frame = net_frame_alloc(), answer = net_frame_alloc();

    make_question(net, &frame, 0, 64);
    frame_put16(frame.bytes + 12, TYPE_END);
    for (unsigned tries = 0; tries < 20; tries++) {
        if (ask(net, &frame, &answer, SECOND))
            return true;
    }
    return false;
}

/*
 * ---- The mirror.
 */

static void send_back(struct net *net, const struct net_frame *frame, struct net_frame *answer)
{
    frame_begin(answer, frame->bytes + (frame_type(frame) == TYPE_TO ? ETHERNET : 6), net->mac, TYPE_SEEN);
    frame_put16(answer->bytes + SEEN_FLAGS, frame->flags);
    frame_put16(answer->bytes + SEEN_GSO_TYPE, frame->gso_type);
    frame_put16(answer->bytes + SEEN_GSO_SIZE, frame->gso_size);
    memcpy(answer->bytes + SEEN_HEAD, frame->bytes, frame->size);
    answer->size = SEEN_HEAD + frame->size;
    (void)net_send(net, answer, PAGE_SIZE);
}

/* True: the end has come. */
static bool mirror(struct net *net, struct net_frame *frame, struct net_frame *answer)
{
    while (net_receive(net, frame, time_now())) {
        if (frame->size <= ETHERNET || frame->size > NET_MAX - SEEN_HEAD || memcmp(frame->bytes, net->mac, 6) != 0)
            continue;
        send_back(net, frame, answer);
        if (frame_type(frame) == TYPE_END)
            return true;
    }
    return false;
}

/* The first one takes all that there is, the second one nothing that it need not. */
void be_mirror(void)
{
    static struct net nets[2];
    struct net_frame frame = net_frame_alloc(), answer = net_frame_alloc();

    for (unsigned i = 0; i < ARRAY_SIZE(nets); i++) {
        net_init(&nets[i], i);
        test_check(net_connect(&nets[i], i ? NET_NO_BLANK : NET_SPLIT | NET_SG | NET_TSO), "connected", "not");
    }
    while (!mirror(&nets[0], &frame, &answer) && !mirror(&nets[1], &frame, &answer))
        time_sleep(SECOND / 1000);
    test_equal("nothing that was received has failed", nets[0].errors + nets[1].errors, 0);
}

void test_main(void)
{
    static void (*const roles[])(void) = {NULL, be_mirror, be_visitor, be_bystander, be_hostile};
    uint64_t role = guest_option("role", 0);

    if (role == 0 || role >= ARRAY_SIZE(roles))
        test_skip("it takes other guests: tests/several");
    test_need(xenstore_init(), "the xenstore");
    test_need(grant_init(), "grants");
    test_need(timer_init(event_only_wakes), "VIRQ_TIMER");
    event_enable();
    roles[role]();
}
