/* SPDX-License-Identifier: MIT */
/*
 * Changes of the tree, which are made, can be taken back and made again, and are settled in the end.  Only settled ones
 * count: watches fire, generations go on, what is removed is gone.
 */
#pragma once

#include <hv/service/store_session.h>

#define STORE_TOUCHED_MAX 512u /* changes and looks of a transaction */

struct store_change;
struct store_look; /* hv/service/store_transaction.c */

struct store_transaction {
    struct store_transaction *next;
    struct store_session *session;
    uint32_t id; /* 0: of a single request */
    unsigned nr_touched;
    struct store_change *first, *last; /* in their order */
    struct store_look *looks;
    uint64_t generation; /* of the tree, when everything was still as it had been looked at */
    bool torn;           /* it has met the state of more than one moment, and will fail */
};

/*
 * Make a change: a node that is missing below one that is there, @quiet: without an event of its own; another value, or
 * other permissions, for one that is there; remove one with all below it.
 * -XEN_ENOSPC: no room; nothing has changed.
 */
int __must_check store_change_make(struct store_transaction *transaction, struct store_text path,
                                   struct store_text value, const struct store_permissions *permissions, bool quiet);
int __must_check store_change_write(struct store_transaction *transaction, struct store_text path,
                                    struct store_text value);
int __must_check store_change_permissions(struct store_transaction *transaction, struct store_text path,
                                          const struct store_permissions *permissions);
int __must_check store_change_remove(struct store_transaction *transaction, struct store_text path);

/* Remove @node, which is not "/", and settle it at once: that takes no room. */
void store_change_remove_now(struct store *store, struct store_node *node, struct store_text path);

/* Take all changes back, the last first; make them again.  False: one does not go any more. */
void store_change_undo_all(struct store_transaction *transaction);
bool store_change_redo_all(struct store_transaction *transaction);

/* Drop the changes behind @last; NULL: all. */
void store_change_cut(struct store_transaction *transaction, struct store_change *last);

/*
 * All changes are made: they count from now on.  -XEN_ENOSPC: the account of another whose node was written has no room
 * for that; nothing has happened then.
 */
int __must_check store_change_settle_all(struct store_transaction *transaction);

/* Has the transaction removed the node at @path, or one above it, at some time? */
bool store_change_has_removed(const struct store_transaction *transaction, struct store_text path);

/* No list of permissions in the changes names @instance any more.  One that did makes the transaction fail. */
void store_change_forget(struct store_transaction *transaction, uint32_t instance);
