/* SPDX-License-Identifier: MIT */
/* In order: making and taking back; the transaction's list; settling. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_change.h>
#include <hv/service/store_watch.h>

enum kind { MAKE, WRITE, REMOVE, PERMISSIONS };

struct store_change {
    struct store_change *next, *previous;
    struct store_node *node;              /* MAKE: the new one; otherwise, as long as it is made: which it changes */
    struct store_value *value;            /* WRITE: the one that is not in the tree just now */
    struct store_permissions permissions; /* PERMISSIONS: the same */
    uint64_t rights; /* of the node when the change came: another's at the same path is left alone */
    uint8_t kind;    /* enum kind */
    bool made;
    bool quiet;
    uint32_t path_length;
    char path[];
};

static struct store_text path_of(const struct store_change *change)
{
    return (struct store_text){change->path, change->path_length};
}

/*
 * ---- Making and taking back.
 */

/* What is in the tree, and what is not: making and taking back are the same. */
static void exchange(struct store_change *change)
{
    struct store_node *node = change->node;
    struct store_value *value = node->value;
    struct store_permissions permissions = node->permissions;

    if (change->kind == WRITE) {
        node->value = change->value;
        change->value = value;
    } else {
        node->permissions = change->permissions;
        change->permissions = permissions;
    }
}

static bool link_new(struct store_tree *tree, struct store_change *change)
{
    struct store_text path = path_of(change);
    struct store_node *parent = store_tree_find(tree, store_path_above(path)), **link;
    struct store_text name = {change->node->name, change->node->name_length};

    if (!parent || store_node_child(parent, name, &link))
        return false;
    store_node_link(parent, change->node, link);
    return true;
}

/* False: it does not go, because of what others have done. */
static bool make(struct store_tree *tree, struct store_change *change)
{
    if (change->kind == MAKE)
        return change->made = link_new(tree, change);
    change->node = store_tree_find(tree, path_of(change));
    if (!change->node || change->node->rights != change->rights)
        return false;
    if (change->kind == REMOVE)
        store_node_unlink(change->node);
    else
        exchange(change);
    return change->made = true;
}

static void relink(struct store_node *node)
{
    struct store_node **link;

    (void)store_node_child(node->parent, (struct store_text){node->name, node->name_length}, &link);
    store_node_link(node->parent, node, link);
}

static void undo(struct store_change *change)
{
    if (!change->made)
        return;
    change->made = false;
    if (change->kind == MAKE)
        store_node_unlink(change->node);
    else if (change->kind == REMOVE)
        relink(change->node);
    else
        exchange(change);
}

void store_change_undo_all(struct store_transaction *transaction)
{
    for (struct store_change *change = transaction->last; change; change = change->previous)
        undo(change);
}

bool store_change_redo_all(struct store_transaction *transaction)
{
    bool all = true;

    for (struct store_change *change = transaction->first; change; change = change->next)
        all &= make(&transaction->session->store->tree, change);
    return all;
}

/*
 * ---- The transaction's list.
 */

/* A change that is not made yet, and in no list; NULL: there is no room. */
static struct store_change *new (struct store_transaction *transaction, enum kind kind, struct store_text path)
{
    const struct store_node *node = store_tree_find(&transaction->session->store->tree, path);
    struct store_change *change;

    if (transaction->nr_touched >= STORE_TOUCHED_MAX && !transaction->session->privileged)
        return NULL;
    change = store_account_take(transaction->session->account, sizeof(*change) + path.length);
    if (!change)
        return NULL;
    *change = (struct store_change){
        .rights = node ? node->rights : 0, .kind = (uint8_t)kind, .path_length = (uint32_t)path.length};
    memcpy(change->path, path.bytes, path.length);
    return change;
}

/* Give back @change, which is not made, and what is its alone. */
static void discard(struct store_transaction *transaction, struct store_change *change)
{
    if (change->kind == MAKE && change->node)
        store_node_free(change->node);
    if (change->value)
        store_value_free(change->value);
    store_account_give(transaction->session->account, change);
}

/* Make @change, which goes, and add it. */
static int add(struct store_transaction *transaction, struct store_change *change)
{
    if (!make(&transaction->session->store->tree, change)) {
        discard(transaction, change);
        return -XEN_EIO;
    }
    change->previous = transaction->last;
    if (transaction->last)
        transaction->last->next = change;
    else
        transaction->first = change;
    transaction->last = change;
    transaction->nr_touched++;
    return 0;
}

