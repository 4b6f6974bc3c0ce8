/* SPDX-License-Identifier: MIT */
/* Each way to send, alone on the network with the mirror and the machine's card. */
#include <guest/string.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/netfront/netfront.h>

#define CONNECTIONS 10u
#define LONG_FRAME  30000u
#define SEGMENT     1400u
#define QUEUES      4u

static struct net net, queues[QUEUES];
static struct net_frame frame, answer;

/*
 * ---- The card.
 */

static bool await_reply(bool (*is_it)(const struct net_frame *))
{
    uint64_t end = time_now() + 10 * SECOND;

    while (net_receive(&net, &answer, end)) {
        if (is_it(&answer))
            return true;
    }
    return false;
}

static bool answers_dhcp(const struct net_frame *reply)
{
    return frame_answers_dhcp(reply, net.mac);
}

static void card(void)
{
    frame_make_arp(&frame, net.mac);
    test_equal("ask the network for an address", (uint64_t)net_send(&net, &frame, PAGE_SIZE), 0);
    test_check(await_reply(frame_answers_arp), "which answers", "no answer");
    frame_make_dhcp(&frame, net.mac);
    test_equal("ask without a checksum", (uint64_t)net_send(&net, &frame, 100), 0);
    test_check(await_reply(answers_dhcp), "which has got one on its way", "no answer");
}

/*
 * ---- The mirror.
 */

static void mirrored(const char *name, unsigned id, unsigned size)
{
    make_question(&net, &frame, id, size);
    test_check(ask(&net, &frame, &answer, SECOND) && is_answer(&frame, &answer), name, "%u bytes are not", answer.size);
}

static void sizes(void)
{
    mirrored("a small frame comes back", 0, 46);
    mirrored("an ordinary one", 0, 1500);
    mirrored("one of exactly a page", 0, PAGE_SIZE - ETHERNET);
    mirrored("one of a page and a byte", 0, PAGE_SIZE - ETHERNET + 1);
    mirrored("one of 15 pages", 0, 15 * PAGE_SIZE);
    mirrored("an ordinary one by an interface that takes nothing else", 1, 1500);
    make_question(&net, &frame, 1, 2 * PAGE_SIZE);
    test_check(!ask(&net, &frame, &answer, SECOND / 10), "a larger one is lost there", "it is not");
    mirrored("but not the next", 1, 60);
}

static void parts(void)
{
    make_question(&net, &frame, 0, NET_PARTS * 100 - ETHERNET);
    test_equal("a frame in 18 parts", (uint64_t)net_send(&net, &frame, 100), 0);
    test_check(net_receive(&net, &answer, time_now() + SECOND) && is_answer(&frame, &answer), "comes back", "not so");
}

static unsigned seen(unsigned at)
{
    return frame_get16(answer.bytes + at);
}

static void checksums(void)
{
    frame_make_udp(&frame, mirror_of(0).bytes, net.mac, 999);
    test_check(ask(&net, &frame, &answer, SECOND) && is_answer(&frame, &answer), "a blank checksum stays blank", "no");
    test_equal("and that is said", seen(SEEN_FLAGS), NETRXF_csum_blank | NETRXF_data_validated);
    frame_make_udp(&frame, mirror_of(1).bytes, net.mac, 999);
    test_check(ask(&net, &frame, &answer, SECOND), "who takes none", "no answer");
    test_equal("is not given one", seen(SEEN_FLAGS), NETRXF_data_validated);
    test_equal("but the right sum", frame_sum(answer.bytes + SEEN_HEAD, answer.size - SEEN_HEAD), 0xffff);
}

/* Of a long frame, what was made of its bytes from @first on. */
static bool is_segment(unsigned first)
{
    const uint8_t *bytes = answer.bytes + SEEN_HEAD;
    unsigned left = LONG_FRAME - first, size = left < SEGMENT ? left : SEGMENT;

    return answer.size - SEEN_HEAD == TCP_DATA + size &&
           frame_get16(bytes + IP_START + 2) == TCP_DATA - IP_START + size &&
           frame_get32(bytes + IP_START + 24) == first && frame_sum(bytes, TCP_DATA + size) == 0xffff &&
           frame_is_filled(bytes + TCP_DATA, size, first);
}

static void long_frames(void)
{
    unsigned good = 0, first = 0;

    frame_make_tcp(&frame, mirror_of(0).bytes, net.mac, LONG_FRAME);
    frame.gso_type = XEN_NETIF_GSO_TYPE_TCPV4;
    frame.gso_size = SEGMENT;
    test_check(ask(&net, &frame, &answer, SECOND) && is_answer(&frame, &answer), "a long frame comes whole",
               "it does not");
    test_equal("and is said to be one", seen(SEEN_GSO_TYPE), XEN_NETIF_GSO_TYPE_TCPV4);
    test_equal("to be cut so", seen(SEEN_GSO_SIZE), SEGMENT);
    frame.bytes[5] = 1;
    test_equal("to who takes none", (uint64_t)net_send(&net, &frame, PAGE_SIZE), 0);
    for (; first < LONG_FRAME && net_receive(&net, &answer, time_now() + SECOND); first += SEGMENT)
        good += is_segment(first);
    test_equal("it comes in segments", good, (LONG_FRAME + SEGMENT - 1) / SEGMENT);
}

