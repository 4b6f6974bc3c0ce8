/* SPDX-License-Identifier: MIT */
/* The guests and their calls: guest_events.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <abi/mmu.h>
#include <engine/engine.h>
#include <hv/device/pirq.h>
#include <hv/domain/runstate.h>
#include <hv/mem/paging.h>
#include <tests/hv/lib/call_refused.h>
#include <tests/hv/lib/guest_events.h>
#include <tests/hv/lib/objects.h>

struct guest guests[DOMAINS];
struct domain *domain_table[DOMAINS];

void (*guest_events_preempt)(void);
_Alignas(4096) uint8_t event_frames[EVENT_FRAMES][4096];
unsigned event_holds[EVENT_FRAMES];

static struct machine machine = {.domains = domain_table, .nr_domains = DOMAINS};

void runstate_wake(struct hv_vcpu *vcpu)
{
    guests[vcpu->engine.domain->id.v].wakes[vcpu->engine.id]++;
}

uint32_t event_pirq_port;

int pirq_check_free(const struct hv_domain *domain, uint32_t pirq)
{
    if (domain->engine.id.v != 0 || pirq != EVENT_PIRQ_THERE)
        return call_refused_elsewhere(-XEN_EINVAL);
    return call_refused_elsewhere(event_pirq_port ? -XEN_EEXIST : 0);
}

void pirq_bind(struct hv_domain *domain, uint32_t pirq, uint32_t port)
{
    assert_int_equal(pirq_check_free(domain, pirq), 0);
    event_pirq_port = port;
}

void pirq_unbind(struct hv_domain *domain, uint32_t pirq, uint32_t port)
{
    assert_int_equal(domain->engine.id.v, 0);
    assert_int_equal(pirq, EVENT_PIRQ_THERE);
    assert_int_equal(port, event_pirq_port);
    event_pirq_port = 0;
}

bool domain_enter(struct domain *domain)
{
    domain->operations += !domain->dying;
    return !domain->dying;
}

void domain_leave(struct domain *domain)
{
    domain->operations--;
}

int domain_hold_writable(struct domain *domain, mfn_t mfn)
{
    if (domain->nr_holds == DOMAIN_HOLDS)
        return call_refused_elsewhere(-XEN_ENOMEM);
    if (mfn.v >= EVENT_FRAMES)
        return call_refused_elsewhere(-XEN_EINVAL);
    domain->holds[domain->nr_holds++] = mfn;
    event_holds[mfn.v]++;
    return 0;
}

void domain_drop_writable(struct domain *domain, mfn_t mfn)
{
    unsigned i = 0;

    while (i < domain->nr_holds && !mfn_equal(domain->holds[i], mfn))
        i++;
    assert_true(i < domain->nr_holds);
    domain->holds[i] = domain->holds[--domain->nr_holds];
    event_holds[mfn.v]--;
}

void *paging_ram(uint64_t maddr)
{
    uint64_t frame = maddr >> PAGE_SHIFT;

    assert_true(frame < EVENT_FRAMES && event_holds[frame] > 0);
    return event_frames[frame] + maddr % PAGE_SIZE;
}

bool port_preempt_wanted(void)
{
    return guest_events_preempt;
}

void port_yield(void)
{
    guest_events_preempt();
}

void guest_listen(struct hv_domain *domain)
{
    guests[domain->engine.id.v].calls++;
}

bool guest_is_wide(const struct guest *guest)
{
    return guest->domain.engine.width == WIDTH_64;
}

uint32_t guest_ports(const struct guest *guest)
{
    return guest_is_wide(guest) ? 4096 : 1024;
}

static void make_guest(unsigned id, enum width width)
{
    struct guest *guest = &guests[id];

    memset(guest, 0, sizeof(*guest));
    guest->domain.engine = (struct domain){
        .machine = &machine, .id = DOMID((uint16_t)id), .width = width, .vcpus = guest->table, .nr_vcpus = VCPUS};
    guest->domain.shared_info = guest->shared.bytes;
    for (unsigned i = 0; i < VCPUS; i++) {
        guest->vcpus[i].engine.domain = &guest->domain.engine;
        guest->vcpus[i].engine.id = i;
        guest->vcpus[i].info = (struct vcpu_info *)(void *)guest->shared.bytes + i; /* of one size in both widths */
        guest->vcpus[i].info->evtchn_upcall_mask = 1;
        guest->table[i] = &guest->vcpus[i].engine;
    }
    domain_table[id] = &guest->domain.engine;
    assert_int_equal(event_create(&guest->domain), 0);
}

