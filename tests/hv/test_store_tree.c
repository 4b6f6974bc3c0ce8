/* SPDX-License-Identifier: MIT */
/*
 * The xenstore's tree: each function, its limits, and long random runs beside a model that keeps paths and values in
 * arrays and shares nothing with it.
 */
/* links: hv/service/store_tree.c */
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

static struct store_tree *tree;

static int set_up(void **state)
{
    (void)state;
    tree = malloc(sizeof(*tree));
    if (!tree)
        return -1;
    store_tree_init(tree);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    free(tree);
    return 0;
}

static int write_node(const char *path, const char *value)
{
    return store_tree_write(tree, store_text(path), store_text(value));
}

static void assert_value(const char *path, const char *value)
{
    struct store_text seen;

    assert_int_equal(store_tree_read(tree, store_text(path), &seen), 0);
    assert_int_equal(seen.length, strlen(value));
    assert_memory_equal(seen.bytes, value, seen.length);
}

static void assert_missing(const char *path)
{
    struct store_text seen;

    assert_int_equal(store_tree_read(tree, store_text(path), &seen), -XEN_ENOENT);
}

/* @names, each followed by a '|', are what stands below @path. */
static void assert_list(const char *path, const char *names)
{
    char list[1024];
    size_t length;

    assert_int_equal(store_tree_list(tree, store_text(path), 0, list, sizeof(list), &length), 0);
    assert_int_equal(length, strlen(names));
    for (size_t i = 0; i < length; i++)
        assert_int_equal(list[i] == '\0' ? '|' : list[i], names[i]);
}

