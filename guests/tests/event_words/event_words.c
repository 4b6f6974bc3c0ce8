/* SPDX-License-Identifier: MIT */
/*
 * Event channels with words in place of bits (FIFO): which frames may hold them, and that events of each kind arrive.
 * The library's handlers know bits alone: from init_control on this test looks for itself.
 */
#include <abi/errno.h>
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/table.h>
#include <guest/time.h>
#include <guests/tests/lib/test.h>

#define NO_FRAME MFN(UINT64_C(1) << 39)
#define OFFSET   512u /* of the control block in its page */
#define WORDS    1024u
#define PAGES    6u
#define MANY     5000u /* more ports than there are bits */
#define MS       UINT64_C(1000000)

#define PENDING (1u << EVTCHN_FIFO_PENDING)
#define MASKED  (1u << EVTCHN_FIFO_MASKED)
#define LINKED  (1u << EVTCHN_FIFO_LINKED)
#define LINK    ((uint32_t)EVTCHN_FIFO_LINK_MASK)

static char *block_page;
static struct evtchn_fifo_control_block *control;
static uint32_t *pages[PAGES], nr_pages, ready, heads[EVTCHN_FIFO_MAX_QUEUES];

static uint32_t *word_of(evtchn_port_t port)
{
    return &pages[port / WORDS][port % WORDS];
}

/*
 * ---- A kernel's own part: abi/event.h.
 */

/* One port off the best queue; 0: all are empty. */
static evtchn_port_t take_any(void)
{
    evtchn_port_t port;
    unsigned queue;
    uint32_t seen;

    WRITE_ONCE(guest.vcpu->evtchn_upcall_pending, 0);
    ready |= __atomic_exchange_n(&control->ready, 0, __ATOMIC_SEQ_CST);
    if (!ready)
        return 0;
    queue = (unsigned)__builtin_ctz(ready);
    port = heads[queue] ? heads[queue] : READ_ONCE(control->head[queue]);
    seen = __atomic_fetch_and(word_of(port), ~(LINKED | LINK), __ATOMIC_SEQ_CST);
    heads[queue] = seen & LINK;
    if (!heads[queue])
        ready &= ~(1u << queue);
    return port;
}

static bool handle(evtchn_port_t port)
{
    if ((READ_ONCE(*word_of(port)) & (PENDING | MASKED)) != PENDING)
        return false;
    (void)__atomic_fetch_and(word_of(port), ~PENDING, __ATOMIC_SEQ_CST);
    return true;
}

/* One of the test's own ports: console and store have theirs. */
static evtchn_port_t take(void)
{
    evtchn_port_t port;

    while ((port = take_any()) && (port == guest.start->console.domU.evtchn || port == guest.start->store_evtchn))
        (void)handle(port);
    return port;
}

/* The next event is that of @port, and has been handled. */
static void expect(const char *name, evtchn_port_t port)
{
    evtchn_port_t got = take();

    test_check(got == port && (port == 0 || handle(port)), name, "port %u", got);
}

/*
 * ---- Calls.
 */

static long init_control(mfn_t mfn, uint32_t offset)
{
    struct evtchn_init_control init = {.control_gfn = mfn.v, .offset = offset};
    long result = hypercall_event_channel_op(EVTCHNOP_init_control, &init);

    if (result == 0)
        test_equal("width of links", init.link_bits, EVTCHN_FIFO_LINK_BITS);
    return result;
}

static long expand(mfn_t mfn)
{
    return hypercall_event_channel_op(EVTCHNOP_expand_array, &(struct evtchn_expand_array){mfn.v});
}

static void add_page(void)
{
    pages[nr_pages] = page_alloc();
    test_need((int)expand(virt_to_mfn(pages[nr_pages])), "a page of words");
    nr_pages++;
}

static long set_priority(evtchn_port_t port, uint32_t priority)
{
    return hypercall_event_channel_op(EVTCHNOP_set_priority, &(struct evtchn_set_priority){port, priority});
}

static long poll(evtchn_port_t port, uint64_t timeout)
{
    const struct sched_poll poll = {.ports = arg_of(&port), .nr_ports = 1, .timeout = timeout};

    return hypercall_sched_op(SCHEDOP_poll, &poll);
}