static void make_guests(enum width width)
{
    for (unsigned i = 0; i < DOMAINS; i++)
        make_guest(i, width);
    memset(event_frames, 0, sizeof(event_frames));
    guest_memory_reset(NULL);
    guest_events_preempt = NULL;
}

int set_up_64(void **state)
{
    (void)state;
    make_guests(WIDTH_64);
    return 0;
}

int set_up_32(void **state)
{
    (void)state;
    make_guests(WIDTH_PAE);
    return 0;
}

int tear_down(void **state)
{
    (void)state;
    for (unsigned i = 0; i < DOMAINS; i++) {
        assert_int_equal(guests[i].domain.engine.operations, 0);
        event_destroy(&guests[i].domain);
        domain_table[i] = NULL;
        assert_int_equal(guests[i].domain.engine.nr_holds, 0);
    }
    assert_int_equal(objects, 0);
    return 0;
}

int64_t event_call(struct guest *guest, unsigned command, void *structure, size_t size)
{
    const uint64_t args[6] = {command, GUEST_MEMORY};
    const unsigned before = call_refused_count();
    int64_t result;

    memset(guest_memory, 0xa5, 64);
    memcpy(guest_memory, structure, size);
    result = call_refused_told(before, call_event_channel_op(&guest->vcpus[0], args));
    memcpy(structure, guest_memory, size);
    return result;
}

int64_t alloc_unbound(struct guest *guest, uint16_t remote, uint32_t *port)
{
    struct evtchn_alloc_unbound op = {.dom = DOMID_SELF, .remote_dom = remote};
    int64_t result = EVENT_CALL(guest, alloc_unbound, &op);

    *port = op.port;
    return result;
}

int64_t bind_interdomain(struct guest *guest, uint16_t remote, uint32_t remote_port, uint32_t *port)
{
    struct evtchn_bind_interdomain op = {.remote_dom = remote, .remote_port = remote_port};
    int64_t result = EVENT_CALL(guest, bind_interdomain, &op);

    *port = op.local_port;
    return result;
}

int64_t bind_virq(struct guest *guest, uint32_t virq, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_virq op = {.virq = virq, .vcpu = vcpu};
    int64_t result = EVENT_CALL(guest, bind_virq, &op);

    *port = op.port;
    return result;
}

int64_t bind_ipi(struct guest *guest, uint32_t vcpu, uint32_t *port)
{
    struct evtchn_bind_ipi op = {.vcpu = vcpu};
    int64_t result = EVENT_CALL(guest, bind_ipi, &op);

    *port = op.port;
    return result;
}

int64_t bind_vcpu(struct guest *guest, uint32_t port, uint32_t vcpu)
{
    struct evtchn_bind_vcpu op = {.port = port, .vcpu = vcpu};

    return EVENT_CALL(guest, bind_vcpu, &op);
}

int64_t close_port(struct guest *guest, uint32_t port)
{
    struct evtchn_close op = {.port = port};

    return EVENT_CALL(guest, close, &op);
}

int64_t send(struct guest *guest, uint32_t port)
{
    struct evtchn_send op = {.port = port};

    return EVENT_CALL(guest, send, &op);
}

int64_t unmask(struct guest *guest, uint32_t port)
{
    struct evtchn_unmask op = {.port = port};

    return EVENT_CALL(guest, unmask, &op);
}

int64_t reset(struct guest *guest, uint16_t domain)
{
    struct evtchn_reset op = {.dom = domain};

    return EVENT_CALL(guest, reset, &op);
}

