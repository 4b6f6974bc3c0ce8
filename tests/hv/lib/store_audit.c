/* SPDX-License-Identifier: MIT */
/* The recount of the xenstore: store_audit.h. */
#include <stdlib.h>
#include <string.h>

#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_host.h>

#define RULE(condition) ((condition) ? (void)0 : abort())

struct store_session *audit_session(void)
{
    return (struct store_session *)host->services.store.connection;
}

struct store *audit_store(void)
{
    for (unsigned i = 0; i < HOST_GUESTS; i++) {
        struct store_connection *connection = host_guests[i].services.store.connection;

        if (host_guests[i].domain.services && connection)
            return ((struct store_session *)connection)->store;
    }
    return NULL;
}

static bool is_there(const struct store *store, uint32_t instance)
{
    const struct store_session *session = store->sessions;

    while (session && session->instance != instance)
        session = session->next;
    return session || instance == STORE_NOBODY || instance == STORE_CONTROL;
}

static void check_node(const struct store *store, struct store_node *node)
{
    static char path[1 << 16];

    RULE(store_tree_find(&store->tree, store_node_path(node, path)) == node);
    RULE(!node->next || node->next->parent == node->parent);
    RULE(!node->children || node->children->parent == node);
    RULE(node->value->account == node->account);
    RULE(node->rights > 0 && node->rights <= store->tree.generation && node->changed > 0 && node->listed > 0);
    RULE(node->permissions.count >= 1 && node->permissions.count <= STORE_PERMISSIONS_MAX);
    for (unsigned i = 0; i < node->permissions.count; i++)
        RULE(is_there(store, node->permissions.entries[i].instance));
    RULE(node->permissions.entries[0].instance != STORE_NOBODY);
}

/* Places as hv/service/store_account.c lays them out: a size and whether it is taken, and then what lies there. */
static void check_account(const struct store *store, const struct store_account *account, bool nodes_only)
{
    uint32_t used = 0, place[2], nodes = 0;

    for (uint32_t at = 0; at < sizeof(account->bytes); at += place[0]) {
        memcpy(place, &account->bytes[at], sizeof(place));
        RULE(place[0] >= sizeof(place) && place[0] <= sizeof(account->bytes) - at);
        used += place[1] ? place[0] : 0;
    }
    RULE(used == account->used);
    RULE(account->unlimited || account->nr_nodes <= STORE_NODES_MAX);
    for (struct store_node *node = store->tree.root; node; node = store_node_following(node, true)) {
        if (node->account != account)
            continue;
        nodes++;
        used -= (uint32_t)(8 + sizeof(*node) + node->name_length + 7) / 8 * 8;
        used -= (uint32_t)(8 + sizeof(*node->value) + node->value->length + 7) / 8 * 8;
    }
    RULE(used <= account->used);
    RULE(nodes_only ? nodes == account->nr_nodes && used == 0 : nodes <= account->nr_nodes);
}

void store_audit(void)
{
    const struct store *store = audit_store();
    bool quiet = true;

    if (!store)
        return;
    RULE(!store->entered);
    for (struct store_node *node = store->tree.root; node; node = store_node_following(node, true))
        check_node(store, node);
    for (const struct store_session *session = store->sessions; session; session = session->next) {
        RULE(session->nr_watches <= STORE_WATCHES_MAX || session->privileged);
        RULE(session->nr_transactions <= STORE_TRANSACTIONS_MAX || session->privileged);
        check_account(store, &session->own, !session->transactions && !session->watches);
        quiet &= !session->privileged || (!session->transactions && !session->watches);
    }
    check_account(store, &store->control, quiet);
}
