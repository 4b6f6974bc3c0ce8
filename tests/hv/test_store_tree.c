/* SPDX-License-Identifier: MIT */
/* The xenstore's nodes: links and order, paths, lists, and what is charged for them. */
/* links: hv/service/store_account.c hv/service/store_text.c hv/service/store_tree.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <abi/errno.h>
#include <hv/service/store_tree.h>

static struct store_account *account;
static struct store_tree tree;

/* A node at @path, below one that is there. */
static struct store_node *make(const char *path, const char *value)
{
    struct store_node *parent = store_tree_find(&tree, store_path_above(store_text(path))), *node, **link;
    const char *name = strrchr(path, '/') + 1;

    assert_non_null(parent);
    assert_int_equal(store_node_new(account, store_text(name), store_text(value), &node), 0);
    assert_null(store_node_child(parent, store_text(name), &link));
    store_node_link(parent, node, link);
    return node;
}

static int set_up(void **state)
{
    (void)state;
    account = calloc(1, sizeof(*account));
    store_account_init(account);
    return store_node_new(account, store_text(""), store_text(""), &tree.root);
}

static int tear_down(void **state)
{
    (void)state;
    store_node_free(tree.root);
    assert_int_equal(account->nr_nodes, 0);
    assert_int_equal(account->used, 0);
    free(account);
    return 0;
}

static struct store_node *find(const char *path)
{
    return store_tree_find(&tree, store_text(path));
}

/* @names, each followed by a '|', are what stands below @path. */
static void assert_list(const char *path, const char *names)
{
    char list[1024];
    size_t length = store_node_list(find(path), 0, list, sizeof(list));

    assert_int_equal(length, strlen(names));
    for (size_t i = 0; i < length; i++)
        assert_int_equal(list[i] == '\0' ? '|' : list[i], names[i]);
}

static void test_names_are_in_order(void **state)
{
    static const char *const names[] = {"/b", "/a", "/c", "/ab", "/B", "/aa", "/1", "/10"};
    struct store_node *ab;

    (void)state;
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        make(names[i], names[i]);
    assert_list("/", "1|10|B|a|aa|ab|b|c|");
    for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
        assert_memory_equal(find(names[i])->value->bytes, names[i], strlen(names[i]));
    ab = find("/ab");
    store_node_unlink(ab);
    store_node_free(ab);
    assert_null(find("/ab"));
    assert_list("/", "1|10|B|a|aa|b|c|");
}

static void test_finding(void **state)
{
    struct store_node *a = make("/a", ""), *b = make("/a/b", "");

    (void)state;
    assert_ptr_equal(find("/"), tree.root);
    assert_ptr_equal(find("/a/b"), b);
    assert_null(find("/a/b/c"));
    assert_null(find("/ab"));
    assert_ptr_equal(store_tree_find_nearest(&tree, store_text("/a/b")), b);
    assert_ptr_equal(store_tree_find_nearest(&tree, store_text("/a/b/c/d")), b);
    assert_ptr_equal(store_tree_find_nearest(&tree, store_text("/a/x/b")), a);
    assert_ptr_equal(store_tree_find_nearest(&tree, store_text("/x")), tree.root);
    assert_ptr_equal(store_tree_find_nearest(&tree, store_text("/")), tree.root);
    store_node_unlink(a);
    assert_ptr_equal(store_node_find_nearest(a, store_text("/a"), store_text("/a/b/c")), b);
    assert_ptr_equal(store_node_find_nearest(a, store_text("/a"), store_text("/a/c")), a);
    store_node_free(a);
}

static void test_paths(void **state)
{
    static const char *const paths[] = {"/", "/a", "/a/b", "/a/b/long-name_@9"};
    char bytes[64];

    (void)state;
    for (size_t i = 1; i < sizeof(paths) / sizeof(paths[0]); i++)
        make(paths[i], "");
    for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
        assert_int_equal(store_node_path_length(find(paths[i])), strlen(paths[i]));
        assert_true(store_text_equal(store_node_path(find(paths[i]), bytes), store_text(paths[i])));
    }
}

static void test_walk(void **state)
{
    static const char *const order[] = {"/", "/a", "/a/b", "/a/c", "/d", "/d/e"};
    struct store_node *node = tree.root;

    (void)state;
    for (size_t i = 1; i < sizeof(order) / sizeof(order[0]); i++)
        make(order[i], "");
    for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
        assert_ptr_equal(node, find(order[i]));
        node = store_node_following(node, true);
    }
    assert_null(node);
    assert_ptr_equal(store_node_following(find("/a"), false), find("/d"));
    assert_null(store_node_following(find("/d"), false));
    assert_null(store_node_following(tree.root, false));
}

static void test_list_in_parts(void **state)
{
    char part[3];

    (void)state;
    make("/x", "");
    make("/x/one", "");
    make("/x/three", "");
    make("/x/one/below", "");
    assert_int_equal(store_node_list(find("/x"), 2, part, sizeof(part)), 10);
    assert_memory_equal(part, "e\0t", 3);
    assert_int_equal(store_node_list(find("/x/three"), 0, part, sizeof(part)), 0);
}

static void test_how_many(void **state)
{
    struct store_node *node;
    char path[16];

    (void)state;
    for (unsigned i = 1; i < STORE_NODES_MAX; i++) {
        snprintf(path, sizeof(path), "/n%u", i);
        make(path, "");
    }
    assert_int_equal(store_node_new(account, store_text("more"), store_text(""), &node), -XEN_ENOSPC);
    account->unlimited = true;
    make("/more", "");
    account->unlimited = false;
}

/* The node or its value finds no room: nothing is charged for either. */
static void test_no_room(void **state)
{
    const uint32_t before = account->used;
    struct store_node *node;
    void *rest;

    (void)state;
    for (size_t left = 0; left < 400; left += 8) {
        int error;

        rest = store_account_take(account, sizeof(account->bytes) - before - left - 8);
        error = store_node_new(account, store_text("name"), store_text("a value of some length"), &node);
        if (!error)
            store_node_free(node);
        else
            assert_int_equal(error, -XEN_ENOSPC);
        assert_true(left > 0 || error);
        assert_true(left < 392 || !error);
        store_account_give(account, rest);
        assert_int_equal(account->used, before);
    }
}

/* As deep as memory lets it: no walk needs more of the stack for that (XSA-418). */
static void xsa_418_as_deep_as_memory(void **state)
{
    struct store_node *node = tree.root, *child, **link;
    unsigned depth = 0, walked = 0;

    (void)state;
    account->unlimited = true;
    while (!store_node_new(account, store_text("n"), store_text(""), &child)) {
        assert_null(store_node_child(node, store_text("n"), &link));
        store_node_link(node, child, link);
        node = child;
        depth++;
    }
    assert_int_equal(store_node_path_length(node), 2 * depth);
    for (node = tree.root; node; node = store_node_following(node, true))
        walked++;
    assert_int_equal(walked, depth + 1);
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_names_are_in_order),
        TEST(test_finding),
        TEST(test_paths),
        TEST(test_walk),
        TEST(test_list_in_parts),
        TEST(test_how_many),
        TEST(test_no_room),
        cmocka_unit_test_setup_teardown(xsa_418_as_deep_as_memory, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
