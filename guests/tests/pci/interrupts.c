/* SPDX-License-Identifier: MIT */
/* In order: mapping and what is refused; ports; messages; the line. */
#include <abi/errno.h>
#include <abi/physdev.h>
#include <guest/event.h>
#include <guest/hypercall.h>
#include <guests/tests/lib/test.h>
#include <guests/tests/pci/config.h>
#include <guests/tests/pci/pci.h>
#include <guests/tests/pci/rng.h>

#define COMMAND        0x04
#define COMMAND_MASTER 0x4u
#define QUEUE_ENTRY    1
#define NO_ENTRY       0xffff
#define PIRQS          128
#define LINES          24 /* of the machine */
#define LINE_PIRQ      48 /* above the numbers of lines, however many there are */
#define ROUNDS         50
#define STORM          3000 /* the hypervisor lets a thousand pass */
#define PATIENCE       100000000

static volatile unsigned seen;

static long eoi(uint32_t pirq)
{
    struct physdev_eoi end = {.irq = pirq};

    return hypercall_physdev_op(PHYSDEVOP_eoi, &end);
}

static void count(evtchn_port_t port)
{
    (void)port;
    seen++;
}

static struct physdev_map_pirq request(const struct function *function, int entry)
{
    return (struct physdev_map_pirq){
        .domid = DOMID_SELF,
        .type = MAP_PIRQ_TYPE_MSI_SEG,
        .index = -1,
        .pirq = -1,
        .bus = (int32_t)(function->place >> 8),
        .devfn = (int32_t)(function->place & 0xff),
        .entry_nr = entry,
        .table_base = function->table,
    };
}

static long map(struct physdev_map_pirq *map)
{
    return hypercall_physdev_op(PHYSDEVOP_map_pirq, map);
}

static long unmap(int pirq)
{
    struct physdev_unmap_pirq args = {.domid = DOMID_SELF, .pirq = pirq};

    return hypercall_physdev_op(PHYSDEVOP_unmap_pirq, &args);
}

static long bind(uint32_t pirq, evtchn_port_t *port)
{
    struct evtchn_bind_pirq args = {.pirq = pirq};
    long result = hypercall_event_channel_op(EVTCHNOP_bind_pirq, &args);

    *port = args.port;
    if (result == 0)
        event_set_handler(*port, count);
    return result;
}

static long query(uint32_t pirq, uint32_t *flags)
{
    struct physdev_irq_status_query args = {.irq = pirq, .flags = 0xff};
    long result = hypercall_physdev_op(PHYSDEVOP_irq_status_query, &args);

    *flags = args.flags;
    return result;
}

static void refused_messages(const struct function *function)
{
    struct physdev_map_pirq args = request(function, (int)function->nr_entries);

    test_result("an entry behind the table", map(&args), -XEN_EINVAL);
    args = request(function, -1);
    test_result("no entry", map(&args), -XEN_EINVAL);
    args = request(function, 0);
    args.table_base = 0;
    test_result("no table", map(&args), -XEN_ENODEV);
    args = request(function, 0);
    args.table_base += 0x1000;
    test_result("another table", map(&args), -XEN_EINVAL);
    args = request(function, 0);
    args.devfn = 0;
    test_result("another function", map(&args), -XEN_ENODEV);
    args = request(function, 0);
    args.bus |= 1 << 16;
    test_result("another segment", map(&args), -XEN_ENODEV);
    args = request(function, 0);
    args.domid = 0x1234;
    test_result("another domain", map(&args), -XEN_EPERM);
    args = request(function, 0);
    args.pirq = -2;
    test_result("no number", map(&args), -XEN_EINVAL);
    args = request(function, 0);
    args.pirq = PIRQS;
    test_result("too high a number", map(&args), -XEN_EINVAL);
    args = request(function, 0);
    args.type = MAP_PIRQ_TYPE_MULTI_MSI;
    test_result("several messages", map(&args), -XEN_EINVAL);
    args.type = -1;
    test_result("no type", map(&args), -XEN_EINVAL);
    test_result("no argument", hypercall_physdev_op(PHYSDEVOP_map_pirq, NULL), -XEN_EFAULT);
}

