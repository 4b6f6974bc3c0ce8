/* SPDX-License-Identifier: MIT */
/*
 * Flushes that a guest asks for.  The engine's own safety never depends on them: engine/tlb.h.
 */
#pragma once

#include <engine/access.h>
#include <engine/op.h>
#include <engine/tlb.h>

/* The processors of all vCPUs of @domain. */
cpumask_t flush_domain_cpus(const struct domain *domain);

/*
 * Read a guest's bitmap of vCPUs, one bit each, and turn it into processors.  Only the bytes that hold bits of existing
 * vCPUs are read.  False: they cannot be.
 */
bool __must_check flush_guest_mask(struct vcpu *vcpu, vaddr_t bitmap, cpumask_t *cpus);

/* Flush one page on @cpus; an address that is no guest's is ignored (XSA-279). */
static inline void flush_page(const struct domain *domain, cpumask_t cpus, vaddr_t vaddr)
{
    if (cpus.bits && access_range_ok(domain, vaddr, 1))
        port_tlb_flush_page(cpus, vaddr);
}
