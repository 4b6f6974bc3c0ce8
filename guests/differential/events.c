/* SPDX-License-Identifier: MIT */
/*
 * event_channel_op, on ports in every state.  Delivery is masked all the time, and so is each port.
 *
 * EVTCHNOP_reset of the domain itself is left out, since an ordinary domain would lose its console; and what succeeds
 * in EVTCHNOP_init_control, since there is no way back from it.
 */
#include <guest/guest.h>
#include <guest/hypercall.h>
#include <guests/differential/call.h>
#include <guests/differential/groups.h>
#include <guests/differential/say.h>
#include <guests/differential/world.h>

/* Ports that are always there, in the order of their numbers, and two that are not. */
enum { UNBOUND, STRANGER, LEFT, RIGHT, VIRQ, IPI, KEPT, CLOSED = KEPT, NEVER, NR_PORTS };
static uint64_t ports[NR_PORTS];

static const struct item port_items[] = {
    {"unbound", 0, &ports[UNBOUND]},
    {"stranger", 0, &ports[STRANGER]},
    {"left", 0, &ports[LEFT]},
    {"right", 0, &ports[RIGHT]},
    {"virq", 0, &ports[VIRQ]},
    {"ipi", 0, &ports[IPI]},
    {"closed", 0, &ports[CLOSED]},
    {"never", 0, &ports[NEVER]},
    VALUE(0),
    VALUE(4095),
    VALUE(4096),
    VALUE(0x20000),
    VALUE(0xffffffff),
};
static const struct menu menu_ports = MENU(port_items);

static const struct item vcpus[] = {VALUE(0), VALUE(0), VALUE(0), VALUE(1), VALUE(32), VALUE(0xffffffff)};
static const struct menu menu_vcpus = MENU(vcpus);

static const struct item virqs[] = {VALUE(0),  VALUE(1),  VALUE(2),  VALUE(3),  VALUE(4),         VALUE(5),  VALUE(6),
                                    VALUE(7),  VALUE(8),  VALUE(9),  VALUE(10), VALUE(11),        VALUE(12), VALUE(13),
                                    VALUE(14), VALUE(16), VALUE(23), VALUE(24), VALUE(0xffffffff)};
static const struct menu menu_virqs = MENU(virqs);

static const struct item small[] = {VALUE(0), VALUE(1), VALUE(7), VALUE(15), VALUE(16), VALUE(0xffffffff)};
static const struct menu menu_small = MENU(small);

static const struct item strangers[] = {
    {"nobody", 1234, NULL}, {"invalid", DOMID_INVALID, NULL}, {"ffff", 0xffff, NULL}};
static const struct menu menu_strangers = MENU(strangers);

static const struct item control_frames[] = {
    {"gone", 0, &world[FRAME_GONE].mfn}, {"hole", 0, &world[FRAME_HOLE].mfn}, {"none", 0, &world[FRAME_NONE].mfn},
    {"t1", 0, &world[FRAME_T1].mfn},     {"gdt", 0, &world[FRAME_GDT].mfn},   {"m2p", 0, &world[FRAME_M2P].mfn},
};
static const struct menu menu_control_frames = MENU(control_frames);

static const struct item offsets[] = {VALUE(0),    VALUE(4),    VALUE(8),         VALUE(4024),
                                      VALUE(4032), VALUE(4096), VALUE(0xfffffff8)};
static const struct menu menu_offsets = MENU(offsets);

