/* SPDX-License-Identifier: MIT */
/*
 * Event channels by their calls, of guests of both widths: each command, each error, the bits that the guest sees, and
 * random calls against a model of their own.
 */
/* links: hv/domain/event.c hv/service/event_channel.c hv/call/call_event.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <engine/access.h>
#include <hv/call/calls.h>
#include <hv/domain/event.h>
#include <hv/domain/vcpu.h>
#include <hv/mem/allocate.h>

#define VCPUS   3u
#define DOMAINS 3u
#define ARGS    UINT64_C(0x10000) /* where the guest has its structures */

/*
 * ---- The rest of the hypervisor.
 */

struct guest {
    struct hv_domain domain;
    struct hv_vcpu vcpus[VCPUS];
    struct vcpu *table[VCPUS];
    unsigned wakes[VCPUS], calls; /* of vCPUs, of the listener */
    union {
        _Alignas(4096) uint8_t bytes[4096];
        struct shared_info wide;
        struct compat_shared_info compat;
    } shared;
};

static struct guest guests[DOMAINS];
static struct domain *domain_table[DOMAINS];
static struct machine machine = {.domains = domain_table, .nr_domains = DOMAINS};
static uint8_t memory[64]; /* at ARGS */
static bool read_only;
static unsigned objects;

void *allocate(size_t size)
{
    objects++;
    return calloc(1, size);
}

void release(void *object, size_t size)
{
    (void)size;
    objects -= object != NULL;
    free(object);
}

void sched_wake(struct hv_vcpu *vcpu)
{
    guests[vcpu->vcpu.domain->id.v].wakes[vcpu->vcpu.id]++;
}

static bool in_memory(vaddr_t at, size_t size)
{
    return at.v >= ARGS && at.v + size <= ARGS + sizeof(memory);
}

bool access_read(struct vcpu *vcpu, void *to, vaddr_t from, size_t size)
{
    (void)vcpu;
    if (!in_memory(from, size))
        return false;
    memcpy(to, memory + (from.v - ARGS), size);
    return true;
}

bool access_write(struct vcpu *vcpu, vaddr_t to, const void *from, size_t size)
{
    (void)vcpu;
    if (read_only || !in_memory(to, size))
        return false;
    memcpy(memory + (to.v - ARGS), from, size);
    return true;
}

static void listen(struct hv_domain *domain)
{
    guests[domain->domain.id.v].calls++;
}

/*
 * ---- Guests.
 */

static bool is_wide(const struct guest *guest)
{
    return guest->domain.domain.width == WIDTH_64;
}

static void make_guest(unsigned id, enum width width)
{
    struct guest *guest = &guests[id];

    memset(guest, 0, sizeof(*guest));
    guest->domain.domain = (struct domain){
        .machine = &machine, .id = DOMID((uint16_t)id), .width = width, .vcpus = guest->table, .nr_vcpus = VCPUS};
    guest->domain.shared_info = guest->shared.bytes;
    for (unsigned i = 0; i < VCPUS; i++) {
        guest->vcpus[i].vcpu.domain = &guest->domain.domain;
        guest->vcpus[i].vcpu.id = i;
        guest->vcpus[i].info = (struct vcpu_info *)(void *)guest->shared.bytes + i; /* of one size in both widths */
        guest->vcpus[i].info->evtchn_upcall_mask = 1;
        guest->table[i] = &guest->vcpus[i].vcpu;
    }
    domain_table[id] = &guest->domain.domain;
    assert_int_equal(event_create(&guest->domain), 0);
}

static void make_guests(enum width width)
{
    for (unsigned i = 0; i < DOMAINS; i++)
        make_guest(i, width);
    read_only = false;
}

static int set_up_64(void **state)
{
    (void)state;
    make_guests(WIDTH_64);
    return 0;
}

static int set_up_32(void **state)
{
    (void)state;
    make_guests(WIDTH_PAE);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++) {
        event_destroy(&guests[i].domain);
        domain_table[i] = NULL;
    }
    assert_int_equal(objects, 0);
    return 0;
}

static int64_t call(struct guest *guest, unsigned command, void *structure, size_t size)
{
    const uint64_t args[6] = {command, ARGS};
    int64_t result;

    memset(memory, 0xa5, sizeof(memory));
    memcpy(memory, structure, size);
    result = call_event_channel_op(&guest->vcpus[0], args);
    memcpy(structure, memory, size);
    return result;
}

