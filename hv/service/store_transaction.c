/* SPDX-License-Identifier: MIT */
/* The transactions of a xenstore session. */
#include <abi/errno.h>
#include <hv/mem/allocate.h>
#include <hv/service/store_parts.h>

struct store_transaction *store_transaction_find(struct store_session *session, uint32_t id)
{
    for (unsigned i = 0; i < STORE_TRANSACTIONS_MAX; i++) {
        if (session->transactions[i] && session->transactions[i]->id == id)
            return session->transactions[i];
    }
    return NULL;
}

int store_transaction_start(struct store_session *session, uint32_t *id)
{
    struct store_transaction **slot = NULL;

    for (unsigned i = 0; i < STORE_TRANSACTIONS_MAX; i++) {
        if (!session->transactions[i])
            slot = &session->transactions[i];
    }
    if (!slot)
        return -XEN_ENOSPC;
    *slot = allocate(sizeof(**slot));
    if (!*slot)
        return -XEN_ENOMEM;
    do
        *id = ++session->last_transaction;
    while (*id == 0 || store_transaction_find(session, *id));
    (*slot)->id = *id;
    (*slot)->base = session->tree.generation;
    store_tree_copy(&(*slot)->tree, &session->tree);
    return 0;
}

void store_transaction_drop(struct store_session *session, struct store_transaction *transaction)
{
    for (unsigned i = 0; i < STORE_TRANSACTIONS_MAX; i++) {
        if (session->transactions[i] == transaction)
            session->transactions[i] = NULL;
    }
    release(transaction, sizeof(*transaction));
}

void store_transaction_drop_all(struct store_session *session)
{
    for (unsigned i = 0; i < STORE_TRANSACTIONS_MAX; i++) {
        if (session->transactions[i])
            store_transaction_drop(session, session->transactions[i]);
    }
}

bool store_transaction_has_room(const struct store_transaction *transaction, struct store_text path)
{
    return path.length + 2 <= STORE_JOURNAL_SIZE - transaction->journal_used;
}

void store_transaction_note(struct store_transaction *transaction, struct store_text path, bool removed)
{
    struct store_reply journal = {transaction->journal, transaction->journal_used};

    journal.bytes[journal.length++] = removed ? 'R' : 'C';
    store_reply_text(&journal, path);
    transaction->journal_used = (uint32_t)journal.length;
}

static void fire_journal(struct store_session *session, const struct store_transaction *transaction)
{
    struct store_text rest = {transaction->journal, transaction->journal_used};

    while (rest.length > 0) {
        struct store_text entry = store_next_text(&rest);

        store_watch_fire(session, (struct store_text){entry.bytes + 1, entry.length - 1}, entry.bytes[0] == 'R');
    }
}

/* One that has only looked has looked at the state of one moment, and cannot fail. */
int store_transaction_commit(struct store_session *session, struct store_transaction *transaction)
{
    int error = 0;

    if (transaction->tree.generation != transaction->base) {
        if (session->tree.generation == transaction->base) {
            store_tree_copy(&session->tree, &transaction->tree);
            fire_journal(session, transaction);
        } else {
            error = -XEN_EAGAIN;
        }
    }
    store_transaction_drop(session, transaction);
    return error;
}
