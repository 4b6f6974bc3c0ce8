/* SPDX-License-Identifier: MIT */
/*
 * Who may do what with a node: a list of entries, each a letter and a domain.  The domain of the first owns the node
 * and may do everything; its letter says what those may that no later entry names: n nothing, r read, w write, b both.
 *
 * A right belongs to an instance of a domain, not to its number: whoever has the number later has none (XSA-322).
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <hv/service/store_text.h>

#define STORE_DOMIDS          0x8000u
#define STORE_PERMISSIONS_MAX 8u

/* Instances of domains that are none. */
#define STORE_NOBODY  0u
#define STORE_CONTROL 1u /* the hypervisor, and privileged domains: domain 0 to those who read a list */
#define STORE_FIRST   2u /* of domains */

struct store_permission {
    uint32_t instance;
    uint16_t domid;
    char letter;
    uint8_t _gap0;
};

struct store_permissions {
    uint32_t count; /* 1 at least */
    struct store_permission entries[STORE_PERMISSIONS_MAX];
};

/* Read an entry, without its zero byte; its instance is STORE_NOBODY.  False: it is none. */
bool store_permission_read(struct store_text text, struct store_permission *entry);

/* Add the list as text to @reply, which has room. */
void store_permissions_write(const struct store_permissions *list, struct store_reply *reply);

/* Does @instance own the node?  May it do @what, 'r' or 'w'? */
bool store_permissions_own(const struct store_permissions *list, uint32_t instance);
bool store_permissions_allow(const struct store_permissions *list, uint32_t instance, char what);

/* Take @instance out of the list, which it does not own.  Was it in there? */
bool store_permissions_forget(struct store_permissions *list, uint32_t instance);