#define CALL(guest, command, structure) call(guest, EVTCHNOP_##command, structure, sizeof(*(structure)))

static int64_t alloc_unbound(struct guest *guest, uint16_t remote, uint32_t *port)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    int64_t result = CALL(guest, alloc_unbound, &op);

    *port = op.port;
    return result;
}

static int64_t bind_interdomain(struct guest *guest, uint16_t remote, uint32_t remote_port, uint32_t *port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = remote_port};
    int64_t result = CALL(guest, bind_interdomain, &op);

    *port = op.local_port;
    return result;
}

static int64_t bind_virq(struct guest *guest, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    int64_t result = CALL(guest, bind_virq, &op);

    *port = op.port;
    return result;
}

static int64_t bind_ipi(struct guest *guest, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    int64_t result = CALL(guest, bind_ipi, &op);

    *port = op.port;
    return result;
}

static int64_t bind_vcpu(struct guest *guest, uint32_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return CALL(guest, bind_vcpu, &op);
}

static int64_t close_port(struct guest *guest, uint32_t port)
{
    struct evtchn_close op = {.port = port};

    return CALL(guest, close, &op);
}

static int64_t send(struct guest *guest, uint32_t port)
{
    struct evtchn_send op = {.port = port};

    return CALL(guest, send, &op);
}

static int64_t unmask(struct guest *guest, uint32_t port)
{
    struct evtchn_unmask op = {.port = port};

    return CALL(guest, unmask, &op);
}

static struct evtchn_status status(struct guest *guest, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    assert_int_equal(CALL(guest, status, &op), 0);
    return op;
}

static uint32_t ports_of(const struct guest *guest)
{
    return is_wide(guest) ? 4096 : 1024;
}

/* The guest's view of the bits, by words, which is how guests see them. */
static bool is_pending(const struct guest *guest, uint32_t port)
{
    return is_wide(guest) ? guest->shared.wide.evtchn_pending[port / 64] >> port % 64 & 1
                          : guest->shared.compat.evtchn_pending[port / 32] >> port % 32 & 1;
}

static bool is_selected(const struct guest *guest, unsigned vcpu, uint32_t port)
{
    return is_wide(guest) ? guest->shared.wide.vcpu_info[vcpu].evtchn_pending_sel >> port / 64 & 1
                          : guest->shared.compat.vcpu_info[vcpu].evtchn_pending_sel >> port / 32 & 1;
}

static void set_mask(struct guest *guest, uint32_t port, bool set)
{
    uint64_t wide = UINT64_C(1) << port % 64;
    uint32_t narrow = 1u << port % 32;

    if (is_wide(guest))
        guest->shared.wide.evtchn_mask[port / 64] =
            (guest->shared.wide.evtchn_mask[port / 64] & ~wide) | (set ? wide : 0);
    else
        guest->shared.compat.evtchn_mask[port / 32] =
            (guest->shared.compat.evtchn_mask[port / 32] & ~narrow) | (set ? narrow : 0);
}

/* As an event handler does: everything is seen and cleared. */
static void handle(struct guest *guest)
{
    if (is_wide(guest))
        memset(guest->shared.wide.evtchn_pending, 0, sizeof(guest->shared.wide.evtchn_pending));
    else
        memset(guest->shared.compat.evtchn_pending, 0, sizeof(guest->shared.compat.evtchn_pending));
    for (unsigned i = 0; i < VCPUS; i++) {
        guest->vcpus[i].info->evtchn_upcall_pending = 0;
        if (is_wide(guest))
            guest->shared.wide.vcpu_info[i].evtchn_pending_sel = 0;
        else
            guest->shared.compat.vcpu_info[i].evtchn_pending_sel = 0;
        guest->wakes[i] = 0;
    }
}

/* @port alone has been raised, on @vcpu alone. */
static void expect_raised(struct guest *guest, unsigned vcpu, uint32_t port)
{
    for (uint32_t i = 0; i < ports_of(guest); i++)
        assert_int_equal(is_pending(guest, i), i == port);
    for (unsigned i = 0; i < VCPUS; i++) {
        assert_int_equal(guest->vcpus[i].info->evtchn_upcall_pending, i == vcpu);
        assert_int_equal(is_selected(guest, i, port), i == vcpu);
        assert_int_equal(guest->wakes[i], i == vcpu);
    }
    handle(guest);
}