static evtchn_port_t bind_ipi(void)
{
    struct evtchn_bind_ipi bind = {.vcpu = 0};

    test_need((int)hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind), "bind_ipi");
    return bind.port;
}

/*
 * ---- The tests.
 */

static void frames(void)
{
    test_result("init_control on a table", init_control(virt_to_mfn(table_root()), 0), -XEN_EINVAL);
    test_result("init_control on no frame", init_control(NO_FRAME, 0), -XEN_EINVAL);
    test_result("expand_array before init_control", expand(virt_to_mfn(block_page)), -XEN_EOPNOTSUPP);
    test_result("init_control", init_control(virt_to_mfn(block_page), OFFSET), 0);
    test_result("init_control again", init_control(virt_to_mfn(block_page), 0), -XEN_EINVAL);
    test_result("expand_array with a table", expand(virt_to_mfn(table_root())), -XEN_EINVAL);
    test_result("expand_array with no frame", expand(NO_FRAME), -XEN_EINVAL);
    test_need(table_set_readonly(block_page), "a page that is only read");
    test_check(table_pin((uint64_t *)block_page, 1) != 0, "a control block cannot become a table", "it has");
    test_need(table_set_writable(block_page), "a page that is written");
}

static void first_events(void)
{
    evtchn_port_t early = bind_ipi(), second = bind_ipi();

    test_result("send before there are words", event_send(early), 0);
    test_result("poll it", poll(early, 0), 0);
    add_page();
    test_equal("it has come to its word", READ_ONCE(*word_of(early)), PENDING | LINKED);
    test_equal("the vCPU is told", guest.vcpu->evtchn_upcall_pending, 1);
    test_result("send to another", event_send(second), 0);
    test_equal("which stands behind it", READ_ONCE(*word_of(early)) & LINK, second);
    expect("first the first", early);
    expect("then the second", second);
    expect("and no more", 0);
    *word_of(early) = MASKED;
    test_result("send to one that is masked", event_send(early), 0);
    expect("nothing comes", 0);
    event_unmask(early);
    expect("until it is unmasked", early);
    test_result("priority", set_priority(second, 2), 0);
    test_result("of no such queue", set_priority(second, 16), -XEN_EINVAL);
    test_result("send", event_send(early), 0);
    test_result("send to the more urgent one", event_send(second), 0);
    expect("it comes first", second);
    expect("the other comes then", early);
    test_result("close", event_close(early), 0);
    test_result("priority of a closed port", set_priority(early, 2), -XEN_EACCES);
    test_result("close the other", event_close(second), 0);
}

static void time_passes(void)
{
    struct evtchn_bind_virq bind = {.virq = VIRQ_TIMER};

    test_need((int)hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind), "the timer");
    (void)poll(bind.port, time_now() + MS);
    (void)handle(bind.port);
    test_need(timer_set(time_now() + 5 * MS), "an alarm");
    test_result("sleep until the timer", poll(bind.port, 0), 0);
    test_check(READ_ONCE(*word_of(bind.port)) & PENDING, "its event is there", "%x", *word_of(bind.port));
    while (take())
        continue;
    test_result("close the timer's port", event_close(bind.port), 0);
}

static void many_ports(void)
{
    evtchn_port_t port = 0, first = bind_ipi();

    while (port < MANY)
        port = bind_ipi();
    test_equal("the lowest free number each time", port, MANY);
    test_result("send to one without a word", event_send(MANY), 0);
    while (nr_pages * WORDS <= MANY)
        add_page();
    expect("it comes when it has one", MANY);
    for (port = first; port <= MANY; port++) {
        if (event_send(port))
            test_not_ok("send to each", "port %u", port);
    }
    for (port = first; port <= MANY && take() == port && handle(port); port++)
        continue;
    test_equal("all of them come, in order", port, MANY + 1);
    expect("and nothing else", 0);
    for (port = first; port <= MANY; port++)
        test_need(event_close(port), "close");
}

void test_main(void)
{
    block_page = page_alloc();
    control = (struct evtchn_fifo_control_block *)(block_page + OFFSET);
    frames();
    first_events();
    time_passes();
    many_ports();
}
