/* SPDX-License-Identifier: MIT */
/* Bits are counted in bytes, which makes both widths alike. */
#include <hv/domain/event_2level.h>
#include <hv/domain/vcpu.h>

/*
 * Changed are bits in words of 32, which lie as the bytes do and hold a bit that one instruction takes with its old
 * value.  Of the guest's type they are words of its own width.
 */
typedef uint32_t __attribute__((may_alias)) bits_word;

static bits_word *word_of(uint8_t *bits, uint32_t bit)
{
    return (bits_word *)(void *)bits + bit / 32;
}

static bool bit_set(uint8_t *bits, uint32_t bit)
{
    uint32_t mask = UINT32_C(1) << bit % 32;

    return __atomic_fetch_or(word_of(bits, bit), mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_clear(uint8_t *bits, uint32_t bit)
{
    uint32_t mask = UINT32_C(1) << bit % 32;

    return __atomic_fetch_and(word_of(bits, bit), ~mask, __ATOMIC_SEQ_CST) & mask;
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
    return (uint8_t *)vcpu->info + (hv_vcpu_is_64bit(vcpu) ? offsetof(struct vcpu_info, evtchn_pending_sel)
                                                           : offsetof(struct compat_vcpu_info, evtchn_pending_sel));
}

static uint32_t word_bits(const struct hv_domain *domain)
{
    return hv_domain_is_64bit(domain) ? 64 : 32;
}

uint32_t event_2level_ports(const struct hv_domain *domain)
{
    return hv_domain_is_64bit(domain) ? EVTCHN_2L_NR_CHANNELS : COMPAT_EVTCHN_2L_NR_CHANNELS;
}

bool event_2level_is_pending(const struct hv_domain *domain, uint32_t port)
{
    return bit_test(pending_bits(domain), port);
}

bool event_2level_set_pending(const struct hv_domain *domain, uint32_t port)
{
    return bit_set(pending_bits(domain), port);
}

void event_2level_clear_pending(const struct hv_domain *domain, uint32_t port)
{
    (void)bit_clear(pending_bits(domain), port);
}

bool event_2level_is_masked(const struct hv_domain *domain, uint32_t port)
{
    return bit_test(mask_bits(domain), port);
}

void event_2level_unmask(const struct hv_domain *domain, uint32_t port)
{
    (void)bit_clear(mask_bits(domain), port);
}

bool event_2level_select(const struct hv_vcpu *vcpu, uint32_t port)
{
    return !bit_set(selector_bits(vcpu), port / word_bits(hv_vcpu_domain(vcpu)));
}

void event_2level_select_all(const struct hv_vcpu *vcpu)
{
    uint8_t *selectors = selector_bits(vcpu);

    for (uint32_t i = 0; i < word_bits(hv_vcpu_domain(vcpu)) / 8; i++)
        __atomic_store_n(&selectors[i], UINT8_MAX, __ATOMIC_SEQ_CST);
}
