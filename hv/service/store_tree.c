/* SPDX-License-Identifier: MIT */
/*
 * Nodes follow one another in the order in which they were made, each with its full path; a node comes behind the one
 * above it.  Finding is a walk over all of them, which is short: the tree is small.
 */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_tree.h>

#define ALIGNMENT 8u

struct node {
    uint16_t size; /* to the next node */
    uint16_t path_length;
    uint16_t value_length;
    uint16_t permissions_length;
    char bytes[]; /* path, value, permissions */
};
_Static_assert(STORE_TREE_SIZE <= UINT16_MAX, "a size fits into struct node");
_Static_assert(sizeof(struct node) % ALIGNMENT == 0, "nodes are aligned");

static const struct store_text root = {"/", 1};

/*
 * ---- Texts and paths.
 */

struct store_text store_text(const char *string)
{
    size_t length = 0;

    while (string[length])
        length++;
    return (struct store_text){string, length};
}

bool store_text_equal(struct store_text a, struct store_text b)
{
    return a.length == b.length && (a.length == 0 || memcmp(a.bytes, b.bytes, a.length) == 0);
}

static bool is_good_character(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '/' ||
           c == '_' || c == '@';
}

bool store_path_is_good(struct store_text path)
{
    if (path.length == 0 || path.length > STORE_PATH_MAX || path.bytes[0] != '/')
        return false;
    for (size_t i = 0; i < path.length; i++) {
        if (!is_good_character(path.bytes[i]) || (i > 0 && path.bytes[i] == '/' && path.bytes[i - 1] == '/'))
            return false;
    }
    return path.length == 1 || path.bytes[path.length - 1] != '/';
}

static bool is_root(struct store_text path)
{
    return path.length == 1;
}

bool store_path_is_within(struct store_text path, struct store_text above)
{
    if (is_root(above))
        return true;
    if (path.length < above.length || memcmp(path.bytes, above.bytes, above.length) != 0)
        return false;
    return path.length == above.length || path.bytes[above.length] == '/';
}

/* The path above @path, which is not "/". */
static struct store_text path_above(struct store_text path)
{
    size_t length = path.length - 1;

    while (path.bytes[length] != '/')
        length--;
    return (struct store_text){path.bytes, length > 0 ? length : 1};
}

/*
 * ---- Nodes.
 */

static const struct node *node_at(const struct store_tree *tree, uint32_t offset)
{
    return (const struct node *)(const void *)&tree->bytes[offset];
}

static struct store_text path_of(const struct node *node)
{
    return (struct store_text){node->bytes, node->path_length};
}

static struct store_text value_of(const struct node *node)
{
    return (struct store_text){node->bytes + node->path_length, node->value_length};
}

static struct store_text permissions_of(const struct node *node)
{
    return (struct store_text){node->bytes + node->path_length + node->value_length, node->permissions_length};
}

#define FOR_EACH_NODE(tree, offset) \
    for (uint32_t offset = 0; offset < (tree)->used; offset += node_at(tree, offset)->size)

/* NULL: there is none. */
static const struct node *find(const struct store_tree *tree, struct store_text path)
{
    FOR_EACH_NODE(tree, offset)
    {
        if (store_text_equal(path_of(node_at(tree, offset)), path))
            return node_at(tree, offset);
    }
    return NULL;
}

