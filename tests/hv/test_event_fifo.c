/* SPDX-License-Identifier: MIT */
/* Event words and queues: what a guest finds in them, and that nothing is lost or reached whatever it does. */
/* links: hv/domain/event.c hv/domain/event_2level.c hv/domain/event_fifo.c hv/domain/event_table.c */
/* links: hv/service/event_channel.c hv/service/event_words.c hv/call/call_event.c engine/access.c */
/* links: tests/hv/lib/guest_words.c tests/hv/lib/guest_events.c tests/hv/lib/guest_memory.c */
/* links: tests/hv/lib/objects.c tests/hv/lib/port_halt.c tests/hv/lib/call_refused.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <tests/hv/lib/guest_words.h>

static struct guest *const guest = &guests[1];

/* Ports 1 to @count, IPIs of vCPU 0, which can be given to other vCPUs only as other kinds: see make_loops(). */
static void make_ports(unsigned count)
{
    uint32_t port;

    for (unsigned i = 1; i <= count; i++) {
        assert_int_equal(bind_ipi(guest, 0, &port), 0);
        assert_int_equal(port, i);
    }
}

/* Ports 2n and 2n - 1 are the ends of one channel: what is sent on one is raised on the other. */
static void make_loops(unsigned count)
{
    uint32_t port;

    for (unsigned i = 0; i < count; i++) {
        assert_int_equal(alloc_unbound(guest, DOMID_SELF, &port), 0);
        assert_int_equal(bind_interdomain(guest, DOMID_SELF, port, &port), 0);
    }
}

static void raise_port(uint32_t port)
{
    event_raise_port(&guest->domain, port);
}

static bool is_told(unsigned vcpu)
{
    bool told = guest->vcpus[vcpu].info->evtchn_upcall_pending;

    guest->vcpus[vcpu].info->evtchn_upcall_pending = 0;
    assert_int_equal(guest->wakes[vcpu], told);
    guest->wakes[vcpu] = 0;
    return told;
}

/*
 * Words as they were seen elsewhere: first event, second, a masked one, unmasking, closing.  Shows
 * event_channel_op.words-raise, event_channel_op.words-unmask.
 */
static void test_words(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    make_ports(3);
    raise_port(2);
    assert_int_equal(*word_of(2), 0xa0000000);
    assert_int_equal(control_of(0)->head[7], 2);
    assert_int_equal(control_of(0)->ready, 0x80);
    assert_true(is_told(0));
    raise_port(1);
    assert_int_equal(*word_of(2), 0xa0000001);
    assert_int_equal(*word_of(1), 0xa0000000);
    assert_int_equal(control_of(0)->head[7], 2);
    assert_false(is_told(0));
    *word_of(3) = MASKED;
    raise_port(3);
    assert_int_equal(*word_of(3), 0xc0000000);
    assert_int_equal(*word_of(1), 0xa0000000);
    assert_true(event_is_pending(&guest->domain, 3));
    assert_int_equal(unmask(guest, 3), 0);
    assert_int_equal(*word_of(3), 0xa0000000);
    assert_int_equal(*word_of(1), 0xa0000003);
    assert_int_equal(close_port(guest, 2), 0);
    assert_int_equal(*word_of(2), 0x20000001);
    assert_false(event_is_pending(&guest->domain, 2));
    for (unsigned i = 0; i < 16; i++)
        assert_int_equal(control_of(0)->head[i], i == 7 ? 2 : 0);
}

/*
 * The guest takes off what was put on, in that order, and is told of the first one.  Shows
 * event_channel_op.words-order, event_channel_op.words-raise.
 */
static void test_order(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    make_ports(9);
    for (unsigned round = 0; round < 3; round++) {
        for (uint32_t port = 9; port > 0; port--) {
            raise_port(port);
            raise_port(port); /* merged */
            assert_int_equal(is_told(0), port == 9);
        }
        for (uint32_t port = 9; port > 0; port--) {
            assert_int_equal(words_take(0), port);
            assert_true(words_handle(port));
        }
        assert_int_equal(words_take(0), 0);
    }
}

/* Shows event_channel_op.words-priorities, event_channel_op.set-priority. */
static void test_priorities(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    make_ports(16);
    for (uint32_t port = 1; port <= 16; port++)
        assert_int_equal(set_priority(guest, port, 16 - port), 0);
    for (uint32_t port = 1; port <= 16; port++) {
        raise_port(port);
        assert_true(is_told(0)); /* of each queue's first */
    }
    for (uint32_t port = 16; port > 0; port--)
        assert_int_equal(words_take(0), port);
}