int store_change_make(struct store_transaction *transaction, struct store_text path, struct store_text value,
                      const struct store_permissions *permissions, bool quiet)
{
    struct store_change *change = new (transaction, MAKE, path);
    size_t at = path.length;
    int error;

    if (!change)
        return -XEN_ENOSPC;
    while (path.bytes[at - 1] != '/')
        at--;
    error = store_node_new(transaction->session->account, (struct store_text){path.bytes + at, path.length - at}, value,
                           &change->node);
    if (error) {
        change->node = NULL;
        discard(transaction, change);
        return error;
    }
    change->node->permissions = *permissions;
    change->quiet = quiet;
    return add(transaction, change);
}

int store_change_write(struct store_transaction *transaction, struct store_text path, struct store_text value)
{
    struct store_change *change = new (transaction, WRITE, path);

    if (!change)
        return -XEN_ENOSPC;
    change->value = store_value_new(transaction->session->account, value);
    if (!change->value) {
        discard(transaction, change);
        return -XEN_ENOSPC;
    }
    return add(transaction, change);
}

int store_change_permissions(struct store_transaction *transaction, struct store_text path,
                             const struct store_permissions *permissions)
{
    struct store_change *change = new (transaction, PERMISSIONS, path);

    if (!change)
        return -XEN_ENOSPC;
    change->permissions = *permissions;
    return add(transaction, change);
}

int store_change_remove(struct store_transaction *transaction, struct store_text path)
{
    struct store_change *change = new (transaction, REMOVE, path);

    return change ? add(transaction, change) : -XEN_ENOSPC;
}

void store_change_cut(struct store_transaction *transaction, struct store_change *last)
{
    while (transaction->last != last) {
        struct store_change *change = transaction->last;

        undo(change);
        transaction->last = change->previous;
        if (change->previous)
            change->previous->next = NULL;
        else
            transaction->first = NULL;
        discard(transaction, change);
    }
}

bool store_change_has_removed(const struct store_transaction *transaction, struct store_text path)
{
    for (const struct store_change *change = transaction->first; change; change = change->next) {
        if (change->kind == REMOVE && store_path_is_within(path, path_of(change)))
            return true;
    }
    return false;
}

void store_change_forget(struct store_transaction *transaction, uint32_t instance)
{
    for (struct store_change *change = transaction->first; change; change = change->next) {
        if (change->kind == MAKE)
            transaction->torn |= store_permissions_forget(&change->node->permissions, instance);
        else if (change->kind == PERMISSIONS)
            transaction->torn |= store_permissions_forget(&change->permissions, instance);
    }
}

/*
 * ---- Settling.
 */

/*
 * A value lies in the account of the node that it belongs to.  False: there is no room.
 */
static bool bring_home(struct store_change *change)
{
    struct store_node *node = change->node;
    struct store_value *old = node->value;

    if (change->kind != WRITE || old->account == node->account)
        return true;
    node->value = store_value_new(node->account, (struct store_text){old->bytes, old->length});
    if (!node->value) {
        node->value = old;
        return false;
    }
    store_value_free(old);
    return true;
}

/* One event a node: of several changes the last tells. */
static bool is_told(const struct store_change *change)
{
    for (const struct store_change *later = change->next; later; later = later->next) {
        if (!later->quiet && store_text_equal(path_of(later), path_of(change)))
            return false;
    }
    return !change->quiet;
}

void store_change_remove_now(struct store *store, struct store_node *node, struct store_text path)
{
    store_node_unlink(node);
    node->parent->listed = ++store->tree.generation;
    store_watch_fire_removed(store, node, path);
    store_node_free(node);
}

static void settle(struct store *store, struct store_change *change)
{
    struct store_node *node = change->node;
    uint64_t generation = ++store->tree.generation;

    if (change->kind == REMOVE) {
        node->parent->listed = generation;
        store_watch_fire_removed(store, node, path_of(change));
        store_node_free(node);
        return;
    }
    if (change->kind == MAKE) {
        node->rights = node->changed = node->listed = node->parent->listed = generation;
        change->node = NULL; /* the tree's now */
    } else if (change->kind == WRITE) {
        node->changed = generation;
    } else {
        node->rights = generation;
    }
    if (is_told(change))
        store_watch_fire(store, node, path_of(change),
                         change->kind == PERMISSIONS ? &change->permissions : &node->permissions);
}

int store_change_settle_all(struct store_transaction *transaction)
{
    struct store_change *change;

    for (change = transaction->first; change; change = change->next) {
        if (!bring_home(change)) {
            store_change_cut(transaction, NULL);
            return -XEN_ENOSPC;
        }
    }
    for (change = transaction->first; change; change = change->next)
        settle(transaction->session->store, change);
    while ((change = transaction->first)) {
        transaction->first = change->next;
        discard(transaction, change);
    }
    transaction->last = NULL;
    return 0;
}
