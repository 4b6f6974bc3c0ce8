/* SPDX-License-Identifier: MIT */
/* What of the machine beside RAM a domain may have: device memory, ports, interrupt lines, and PCI functions. */
#pragma once

#include <hv/kernel/bundle.h>

struct hv_domain;
struct machine;

/*
 * Can a domain of @description have what its settings say?  What is RAM, registers of the interrupt controllers, the
 * hypervisor's own, or another domain's by such a right nobody gets.  -XEN_EINVAL: *@problem says why not.
 */
int __must_check rights_check(const struct machine *machine, const struct bundle_domain *description,
                              const char **problem);

/*
 * After that: @domain, which is new, has them, and it is said which functions these are.  What it has goes with it.
 * -XEN_ENOMEM: it has nothing.
 */
int __must_check rights_give(struct hv_domain *domain, const struct bundle_domain *description);