static void expect_nothing(const struct guest *guest)
{
    static const uint8_t zero[512];

    assert_memory_equal(guest->shared.bytes + 2048, zero, is_wide(guest) ? 512 : 128);
    for (unsigned i = 0; i < VCPUS; i++) {
        assert_int_equal(guest->vcpus[i].info->evtchn_upcall_pending, 0);
        assert_int_equal(guest->wakes[i], 0);
    }
}

/*
 * ---- The commands.
 */

static void test_virq(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port, other, console;

    (void)state;
    assert_int_equal(bind_virq(guest, 24, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, UINT32_MAX, 0, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, VCPUS, &port), -XEN_ENOENT);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 1, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, VCPUS, &port), -XEN_EINVAL);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &port), 0);
    assert_int_equal(port, 1);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &other), -XEN_EEXIST);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 2, &other), 0);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), -XEN_EEXIST);
    console = 3;
    event_raise_virq(&guest->vcpus[0], VIRQ_TIMER);
    expect_nothing(guest);
    event_raise_virq(&guest->vcpus[1], VIRQ_TIMER);
    expect_raised(guest, 1, port);
    event_raise_virq(&guest->vcpus[2], VIRQ_TIMER);
    expect_raised(guest, 2, other);
    assert_int_equal(bind_vcpu(guest, port, 0), -XEN_EINVAL);
    assert_int_equal(bind_vcpu(guest, console, 2), 0);
    event_raise_virq(&guest->vcpus[1], VIRQ_CONSOLE);
    expect_raised(guest, 2, console);
    assert_int_equal(status(guest, console).status, EVTCHNSTAT_virq);
    assert_int_equal(status(guest, console).u.virq, VIRQ_CONSOLE);
    assert_int_equal(status(guest, console).vcpu, 2);
    assert_int_equal(send(guest, console), -XEN_EINVAL);
    assert_int_equal(close_port(guest, console), 0);
    event_raise_virq(&guest->vcpus[1], VIRQ_CONSOLE);
    expect_nothing(guest);
    assert_int_equal(bind_virq(guest, VIRQ_CONSOLE, 0, &console), 0);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 1, &port), 0);
    assert_int_equal(port, 1);
}

static void test_ipi(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, VCPUS, &port), -XEN_ENOENT);
    assert_int_equal(bind_ipi(guest, 2, &port), 0);
    assert_int_equal(send(guest, port), 0);
    expect_raised(guest, 2, port);
    assert_int_equal(bind_vcpu(guest, port, 1), -XEN_EINVAL);
    assert_int_equal(status(guest, port).status, EVTCHNSTAT_ipi);
    assert_int_equal(status(guest, port).vcpu, 2);
}

static void test_loopback(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t a, b;

    (void)state;
    assert_int_equal(alloc_unbound(guest, DOMID_SELF, &a), 0);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(guest, a).u.unbound.dom, 1);
    assert_int_equal(send(guest, a), 0);
    expect_nothing(guest);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, a, &b), 0);
    assert_int_not_equal(a, b);
    expect_raised(guest, 0, b); /* at once */
    assert_int_equal(bind_vcpu(guest, a, 1), 0);
    assert_int_equal(send(guest, b), 0);
    expect_raised(guest, 1, a);
    assert_int_equal(send(guest, a), 0);
    expect_raised(guest, 0, b);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status(guest, a).u.interdomain.dom, 1);
    assert_int_equal(status(guest, a).u.interdomain.port, b);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, a, &b), -XEN_EINVAL);
    assert_int_equal(close_port(guest, status(guest, a).u.interdomain.port), 0);
    assert_int_equal(status(guest, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(send(guest, a), 0);
    expect_nothing(guest);
}

static void test_two_domains(void **state)
{
    struct guest *one = &guests[1], *two = &guests[2];
    uint32_t a, b;

    (void)state;
    assert_int_equal(alloc_unbound(one, 2, &a), 0);
    assert_int_equal(bind_interdomain(one, DOMID_SELF, a, &b), -XEN_EINVAL); /* waits for another */
    assert_int_equal(bind_interdomain(&guests[0], 1, a, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, a + 1, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, 0, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 1, UINT32_MAX, &b), -XEN_EINVAL);
    assert_int_equal(bind_interdomain(two, 7, a, &b), -XEN_ESRCH);
    assert_int_equal(bind_interdomain(two, 1, a, &b), 0);
    expect_raised(two, 0, b);
    assert_int_equal(send(two, b), 0);
    expect_raised(one, 0, a);
    assert_int_equal(send(one, a), 0);
    expect_raised(two, 0, b);
    event_destroy(&two->domain);
    domain_table[2] = NULL;
    assert_int_equal(status(one, a).status, EVTCHNSTAT_unbound);
    assert_int_equal(status(one, a).u.unbound.dom, 2);
    assert_int_equal(send(one, a), 0);
    expect_nothing(one);
}

/* Who may name whom. */
static void test_rights(void **state)
{
    struct evtchn_alloc_unbound alloc = {.dom = 2, .remote_dom = 1};
    struct evtchn_status query = {.dom = 2, .port = 1};
    struct evtchn_reset reset = {.dom = 2};
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(&guests[2], 0, &port), 0);
    assert_int_equal(CALL(&guests[1], alloc_unbound, &alloc), -XEN_EPERM);
    assert_int_equal(CALL(&guests[1], status, &query), -XEN_EPERM);
    assert_int_equal(CALL(&guests[1], reset, &reset), -XEN_EPERM);
    assert_int_equal(status(&guests[2], 1).status, EVTCHNSTAT_ipi);
    guests[1].domain.domain.privileged = true;
    assert_int_equal(CALL(&guests[1], status, &query), 0);
    assert_int_equal(query.status, EVTCHNSTAT_ipi);
    assert_int_equal(CALL(&guests[1], alloc_unbound, &alloc), 0);
    assert_int_equal(status(&guests[2], alloc.port).status, EVTCHNSTAT_unbound);
    assert_int_equal(CALL(&guests[1], reset, &reset), 0);
    assert_int_equal(status(&guests[2], 1).status, EVTCHNSTAT_closed);
    query.dom = alloc.dom = reset.dom = 99;
    assert_int_equal(CALL(&guests[1], alloc_unbound, &alloc), -XEN_ESRCH);
    assert_int_equal(CALL(&guests[1], status, &query), -XEN_ESRCH);
    assert_int_equal(CALL(&guests[1], reset, &reset), -XEN_ESRCH);
}

