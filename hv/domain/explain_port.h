/* SPDX-License-Identifier: MIT */
/*
 * What explanations ask of where they are made, beside paging_ram().  The playground makes them as well, in a browser,
 * and answers for itself: explain.c and search.c know of the hypervisor around them no more than this.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include <engine/types.h>
#include <hv/domain/origin.h>

struct domain;

/* Is page @pfn one of the page tables that @domain was started with? */
bool explain_port_is_first_table(const struct domain *domain, uint64_t pfn);

/* What has made @frame, which is RAM, a table or a page of descriptors last.  False: that is not known. */
bool explain_port_origin(mfn_t frame, struct origin *origin);

/* A search gets on with its work: whoever watches for a processor that stands still hears of it. */
void explain_port_get_on(void);
