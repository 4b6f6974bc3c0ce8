/* SPDX-License-Identifier: MIT */
/*
 * What one guest asks of its xenstore, message by message (abi/io.h): requests and replies, watches, transactions.  It
 * knows nothing of rings.  The guest may read everything, and change what is below its own directory.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <abi/io.h>
#include <engine/types.h>
#include <hv/service/store_tree.h>

#define STORE_WATCHES_MAX      128u
#define STORE_TRANSACTIONS_MAX 10u
#define STORE_WATCHES_SIZE     8192u
#define STORE_OUTPUT_SIZE      16384u
#define STORE_HOME_MAX         32u

struct store_transaction; /* hv/service/store_session.c */

struct store_session {
    unsigned domid;
    char home[STORE_HOME_MAX]; /* "/local/domain/N" */
    struct store_transaction *transactions[STORE_TRANSACTIONS_MAX];
    uint32_t last_transaction; /* the number that was given last */
    unsigned nr_watches;
    uint32_t watches_used;
    uint32_t sent, queued;     /* of output: how much has gone, how much there is */
    char path[STORE_PATH_MAX]; /* the absolute path of the request in hand */
    char output[STORE_OUTPUT_SIZE];
    uint8_t watches[STORE_WATCHES_SIZE] __attribute__((aligned(8)));
    struct store_tree tree;
};

/* Begin with an empty tree, for guest @domid; give back what its transactions hold. */
void store_session_init(struct store_session *session, unsigned domid);
void store_session_end(struct store_session *session);

/*
 * Do what a request says, and queue the reply and the events that follow from it.  There must be no output left.  The
 * payload is head->len bytes, XENSTORE_PAYLOAD_MAX at most.
 */
void store_session_handle(struct store_session *session, const struct xsd_sockmsg *head, const char *payload);

/* What is to be sent next, NULL and 0 if there is nothing; and that @count bytes of it have gone. */
const char *store_session_output(struct store_session *session, size_t *count);
void store_session_sent(struct store_session *session, size_t count);

/* The host writes a value: watches fire.  @path is absolute.  -XEN_ENOSPC: the tree is full. */
int __must_check store_session_write(struct store_session *session, struct store_text path, struct store_text value);

/* Give the node at @path, which is there, a list of permissions (store_parts.h).  -XEN_ENOSPC. */
int __must_check store_session_set_permissions(struct store_session *session, struct store_text path,
                                               struct store_text list);

/* Put a number in decimal, STORE_DIGITS_MAX bytes at most, at @to.  Returns its length; no zero byte is added. */
#define STORE_DIGITS_MAX 20u
size_t store_put_number(char *to, uint64_t number);
