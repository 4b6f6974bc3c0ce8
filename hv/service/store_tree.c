/* SPDX-License-Identifier: MIT */
/* In order: values, nodes, paths, lists. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_tree.h>

struct store_value *store_value_new(struct store_account *account, struct store_text text)
{
    struct store_value *value = store_account_take(account, sizeof(*value) + text.length);

    if (!value)
        return NULL;
    value->account = account;
    value->length = (uint32_t)text.length;
    memcpy(value->bytes, text.bytes, text.length);
    return value;
}

void store_value_free(struct store_value *value)
{
    store_account_give(value->account, value);
}

/*
 * ---- Nodes.
 */

int store_node_new(struct store_account *account, struct store_text name, struct store_text value,
                   struct store_node **node)
{
    struct store_value *kept;

    if (!account->unlimited && account->nr_nodes >= STORE_NODES_MAX)
        return -XEN_ENOSPC;
    *node = store_account_take(account, sizeof(**node) + name.length);
    if (!*node)
        return -XEN_ENOSPC;
    kept = store_value_new(account, value);
    if (!kept) {
        store_account_give(account, *node);
        return -XEN_ENOSPC;
    }
    memset(*node, 0, sizeof(**node));
    (*node)->account = account;
    (*node)->value = kept;
    (*node)->name_length = (uint32_t)name.length;
    memcpy((*node)->name, name.bytes, name.length);
    account->nr_nodes++;
    return 0;
}

void store_node_free(struct store_node *top)
{
    struct store_node *node = top, *parent;

    do {
        while (node->children)
            node = node->children;
        parent = node == top ? NULL : node->parent;
        if (parent)
            parent->children = node->next;
        node->account->nr_nodes--;
        store_value_free(node->value);
        store_account_give(node->account, node);
        node = parent;
    } while (parent);
}

static struct store_text name_of(const struct store_node *node)
{
    return (struct store_text){node->name, node->name_length};
}

static int compare(struct store_text a, struct store_text b)
{
    size_t common = a.length < b.length ? a.length : b.length;
    int order = common > 0 ? memcmp(a.bytes, b.bytes, common) : 0;

    return order ? order : (a.length > b.length) - (a.length < b.length);
}

struct store_node *store_node_child(struct store_node *parent, struct store_text name, struct store_node ***link)
{
    int order = 1;

    *link = &parent->children;
    while (**link && (order = compare(name_of(**link), name)) < 0)
        *link = &(**link)->next;
    return **link && order == 0 ? **link : NULL;
}

void store_node_link(struct store_node *parent, struct store_node *node, struct store_node **link)
{
    node->parent = parent;
    node->next = *link;
    *link = node;
}

void store_node_unlink(struct store_node *node)
{
    struct store_node **link;

    (void)store_node_child(node->parent, name_of(node), &link);
    *link = node->next;
}

/*
 * ---- Paths.
 */

/* Go down from @node by the names of @path from @at on, as far as there are nodes; *@at is the end if all are there. */
static struct store_node *descend(struct store_node *node, struct store_text path, size_t *at)
{
    struct store_node *child, **link;

    while (*at < path.length) {
        size_t next = *at;

        child = store_node_child(node, store_path_name(path, &next), &link);
        if (!child)
            break;
        node = child;
        *at = next;
    }
    return node;
}

struct store_node *store_tree_find(const struct store_tree *tree, struct store_text path)
{
    size_t at = path.length == 1 ? 1 : 0;
    struct store_node *node = descend(tree->root, path, &at);

    return at == path.length ? node : NULL;
}

struct store_node *store_tree_find_nearest(const struct store_tree *tree, struct store_text path)
{
    size_t at = path.length == 1 ? 1 : 0;

    return descend(tree->root, path, &at);
}

struct store_node *store_node_find_nearest(struct store_node *top, struct store_text above, struct store_text path)
{
    size_t at = above.length;

    return descend(top, path, &at);
}

struct store_node *store_node_following(struct store_node *node, bool below)
{
    if (below && node->children)
        return node->children;
    while (node && !node->next)
        node = node->parent;
    return node ? node->next : NULL;
}

size_t store_node_path_length(const struct store_node *node)
{
    size_t length = node->parent ? 0 : 1;

    for (; node->parent; node = node->parent)
        length += 1 + node->name_length;
    return length;
}

struct store_text store_node_path(const struct store_node *node, char *to)
{
    size_t length = store_node_path_length(node), at = length;

    to[0] = '/';
    for (; node->parent; node = node->parent) {
        at -= node->name_length;
        memcpy(to + at, node->name, node->name_length);
        to[--at] = '/';
    }
    return (struct store_text){to, length};
}

/*
 * ---- Lists.
 */

size_t store_node_list(const struct store_node *node, size_t skip, char *to, size_t size)
{
    size_t at = 0;

    for (const struct store_node *child = node->children; child; child = child->next) {
        for (size_t i = 0; i <= child->name_length; i++, at++) {
            if (at >= skip && at - skip < size)
                to[at - skip] = i < child->name_length ? child->name[i] : '\0';
        }
    }
    return at;
}
