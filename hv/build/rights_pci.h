/* SPDX-License-Identifier: MIT */
/* The PCI functions that a domain is to have: those of the vendors that its settings name. */
#pragma once

#include <hv/device/pci.h>
#include <hv/kernel/bundle.h>

struct hv_domain;

/*
 * The next function after @previous, or the first for NULL, that a domain of @description can have.  Those that nobody
 * can have are left out.  NULL: there are no more.
 */
struct pci_function *rights_next_function(const struct bundle_domain *description, const struct pci_function *previous);

/* Does @range touch an area of a function that a domain has? */
bool rights_is_function(const struct frame_range *range);

/* Say which functions a domain of @description has now, and which of its vendors' are left out. */
void rights_report_functions(const struct bundle_domain *description);
