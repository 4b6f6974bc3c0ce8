/* SPDX-License-Identifier: MIT */
/* Is the xenstore whole?  A recount, with an abort() where it is not; it needs no cmocka. */
#pragma once

#include <hv/service/store_session.h>

/* The session of the guest at @host; the store that all share, NULL if nobody has a session. */
struct store_session *audit_session(void);
struct store *audit_store(void);

/*
 * Every node is found by its path, and listed by its parent in order; lists of permissions name domains that are there;
 * what is charged to each account is what lies in it.
 */
void store_audit(void);
