/* SPDX-License-Identifier: MIT */
/* In order: looking, writing and making, removing, permissions. */
#include <abi/errno.h>
#include <hv/service/store_operation.h>
#include <hv/service/store_rights.h>
#include <hv/service/store_transaction.h>

static struct store_tree *tree_of(const struct store_transaction *transaction)
{
    return &transaction->session->store->tree;
}

/*
 * The node at @path, NULL if it is missing, and the nearest there is, whose permissions say who may do what there.
 * Of a missing one the answer depends on the nearest, and on that nothing has come below it on the way to @path.
 */
static int look(struct store_transaction *transaction, struct store_text path, unsigned what, struct store_node **node,
                struct store_node **nearest)
{
    size_t length;
    int error;

    *nearest = store_tree_find_nearest(tree_of(transaction), path);
    length = store_node_path_length(*nearest);
    *node = length == path.length ? *nearest : NULL;
    error = store_look(transaction, (struct store_text){path.bytes, length}, *node ? what : 0);
    if (error || *node)
        return error;
    length = length == 1 ? 0 : length;
    (void)store_path_name(path, &length);
    return store_look(transaction, (struct store_text){path.bytes, length}, 0);
}

/* The same, if the domain may do @right, 'r' or 'w'. */
static int look_with(struct store_transaction *transaction, struct store_text path, unsigned what, char right,
                     struct store_node **node, struct store_node **nearest)
{
    int error = look(transaction, path, what, node, nearest);

    if (error)
        return error;
    return store_session_may(transaction->session, &(*nearest)->permissions, right) ? 0 : -XEN_EACCES;
}

int store_operation_find(struct store_transaction *transaction, struct store_text path, unsigned what,
                         struct store_node **node)
{
    struct store_node *nearest;
    int error = look_with(transaction, path, what, 'r', node, &nearest);

    if (error)
        return error;
    return *node ? 0 : -XEN_ENOENT;
}

/*
 * ---- Writing and making.
 */

static bool is_within_quota(const struct store_transaction *transaction, struct store_text path)
{
    return transaction->session->privileged ||
           (path.length <= STORE_PATH_LENGTH && store_path_depth(path) <= STORE_PATH_DEPTH);
}

/* Make all that is missing on the way to @path, below @nearest, which is at its first bytes; the last has a value. */
static int make_missing(struct store_transaction *transaction, struct store_node *nearest, struct store_text path,
                        struct store_text value)
{
    struct store_permissions list = store_rights_inherit(transaction->session, &nearest->permissions);
    struct store_change *before = transaction->last;
    size_t length = store_node_path_length(nearest);
    int error = is_within_quota(transaction, path) ? 0 : -XEN_ENOSPC;

    length = length == 1 ? 0 : length;
    while (!error && length < path.length) {
        (void)store_path_name(path, &length);
        error = store_change_make(transaction, (struct store_text){path.bytes, length},
                                  length == path.length ? value : store_text(""), &list, length < path.length);
    }
    if (error)
        store_change_cut(transaction, before);
    return error;
}

int store_operation_write(struct store_transaction *transaction, struct store_text path, struct store_text value)
{
    struct store_node *node, *nearest;
    int error = look_with(transaction, path, 0, 'w', &node, &nearest);

    if (error)
        return error;
    if (value.length > STORE_VALUE_MAX)
        return -XEN_ENOSPC;
    return node ? store_change_write(transaction, path, value) : make_missing(transaction, nearest, path, value);
}

int store_operation_make(struct store_transaction *transaction, struct store_text path)
{
    struct store_node *node, *nearest;
    int error = look_with(transaction, path, 0, 'w', &node, &nearest);

    if (error || node)
        return error;
    return make_missing(transaction, nearest, path, store_text(""));
}

/*
 * ---- Removing.
 */

/* Is the node right above @path there?  It has been looked at then. */
static bool is_above(const struct store_node *nearest, struct store_text path)
{
    return store_node_path_length(nearest) == store_path_above(path).length;
}

int store_operation_remove(struct store_transaction *transaction, struct store_text path)
{
    struct store_node *node, *nearest;
    int error = look_with(transaction, path, 0, 'w', &node, &nearest);

    if (error)
        return error;
    if (!node)
        return is_above(nearest, path) ? 0 : -XEN_ENOENT;
    if (!node->parent)
        return -XEN_EINVAL;
    if (transaction->id != 0)
        return store_change_remove(transaction, path);
    store_change_remove_now(transaction->session->store, node, path);
    return 0;
}

/*
 * ---- Permissions.
 */

int store_operation_set_permissions(struct store_transaction *transaction, struct store_text path,
                                    struct store_text text)
{
    const struct store_session *session = transaction->session;
    struct store_permissions list;
    struct store_node *node, *nearest;
    int error = look_with(transaction, path, 0, 'w', &node, &nearest);

    if (error)
        return error;
    if (!session->privileged && !store_permissions_own(&nearest->permissions, session->instance))
        return -XEN_EACCES;
    error = store_rights_read(session, text, &nearest->permissions, &list);
    if (error)
        return error;
    if (path.length == 1 && list.entries[0].instance != STORE_CONTROL)
        return -XEN_EINVAL; /* its owner's end would be that of the tree */
    return node ? store_change_permissions(transaction, path, &list) : -XEN_ENOENT;
}