static const struct field alloc_fields[] = {
    FIELD(struct evtchn_alloc_unbound, dom, KIND_NUMBER, &menu_domains),
    FIELD(struct evtchn_alloc_unbound, remote_dom, KIND_NUMBER, &menu_domains),
    FIELD(struct evtchn_alloc_unbound, port, KIND_PORT, NULL),
};
static const struct field interdomain_fields[] = {
    FIELD(struct evtchn_bind_interdomain, remote_dom, KIND_NUMBER, &menu_domains),
    FIELD(struct evtchn_bind_interdomain, remote_port, KIND_NUMBER, &menu_ports),
    FIELD(struct evtchn_bind_interdomain, local_port, KIND_PORT, NULL),
};
static const struct field virq_fields[] = {
    FIELD(struct evtchn_bind_virq, virq, KIND_NUMBER, &menu_virqs),
    FIELD(struct evtchn_bind_virq, vcpu, KIND_NUMBER, &menu_vcpus),
    FIELD(struct evtchn_bind_virq, port, KIND_PORT, NULL),
};
static const struct field pirq_fields[] = {
    FIELD(struct evtchn_bind_pirq, pirq, KIND_NUMBER, &menu_numbers),
    FIELD(struct evtchn_bind_pirq, flags, KIND_NUMBER, &menu_small),
    FIELD(struct evtchn_bind_pirq, port, KIND_PORT, NULL),
};
static const struct field ipi_fields[] = {
    FIELD(struct evtchn_bind_ipi, vcpu, KIND_NUMBER, &menu_vcpus),
    FIELD(struct evtchn_bind_ipi, port, KIND_PORT, NULL),
};
static const struct field port_fields[] = {
    FIELD(struct evtchn_close, port, KIND_NUMBER, &menu_ports),
};
static const struct field status_fields[] = {
    FIELD(struct evtchn_status, dom, KIND_NUMBER, &menu_domains),
    FIELD(struct evtchn_status, port, KIND_NUMBER, &menu_ports),
    FIELD(struct evtchn_status, status, KIND_NUMBER, NULL),
    FIELD(struct evtchn_status, vcpu, KIND_NUMBER, NULL),
    FIELD(struct evtchn_status, u.unbound.dom, KIND_DOMAIN, NULL),
    FIELD(struct evtchn_status, u.interdomain.port, KIND_PORT, NULL),
};
static const struct field bind_fields[] = {
    FIELD(struct evtchn_bind_vcpu, port, KIND_NUMBER, &menu_ports),
    FIELD(struct evtchn_bind_vcpu, vcpu, KIND_NUMBER, &menu_vcpus),
};
static const struct field reset_fields[] = {
    FIELD(struct evtchn_reset, dom, KIND_NUMBER, &menu_strangers),
};
static const struct field control_fields[] = {
    FIELD(struct evtchn_init_control, control_gfn, KIND_FRAME, &menu_control_frames),
    FIELD(struct evtchn_init_control, offset, KIND_NUMBER, &menu_offsets),
    FIELD(struct evtchn_init_control, vcpu, KIND_NUMBER, &menu_vcpus),
    FIELD(struct evtchn_init_control, link_bits, KIND_NUMBER, NULL),
};
static const struct field array_fields[] = {
    FIELD(struct evtchn_expand_array, array_gfn, KIND_FRAME, &menu_frames),
};
static const struct field priority_fields[] = {
    FIELD(struct evtchn_set_priority, port, KIND_NUMBER, &menu_ports),
    FIELD(struct evtchn_set_priority, priority, KIND_NUMBER, &menu_small),
};

static long event_op(unsigned command, void *arg)
{
    return hypercall_event_channel_op(command, arg);
}

static bool is_state(unsigned port, uint32_t state, uint32_t other)
{
    struct evtchn_status status = {.dom = DOMID_SELF, .port = (uint32_t)ports[port]};

    return event_op(EVTCHNOP_status, &status) == 0 && status.status == state &&
           (state != EVTCHNSTAT_interdomain || status.u.interdomain.port == other);
}

/* Bring a port of each kind to be; the lowest free number is what the hypervisor gives. */
static uint32_t make_unbound(uint16_t remote)
{
    struct evtchn_alloc_unbound unbound = {.dom = DOMID_SELF, .remote_dom = remote};

    return event_op(EVTCHNOP_alloc_unbound, &unbound) ? 0 : unbound.port;
}

static uint32_t make_interdomain(uint64_t partner)
{
    struct evtchn_bind_interdomain bind = {.remote_dom = DOMID_SELF, .remote_port = (uint32_t)partner};

    return event_op(EVTCHNOP_bind_interdomain, &bind) ? 0 : bind.local_port;
}

static uint32_t make(unsigned port)
{
    struct evtchn_bind_virq virq = {.virq = VIRQ_DEBUG};
    struct evtchn_bind_ipi ipi = {.vcpu = 0};

    switch (port) {
    case UNBOUND:
        return make_unbound(DOMID_SELF);
    case STRANGER:
        return make_unbound(1234);
    case LEFT:
    case RIGHT:
        /* Of the pair, the end that is still there waits for the other one. */
        return make_interdomain(ports[port == LEFT ? RIGHT : LEFT]);
    case VIRQ:
        return event_op(EVTCHNOP_bind_virq, &virq) ? 0 : virq.port;
    default:
        return event_op(EVTCHNOP_bind_ipi, &ipi) ? 0 : ipi.port;
    }
}

static bool is_good(unsigned port)
{
    static const uint32_t states[] = {EVTCHNSTAT_unbound,     EVTCHNSTAT_unbound, EVTCHNSTAT_interdomain,
                                      EVTCHNSTAT_interdomain, EVTCHNSTAT_virq,    EVTCHNSTAT_ipi};

    return is_state(port, states[port], (uint32_t)ports[port == LEFT ? RIGHT : LEFT]);
}

static void init_ports(void)
{
    for (unsigned port = 0; port < KEPT; port++) {
        ports[port] = make(port == LEFT ? UNBOUND : port);
        if (!ports[port])
            guest_panic("no port of kind %u", port);
    }
    ports[CLOSED] = make(UNBOUND);
    ports[NEVER] = ports[CLOSED] + 200;
    call_set_first_port((uint32_t)ports[0]);
}

static void close_port(uint32_t port)
{
    struct evtchn_close gone = {.port = port};

    (void)event_op(EVTCHNOP_close, &gone);
}

/* What has been signalled, and what can be.  Both are undone. */
static void check_bits(void)
{
    struct shared_info *shared = guest.shared;

    for (unsigned port = 0; port <= CLOSED; port++) {
        uint64_t bit = UINT64_C(1) << (ports[port] % 64), *pending = &shared->evtchn_pending[ports[port] / 64];
        uint64_t *mask = &shared->evtchn_mask[ports[port] / 64];

        if (__atomic_fetch_and(pending, ~bit, __ATOMIC_SEQ_CST) & bit)
            say(" pending(%s)", port_items[port].name);
        if (!(__atomic_fetch_or(mask, bit, __ATOMIC_SEQ_CST) & bit))
            say(" unmasked(%s)", port_items[port].name);
    }
}