/*
 * A pending event that is put on another queue is the end of the one before no more, though it is linked.  Shows
 * event_channel_op.words-stay.
 */
static void test_priority_of_a_tail(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    make_ports(3);
    raise_port(1);
    assert_int_equal(set_priority(guest, 1, 3), 0);
    raise_port(2); /* behind it, where it is still */
    assert_int_equal(words_take(0), 1);
    assert_true(words_handle(1));
    assert_int_equal(words_take(0), 2);
    raise_port(1); /* on the other */
    assert_int_equal(control_of(0)->ready, 1u << 3);
    assert_int_equal(set_priority(guest, 1, 7), 0);
    raise_port(3);
    assert_int_equal(words_take(0), 1);
    assert_int_equal(words_take(0), 3);
    assert_int_equal(words_take(0), 0);
}

/* The end of a queue is taken off, goes to another one, comes back, and is its own successor nowhere. */
static void test_tail_comes_back(void **state)
{
    (void)state;
    words_start(1);
    words_expand();
    make_ports(2);
    raise_port(1);
    assert_int_equal(words_take(0), 1);
    assert_true(words_handle(1));
    raise_port(1);
    assert_int_equal(*word_of(1), PENDING | LINKED); /* and no link to itself */
    assert_int_equal(control_of(0)->ready, 0x80);
    assert_int_equal(words_take(0), 1);
    assert_int_equal(set_priority(guest, 1, 2), 0);
    assert_true(words_handle(1));
    raise_port(1);
    raise_port(2); /* its own queue has been empty, and port 1 is linked */
    assert_int_equal(control_of(0)->head[7], 2);
    assert_int_equal(control_of(0)->ready, 0x84);
}

/*
 * A port that is closed while it stands on a queue stays its end for whoever has the number next.  Shows
 * event_channel_op.words-stay.
 */
static void test_closed_tail(void **state)
{
    uint32_t port;

    (void)state;
    words_start(1);
    words_expand();
    make_ports(3);
    raise_port(1);
    raise_port(2);
    assert_int_equal(close_port(guest, 2), 0);
    raise_port(3);
    assert_int_equal(bind_ipi(guest, 0, &port), 0);
    assert_int_equal(port, 2);
    raise_port(2);
    for (port = 1; port <= 3; port++) {
        assert_int_equal(words_take(0), port);
        assert_true(words_handle(port));
    }
    assert_int_equal(words_take(0), 0);
}

/* Shows event_channel_op.words-stay. */
static void test_other_vcpu(void **state)
{
    (void)state;
    words_start(3);
    words_expand();
    make_loops(2);
    assert_true(is_told(0)); /* of the ends that are born pending */
    assert_int_equal(bind_vcpu(guest, 1, 1), 0);
    raise_port(1);
    assert_true(is_told(1));
    assert_false(is_told(0));
    assert_int_equal(bind_vcpu(guest, 1, 2), 0); /* stays where it is */
    assert_false(is_told(2));
    assert_int_equal(bind_vcpu(guest, 3, 1), 0);
    raise_port(3);
    assert_int_equal(words_take(1), 1);
    assert_true(words_handle(1));
    assert_int_equal(words_take(1), 3);
    raise_port(1);
    assert_true(is_told(2));
    assert_int_equal(words_take(2), 1);
}

/*
 * Before there is a word for a port it is remembered that an event came; for a masked word as well.  Shows
 * event_channel_op.words-late.
 */
static void test_no_word(void **state)
{
    uint32_t port;

    (void)state;
    words_start(1);
    make_ports(2);
    raise_port(1);
    raise_port(2);
    assert_true(event_is_pending(&guest->domain, 1));
    assert_false(is_told(0));
    assert_int_equal(unmask(guest, 1), 0);
    assert_false(is_told(0));
    assert_int_equal(close_port(guest, 2), 0);
    assert_int_equal(bind_ipi(guest, 0, &port), 0); /* has nothing pending */
    assert_false(event_is_pending(&guest->domain, 2));
    words_expand();
    assert_true(is_told(0));
    assert_int_equal(words_take(0), 1);
    assert_true(words_handle(1));
    assert_int_equal(words_take(0), 0);
    assert_false(event_is_pending(&guest->domain, 1));
}

