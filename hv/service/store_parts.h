/* SPDX-License-Identifier: MIT */
/* What the parts of a xenstore session, store_session.c, store_watch.c and store_transaction.c, know of each other. */
#pragma once

#include <hv/service/store_session.h>

#define STORE_HEAD sizeof(struct xsd_sockmsg)

/* A payload in the making: its bytes lie where they will be sent from. */
struct store_reply {
    char *bytes;
    size_t length;
};

/* Add @text, or @before and a number in decimal, and a zero byte.  There is room: the caller sees to that. */
void store_reply_text(struct store_reply *reply, struct store_text text);
void store_reply_number(struct store_reply *reply, struct store_text before, uint64_t number);

/* Take the text up to the next zero byte, or to the end, off @rest. */
struct store_text store_next_text(struct store_text *rest);

/* The guest's own directory. */
struct store_text store_home(const struct store_session *session);

/* Count as queued the message whose payload of head->len bytes is there already, and put its head before it. */
void store_queue_head(struct store_session *session, const struct xsd_sockmsg *head);

/* False: not a number below 10^9. */
bool store_read_number(struct store_text text, uint32_t *number);

/*
 * ---- Permissions: a list of entries, each a letter, the number of a domain and a zero byte.  The domain of the first
 * entry owns the node and may do everything; its letter says what those may that no later entry names.
 */

#define STORE_DOMIDS          0x8000u
#define STORE_PERMISSIONS_MAX 256u

/* Is @text one entry, without its zero byte?  n: nothing, r: read, w: write, b: both. */
bool store_permission_is_good(struct store_text text);

/* Does the list have @domid as the owner?  May @domid do @what, 'r' or 'w'? */
bool store_permissions_own(struct store_text list, unsigned domid);
bool store_permissions_allow(struct store_text list, unsigned domid, char what);

/*
 * ---- Watches.
 */

struct store_watch;

/* The watch of @path, absolute, with @token; NULL: there is none. */
struct store_watch *store_watch_find(struct store_session *session, struct store_text path, struct store_text token);

/*
 * Watch @path; an event is due at once.  @relative: the guest named it relative to its home, and hears of it so.
 * -XEN_E2BIG: the guest has too many.
 */
int __must_check store_watch_add(struct store_session *session, struct store_text path, struct store_text token,
                                 bool relative);
void store_watch_remove(struct store_session *session, struct store_watch *watch);
void store_watch_remove_all(struct store_session *session);

/* The node at @path has changed, or has been removed with all below it: queue the events. */
void store_watch_fire(struct store_session *session, struct store_text path, bool removed);

/* Queue the events that did not fit before, as far as there is room. */
void store_watch_send_due(struct store_session *session);

/*
 * ---- Transactions: each works on a copy of the tree, and succeeds if nobody else has changed the tree meanwhile.
 */

#define STORE_JOURNAL_SIZE 4080u

struct store_transaction {
    uint32_t id;
    uint32_t base; /* the tree's generation when it began */
    uint32_t journal_used;
    uint32_t _gap0;
    char journal[STORE_JOURNAL_SIZE]; /* what changed: 'C' or 'R', the path, a zero byte */
    struct store_tree tree;
};
_Static_assert(sizeof(struct store_transaction) == 32768, "whole frames");

/* Transaction @id; NULL: there is none. */
struct store_transaction *store_transaction_find(struct store_session *session, uint32_t id);

/* Begin one.  -XEN_ENOSPC: the guest has too many.  -XEN_ENOMEM. */
int __must_check store_transaction_start(struct store_session *session, uint32_t *id);

/* End it with its changes made to the tree, or dropped.  -XEN_EAGAIN: the tree has changed; they are dropped too. */
int __must_check store_transaction_commit(struct store_session *session, struct store_transaction *transaction);
void store_transaction_drop(struct store_session *session, struct store_transaction *transaction);
void store_transaction_drop_all(struct store_session *session);

/* Is there room to note that @path has changed?  Note it: watches fire when the transaction ends. */
bool store_transaction_has_room(const struct store_transaction *transaction, struct store_text path);
void store_transaction_note(struct store_transaction *transaction, struct store_text path, bool removed);