static void test_backend(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(event_open_backend(&guest->domain, listen, &port), 0);
    assert_int_equal(status(guest, port).status, EVTCHNSTAT_interdomain);
    assert_int_equal(status(guest, port).u.interdomain.dom, 0);
    assert_int_equal(send(guest, port), 0);
    assert_int_equal(guest->calls, 1);
    expect_nothing(guest);
    event_notify(&guest->domain, port);
    expect_raised(guest, 0, port);
    assert_int_equal(bind_vcpu(guest, port, 2), 0);
    event_notify(&guest->domain, port);
    expect_raised(guest, 2, port);
    assert_int_equal(close_port(guest, port), 0);
    assert_int_equal(send(guest, port), -XEN_EINVAL);
    assert_int_equal(bind_ipi(guest, 0, &port), 0); /* the same number, and none of the back end's business */
    event_notify(&guest->domain, port);
    event_notify(&guest->domain, UINT32_MAX);
    expect_nothing(guest);
    assert_int_equal(guest->calls, 1);
}

/* The guest is told once of each step: what stands there already is not raised again, and closing ends it. */
static void test_merging(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t first, second;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &first), 0);
    assert_int_equal(bind_ipi(guest, 1, &second), 0);
    assert_int_equal(send(guest, first), 0);
    guest->vcpus[1].info->evtchn_upcall_pending = 0; /* the handler begins */
    assert_int_equal(send(guest, second), 0);        /* of the same word */
    assert_true(is_pending(guest, second));
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(guest->wakes[1], 1);

    handle(guest);
    assert_int_equal(send(guest, first), 0);
    assert_true(is_pending(guest, first));
    guest->vcpus[1].info->evtchn_upcall_pending = 0;
    memset((uint8_t *)guest->vcpus[1].info + 4, 0, 12); /* the handler has taken the selector, of either width */
    guest->wakes[1] = 0;
    assert_int_equal(send(guest, first), 0);
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(guest->wakes[1], 0);
    assert_int_equal(close_port(guest, first), 0);
    assert_false(is_pending(guest, first));
}

static void test_masks(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &port), 0);
    set_mask(guest, port, true);
    assert_int_equal(send(guest, port), 0);
    assert_true(is_pending(guest, port));
    assert_int_equal(guest->wakes[1], 0);
    assert_int_equal(guest->vcpus[1].info->evtchn_upcall_pending, 0);
    assert_int_equal(unmask(guest, port), 0);
    expect_raised(guest, 1, port);
    set_mask(guest, port, true);
    assert_int_equal(unmask(guest, port), 0);
    expect_nothing(guest);
    assert_int_equal(send(guest, port), 0); /* what is pending already is raised no more */
    assert_int_equal(send(guest, port), 0);
    expect_raised(guest, 1, port);
    assert_int_equal(unmask(guest, ports_of(guest)), -XEN_EINVAL);
    assert_int_equal(unmask(guest, UINT32_MAX), -XEN_EINVAL);
}

