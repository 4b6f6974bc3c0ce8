/* SPDX-License-Identifier: MIT */
/* Changes of the xenstore's tree: made, taken back, made again, settled; each kind, and what the tree is then. */
/* links: hv/service/xenstore.c hv/service/store_account.c hv/service/store_change.c hv/service/store_device.c */
/* links: hv/service/store_home.c hv/service/store_operation.c hv/service/store_permissions.c */
/* links: hv/service/store_request.c hv/service/store_rights.c hv/service/store_session.c hv/service/store_set.c */
/* links: hv/service/store_text.c hv/service/store_transaction.c hv/service/store_tree.c hv/service/store_watch.c */
/* links: tests/hv/lib/xenstore_guest.c tests/hv/lib/xenstore_host.c tests/hv/lib/store_audit.c */
/* links: tests/hv/lib/objects.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/service/store_change.h>
#include <hv/service/store_rights.h>
#include <tests/hv/lib/store_audit.h>
#include <tests/hv/lib/xenstore_guest.h>

#define DATA HOME "/data"

static struct store_transaction changes;

static struct store_node *find(const char *path)
{
    return store_tree_find(&audit_store()->tree, store_text(path));
}

static void assert_value(const char *path, const char *value)
{
    assert_non_null(find(path));
    assert_int_equal(find(path)->value->length, strlen(value));
    assert_memory_equal(find(path)->value->bytes, value, strlen(value));
}

static int set_up(void **state)
{
    int error = xenstore_set_up(state);

    changes = (struct store_transaction){.session = audit_session()};
    return error;
}

static void make(const char *path, const char *value)
{
    assert_int_equal(store_change_make(&changes, store_text(path), store_text(value), &find(DATA)->permissions, false),
                     0);
}

/* One of each kind, on each other's results. */
static void change_all(void)
{
    struct store_permissions list = find(DATA)->permissions;

    list.entries[0].letter = 'r';
    make(DATA "/a", "1");
    make(DATA "/a/b", "2");
    assert_int_equal(store_change_write(&changes, store_text(DATA "/a"), store_text("longer")), 0);
    assert_int_equal(store_change_permissions(&changes, store_text(DATA), &list), 0);
    assert_int_equal(store_change_remove(&changes, store_text(DATA "/a/b")), 0);
    make(DATA "/a/b", "3");
    assert_int_equal(store_change_remove(&changes, store_text(HOME "/error")), 0);
}

static void assert_changed(void)
{
    assert_value(DATA "/a", "longer");
    assert_value(DATA "/a/b", "3");
    assert_int_equal(find(DATA)->permissions.entries[0].letter, 'r');
    assert_null(find(HOME "/error"));
}

static void assert_unchanged(void)
{
    assert_null(find(DATA "/a"));
    assert_int_equal(find(DATA)->permissions.entries[0].letter, 'n');
    assert_non_null(find(HOME "/error"));
}

static void test_there_and_back(void **state)
{
    const uint32_t used = audit_session()->own.used, nodes = audit_session()->own.nr_nodes;
    const uint64_t generation = audit_store()->tree.generation;

    (void)state;
    change_all();
    for (unsigned i = 0; i < 3; i++) {
        assert_changed();
        store_change_undo_all(&changes);
        assert_unchanged();
        assert_true(store_change_redo_all(&changes));
    }
    store_change_cut(&changes, NULL);
    assert_unchanged();
    assert_int_equal(audit_session()->own.used, used);
    assert_int_equal(audit_session()->own.nr_nodes, nodes);
    assert_int_equal(audit_store()->tree.generation, generation);
}

static void test_settled(void **state)
{
    const uint32_t nodes = audit_session()->own.nr_nodes;
    const uint64_t generation = audit_store()->tree.generation;

    (void)state;
    change_all();
    assert_int_equal(store_change_settle_all(&changes), 0);
    assert_changed();
    assert_null(changes.first);
    assert_int_equal(audit_session()->own.nr_nodes, nodes + 1); /* two more, one less */
    assert_true(find(DATA)->rights > generation && find(DATA)->listed > generation);
    assert_true(find(DATA)->changed <= generation);
    assert_true(find(DATA "/a")->changed > generation);
    assert_true(find(HOME)->listed > generation);
}

static void test_cut(void **state)
{
    struct store_change *first;

    (void)state;
    make(DATA "/a", "1");
    first = changes.last;
    make(DATA "/a/b", "2");
    assert_int_equal(store_change_remove(&changes, store_text(DATA "/a")), 0);
    store_change_cut(&changes, first);
    assert_value(DATA "/a", "1");
    assert_null(find(DATA "/a/b"));
    assert_true(store_change_has_removed(&changes, store_text(DATA "/a")) == false);
    store_change_cut(&changes, NULL);
}

static void test_what_was_removed(void **state)
{
    (void)state;
    assert_int_equal(store_change_remove(&changes, store_text(DATA)), 0);
    assert_true(store_change_has_removed(&changes, store_text(DATA)));
    assert_true(store_change_has_removed(&changes, store_text(DATA "/a/b")));
    assert_false(store_change_has_removed(&changes, store_text(HOME "/database")));
    store_change_cut(&changes, NULL);
}

/* What another has put in the place of a node is left alone. */
static void test_another_node(void **state)
{
    (void)state;
    assert_int_equal(store_change_write(&changes, store_text(DATA), store_text("mine")), 0);
    store_change_undo_all(&changes);
    find(DATA)->rights++;
    assert_false(store_change_redo_all(&changes));
    assert_value(DATA, "");
    store_change_cut(&changes, NULL);
}

/* A value in another's node lies in the other's account from then on, or nothing happens. */
static void test_value_for_another(void **state)
{
    static char value[1000];
    struct store_session *other;
    void *rest;

    (void)state;
    as(1);
    host_come(4, false);
    other = audit_session();
    assert_int_equal(store_change_write(&changes, store_text("/local/domain/4/data"), store_text("first")), 0);
    assert_int_equal(
        store_change_write(&changes, store_text("/local/domain/4/data"), (struct store_text){value, sizeof(value)}), 0);
    assert_ptr_equal(find("/local/domain/4/data")->value->account, changes.session->account);
    assert_int_equal(store_change_settle_all(&changes), 0);
    assert_ptr_equal(find("/local/domain/4/data")->value->account, &other->own);
    assert_int_equal(find("/local/domain/4/data")->value->length, sizeof(value));
    while ((rest = store_account_take(&other->own, 500)))
        ;
    assert_int_equal(
        store_change_write(&changes, store_text("/local/domain/4/data"), (struct store_text){value, sizeof(value) - 1}),
        0);
    assert_int_equal(store_change_settle_all(&changes), -XEN_ENOSPC);
    assert_null(changes.first);
    assert_int_equal(find("/local/domain/4/data")->value->length, sizeof(value));
    host_go();
    as(0);
}

/* Removing takes no room, so that there is a way out when there is none. */
static void test_remove_without_room(void **state)
{
    (void)state;
    while (store_account_take(changes.session->account, 8))
        ;
    assert_int_equal(store_change_remove(&changes, store_text(DATA)), -XEN_ENOSPC);
    store_change_remove_now(audit_store(), find(DATA), store_text(DATA));
    assert_null(find(DATA));
    host_go();
}

#define CHANGE(function) cmocka_unit_test_setup_teardown(function, set_up, xenstore_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHANGE(test_there_and_back),      CHANGE(test_settled),      CHANGE(test_cut),
        CHANGE(test_what_was_removed),    CHANGE(test_another_node), CHANGE(test_value_for_another),
        CHANGE(test_remove_without_room),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