/*
 * ---- Whatever guest and hypervisor do, in any order: each event is handled.
 */

#define PAIRS 12u
#define PORTS (2 * PAIRS)

static bool wanted[PORTS + 1]; /* an event has been raised and not handled */
static uint32_t taken[VCPUS];  /* off a queue, and not handled yet */

static void finish(unsigned vcpu)
{
    if (taken[vcpu] && words_handle(taken[vcpu]))
        wanted[taken[vcpu]] = false;
    taken[vcpu] = 0;
}

static void reopen(uint32_t port)
{
    uint32_t other = port % 2 ? port + 1 : port - 1, again;

    assert_int_equal(close_port(guest, port), 0);
    wanted[port] = false;
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, other, &again), 0);
    assert_int_equal(again, port);
    wanted[port] = true; /* from its birth */
}

static void do_something(void)
{
    uint32_t port = (uint32_t)random() % PORTS + 1;
    unsigned vcpu = (unsigned)random() % VCPUS;

    switch (random() % 9) {
    case 0:
    case 1:
        raise_port(port);
        wanted[port] = true;
        break;
    case 2:
        words_mask(port);
        break;
    case 3:
        words_unmask(port);
        break;
    case 4:
        assert_int_equal(set_priority(guest, port, (uint32_t)random() % 3 * 7), 0);
        break;
    case 5:
        assert_int_equal(bind_vcpu(guest, port, vcpu), 0);
        break;
    case 6:
        reopen(port);
        break;
    default:
        finish(vcpu);
        taken[vcpu] = words_take(vcpu);
        break;
    }
}

/* Shows event_channel_op.words-handler. */
static void test_nothing_is_lost(void **state)
{
    (void)state;
    srandom(11);
    words_start(VCPUS);
    words_expand();
    memset(taken, 0, sizeof(taken));
    memset(wanted, 0, sizeof(wanted));
    make_loops(PAIRS);
    for (unsigned i = 1; i <= PAIRS; i++)
        wanted[2 * i] = true;
    for (unsigned i = 0; i < 100000; i++)
        do_something();
    for (uint32_t port = 1; port <= PORTS; port++)
        words_unmask(port);
    for (unsigned vcpu = 0; vcpu < VCPUS; vcpu++) {
        do {
            finish(vcpu);
            taken[vcpu] = words_take(vcpu);
        } while (taken[vcpu]);
    }
    for (uint32_t port = 1; port <= PORTS; port++) {
        assert_false(wanted[port]);
        assert_int_equal(*word_of(port), 0);
    }
}

/* What a guest writes there, at any moment, reaches nothing but its own frames, and no call takes longer for it. */
static void test_scribbles(void **state)
{
    static const uint8_t zero[4096];

    (void)state;
    srandom(12);
    words_start(VCPUS);
    words_expand();
    make_loops(PAIRS);
    for (unsigned i = 0; i < 100000; i++) {
        uint32_t port = (uint32_t)random() % PORTS + 1;
        uint32_t *places[] = {(uint32_t *)(void *)event_frames[(unsigned)random() % VCPUS] + random() % 18,
                              (uint32_t *)(void *)event_frames[WORDS_FRAME] + random() % 1024};

        *places[random() % 2] = (uint32_t)random() << 1;
        switch (random() % 5) {
        case 0:
            assert_int_equal(set_priority(guest, port, (uint32_t)random() % 16), 0);
            break;
        case 1:
            assert_int_equal(bind_vcpu(guest, port, (uint32_t)random() % VCPUS), 0);
            break;
        case 2:
            assert_int_equal(unmask(guest, port), 0);
            break;
        default:
            assert_int_equal(send(guest, port), 0);
        }
    }
    for (unsigned i = VCPUS; i < EVENT_FRAMES; i++) {
        if (i != WORDS_FRAME)
            assert_memory_equal(event_frames[i], zero, sizeof(zero));
    }
}

int main(void)
{
#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up_64, tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_words),           TEST(test_order),       TEST(test_priorities), TEST(test_priority_of_a_tail),
        TEST(test_tail_comes_back), TEST(test_closed_tail), TEST(test_other_vcpu), TEST(test_no_word),
        TEST(test_nothing_is_lost), TEST(test_scribbles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