static void refused_lines(const struct function *function)
{
    struct physdev_map_pirq args = {.domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .pirq = -1};

    for (int line = -1; line <= LINES; line++) {
        args.index = line;
        if ((unsigned)line != function->line && map(&args) != (line < 0 || line == LINES ? -XEN_EINVAL : -XEN_EPERM))
            test_not_ok("no line but its own", "%d", line);
    }
}

static void refused_numbers(void)
{
    static const uint32_t numbers[] = {0, 11, 127, 128, 4096, UINT32_MAX};
    evtchn_port_t port;
    uint32_t flags;

    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        bool exists = numbers[i] < PIRQS;

        test_result("bind what is not mapped", bind(numbers[i], &port), exists ? -XEN_EPERM : -XEN_EINVAL);
        test_result("unmap it", unmap((int)numbers[i]), -XEN_EINVAL);
        test_result("end it", eoi(numbers[i]), -XEN_EINVAL);
        test_result("ask for it", query(numbers[i], &flags), exists ? 0 : -XEN_EINVAL);
    }
}

/* Every command with nonsense, again and again; nothing is mapped by that. */
static void nonsense(void)
{
    uint64_t random = 88172645463325252u, words[8];
    unsigned good = 0;

    for (unsigned i = 0; i < 20000; i++) {
        for (unsigned j = 0; j < 8; j++) {
            random ^= random << 13;
            random ^= random >> 7;
            random ^= random << 17;
            words[j] = random >> (random & 0x3f);
        }
        if (i % 40 == PHYSDEVOP_set_iopl)
            continue;
        good += hypercall_physdev_op(i % 40, words) == 0;
    }
    test_note("%u of them were good for something", good);
    test_ok("nonsense has been said");
}

static void ports(const struct function *function, uint32_t pirq)
{
    struct physdev_map_pirq again = request(function, QUEUE_ENTRY);
    struct evtchn_status status = {.dom = DOMID_SELF};
    struct evtchn_bind_vcpu vcpu = {0};
    evtchn_port_t port, other;

    test_result("bind", bind(pirq, &port), 0);
    status.port = port;
    test_result("status", hypercall_event_channel_op(EVTCHNOP_status, &status), 0);
    test_check(status.status == EVTCHNSTAT_pirq && status.u.pirq == pirq, "of an interrupt", "%u, %u", status.status,
               status.u.pirq);
    vcpu.port = port;
    test_result("to the same vCPU", hypercall_event_channel_op(EVTCHNOP_bind_vcpu, &vcpu), 0);
    test_result("bind again", bind(pirq, &other), -XEN_EEXIST);
    test_result("send", event_send(port), -XEN_EINVAL);
    test_result("map again", map(&again), -XEN_EEXIST);
    test_result("close", event_close(port), 0);
    test_result("end without a port", eoi(pirq), -XEN_EINVAL);
    test_result("bind once more", bind(pirq, &port), 0);
    test_result("unmap while bound", unmap((int)pirq), 0);
    test_result("end what is unmapped", eoi(pirq), -XEN_EINVAL);
    test_result("close a port of nothing", event_close(port), 0);
    test_result("unmap again", unmap((int)pirq), -XEN_EINVAL);
}

/* Ask, and sleep until it has come. */
static void rounds(uint32_t pirq)
{
    for (unsigned i = 0; i < ROUNDS; i++) {
        unsigned before = seen;

        event_disable();
        rng_ask();
        while (seen == before) {
            event_wait();
            event_disable();
        }
        if (!rng_is_done())
            test_not_ok("an interrupt without an answer", "round %u", i);
        if (eoi(pirq) != 0)
            test_not_ok("end", "round %u", i);
    }
    event_enable();
}

/* Far more than a guest that looks would ever have at once. */
static void storm(void)
{
    unsigned before = seen;

    event_disable();
    for (unsigned i = 0; i < STORM; i++) {
        rng_ask();
        while (!rng_is_done())
            ;
    }
    test_equal("nobody has looked", seen, before);
    event_enable();
    test_equal("all of a storm is one event", seen, before + 1);
}

