/* SPDX-License-Identifier: MIT */
/*
 * What the xenstore keeps on behalf of one client: nodes, values, watches, transactions.  All of it lies in memory that
 * is set aside when the client comes, so that none can take another's, and goes with it.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define STORE_ACCOUNT_SIZE 262144u
#define STORE_NODES_MAX    1000u

struct store_account {
    uint32_t used;     /* of bytes, with the heads of what lies there */
    uint32_t lowest;   /* before it nothing is free */
    uint32_t nr_nodes; /* that are charged to it */
    bool unlimited;    /* the number of its nodes is not limited, their memory is */
    uint8_t bytes[STORE_ACCOUNT_SIZE - 16] __attribute__((aligned(16)));
};
_Static_assert(sizeof(struct store_account) == STORE_ACCOUNT_SIZE, "whole frames");

/* Begin with nothing in it; @account is all zero. */
void store_account_init(struct store_account *account);

/* @size bytes, aligned to 8, whatever is in them; NULL: there is no room.  And give them back. */
void *store_account_take(struct store_account *account, size_t size);
void store_account_give(struct store_account *account, void *object);
