/* SPDX-License-Identifier: MIT */
/*
 * The tree of the xenstore, one for all domains: nodes with a name, a value and permissions, each charged to an
 * account.  It knows neither messages nor what may be done to whom.  Paths are absolute and well-formed
 * (store_path_is_good()).  No walk is recursive, however deep the tree (XSA-418).
 */
#pragma once

#include <hv/service/store_account.h>
#include <hv/service/store_permissions.h>

struct store_value {
    struct store_account *account; /* in which it lies */
    uint32_t length;
    char bytes[];
};

struct store_node {
    struct store_node *parent, *children, *next; /* siblings are in the order of their names */
    struct store_account *account;               /* in which it lies */
    struct store_value *value;
    /* The tree's generation when permissions, value and list of children changed last; 0: the node is not there yet. */
    uint64_t rights, changed, listed;
    struct store_permissions permissions;
    uint32_t name_length;
    char name[];
};

struct store_tree {
    struct store_node *root;
    uint64_t generation; /* counts changes */
};

/* A value in @account; NULL: there is no room.  And give it back. */
struct store_value *store_value_new(struct store_account *account, struct store_text text);
void store_value_free(struct store_value *value);

/*
 * A node outside the tree, with a value, its permissions to be filled in.  -XEN_ENOSPC: @account has no room, or
 * STORE_NODES_MAX nodes.
 */
int __attribute__((warn_unused_result)) store_node_new(struct store_account *account, struct store_text name,
                                                       struct store_text value, struct store_node **node);

/* Give back a node outside the tree with all below it. */
void store_node_free(struct store_node *node);

/* The child of @parent with that name; NULL: there is none, and **@link is where it belongs. */
struct store_node *store_node_child(struct store_node *parent, struct store_text name, struct store_node ***link);

/* Put a node into the tree at the place that store_node_child() has told; take it out, with all below it. */
void store_node_link(struct store_node *parent, struct store_node *node, struct store_node **link);
void store_node_unlink(struct store_node *node);

/* The node at @path; NULL: there is none.  The nearest there is at @path or above it, "/" at last. */
struct store_node *store_tree_find(const struct store_tree *tree, struct store_text path);
struct store_node *store_tree_find_nearest(const struct store_tree *tree, struct store_text path);

/* The nearest there is at @path, or above it but not above @top, which is at the path @above. */
struct store_node *store_node_find_nearest(struct store_node *top, struct store_text above, struct store_text path);

/* The node behind @node in a walk over all of the tree, parents first; @below: those below it are not left out. */
struct store_node *store_node_following(struct store_node *node, bool below);

/* The length of the path of @node; and its bytes, for which there is room. */
size_t store_node_path_length(const struct store_node *node);
struct store_text store_node_path(const struct store_node *node, char *to);

/*
 * The names of the children of @node, each with a zero byte: of their bytes those from @skip on, @size at most, are put
 * at @to.  Returns the length of them all.
 */
size_t store_node_list(const struct store_node *node, size_t skip, char *to, size_t size);