static void come_and_go(void)
{
    static const unsigned features[] = {0, NET_SPLIT, NET_SG, NET_SPLIT | NET_SG | NET_TSO};
    unsigned good = 0;

    for (unsigned i = 0; i < CONNECTIONS; i++) {
        good += net_close(&net) && net_connect(&net, features[i % ARRAY_SIZE(features)]);
        make_question(&net, &frame, 0, 100);
        good += ask(&net, &frame, &answer, SECOND) && is_answer(&frame, &answer);
    }
    test_equal("closed, connected and in use again", good, 2 * CONNECTIONS);
}

/*
 * ---- Groups.
 */

/* Does what the mirror sends to that group come here? */
static bool gets_group(unsigned last)
{
    make_question(&net, &frame, 0, 100);
    frame_put16(frame.bytes + 12, TYPE_TO);
    memcpy(frame.bytes + ETHERNET, "\x01\0\x5e\0\0", 5);
    frame.bytes[ETHERNET + 5] = (uint8_t)last;
    return ask(&net, &frame, &answer, SECOND / 5) && is_answer(&frame, &answer);
}

static int name_group(unsigned last, bool add)
{
    const uint8_t mac[6] = {1, 0, 0x5e, 0, 0, (uint8_t)last};

    return net_name_group(&net, mac, add);
}

/* Shows netif.groups. */
static void groups(void)
{
    unsigned named = 0;

    test_check(gets_group(1), "who has not asked for less gets every group", "no");
    test_check(net_close(&net) && net_connect(&net, NET_SG | NET_GROUPS), "connected for named groups", "not");
    test_check(!gets_group(1), "gets none that it has not named", "it does");
    test_equal("names one", (uint64_t)name_group(1, true), NETIF_RSP_OKAY);
    test_check(gets_group(1) && !gets_group(2), "gets that one alone", "no");
    mirrored("and what is to itself", 0, 100);
    while (named < 1000 && name_group(named + 2, true) == NETIF_RSP_OKAY)
        named++;
    test_check(named > 8 && named < 250, "the list is bounded", "%u", named);
    test_equal("names it no more", (uint64_t)name_group(1, false), NETIF_RSP_OKAY);
    test_check(!gets_group(1) && gets_group(2), "gets it no more, but others", "no");
    test_check(net_close(&net) && net_connect(&net, NET_SPLIT | NET_SG | NET_TSO), "connected as before", "not");
    test_check(gets_group(1), "gets all again", "no");
}

/*
 * ---- Several queues.
 */

/* The queue in which the answer is, which is the same for all that the mirror says. */
static unsigned answered_in(void)
{
    for (uint64_t end = time_now() + SECOND; time_now() < end;) {
        for (unsigned i = 0; i < QUEUES; i++) {
            if (net_receive(&queues[i], &answer, time_now()) && is_answer(&frame, &answer))
                return i;
        }
    }
    return QUEUES;
}

/* By each of them a question, small and large.  Shows netif.queues. */
static void ask_by_each(void)
{
    unsigned good = 0, where = QUEUES;

    for (unsigned i = 0; i < 2 * QUEUES; i++) {
        unsigned seen;

        make_question(&net, &frame, 0, i < QUEUES ? 100 : 3 * PAGE_SIZE);
        if (net_send(&queues[i % QUEUES], &frame, PAGE_SIZE) != NETIF_RSP_OKAY)
            break;
        seen = answered_in();
        good += seen < QUEUES && (where == QUEUES || seen == where);
        where = seen;
    }
    test_equal("questions by each queue are answered in one", good, 2 * QUEUES);
}

static void several(void)
{
    test_check(net_close(&net), "closed", "not");
    test_equal("so many queues are offered", device_back_number(&net.device, "multi-queue-max-queues"), QUEUES);
    for (unsigned i = 0; i < QUEUES; i++)
        net_init_queue(&queues[i], 0, i);
    for (unsigned ports = 0; ports <= NET_SPLIT; ports += NET_SPLIT) {
        test_check(net_connect_queues(queues, QUEUES, NET_SG | ports), "connected by four queues", "not");
        ask_by_each();
        test_check(device_close(&net.device), "closed again", "not");
        for (unsigned i = 0; i < QUEUES; i++) {
            net_release(&queues[i]);
            test_equal("nothing that was received by it has failed", queues[i].errors, 0);
        }
    }
    device_remove(&net.device, "multi-queue-num-queues");
    test_check(net_connect(&net, NET_SPLIT | NET_SG | NET_TSO), "connected by one", "not");
}

void be_visitor(void)
{
    frame = net_frame_alloc();
    answer = net_frame_alloc();
    net_init(&net, 0);
    if (!test_check(net_connect(&net, NET_SPLIT | NET_SG | NET_TSO), "connected", "not"))
        return;
    card();
    sizes();
    parts();
    checksums();
    long_frames();
    come_and_go();
    groups();
    several();
    test_check(end_mirror(&net), "the mirror ends", "it does not answer");
    test_equal("nothing that was received has failed", net.errors, 0);
}
