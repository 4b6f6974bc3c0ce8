/* SPDX-License-Identifier: MIT */
/*
 * The tree of a xenstore: nodes with a path, a value and permissions, in one block of memory without pointers, so that
 * copying the block copies the tree.  It knows neither domains nor messages.
 *
 * Paths are absolute and well-formed (store_path_is_good()), without a zero byte; lengths are in bytes.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <engine/types.h>

#define STORE_TREE_SIZE 28672u /* with all that belongs to it */
#define STORE_PATH_MAX  3072u
#define STORE_NODE_MAX  4096u /* bytes of a value, and of permissions */

struct store_tree {
    uint32_t generation; /* counts changes */
    uint32_t used;       /* of bytes */
    uint8_t bytes[STORE_TREE_SIZE - 2 * sizeof(uint32_t)] __attribute__((aligned(8)));
};
_Static_assert(sizeof(struct store_tree) == STORE_TREE_SIZE, "store_tree");

/* A text that somebody else holds. */
struct store_text {
    const char *bytes;
    size_t length;
};

/* The text of a literal, or of a string that ends with a zero byte. */
struct store_text store_text(const char *string);
bool store_text_equal(struct store_text a, struct store_text b);

/* Is @path "/", or names of letters, digits and -/_@ with a single slash before each, STORE_PATH_MAX bytes at most? */
bool store_path_is_good(struct store_text path);

/* Is @path @above itself, or below it? */
bool store_path_is_within(struct store_text path, struct store_text above);

/* Begin with a tree that has only the node "/". */
void store_tree_init(struct store_tree *tree);

/* Make @to the same as @from. */
void store_tree_copy(struct store_tree *to, const struct store_tree *from);

/* The value of the node at @path; its permissions, of length 0 if they were never set.  -XEN_ENOENT: no such node. */
int __must_check store_tree_read(const struct store_tree *tree, struct store_text path, struct store_text *value);
int __must_check store_tree_permissions(const struct store_tree *tree, struct store_text path,
                                        struct store_text *permissions);

/* The permissions of the node at @path; where it is missing, of the nearest above it, which it would copy. */
struct store_text store_tree_governing(const struct store_tree *tree, struct store_text path);

/*
 * Give the node at @path a value, or permissions; a value makes the node, and those above it, if need be.  A new node
 * has the permissions of the one above it.
 * -XEN_ENOSPC: the tree is full, or the text longer than STORE_NODE_MAX; nothing has changed.  -XEN_ENOENT: there is no
 * such node for permissions.
 */
int __must_check store_tree_write(struct store_tree *tree, struct store_text path, struct store_text value);
int __must_check store_tree_set_permissions(struct store_tree *tree, struct store_text path,
                                            struct store_text permissions);

/* Make the node at @path, with no value, likewise; nothing if it is there.  -XEN_ENOSPC: the tree is full. */
int __must_check store_tree_make(struct store_tree *tree, struct store_text path);

/* Remove the node at @path and all below it.  -XEN_ENOENT: no such node.  -XEN_EINVAL: "/". */
int __must_check store_tree_remove(struct store_tree *tree, struct store_text path);

/*
 * The names of the nodes directly below @path, each with a zero byte: of their bytes those from @skip on, @size at
 * most, are put at @to.  *@length is the length of them all.  -XEN_ENOENT: no such node.
 */
int __must_check store_tree_list(const struct store_tree *tree, struct store_text path, size_t skip, char *to,
                                 size_t size, size_t *length);
