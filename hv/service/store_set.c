/* SPDX-License-Identifier: MIT */
/* In order: paths, values, permissions. */
#include <hv/base/string.h>
#include <hv/service/store_change.h>
#include <hv/service/store_operation.h>
#include <hv/service/store_set.h>
#include <hv/service/store_transaction.h>

static void append(struct store_reply *path, struct store_text text)
{
    for (size_t i = 0; i < text.length && path->length < STORE_PLACE_MAX; i++)
        path->bytes[path->length++] = text.bytes[i];
}

struct store_text store_set_path(struct store_text above, struct store_text name, char *bytes)
{
    struct store_reply path = {bytes, 0};

    append(&path, above);
    append(&path, store_text("/"));
    append(&path, name);
    return (struct store_text){path.bytes, path.length};
}

int store_set_at(struct store_session *session, struct store_text path, struct store_text value)
{
    struct store_transaction alone = {.session = session};
    struct store_account *account = session->account;
    bool privileged = session->privileged;
    int error;

    store_enter(session->store, NULL);
    session->privileged = true; /* it is the hypervisor that writes */
    session->account = &session->own;
    error = store_operation_write(&alone, path, value);
    if (!error)
        error = store_change_settle_all(&alone);
    session->privileged = privileged;
    session->account = account;
    return error;
}

int store_set(struct store_session *session, struct store_text above, const char *name, struct store_text value)
{
    char bytes[STORE_PLACE_MAX];

    return store_set_at(session, store_set_path(above, store_text(name), bytes), value);
}

int store_set_number(struct store_session *session, struct store_text above, const char *name, uint64_t number)
{
    char digits[STORE_DIGITS_MAX];

    return store_set(session, above, name, (struct store_text){digits, store_put_number(digits, number)});
}

static struct store_permission entry(char letter, const struct store_session *session)
{
    if (!session)
        return (struct store_permission){.instance = STORE_CONTROL, .domid = 0, .letter = letter};
    return (struct store_permission){
        .instance = session->instance, .domid = (uint16_t)session->domid, .letter = letter};
}

void store_set_rights(struct store *store, struct store_text path, const struct store_session *owner,
                      const struct store_session *reader)
{
    struct store_node *node = store_tree_find(&store->tree, path);

    if (!node)
        return;
    node->permissions = (struct store_permissions){1, {entry('n', owner)}};
    if (reader)
        node->permissions.entries[node->permissions.count++] = entry('r', reader);
}

static bool is_within(const struct store_node *node, const struct store_node *top)
{
    while (node && node != top)
        node = node->parent;
    return node;
}

void store_set_reader(struct store *store, struct store_text path, const struct store_session *reader)
{
    struct store_node *top, *node;

    store_enter(store, NULL);
    top = store_tree_find(&store->tree, path);
    for (node = top; node && is_within(node, top); node = store_node_following(node, true)) {
        if (node->permissions.count > 1 || node->permissions.entries[0].letter != 'n')
            continue;
        node->permissions.entries[node->permissions.count++] = entry('r', reader);
        node->rights = ++store->tree.generation;
    }
}