static void messages(const struct function *function)
{
    struct physdev_map_pirq args = request(function, QUEUE_ENTRY);
    evtchn_port_t port;
    uint32_t flags;

    test_result("map a message", map(&args), 0);
    test_equal("its number", (uint64_t)args.pirq, PIRQS - 1);
    ports(function, (uint32_t)args.pirq);
    args = request(function, QUEUE_ENTRY);
    args.pirq = 40;
    test_result("map it to a number", map(&args), 0);
    test_equal("that number", (uint64_t)args.pirq, 40);
    test_result("ask", query(40, &flags), 0);
    test_equal("a message need not be ended", flags, 0);
    test_check(rng_start(function->common, function->notify, QUEUE_ENTRY), "start the device", "it does not want");
    rng_ask();
    while (!rng_is_done())
        ;
    test_result("bind when it has come already", bind(40, &port), 0);
    event_enable();
    while (seen == 0)
        ;
    test_equal("it comes once", seen, 1);
    rounds(40);
    test_equal("each has come once", seen, 1 + ROUNDS);
    storm();
    rounds(40);
    test_equal("and goes on", seen, 2 + 2 * ROUNDS);
    test_result("close", event_close(port), 0);
    rng_ask();
    while (!rng_is_done())
        ;
    test_equal("nothing without a port", seen, 2 + 2 * ROUNDS);
    test_result("unmap", unmap(40), 0);
}

/* Does that event come, and no other behind it? */
static bool comes(unsigned number)
{
    for (unsigned i = 0; i < PATIENCE && seen < number; i++)
        __asm__ volatile("pause");
    return seen == number;
}

/* It stays raised until the device is asked for its state, and comes once for each end. */
static void line(const struct function *function)
{
    struct physdev_map_pirq args = {
        .domid = DOMID_SELF, .type = MAP_PIRQ_TYPE_GSI, .index = (int32_t)function->line, .pirq = -1};
    evtchn_port_t port;
    uint32_t flags;

    seen = 0;
    test_result("map the line", map(&args), 0);
    test_equal("above the numbers of lines", (uint64_t)args.pirq, LINE_PIRQ);
    test_result("map it again", map(&args), 0);
    args.pirq = 5;
    test_result("elsewhere", map(&args), -XEN_EEXIST);
    args.pirq = LINE_PIRQ;
    test_result("ask", query(LINE_PIRQ, &flags), 0);
    test_equal("a line has to be ended", flags, XENIRQSTAT_needs_eoi);
    test_result("bind", bind(LINE_PIRQ, &port), 0);
    event_enable();
    test_check(rng_start(function->common, function->notify, NO_ENTRY), "start the device", "it does not want");
    rng_ask();
    while (seen == 0)
        ;
    test_check(rng_is_done(), "an answer", "none");
    for (unsigned i = 2; i < 10; i++) {
        if (eoi(LINE_PIRQ) != 0 || !comes(i))
            test_not_ok("it comes again until the device is asked", "%u", i);
    }
    test_equal("it was the device", *function->isr, 1);
    test_result("end", eoi(LINE_PIRQ), 0);
    test_equal("not again", seen, 9);
    for (unsigned i = 10; i < 10 + ROUNDS; i++) {
        rng_ask();
        if (!comes(i) || !rng_is_done() || *function->isr != 1 || eoi(LINE_PIRQ) != 0)
            test_not_ok("round", "%u", i);
    }
    test_equal("each has come once", seen, 9 + ROUNDS);
    test_result("unmap", unmap(LINE_PIRQ), 0);
    test_result("close", event_close(port), 0);
}

void interrupts(const struct function *function)
{
    config_write(function->place, COMMAND, config_read(function->place, COMMAND) | COMMAND_MASTER);
    refused_messages(function);
    refused_lines(function);
    refused_numbers();
    nonsense();
    messages(function);
    line(function);
}
