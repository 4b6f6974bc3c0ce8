/* SPDX-License-Identifier: MIT */
/* The answers of the hypervisor. */
#include <hv/domain/domain.h>
#include <hv/domain/explain_port.h>
#include <hv/time/nmi_watchdog.h>

bool explain_port_is_first_table(const struct domain *domain, uint64_t pfn)
{
    const struct hv_domain *self = (const struct hv_domain *)domain;

    return pfn - self->first_table < self->nr_first_tables;
}

void explain_port_get_on(void)
{
    nmi_watchdog_pet();
}
