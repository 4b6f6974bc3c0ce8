/* SPDX-License-Identifier: MIT */
/* Handles: the records of the grants that a domain maps, under that domain's lock. */
#pragma once

#include <abi/grant.h>
#include <engine/machine.h>

/*
 * Set a handle aside; grant_mapping_find() does not find it before the caller has given its record parts.  No lock is
 * held.  False: the domain has as many as it may have, the machine has no memory for more, or the domain is dying.
 */
bool __must_check grant_mapping_reserve(struct domain *domain, grant_handle_t *handle);

/* The same of those that have been set aside before, with the lock held.  False: none of them is free. */
bool __must_check grant_mapping_take(struct domain *domain, grant_handle_t *handle);

/*
 * Give a handle back that was set aside, whose record has no parts.  The lock is held.  Handles that a teardown has
 * done away with since they were set aside, it leaves alone.
 */
void grant_mapping_free(struct domain *domain, grant_handle_t handle);

/* The record of a handle that was set aside, wherever it stands; of one that is a mapping, NULL if it is none. */
struct grant_mapping *grant_mapping_at(const struct domain *domain, grant_handle_t handle);
struct grant_mapping *grant_mapping_find(const struct domain *domain, grant_handle_t handle);

/* The first mapping whose handle is @handle or higher, and its handle; NULL: there is none. */
const struct grant_mapping *grant_mapping_next(const struct domain *domain, grant_handle_t *handle);

/* Handles that have ever been set aside: all mappings have one below. */
uint32_t grant_mapping_count(const struct domain *domain);

/* The end: give the records' memory back.  None is a mapping any more. */
void grant_mapping_destroy(struct domain *domain);
