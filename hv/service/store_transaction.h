/* SPDX-License-Identifier: MIT */
/*
 * Transactions: several changes that happen together or not at all.
 *
 * A transaction holds its changes apart from the tree.  They are put into it for as long as a request of that
 * transaction looks (store_enter()) and taken out again before anybody else does, so that it sees its own changes and
 * nobody else sees them.  It also knows what it has looked at.  If another has changed that meanwhile, it fails:
 * otherwise it is as if all had happened in the moment in which it ends.
 *
 * What a single request changes goes the same way, in a transaction that ends with the request.
 */
#pragma once

#include <hv/service/store_change.h>

/* What of a node was looked at.  Whether it is there, and who may do what with it, always is. */
#define STORE_LOOK_VALUE 1u
#define STORE_LOOK_LIST  2u

/* Transaction @id of the session; NULL: there is none. */
struct store_transaction *store_transaction_find(struct store_session *session, uint32_t id);

/* Begin one.  -XEN_ENOSPC: the guest has too many, or its account no room. */
int __must_check store_transaction_start(struct store_session *session, uint32_t *id);

/*
 * End it with its changes made, or dropped.  Watches fire.  -XEN_EAGAIN: what it has looked at has changed.
 * -XEN_ENOSPC: no room in the account of another whose node it has written.  Its changes are dropped then.
 */
int __must_check store_transaction_commit(struct store_transaction *transaction);
void store_transaction_drop(struct store_transaction *transaction);
void store_transaction_drop_all(struct store_session *session);

/*
 * A privileged transaction that begins after a conflict is preferred: what others ask for waits until it ends, so that
 * they cannot make it fail for ever (XSA-206).  Must the session wait?
 */
bool store_transaction_must_wait(const struct store_session *session);

/* Look at the tree through @transaction; NULL: as it is. */
void store_enter(struct store *store, struct store_transaction *transaction);

/* Note that the node at @path, which may be missing, was looked at.  -XEN_ENOSPC: there is no room for that. */
int __must_check store_look(struct store_transaction *transaction, struct store_text path, unsigned what);