static uint32_t size_for(struct store_text path, struct store_text value, struct store_text permissions)
{
    size_t size = sizeof(struct node) + path.length + value.length + permissions.length;

    return (uint32_t)((size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT);
}

static void fill(struct store_tree *tree, uint32_t offset, uint32_t size, struct store_text path,
                 struct store_text permissions)
{
    struct node *node = (struct node *)(void *)&tree->bytes[offset];

    *node = (struct node){(uint16_t)size, (uint16_t)path.length, 0, (uint16_t)permissions.length};
    memcpy(node->bytes, path.bytes, path.length);
    memcpy(node->bytes + path.length, permissions.bytes, permissions.length);
}

/* A node at the end, without a value; there is room for it. */
static void append(struct store_tree *tree, struct store_text path, struct store_text permissions)
{
    const struct store_text nothing = {path.bytes, 0};
    uint32_t size = size_for(path, nothing, permissions);

    fill(tree, tree->used, size, path, permissions);
    tree->used += size;
}

struct store_text store_tree_governing(const struct store_tree *tree, struct store_text path)
{
    const struct node *node = find(tree, path);

    while (!node) {
        path = path_above(path);
        node = find(tree, path);
    }
    return permissions_of(node);
}

/* What it takes to make the node at @path and all that are missing above it. */
static uint32_t size_of_missing(const struct store_tree *tree, struct store_text path)
{
    const struct store_text nothing = {path.bytes, 0}, permissions = store_tree_governing(tree, path);
    uint32_t size = 0;

    for (; !find(tree, path); path = path_above(path))
        size += size_for(path, nothing, permissions);
    return size;
}

/*
 * Make the nodes that are missing on the way to @path, the topmost first; there is room for them.  The permissions that
 * they copy are the tree's own: they stay where they are, since nodes come to the end.
 */
static void append_missing(struct store_tree *tree, struct store_text path)
{
    const struct store_text permissions = store_tree_governing(tree, path);

    for (size_t length = 2; length <= path.length; length++) {
        struct store_text part = {path.bytes, length};

        if ((length == path.length || path.bytes[length] == '/') && !find(tree, part))
            append(tree, part, permissions);
    }
}

/* Give a node other texts: what follows it moves.  The texts are not the tree's own.  False: there is no room. */
static bool replace(struct store_tree *tree, const struct node *node, struct store_text value,
                    struct store_text permissions)
{
    uint32_t offset = (uint32_t)((const uint8_t *)node - tree->bytes), old = node->size;
    uint32_t size = size_for(path_of(node), value, permissions), path_length = node->path_length;
    uint8_t *place = &tree->bytes[offset];

    if (size > old && size - old > sizeof(tree->bytes) - tree->used)
        return false;
    memmove(place + size, place + old, tree->used - offset - old);
    tree->used = tree->used - old + size;
    *(struct node *)(void *)place =
        (struct node){(uint16_t)size, (uint16_t)path_length, (uint16_t)value.length, (uint16_t)permissions.length};
    place += sizeof(struct node) + path_length;
    memcpy(place, value.bytes, value.length);
    memcpy(place + value.length, permissions.bytes, permissions.length);
    return true;
}

/*
 * ---- The tree.
 */

void store_tree_init(struct store_tree *tree)
{
    memset(tree, 0, sizeof(*tree));
    append(tree, root, (struct store_text){root.bytes, 0});
}

void store_tree_copy(struct store_tree *to, const struct store_tree *from)
{
    to->generation = from->generation;
    to->used = from->used;
    memcpy(to->bytes, from->bytes, from->used);
}

int store_tree_read(const struct store_tree *tree, struct store_text path, struct store_text *value)
{
    const struct node *node = find(tree, path);

    if (!node)
        return -XEN_ENOENT;
    *value = value_of(node);
    return 0;
}

int store_tree_permissions(const struct store_tree *tree, struct store_text path, struct store_text *permissions)
{
    const struct node *node = find(tree, path);

    if (!node)
        return -XEN_ENOENT;
    *permissions = permissions_of(node);
    return 0;
}

int store_tree_make(struct store_tree *tree, struct store_text path)
{
    if (find(tree, path))
        return 0;
    if (size_of_missing(tree, path) > sizeof(tree->bytes) - tree->used)
        return -XEN_ENOSPC;
    append_missing(tree, path);
    tree->generation++;
    return 0;
}

int store_tree_write(struct store_tree *tree, struct store_text path, struct store_text value)
{
    char kept[STORE_NODE_MAX];
    const struct node *node;
    struct store_text permissions = {kept, 0};

    /* Asked for beforehand, so that a failure leaves nothing behind; padding is counted twice at most. */
    if (value.length > STORE_NODE_MAX || (!find(tree, path) && size_of_missing(tree, path) + value.length + ALIGNMENT >
                                                                   sizeof(tree->bytes) - tree->used))
        return -XEN_ENOSPC;
    append_missing(tree, path);
    node = find(tree, path);
    permissions.length = node->permissions_length;
    memcpy(kept, permissions_of(node).bytes, permissions.length);
    if (!replace(tree, node, value, permissions))
        return -XEN_ENOSPC;
    tree->generation++;
    return 0;
}

int store_tree_set_permissions(struct store_tree *tree, struct store_text path, struct store_text permissions)
{
    char kept[STORE_NODE_MAX];
    const struct node *node = find(tree, path);
    struct store_text value = {kept, 0};

    if (!node)
        return -XEN_ENOENT;
    if (permissions.length > STORE_NODE_MAX)
        return -XEN_ENOSPC;
    value.length = node->value_length;
    memcpy(kept, value_of(node).bytes, value.length);
    if (!replace(tree, node, value, permissions))
        return -XEN_ENOSPC;
    tree->generation++;
    return 0;
}

int store_tree_remove(struct store_tree *tree, struct store_text path)
{
    uint32_t to = 0, size;

    if (is_root(path))
        return -XEN_EINVAL;
    if (!find(tree, path))
        return -XEN_ENOENT;
    for (uint32_t from = 0; from < tree->used; from += size) {
        size = node_at(tree, from)->size;
        if (store_path_is_within(path_of(node_at(tree, from)), path))
            continue;
        memmove(&tree->bytes[to], &tree->bytes[from], size);
        to += size;
    }
    tree->used = to;
    tree->generation++;
    return 0;
}

int store_tree_list(const struct store_tree *tree, struct store_text path, size_t skip, char *to, size_t size,
                    size_t *length)
{
    size_t start = is_root(path) ? 1 : path.length + 1, at = 0;

    if (!find(tree, path))
        return -XEN_ENOENT;
    FOR_EACH_NODE(tree, offset)
    {
        struct store_text other = path_of(node_at(tree, offset));

        if (is_root(other) || !store_text_equal(path_above(other), path))
            continue;
        for (size_t i = start; i <= other.length; i++, at++) {
            if (at >= skip && at - skip < size)
                to[at - skip] = i < other.length ? other.bytes[i] : '\0';
        }
    }
    *length = at;
    return 0;
}