static void test_pollers(void **state)
{
    struct guest *guest = &guests[1];
    uint32_t port;

    (void)state;
    assert_int_equal(bind_ipi(guest, 1, &port), 0);
    set_mask(guest, port, true);
    guest->vcpus[2].run.polling = true;
    assert_false(event_is_pending(&guest->domain, port));
    assert_int_equal(send(guest, port), 0);
    assert_true(event_is_pending(&guest->domain, port));
    assert_int_equal(guest->wakes[2], 1);
    assert_int_equal(guest->wakes[1], 0);
    assert_false(event_is_pending(&guest->domain, ports_of(guest)));
}

static void test_deliverable(void **state)
{
    struct hv_vcpu *vcpu = &guests[1].vcpus[1];
    uint32_t words = is_wide(&guests[1]) ? 64 : 32;

    (void)state;
    assert_false(vcpu_has_upcall(vcpu));
    event_recheck(vcpu);
    for (uint32_t i = 0; i < words; i++)
        assert_true(is_selected(&guests[1], 1, i * words));
    assert_int_equal(vcpu->info->arch.cr2, 0);
    assert_int_equal(guests[1].wakes[1], 1);
    assert_false(vcpu_has_upcall(vcpu));
    event_unmask_upcalls(vcpu);
    assert_true(vcpu_has_upcall(vcpu));
    vcpu->info->evtchn_upcall_pending = 0;
    assert_false(vcpu_has_upcall(vcpu));
}

static void test_bad_ports(void **state)
{
    struct guest *guest = &guests[1];
    const uint32_t bad[] = {0, 5, ports_of(guest), UINT32_MAX};
    struct evtchn_status query = {.dom = DOMID_SELF, .port = ports_of(guest)};

    (void)state;
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        assert_int_equal(send(guest, bad[i]), -XEN_EINVAL);
        assert_int_equal(close_port(guest, bad[i]), -XEN_EINVAL);
        assert_int_equal(bind_vcpu(guest, bad[i], 0), -XEN_EINVAL);
    }
    assert_int_equal(bind_vcpu(guest, 5, VCPUS), -XEN_ENOENT);
    assert_int_equal(CALL(guest, status, &query), -XEN_EINVAL);
    assert_int_equal(status(guest, 0).status, EVTCHNSTAT_closed);
    assert_int_equal(status(guest, 5).status, EVTCHNSTAT_closed);
}

static void test_full(void **state)
{
    struct guest *guest = &guests[1];
    struct evtchn_reset reset = {.dom = DOMID_SELF};
    uint32_t port;

    (void)state;
    for (uint32_t i = 1; i < ports_of(guest); i++) {
        assert_int_equal(bind_ipi(guest, 0, &port), 0);
        assert_int_equal(port, i);
    }
    assert_int_equal(bind_ipi(guest, 0, &port), -XEN_ENOSPC);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), -XEN_ENOSPC);
    assert_int_equal(alloc_unbound(guest, DOMID_SELF, &port), -XEN_ENOSPC);
    assert_int_equal(bind_interdomain(guest, DOMID_SELF, 1, &port), -XEN_ENOSPC);
    assert_int_equal(event_open_backend(&guest->domain, listen, &port), -XEN_ENOSPC);
    assert_int_equal(send(guest, ports_of(guest) - 1), 0);
    expect_raised(guest, 0, ports_of(guest) - 1);
    assert_int_equal(close_port(guest, 17), 0);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), 0);
    assert_int_equal(port, 17);
    assert_int_equal(CALL(guest, reset, &reset), 0);
    for (uint32_t i = 0; i < ports_of(guest); i++)
        assert_int_equal(status(guest, i).status, EVTCHNSTAT_closed);
    assert_int_equal(bind_virq(guest, VIRQ_TIMER, 0, &port), 0);
}

