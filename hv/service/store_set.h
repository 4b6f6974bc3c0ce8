/* SPDX-License-Identifier: MIT */
/*
 * What the hypervisor itself writes into the xenstore.  Its own rights have no limit, but memory has: each node is at
 * the expense of some domain, of that one's own account even where it is privileged.  Watches fire.
 */
#pragma once

#include <hv/service/store_session.h>

#define STORE_PLACE_MAX 160u /* of a path that is put together here */

/* The path of @name, below @above, in @bytes of STORE_PLACE_MAX bytes. */
struct store_text store_set_path(struct store_text above, struct store_text name, char *bytes);

/* Write @value at @path, at the expense of the domain of @session.  -XEN_ENOSPC: there is no room. */
int __must_check store_set_at(struct store_session *session, struct store_text path, struct store_text value);

/* The same at @name, below @above, and with a number. */
int __must_check store_set(struct store_session *session, struct store_text above, const char *name,
                           struct store_text value);
int __must_check store_set_number(struct store_session *session, struct store_text above, const char *name,
                                  uint64_t number);

/*
 * Permissions of a node that has just been written, which nobody has looked at: the domain of @owner owns it, NULL for
 * the hypervisor, and that of @reader may read it, NULL for nobody else.  Nothing happens if the node is not there.
 */
void store_set_rights(struct store *store, struct store_text path, const struct store_session *owner,
                      const struct store_session *reader);

/* What is at @path and below it, and nobody may read but its owner, the domain of @reader may read from now on, too. */
void store_set_reader(struct store *store, struct store_text path, const struct store_session *reader);
