/* SPDX-License-Identifier: MIT */
/* What the hypervisor must not touch; words of guest memory, in the guest's own width. */
#include <engine/access.h>
#include <engine/level.h>

static bool is_linear_slot(const struct domain *domain, unsigned slot)
{
    return __atomic_load_n(&domain->linear_slots[slot / 64], __ATOMIC_SEQ_CST) & UINT64_C(1) << slot % 64;
}

bool access_meets_linear_slot(const struct domain *domain, vaddr_t start, size_t size)
{
    return size > 0 && (is_linear_slot(domain, level_index(4, start)) ||
                        is_linear_slot(domain, level_index(4, VADDR(start.v + size - 1))));
}

bool access_read_word(struct vcpu *vcpu, uint64_t *to, vaddr_t from)
{
    *to = 0;
    return access_read(vcpu, to, from, access_word_size(vcpu->domain));
}

bool access_write_word(struct vcpu *vcpu, vaddr_t to, uint64_t value)
{
    return access_write(vcpu, to, &value, access_word_size(vcpu->domain));
}