static void test_calls(void **state)
{
    struct guest *guest = &guests[1];
    struct evtchn_op op = {.cmd = EVTCHNOP_bind_ipi, .u.bind_ipi.vcpu = 1};
    struct evtchn_bind_pirq pirq = {.pirq = 1};
    uint64_t args[6] = {EVTCHNOP_set_priority + 1, ARGS};

    (void)state;
    for (; args[0] < 20; args[0]++)
        assert_int_equal(call_event_channel_op(&guest->vcpus[0], args), -XEN_ENOSYS);
    args[1] = ARGS + sizeof(memory);
    for (args[0] = 0; args[0] <= EVTCHNOP_set_priority; args[0]++)
        assert_int_equal(call_event_channel_op(&guest->vcpus[0], args), -XEN_EFAULT);
    assert_int_equal(CALL(guest, bind_pirq, &pirq), -XEN_EINVAL);

    memcpy(memory, &op, sizeof(op));
    args[0] = ARGS;
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), 0);
    memcpy(&op, memory, sizeof(op));
    assert_int_equal(op.cmd, EVTCHNOP_bind_ipi);
    assert_int_equal(op.u.bind_ipi.port, 1);
    assert_int_equal(status(guest, 1).status, EVTCHNSTAT_ipi);
    op.cmd = EVTCHNOP_reset; /* newer than this form */
    memcpy(memory, &op, sizeof(op));
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_ENOSYS);
    args[0] = 1;
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_EFAULT);
    read_only = true;
    args[0] = ARGS;
    op.cmd = EVTCHNOP_bind_ipi;
    memcpy(memory, &op, sizeof(op));
    assert_int_equal(call_event_channel_op_compat(&guest->vcpus[0], args), -XEN_EFAULT);
}

/*
 * ---- Random calls of two connected domains, and guests that scribble over what they share: the connections stay in
 * pairs, and nothing is reached beyond the ports.
 */

static void check_pairs(void)
{
    for (unsigned id = 0; id < DOMAINS; id++) {
        for (uint32_t port = 0; port < 24; port++) {
            struct evtchn_status one = status(&guests[id], port), two;

            if (one.status != EVTCHNSTAT_interdomain)
                continue;
            two = status(&guests[one.u.interdomain.dom], one.u.interdomain.port);
            assert_int_equal(two.status, EVTCHNSTAT_interdomain);
            assert_int_equal(two.u.interdomain.dom, id);
            assert_int_equal(two.u.interdomain.port, port);
        }
    }
}

static void random_call(struct guest *guest)
{
    uint32_t port = (uint32_t)random() % 24, result, vcpu = (uint32_t)random() % (VCPUS + 1);
    uint16_t other = (uint16_t)(random() % (DOMAINS + 1));

    switch (random() % 8) {
    case 0:
        if (random() % 4)
            (void)alloc_unbound(guest, other, &result);
        else
            (void)bind_ipi(guest, vcpu, &result);
        break;
    case 1:
    case 2:
        (void)bind_interdomain(guest, other, port, &result);
        break;
    case 3:
        (void)bind_virq(guest, (uint32_t)random() % 26, vcpu, &result);
        break;
    case 4:
        (void)bind_vcpu(guest, port, vcpu);
        break;
    case 5:
        (void)close_port(guest, port);
        break;
    case 6:
        (void)unmask(guest, port);
        break;
    default:
        (void)send(guest, port);
    }
}

static void test_random(void **state)
{
    (void)state;
    srandom(5);
    for (unsigned i = 0; i < 40000; i++) {
        struct guest *guest = &guests[random() % DOMAINS];

        random_call(guest);
        event_raise_virq(&guest->vcpus[random() % VCPUS], (unsigned)random() % 24);
        guest->shared.bytes[random() % 4096] = (uint8_t)random();
        if (i % 50 == 0)
            check_pairs();
        if (i % 5000 == 0) {
            struct evtchn_reset reset = {.dom = DOMID_SELF};

            assert_int_equal(CALL(guest, reset, &reset), 0);
        }
    }
}

int main(void)
{
#define BOTH(test)                                               \
    cmocka_unit_test_setup_teardown(test, set_up_64, tear_down), \
        cmocka_unit_test_setup_teardown(test, set_up_32, tear_down)
    const struct CMUnitTest tests[] = {
        BOTH(test_virq),      BOTH(test_ipi),     BOTH(test_loopback), BOTH(test_two_domains), BOTH(test_rights),
        BOTH(test_backend),   BOTH(test_merging), BOTH(test_masks),    BOTH(test_pollers),     BOTH(test_deliverable),
        BOTH(test_bad_ports), BOTH(test_full),    BOTH(test_calls),    BOTH(test_random),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
