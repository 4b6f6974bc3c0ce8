/* SPDX-License-Identifier: MIT */
/*
 * What a domain may do to nodes, each with its check: one for all nodes, "/" included (XSA-353).  @transaction is
 * entered, and the path is absolute and well-formed.  Errors leave everything as it was.
 *
 * -XEN_EACCES: the domain may not, whether the node is there or not.  -XEN_ENOENT: it may, and there is none.
 */
#pragma once

#include <hv/service/store_change.h>

#define STORE_VALUE_MAX   2048u
#define STORE_PATH_LENGTH 1024u /* of a node that is not made by the hypervisor */
#define STORE_PATH_DEPTH  64u

/* The node at @path, to be read; @what is looked at: store_transaction.h. */
int __must_check store_operation_find(struct store_transaction *transaction, struct store_text path, unsigned what,
                                      struct store_node **node);

/*
 * Write a value; make a node if it is missing: both make those that are missing above it.  -XEN_ENOSPC: the value, the
 * path or its depth is beyond the quota, or the domain has too much already.
 */
int __must_check store_operation_write(struct store_transaction *transaction, struct store_text path,
                                       struct store_text value);
int __must_check store_operation_make(struct store_transaction *transaction, struct store_text path);

/* Remove a node with all below it, whoever's that is; one that is missing below one that is there, too: nothing. */
int __must_check store_operation_remove(struct store_transaction *transaction, struct store_text path);

/* Give a node the list of permissions in @text, as its owner; errors of store_rights_read(), too. */
int __must_check store_operation_set_permissions(struct store_transaction *transaction, struct store_text path,
                                                 struct store_text text);
