/* SPDX-License-Identifier: MIT */
/* What stands in the xenstore when a guest starts: its own directory, and who may do what there. */
#pragma once

#include <hv/service/store_session.h>

struct hv_domain;

/*
 * Fill in what is known of the domain: its name, memory, vCPUs, xenstore and console.  All of it is charged to the
 * domain's own account.  -XEN_ENOSPC: it does not fit.
 */
int __must_check store_home_fill(struct store_session *session, const struct hv_domain *domain);

/* Of its @count vCPUs the first @online are to be online, the others not.  -XEN_ENOSPC, with some of it said. */
int __must_check store_home_set_vcpus(struct store_session *session, unsigned count, unsigned online);
