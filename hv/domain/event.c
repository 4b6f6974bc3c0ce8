/* SPDX-License-Identifier: MIT */
/*
 * What the guest sees of event channels, in order: the bits that are shared with it; raising events.
 *
 * The guest may write the shared bits at any moment.  Each is changed by one atomic operation, whose answer is
 * believed, and the hypervisor's own state never depends on them.  Bits are counted in bytes, which makes both widths
 * alike.
 */
#include <abi/errno.h>
#include <hv/domain/domain.h>
#include <hv/domain/event_table.h>
#include <hv/domain/runstate.h>
#include <hv/domain/vcpu.h>

/*
 * ---- The shared bits.
 */

static bool bit_set(uint8_t *bits, uint32_t bit)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    return __atomic_fetch_or(&bits[bit / 8], mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_clear(uint8_t *bits, uint32_t bit)
{
    uint8_t mask = (uint8_t)(1u << bit % 8);

    return __atomic_fetch_and(&bits[bit / 8], (uint8_t)~mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_test(const uint8_t *bits, uint32_t bit)
{
    return __atomic_load_n(&bits[bit / 8], __ATOMIC_SEQ_CST) >> bit % 8 & 1;
}

static uint8_t *pending_bits(const struct hv_domain *domain)
{
    return (uint8_t *)domain->shared_info + offsetof(struct shared_info, evtchn_pending);
}
_Static_assert(offsetof(struct shared_info, evtchn_pending) == offsetof(struct compat_shared_info, evtchn_pending),
               "pending_bits()");

static uint8_t *mask_bits(const struct hv_domain *domain)
{
    return (uint8_t *)domain->shared_info + (hv_domain_is_64bit(domain)
                                                 ? offsetof(struct shared_info, evtchn_mask)
                                                 : offsetof(struct compat_shared_info, evtchn_mask));
}

/* The bits that stand for words of the pending bits. */
static uint8_t *selector_bits(const struct hv_vcpu *vcpu)
{
    return (uint8_t *)vcpu->info + (hv_domain_is_64bit(hv_vcpu_domain(vcpu))
                                        ? offsetof(struct vcpu_info, evtchn_pending_sel)
                                        : offsetof(struct compat_vcpu_info, evtchn_pending_sel));
}

static uint32_t word_bits(const struct hv_domain *domain)
{
    return hv_domain_is_64bit(domain) ? 64 : 32;
}

uint32_t event_ports(const struct hv_domain *domain)
{
    return hv_domain_is_64bit(domain) ? EVTCHN_2L_NR_CHANNELS : COMPAT_EVTCHN_2L_NR_CHANNELS;
}

bool event_is_pending(const struct hv_domain *domain, uint32_t port)
{
    return port < event_ports(domain) && bit_test(pending_bits(domain), port);
}

void event_unmask_upcalls(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_mask, 0, __ATOMIC_SEQ_CST);
}

/*
 * ---- Raising.
 */

static void raise_upcall(struct hv_vcpu *vcpu)
{
    __atomic_store_n(&vcpu->info->evtchn_upcall_pending, 1, __ATOMIC_SEQ_CST);
    runstate_wake(vcpu);
}

static void wake_pollers(const struct hv_domain *domain)
{
    for (uint64_t i = 0; i < domain->engine.nr_vcpus; i++) {
        struct hv_vcpu *vcpu = hv_vcpu_find(domain, i);

        if (vcpu->run.polling)
            runstate_wake(vcpu);
    }
}

static void raise_selector(const struct hv_domain *domain, uint32_t port)
{
    struct hv_vcpu *vcpu = hv_vcpu_find(domain, event_table_find(domain, port)->vcpu);

    if (!bit_set(selector_bits(vcpu), port / word_bits(domain)))
        raise_upcall(vcpu);
}

/* The order is that of abi/event.h: pending, then, unless masked, the selector, then the vCPU's own flag. */
void event_raise_port(const struct hv_domain *domain, uint32_t port)
{
    if (bit_set(pending_bits(domain), port))
        return;
    wake_pollers(domain);
    if (!bit_test(mask_bits(domain), port))
        raise_selector(domain, port);
}

void event_recheck(struct hv_vcpu *vcpu)
{
    uint8_t *selectors = selector_bits(vcpu);

    for (uint32_t i = 0; i < word_bits(hv_vcpu_domain(vcpu)) / 8; i++)
        __atomic_store_n(&selectors[i], UINT8_MAX, __ATOMIC_SEQ_CST);
    raise_upcall(vcpu);
}

void event_notify(struct hv_domain *domain, uint32_t port)
{
    const struct event_channel *channel = event_table_find(domain, port);

    if (channel && channel->state == EVENT_BACKEND)
        event_raise_port(domain, port);
}

bool event_virq_is_of_vcpu(uint32_t virq)
{
    return virq == VIRQ_TIMER || virq == VIRQ_DEBUG || virq == VIRQ_XENOPROF || virq == VIRQ_XENPMU;
}

void event_raise_virq(struct hv_vcpu *vcpu, unsigned virq)
{
    const struct hv_domain *domain = hv_vcpu_domain(vcpu);
    const struct hv_vcpu *holder = event_virq_is_of_vcpu(virq) ? vcpu : hv_vcpu_find(domain, 0);

    if (holder->events.virq_ports[virq])
        event_raise_port(domain, holder->events.virq_ports[virq]);
}

int event_unmask(struct hv_domain *domain, uint32_t port)
{
    if (!event_table_find(domain, port))
        return -XEN_EINVAL;
    if (!event_table_is_open(domain, port))
        return 0;
    (void)bit_clear(mask_bits(domain), port);
    if (bit_test(pending_bits(domain), port))
        raise_selector(domain, port);
    return 0;
}

void event_forget(struct hv_domain *domain, uint32_t port)
{
    (void)bit_clear(pending_bits(domain), port);
}
