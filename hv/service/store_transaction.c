/* SPDX-License-Identifier: MIT */
/* In order: what was looked at; seeing the tree through a transaction; beginnings and ends. */
#include <abi/errno.h>
#include <hv/base/string.h>
#include <hv/service/store_transaction.h>

/* The generations of what was looked at; 0 for a node that was not there, or what was not asked. */
struct store_look {
    struct store_look *next;
    uint64_t rights, changed, listed;
    uint32_t path_length;
    char path[];
};

static struct store_text path_of(const struct store_look *look)
{
    return (struct store_text){look->path, look->path_length};
}

/*
 * ---- What was looked at.
 */

static struct store_look *find_look(const struct store_transaction *transaction, struct store_text path)
{
    struct store_look *look = transaction->looks;

    while (look && !store_text_equal(path_of(look), path))
        look = look->next;
    return look;
}

static struct store_look *new_look(struct store_transaction *transaction, struct store_text path)
{
    struct store_look *look;

    if (transaction->nr_touched >= STORE_TOUCHED_MAX && !transaction->session->privileged)
        return NULL;
    look = store_account_take(transaction->session->account, sizeof(*look) + path.length);
    if (!look)
        return NULL;
    *look = (struct store_look){.next = transaction->looks, .path_length = (uint32_t)path.length};
    memcpy(look->path, path.bytes, path.length);
    transaction->looks = look;
    transaction->nr_touched++;
    return look;
}

/* What the transaction itself has made or removed says nothing of what others do. */
int store_look(struct store_transaction *transaction, struct store_text path, unsigned what)
{
    const struct store_node *node = store_tree_find(&transaction->session->store->tree, path);
    struct store_look *look;

    if (transaction->id == 0 || (node ? node->rights == 0 : store_change_has_removed(transaction, path)))
        return 0;
    look = find_look(transaction, path);
    if (!look) {
        look = new_look(transaction, path);
        if (!look)
            return -XEN_ENOSPC;
        look->rights = node ? node->rights : 0;
    }
    if (!node || node->rights != look->rights)
        return 0; /* another has been at it meanwhile: the transaction is torn already */
    if ((what & STORE_LOOK_VALUE) && look->changed == 0)
        look->changed = node->changed;
    if ((what & STORE_LOOK_LIST) && look->listed == 0)
        look->listed = node->listed;
    return 0;
}

/* Is all that was looked at as it was?  No transaction is entered. */
static bool is_current(struct store_transaction *transaction)
{
    const struct store_tree *tree = &transaction->session->store->tree;

    if (transaction->generation == tree->generation)
        return true;
    for (const struct store_look *look = transaction->looks; look; look = look->next) {
        const struct store_node *node = store_tree_find(tree, path_of(look));

        if ((node ? node->rights : 0) != look->rights || (look->changed != 0 && node->changed != look->changed) ||
            (look->listed != 0 && node->listed != look->listed))
            return false;
    }
    transaction->generation = tree->generation;
    return true;
}

/*
 * ---- Seeing the tree through a transaction.
 */

void store_enter(struct store *store, struct store_transaction *transaction)
{
    if (store->entered == transaction)
        return;
    if (store->entered)
        store_change_undo_all(store->entered);
    store->entered = transaction;
    if (!transaction)
        return;
    if (!is_current(transaction))
        transaction->torn = true;
    (void)store_change_redo_all(transaction); /* what does not go makes it fail in the end */
}

/*
 * ---- Beginnings and ends.
 */

struct store_transaction *store_transaction_find(struct store_session *session, uint32_t id)
{
    struct store_transaction *transaction = session->transactions;

    while (transaction && transaction->id != id)
        transaction = transaction->next;
    return transaction;
}

/* Numbers go on, for all domains together; one that is in use after all of them were is left out. */
static uint32_t next_id(struct store_session *session)
{
    struct store *store = session->store;

    do
        store->last_transaction++;
    while (store->last_transaction == 0 || store_transaction_find(session, store->last_transaction));
    return store->last_transaction;
}

int store_transaction_start(struct store_session *session, uint32_t *id)
{
    struct store_transaction *transaction;

    if (!session->privileged && session->nr_transactions == STORE_TRANSACTIONS_MAX)
        return -XEN_ENOSPC;
    transaction = store_account_take(session->account, sizeof(*transaction));
    if (!transaction)
        return -XEN_ENOSPC;
    *id = next_id(session);
    *transaction = (struct store_transaction){
        .next = session->transactions, .session = session, .id = *id, .generation = session->store->tree.generation};
    session->transactions = transaction;
    session->nr_transactions++;
    if (session->conflicted && session->privileged && !session->store->preferred)
        session->store->preferred = transaction;
    return 0;
}

void store_transaction_drop(struct store_transaction *transaction)
{
    struct store_session *session = transaction->session;
    struct store_transaction **link = &session->transactions;
    struct store_look *look;

    store_enter(session->store, NULL);
    store_change_cut(transaction, NULL);
    while ((look = transaction->looks)) {
        transaction->looks = look->next;
        store_account_give(session->account, look);
    }
    while (*link != transaction)
        link = &(*link)->next;
    *link = transaction->next;
    session->nr_transactions--;
    if (session->store->preferred == transaction)
        session->store->preferred = NULL;
    store_account_give(session->account, transaction);
}

void store_transaction_drop_all(struct store_session *session)
{
    while (session->transactions)
        store_transaction_drop(session->transactions);
}

/* The changes count, if they go and nothing that led to them is different by now. */
static int settle(struct store_transaction *transaction)
{
    if (transaction->torn || !is_current(transaction) || !store_change_redo_all(transaction)) {
        store_change_undo_all(transaction);
        return -XEN_EAGAIN;
    }
    return store_change_settle_all(transaction);
}

/* One that has only looked, at the state of one moment, cannot fail. */
int store_transaction_commit(struct store_transaction *transaction)
{
    int error = 0;

    store_enter(transaction->session->store, NULL);
    if (transaction->first)
        error = settle(transaction);
    else if (transaction->torn)
        error = -XEN_EAGAIN;
    transaction->session->conflicted = error == -XEN_EAGAIN;
    store_transaction_drop(transaction);
    return error;
}

bool store_transaction_must_wait(const struct store_session *session)
{
    return session->store->preferred && !session->privileged;
}
