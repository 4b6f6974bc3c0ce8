/* SPDX-License-Identifier: MIT */
/*
 * The event channels of a domain by their numbers, its ports.  They come by the page when ports are used that far.  A
 * port is always the lowest free one, so all numbers up to the highest that has ever been in use are known; there is no
 * port of any other.
 */
#pragma once

#include <engine/types.h>
#include <hv/domain/domain.h>

/* Give @domain a table in which no port is in use.  -XEN_ENOMEM. */
int __must_check event_table_create(struct hv_domain *domain);

/* Give back all of its memory, whatever is in use; nothing happens where there is none. */
void event_table_destroy(struct hv_domain *domain);

/* Know of no port again but port 0.  None is in use. */
void event_table_forget(struct hv_domain *domain);

/* NULL: the domain has never had a port of that number, or not since event_table_forget(). */
struct event_channel *event_table_find(const struct hv_domain *domain, uint32_t port);

/* Is @port in use, by the guest or for it?  Port 0 never is. */
bool event_table_is_open(const struct hv_domain *domain, uint32_t port);

/*
 * The lowest port that is not in use, of the first @limit, a multiple of EVENT_PAGE_PORTS.  -XEN_ENOSPC: all are.
 * -XEN_ENOMEM.  Either has been noted, as call_refuse() does.
 */
int __must_check event_table_find_free(struct hv_domain *domain, uint32_t limit, uint32_t *port);

/* @port, which event_table_find_free() has found, is in use as @channel; and is no longer. */
void event_table_open(struct hv_domain *domain, uint32_t port, struct event_channel channel);
void event_table_close(struct hv_domain *domain, uint32_t port);