static void test_good_paths(void **state)
{
    static const char *const good[] = {"/", "/a", "/a/b", "/local/domain/1/device-x_y@z", "/0"};
    static const char *const bad[] = {"", "a", "//", "/a/", "/a//b", "/a b", "/a\n", "/\xff", "/a.b", "a/b"};
    char *path = malloc(STORE_PATH_MAX + 1);

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(store_path_is_good(store_text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(store_path_is_good(store_text(bad[i])));
    memset(path, 'a', STORE_PATH_MAX + 1);
    path[0] = '/';
    assert_true(store_path_is_good((struct store_text){path, STORE_PATH_MAX}));
    assert_false(store_path_is_good((struct store_text){path, STORE_PATH_MAX + 1}));
    free(path);
}

static void test_within(void **state)
{
    (void)state;
    assert_true(store_path_is_within(store_text("/a"), store_text("/")));
    assert_true(store_path_is_within(store_text("/a"), store_text("/a")));
    assert_true(store_path_is_within(store_text("/a/b"), store_text("/a")));
    assert_false(store_path_is_within(store_text("/ab"), store_text("/a")));
    assert_false(store_path_is_within(store_text("/a"), store_text("/a/b")));
    assert_false(store_path_is_within(store_text("/"), store_text("/a")));
}

static void test_write_makes_what_is_above(void **state)
{
    (void)state;
    assert_int_equal(write_node("/a/b/c", "value"), 0);
    assert_value("/a/b/c", "value");
    assert_value("/a/b", "");
    assert_value("/a", "");
    assert_value("/", "");
    assert_missing("/a/b/c/d");
    assert_missing("/b");
    assert_list("/", "a|");
    assert_list("/a", "b|");
    assert_list("/a/b/c", "");
}

static void test_values_grow_and_shrink(void **state)
{
    (void)state;
    assert_int_equal(write_node("/a", "1"), 0);
    assert_int_equal(write_node("/b", "2"), 0);
    assert_int_equal(write_node("/a", "a long value that does not fit where the short one was"), 0);
    assert_value("/a", "a long value that does not fit where the short one was");
    assert_value("/b", "2");
    assert_int_equal(write_node("/a", ""), 0);
    assert_value("/a", "");
    assert_value("/b", "2");
    assert_list("/", "a|b|");
}

static void test_permissions_stay_with_the_node(void **state)
{
    struct store_text seen;

    (void)state;
    assert_int_equal(write_node("/a", "1"), 0);
    assert_int_equal(write_node("/b", "2"), 0);
    assert_int_equal(store_tree_permissions(tree, store_text("/a"), &seen), 0);
    assert_int_equal(seen.length, 0);
    assert_int_equal(store_tree_set_permissions(tree, store_text("/a"), (struct store_text){"n1\0r0", 6}), 0);
    assert_int_equal(write_node("/a", "a longer value"), 0);
    assert_value("/a", "a longer value");
    assert_value("/b", "2");
    assert_int_equal(store_tree_permissions(tree, store_text("/a"), &seen), 0);
    assert_int_equal(seen.length, 6);
    assert_memory_equal(seen.bytes, "n1\0r0", 6);
    assert_int_equal(store_tree_set_permissions(tree, store_text("/c"), store_text("n1")), -XEN_ENOENT);
    assert_int_equal(store_tree_permissions(tree, store_text("/c"), &seen), -XEN_ENOENT);
}

static void test_remove_takes_what_is_below(void **state)
{
    (void)state;
    assert_int_equal(write_node("/a/b/c", "1"), 0);
    assert_int_equal(write_node("/ab", "2"), 0);
    assert_int_equal(write_node("/a/d", "3"), 0);
    assert_int_equal(store_tree_remove(tree, store_text("/a")), 0);
    assert_missing("/a");
    assert_missing("/a/b/c");
    assert_missing("/a/d");
    assert_value("/ab", "2");
    assert_int_equal(store_tree_remove(tree, store_text("/a")), -XEN_ENOENT);
    assert_int_equal(store_tree_remove(tree, store_text("/")), -XEN_EINVAL);
}

static void test_make(void **state)
{
    uint32_t generation;

    (void)state;
    assert_int_equal(store_tree_make(tree, store_text("/a/b")), 0);
    assert_int_equal(write_node("/a/b", "1"), 0);
    generation = tree->generation;
    assert_int_equal(store_tree_make(tree, store_text("/a/b")), 0);
    assert_int_equal(tree->generation, generation);
    assert_value("/a/b", "1");
}

static void test_list_in_parts(void **state)
{
    char part[3];
    size_t length;

    (void)state;
    assert_int_equal(write_node("/x/one/below", ""), 0);
    assert_int_equal(write_node("/x/three", ""), 0);
    assert_int_equal(store_tree_list(tree, store_text("/x"), 2, part, sizeof(part), &length), 0);
    assert_int_equal(length, 10);
    assert_memory_equal(part, "e\0t", 3);
    assert_int_equal(store_tree_list(tree, store_text("/y"), 0, part, sizeof(part), &length), -XEN_ENOENT);
}

static void test_full(void **state)
{
    char path[32], *large = calloc(1, STORE_NODE_MAX + 1);
    struct store_tree *before = malloc(sizeof(*before));
    unsigned count = 0;
    int error = 0;

    (void)state;
    assert_int_equal(store_tree_write(tree, store_text("/a"), (struct store_text){large, STORE_NODE_MAX + 1}),
                     -XEN_ENOSPC);
    assert_missing("/a");
    while (!error) {
        store_tree_copy(before, tree);
        snprintf(path, sizeof(path), "/d%u/e", count++);
        error = store_tree_write(tree, store_text(path), (struct store_text){large, STORE_NODE_MAX});
    }
    assert_int_equal(error, -XEN_ENOSPC);
    assert_int_equal(count, 1 + sizeof(tree->bytes) / (STORE_NODE_MAX + 40));
    assert_int_equal(tree->used, before->used);
    assert_int_equal(tree->generation, before->generation);
    assert_memory_equal(tree->bytes, before->bytes, tree->used);

    /* Small nodes fill the rest; then neither values nor permissions nor nodes find room. */
    for (unsigned i = 0; !error || i == 0; i++) {
        snprintf(path, sizeof(path), "/small%u", i);
        error = store_tree_make(tree, store_text(path));
    }
    assert_int_equal(error, -XEN_ENOSPC);
    assert_int_equal(store_tree_write(tree, store_text("/d0"), (struct store_text){large, 64}), -XEN_ENOSPC);
    assert_int_equal(store_tree_set_permissions(tree, store_text("/d0"), (struct store_text){large, 64}), -XEN_ENOSPC);
    assert_value("/d0", "");
    assert_int_equal(store_tree_remove(tree, store_text("/d0")), 0);
    assert_int_equal(write_node("/d0", "there is room again"), 0);
    free(before);
    free(large);
}

/* A node that is there grows into the last byte of the tree, and no further; it needs room for what it grows by. */
static void test_last_bytes(void **state)
{
    char *value = calloc(1, STORE_NODE_MAX);
    char path[32];
    size_t length = 0;

    (void)state;
    assert_int_equal(write_node("/grows", ""), 0);
    for (unsigned i = 0; sizeof(tree->bytes) - tree->used > STORE_NODE_MAX - 100; i++) {
        snprintf(path, sizeof(path), "/filler%u", i);
        assert_int_equal(store_tree_write(tree, store_text(path), (struct store_text){value, 1000}), 0);
    }
    while (store_tree_write(tree, store_text("/grows"), (struct store_text){value, length + 1}) == 0)
        length++;
    assert_int_equal(tree->used, sizeof(tree->bytes));
    assert_int_equal(store_tree_write(tree, store_text("/grows"), (struct store_text){value, length + 1}), -XEN_ENOSPC);
    assert_int_equal(store_tree_write(tree, store_text("/grows"), (struct store_text){value, length}), 0);
    free(value);
}

/*
 * ---- The model: paths are sets of small numbers, so that all of them are known beforehand.
 */

#define NAMES  4u
#define DEPTH  3u
#define PATHS  (NAMES + NAMES * NAMES + NAMES * NAMES * NAMES)
#define ROUNDS 20000u

static struct {
    char path[16];
    bool there;
    unsigned length; /* of the value */
    char filling;
} model[PATHS];

static void name_paths(void)
{
    unsigned count = 0;

    for (unsigned i = 0; i < NAMES; i++)
        snprintf(model[count++].path, sizeof(model[0].path), "/n%u", i);
    for (unsigned from = 0; count < PATHS; from++) {
        for (unsigned i = 0; i < NAMES; i++)
            snprintf(model[count++].path, sizeof(model[0].path), "%.12s/n%u", model[from].path, i);
    }
}

/* Path i + NAMES * (1 + parent) is a child of path parent: the numbering above. */
static unsigned parent_of(unsigned path)
{
    return path < NAMES ? PATHS : path / NAMES - 1;
}

static void model_write(unsigned path, unsigned length, char filling)
{
    model[path].there = true;
    model[path].length = length;
    model[path].filling = filling;
    for (path = parent_of(path); path < PATHS; path = parent_of(path)) {
        if (!model[path].there) {
            model[path].there = true;
            model[path].length = 0;
        }
    }
}

static void model_remove(unsigned path)
{
    for (unsigned i = 0; i < PATHS; i++) {
        for (unsigned at = i; at < PATHS; at = parent_of(at)) {
            if (at == path)
                model[i].there = false;
        }
    }
}

static void compare(void)
{
    char list[64];
    size_t length;

    for (unsigned i = 0; i < PATHS; i++) {
        struct store_text seen;
        size_t expected = 0;

        if (!model[i].there) {
            assert_missing(model[i].path);
            continue;
        }
        assert_int_equal(store_tree_read(tree, store_text(model[i].path), &seen), 0);
        assert_int_equal(seen.length, model[i].length);
        for (unsigned j = 0; j < seen.length; j++)
            assert_int_equal(seen.bytes[j], model[i].filling);
        for (unsigned j = 0; j < PATHS; j++)
            expected += parent_of(j) == i && model[j].there ? sizeof("n0") : 0;
        assert_int_equal(store_tree_list(tree, store_text(model[i].path), 0, list, sizeof(list), &length), 0);
        assert_int_equal(length, expected);
    }
}

static void test_random(void **state)
{
    char filling[200];

    (void)state;
    name_paths();
    srand(1);
    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned path = (unsigned)rand() % PATHS, length = (unsigned)rand() % sizeof(filling);

        memset(filling, 'a' + rand() % 26, sizeof(filling));
        if (rand() % 4 == 0) {
            assert_int_equal(store_tree_remove(tree, store_text(model[path].path)),
                             model[path].there ? 0 : -XEN_ENOENT);
            model_remove(path);
        } else if (rand() % 4 == 0) {
            assert_int_equal(store_tree_make(tree, store_text(model[path].path)), 0);
            if (!model[path].there)
                model_write(path, 0, 0);
        } else {
            assert_int_equal(store_tree_write(tree, store_text(model[path].path), (struct store_text){filling, length}),
                             0);
            model_write(path, length, filling[0]);
        }
        if (round % 16 == 0)
            compare();
    }
    compare();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_good_paths),
        cmocka_unit_test(test_within),
        cmocka_unit_test_setup_teardown(test_write_makes_what_is_above, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_values_grow_and_shrink, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_permissions_stay_with_the_node, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_remove_takes_what_is_below, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_make, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_list_in_parts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_full, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_last_bytes, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_random, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