int64_t init_control(struct guest *guest, uint32_t vcpu, uint64_t frame, uint32_t offset)
{
    struct evtchn_init_control op = {.control_gfn = frame, .offset = offset, .vcpu = vcpu};
    int64_t result = EVENT_CALL(guest, init_control, &op);

    assert_int_equal(op.link_bits, result == 0 ? 17 : 0);
    return result;
}

int64_t expand_array(struct guest *guest, uint64_t frame)
{
    struct evtchn_expand_array op = {.array_gfn = frame};

    return EVENT_CALL(guest, expand_array, &op);
}

int64_t set_priority(struct guest *guest, uint32_t port, uint32_t priority)
{
    struct evtchn_set_priority op = {.port = port, .priority = priority};

    return EVENT_CALL(guest, set_priority, &op);
}

struct evtchn_status status(struct guest *guest, uint32_t port)
{
    struct evtchn_status op = {.dom = DOMID_SELF, .port = port};

    assert_int_equal(EVENT_CALL(guest, status, &op), 0);
    return op;
}

bool is_pending(const struct guest *guest, uint32_t port)
{
    return guest_is_wide(guest) ? guest->shared.wide.evtchn_pending[port / 64] >> port % 64 & 1
                                : guest->shared.compat.evtchn_pending[port / 32] >> port % 32 & 1;
}

bool is_selected(const struct guest *guest, unsigned vcpu, uint32_t port)
{
    return guest_is_wide(guest) ? guest->shared.wide.vcpu_info[vcpu].evtchn_pending_sel >> port / 64 & 1
                                : guest->shared.compat.vcpu_info[vcpu].evtchn_pending_sel >> port / 32 & 1;
}

bool is_masked(const struct guest *guest, uint32_t port)
{
    return guest_is_wide(guest) ? guest->shared.wide.evtchn_mask[port / 64] >> port % 64 & 1
                                : guest->shared.compat.evtchn_mask[port / 32] >> port % 32 & 1;
}

void set_mask(struct guest *guest, uint32_t port, bool set)
{
    uint64_t wide = UINT64_C(1) << port % 64;
    uint32_t narrow = 1u << port % 32;

    if (guest_is_wide(guest))
        guest->shared.wide.evtchn_mask[port / 64] =
            (guest->shared.wide.evtchn_mask[port / 64] & ~wide) | (set ? wide : 0);
    else
        guest->shared.compat.evtchn_mask[port / 32] =
            (guest->shared.compat.evtchn_mask[port / 32] & ~narrow) | (set ? narrow : 0);
}

void handle(struct guest *guest)
{
    if (guest_is_wide(guest))
        memset(guest->shared.wide.evtchn_pending, 0, sizeof(guest->shared.wide.evtchn_pending));
    else
        memset(guest->shared.compat.evtchn_pending, 0, sizeof(guest->shared.compat.evtchn_pending));
    for (unsigned i = 0; i < VCPUS; i++) {
        guest->vcpus[i].info->evtchn_upcall_pending = 0;
        if (guest_is_wide(guest))
            guest->shared.wide.vcpu_info[i].evtchn_pending_sel = 0;
        else
            guest->shared.compat.vcpu_info[i].evtchn_pending_sel = 0;
        guest->wakes[i] = 0;
    }
}

void expect_raised(struct guest *guest, unsigned vcpu, uint32_t port)
{
    for (uint32_t i = 0; i < guest_ports(guest); i++)
        assert_int_equal(is_pending(guest, i), i == port);
    for (unsigned i = 0; i < VCPUS; i++) {
        assert_int_equal(guest->vcpus[i].info->evtchn_upcall_pending, i == vcpu);
        assert_int_equal(is_selected(guest, i, port), i == vcpu);
        assert_int_equal(guest->wakes[i], i == vcpu);
    }
    handle(guest);
}

void expect_nothing(const struct guest *guest)
{
    static const uint8_t zero[512];

    assert_memory_equal(guest->shared.bytes + 2048, zero, guest_is_wide(guest) ? 512 : 128);
    for (unsigned i = 0; i < VCPUS; i++) {
        assert_int_equal(guest->vcpus[i].info->evtchn_upcall_pending, 0);
        assert_int_equal(guest->wakes[i], 0);
    }
}
