/* SPDX-License-Identifier: MIT */
/* The upcall goes through the pending bits of both levels; the rest are hypercalls on ports. */
#include <guest/event.h>
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guest/processor.h>
#include <guest/trap.h>
#include <guest/vcpu.h>

#define WORD_BITS  (8 * (unsigned)sizeof(event_word_t))
#define WORD(port) ((port) / WORD_BITS)
#define BIT(port)  ((event_word_t)1 << ((port) % WORD_BITS))

uint64_t event_upcalls, event_strays;

static event_handler *handlers[EVTCHN_2L_NR_CHANNELS];
static uint8_t vcpus[EVTCHN_2L_NR_CHANNELS]; /* each port's, which alone looks at it */

static void set_bit(event_word_t *word, event_word_t bit)
{
    __atomic_fetch_or(word, bit, __ATOMIC_SEQ_CST);
}

static void clear_bit(event_word_t *word, event_word_t bit)
{
    __atomic_fetch_and(word, ~bit, __ATOMIC_SEQ_CST);
}

static void handle_port(evtchn_port_t port)
{
    event_clear(port);
    if (handlers[port])
        handlers[port](port);
    else
        event_strays++;
}

/* Those of other vCPUs' ports, which share the word, are theirs to look at. */
static event_word_t pending_here(unsigned word, unsigned here)
{
    event_word_t pending = READ_ONCE(guest.shared->evtchn_pending[word]) & ~READ_ONCE(guest.shared->evtchn_mask[word]);

    for (event_word_t rest = pending; rest; rest &= rest - 1) {
        if (vcpus[word * WORD_BITS + (unsigned)__builtin_ctzl(rest)] != here)
            pending &= ~(rest & -rest);
    }
    return pending;
}

static void handle_word(unsigned word, unsigned here)
{
    event_word_t pending;

    while ((pending = pending_here(word, here)))
        handle_port(word * WORD_BITS + (unsigned)__builtin_ctzl(pending));
}

static bool handle_upcall(struct regs *regs)
{
    const unsigned here = vcpu_here();
    vcpu_info_t *info = vcpu_info_here();

    (void)regs;
    event_upcalls++;
    do {
        event_word_t words;

        WRITE_ONCE(info->evtchn_upcall_pending, 0);
        words = __atomic_exchange_n(&info->evtchn_pending_sel, 0, __ATOMIC_SEQ_CST);
        for (; words; words &= words - 1)
            handle_word((unsigned)__builtin_ctzl(words), here);
    } while (READ_ONCE(info->evtchn_upcall_pending));
    return true;
}

void event_init(void)
{
    (void)trap_set_handler(VECTOR_EVENT, handle_upcall);
}

void event_set_handler(evtchn_port_t port, event_handler *handler)
{
    handlers[port] = handler;
}

static int bound(long error, evtchn_port_t from, event_handler *handler, evtchn_port_t *port)
{
    if (error)
        return (int)error;
    handlers[from] = handler;
    vcpus[from] = 0;
    *port = from;
    return 0;
}

int event_bind_virq(unsigned virq, event_handler *handler, evtchn_port_t *port)
{
    struct evtchn_bind_virq bind = {.virq = virq};
    long error = hypercall_event_channel_op(EVTCHNOP_bind_virq, &bind);

    return bound(error, bind.port, handler, port);
}

int event_bind_ipi(event_handler *handler, evtchn_port_t *port)
{
    struct evtchn_bind_ipi bind = {.vcpu = vcpu_here()};
    long error = hypercall_event_channel_op(EVTCHNOP_bind_ipi, &bind);

    error = bound(error, bind.port, handler, port);
    if (!error)
        vcpus[bind.port] = (uint8_t)bind.vcpu;
    return (int)error;
}

int event_alloc_unbound(unsigned domain, event_handler *handler, evtchn_port_t *port)
{
    struct evtchn_alloc_unbound bind = {.dom = DOMID_SELF, .remote_dom = (uint16_t)domain};
    long error = hypercall_event_channel_op(EVTCHNOP_alloc_unbound, &bind);

    return bound(error, bind.port, handler, port);
}

int event_bind_interdomain(unsigned domain, evtchn_port_t remote, event_handler *handler, evtchn_port_t *port)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = (uint16_t)domain, .remote_port = remote};
    long error = hypercall_event_channel_op(EVTCHNOP_bind_interdomain, &bind);

    return bound(error, bind.local_port, handler, port);
}

int event_bind_pirq(unsigned pirq, unsigned flags, event_handler *handler, evtchn_port_t *port)
{
    struct evtchn_bind_pirq bind = {.pirq = pirq, .flags = flags};
    long error = hypercall_event_channel_op(EVTCHNOP_bind_pirq, &bind);

    return bound(error, bind.port, handler, port);
}

int event_send(evtchn_port_t port)
{
    struct evtchn_send send = {.port = port};

    return (int)hypercall_event_channel_op(EVTCHNOP_send, &send);
}

int event_close(evtchn_port_t port)
{
    struct evtchn_close close = {.port = port};

    if (port < ARRAY_SIZE(handlers))
        handlers[port] = NULL;
    return (int)hypercall_event_channel_op(EVTCHNOP_close, &close);
}

void event_mask(evtchn_port_t port)
{
    set_bit(&guest.shared->evtchn_mask[WORD(port)], BIT(port));
}

void event_unmask(evtchn_port_t port)
{
    struct evtchn_unmask unmask = {.port = port};

    (void)hypercall_event_channel_op(EVTCHNOP_unmask, &unmask);
}

bool event_pending(evtchn_port_t port)
{
    return READ_ONCE(guest.shared->evtchn_pending[WORD(port)]) & BIT(port);
}

void event_clear(evtchn_port_t port)
{
    clear_bit(&guest.shared->evtchn_pending[WORD(port)], BIT(port));
}

void event_disable(void)
{
    vcpu_info_t *info = vcpu_info_here();

    WRITE_ONCE(info->evtchn_upcall_mask, 1);
    barrier();
}

void event_enable(void)
{
    vcpu_info_t *info = vcpu_info_here();

    barrier();
    WRITE_ONCE(info->evtchn_upcall_mask, 0);
    barrier();
    if (READ_ONCE(info->evtchn_upcall_pending))
        (void)hypercall(__HYPERVISOR_xen_version, 0, 0, 0, 0, 0); /* any call: delivery is on the way back */
}

bool event_enabled(void)
{
    return !READ_ONCE(vcpu_info_here()->evtchn_upcall_mask);
}

void event_wait(void)
{
    (void)hypercall_sched_op(SCHEDOP_block, NULL);
}

void event_poll(evtchn_port_t port, uint64_t deadline)
{
    const struct sched_poll poll = {.ports = arg_of(&port), .nr_ports = 1, .timeout = deadline};

    (void)hypercall_sched_op(SCHEDOP_poll, &poll);
}