static void check_ports(void)
{
    check_bits();
    for (unsigned port = 0; port < KEPT; port++) {
        bool waits = (port == LEFT || port == RIGHT) && is_state(port, EVTCHNSTAT_unbound, 0);

        if (!waits && !is_good(port) && make(port) != ports[port])
            say(" stuck(%s)", port_items[port].name);
    }
    /* A new end of the pair is born pending. */
    __atomic_fetch_and(&guest.shared->evtchn_pending[ports[LEFT] / 64], ~(UINT64_C(1) << (ports[LEFT] % 64)),
                       __ATOMIC_SEQ_CST);
    __atomic_fetch_and(&guest.shared->evtchn_pending[ports[RIGHT] / 64], ~(UINT64_C(1) << (ports[RIGHT] % 64)),
                       __ATOMIC_SEQ_CST);
}

static void after(long result, void *arg)
{
    (void)result;
    (void)arg;
    check_ports();
}

/* The number of a new port is in the argument, unless that could not be written. */
static void after_new(long result, uint32_t port)
{
    if (result == 0)
        close_port(port);
    else
        close_port((uint32_t)ports[CLOSED]);
    check_ports();
}

static void after_alloc(long result, void *arg)
{
    after_new(result, ((struct evtchn_alloc_unbound *)arg)->port);
}

static void after_interdomain(long result, void *arg)
{
    after_new(result, ((struct evtchn_bind_interdomain *)arg)->local_port);
}

static void after_virq(long result, void *arg)
{
    after_new(result, ((struct evtchn_bind_virq *)arg)->port);
}

static void after_ipi(long result, void *arg)
{
    after_new(result, ((struct evtchn_bind_ipi *)arg)->port);
}

#define OP(name_, type, fields_, times_, after_)                                                             \
    {                                                                                                        \
        .name = #name_, .command = EVTCHNOP_##name_, FIELDS(fields_), .size = sizeof(type), .times = times_, \
        .after = after_                                                                                      \
    }

static const struct op ops[] = {
    OP(alloc_unbound, struct evtchn_alloc_unbound, alloc_fields, 80, after_alloc),
    OP(bind_interdomain, struct evtchn_bind_interdomain, interdomain_fields, 150, after_interdomain),
    OP(bind_virq, struct evtchn_bind_virq, virq_fields, 120, after_virq),
    OP(bind_pirq, struct evtchn_bind_pirq, pirq_fields, 60, after_virq),
    OP(close, struct evtchn_close, port_fields, 60, after),
    OP(send, struct evtchn_send, port_fields, 60, after),
    OP(status, struct evtchn_status, status_fields, 120, after),
    OP(bind_ipi, struct evtchn_bind_ipi, ipi_fields, 30, after_ipi),
    OP(bind_vcpu, struct evtchn_bind_vcpu, bind_fields, 80, after),
    OP(unmask, struct evtchn_unmask, port_fields, 50, after),
    OP(reset, struct evtchn_reset, reset_fields, 15, after),
    OP(init_control, struct evtchn_init_control, control_fields, 80, after),
    OP(expand_array, struct evtchn_expand_array, array_fields, 30, after),
    OP(set_priority, struct evtchn_set_priority, priority_fields, 60, after),
    {.name = "14", .command = 14, .size = 16, .times = 10, .after = after},
    {.name = "ffffffff", .command = 0xffffffff, .size = 16, .times = 5, .after = after},
};

static const struct item old_commands[] = {VALUE(5),  VALUE(3),  VALUE(4),         VALUE(9),
                                           VALUE(10), VALUE(11), VALUE(0xffffffff)};
static const struct menu menu_old_commands = MENU(old_commands);
static const struct field old_fields[] = {
    FIELD(struct evtchn_op, cmd, KIND_NUMBER, &menu_old_commands),
    {"dom/port", offsetof(struct evtchn_op, u.close.port), 4, KIND_NUMBER, &menu_ports},
    {"port", offsetof(struct evtchn_op, u.status.port), 4, KIND_NUMBER, &menu_ports},
};
static const struct op old_ops[] = {
    {.name = "old",
     FIELDS(old_fields),
     .size = sizeof(struct evtchn_op),
     .shape = SHAPE_ALONE,
     .times = 60,
     .after = after},
};

void group_events(void)
{
    static const struct group events = {"event_channel_op", __HYPERVISOR_event_channel_op, ops, ARRAY_SIZE(ops)};
    static const struct group old = {"event_channel_op_old", __HYPERVISOR_event_channel_op_compat, old_ops, 1};

    init_ports();
    check_bits();
    close_port((uint32_t)ports[CLOSED]);
    call_group(&events);
    call_group(&old);
    for (unsigned port = 0; port < KEPT; port++)
        close_port((uint32_t)ports[port]);
}
