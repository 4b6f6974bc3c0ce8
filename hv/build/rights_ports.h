/* SPDX-License-Identifier: MIT */
/* Which ports and interrupt lines a domain can have. */
#pragma once

#include <hv/kernel/bundle.h>

struct machine;

/*
 * Can a domain of @description have the ports and lines that its settings name?  NULL: it can; otherwise why not: they
 * are not there, the hypervisor's, the machine's as a whole, or another domain's.
 */
const char *rights_ports_check(const struct machine *machine, const struct bundle_domain *description);
