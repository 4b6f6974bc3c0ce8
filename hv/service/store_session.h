/* SPDX-License-Identifier: MIT */
/*
 * One xenstore for all domains, message by message (abi/io.h): requests and replies, watches, transactions, rights.  It
 * knows nothing of rings.  All of it is the house's (hv/cpu/house.h), and each function leaves the store whole.
 */
#pragma once

#include <abi/io.h>
#include <engine/types.h>
#include <hv/service/store_tree.h>

#define STORE_PATH_MAX         3072u
#define STORE_WATCHES_MAX      128u
#define STORE_TRANSACTIONS_MAX 10u
#define STORE_OUTPUT_SIZE      16384u
#define STORE_HOME_MAX         32u

struct store_session;
struct store_transaction; /* hv/service/store_transaction.h */
struct store_watch;       /* hv/service/store_watch.c */

struct store {
    struct store_tree tree;
    struct store_session *sessions;      /* in the order in which they came */
    struct store_transaction *entered;   /* the one that the tree is seen through just now; NULL: none */
    struct store_transaction *preferred; /* while it is open others wait: store_transaction.h */
    uint32_t last_instance, last_transaction;
    char path[STORE_PATH_MAX];    /* of what a domain leaves */
    struct store_account control; /* what the hypervisor and privileged domains keep */
};

/* What one domain has in the store, from its making to its end. */
struct store_session {
    struct store *store;
    struct store_session *next;
    uint32_t instance; /* whom permissions mean; nobody else ever has it */
    unsigned domid;
    bool privileged; /* may do everything, without quotas */
    bool introduced;
    bool conflicted;               /* its last transaction has failed */
    struct store_account *account; /* that pays: its own, or the store's */
    struct store_watch *watches;
    unsigned nr_watches;
    struct store_transaction *transactions;
    unsigned nr_transactions;
    uint32_t sent, queued;     /* of output: how much has gone, how much there is */
    char home[STORE_HOME_MAX]; /* "/local/domain/N" */
    char path[STORE_PATH_MAX]; /* the absolute path of the request in hand */
    char output[STORE_OUTPUT_SIZE];
    struct store_account own;
};

/* Begin with a tree in which there is nobody's directory; @store is all zero. */
void store_init(struct store *store);

/*
 * Domain @domid comes, with nothing of its own; @session is all zero.  When it ends, nothing of it is left: nodes,
 * watches, transactions, rights; others hear of what they could see.  That of what is below its nodes, too.
 */
void store_session_begin(struct store_session *session, struct store *store, unsigned domid, bool privileged);
void store_session_end(struct store_session *session);

/* Its directory is complete: those who may know hear of @introduceDomain, and of its end by @releaseDomain. */
void store_session_introduce(struct store_session *session);

/* Nobody listens any more: watches and transactions go, the rest stays until the end of the domain. */
void store_session_disconnect(struct store_session *session);

/*
 * Do what a request says, and queue the reply and the events that follow from it, for whoever watches.  There must be
 * no output left, and no transaction be preferred to it (store_transaction_must_wait()).  The payload is head->len
 * bytes, XENSTORE_PAYLOAD_MAX at most.
 */
void store_session_handle(struct store_session *session, const struct xsd_sockmsg *head, const char *payload);

/* What is to be sent next, NULL and 0 if there is nothing; and that @count bytes of it have gone. */
const char *store_session_output(struct store_session *session, size_t *count);
void store_session_sent(struct store_session *session, size_t count);
