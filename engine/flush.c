/* SPDX-License-Identifier: MIT */
/* Flushes that a guest asks for: which processors, which page. */
#include <engine/flush.h>

cpumask_t flush_domain_cpus(const struct domain *domain)
{
    cpumask_t cpus = {0};

    for (unsigned i = 0; i < domain->nr_vcpus; i++)
        cpus.bits |= cpumask_of(domain->vcpus[i]->cpu).bits;
    return cpus;
}

bool flush_guest_mask(struct vcpu *vcpu, vaddr_t bitmap, cpumask_t *cpus)
{
    const struct domain *domain = vcpu->domain;
    cpumask_t found = {0};
    uint8_t byte = 0;

    for (unsigned i = 0; i < domain->nr_vcpus; i++) {
        if (i % 8 == 0 && !access_read(vcpu, &byte, VADDR(bitmap.v + i / 8), 1))
            return false;
        if (byte & (1u << (i % 8)))
            found.bits |= cpumask_of(domain->vcpus[i]->cpu).bits;
    }
    *cpus = found;
    return true;
}
