/* SPDX-License-Identifier: MIT */
/* The pieces of the xenstore's messages: texts and numbers read and written, paths. */
/* links: hv/service/store_text.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/service/store_text.h>

/* A text of its own size on the heap, so that the sanitizers see every byte read beyond it. */
static struct store_text copy(const char *bytes, size_t length)
{
    char *memory = malloc(length + (length == 0));

    memcpy(memory, bytes, length);
    return (struct store_text){memory, length};
}

static void drop(struct store_text text)
{
    free((void *)(uintptr_t)text.bytes);
}

static void test_put_number(void **state)
{
    static const uint64_t numbers[] = {0, 1, 9, 10, 99, 100, 32767, UINT32_MAX, UINT64_C(1) << 32, UINT64_MAX};

    (void)state;
    for (unsigned i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        char expected[32], seen[32];
        size_t length = (size_t)snprintf(expected, sizeof(expected), "%llu", (unsigned long long)numbers[i]);

        memset(seen, '#', sizeof(seen));
        assert_int_equal(store_put_number(seen, numbers[i]), length);
        assert_memory_equal(seen, expected, length);
        assert_int_equal(seen[length], '#'); /* no zero byte */
        assert_true(length <= STORE_DIGITS_MAX);
    }
}

static bool reads(const char *bytes, size_t length, uint32_t *number)
{
    struct store_text text = copy(bytes, length);
    bool is_number = store_read_number(text, number);

    drop(text);
    return is_number;
}

static void test_read_number(void **state)
{
    static const struct {
        const char *text;
        uint32_t number;
    } rows[] = {{"0", 0}, {"7", 7}, {"42", 42}, {"0042", 42}, {"32767", 32767}, {"999999999", 999999999}};
    static const char *const wrong[] = {
        "",  "1000000000", "4294967296", "18446744073709551616", "-1", "+1", " 1", "1 ", "1a", "0x10", "/",
        ":", "1.0",        "\xb1"};
    uint32_t number;

    (void)state;
    for (unsigned i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        assert_true(reads(rows[i].text, strlen(rows[i].text), &number));
        assert_int_equal(number, rows[i].number);
    }
    for (unsigned i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++)
        assert_false(reads(wrong[i], strlen(wrong[i]), &number));
    assert_false(reads("1\0", 2, &number)); /* its zero byte is no part of a text */
}

static void assert_next(struct store_text *rest, const char *expected, size_t left)
{
    struct store_text text = store_next_text(rest);

    assert_int_equal(text.length, strlen(expected));
    assert_memory_equal(text.bytes, expected, text.length);
    assert_int_equal(rest->length, left);
}

/* Whatever is left: an empty text between two zero bytes, one at the end without any, and then nothing, for ever. */
static void test_next_text(void **state)
{
    struct store_text payload = copy("path\0\0token", 11), rest = payload;

    (void)state;
    assert_next(&rest, "path", 6);
    assert_next(&rest, "", 5);
    assert_next(&rest, "token", 0);
    assert_ptr_equal(rest.bytes, payload.bytes + payload.length);
    assert_next(&rest, "", 0);
    assert_next(&rest, "", 0);
    assert_ptr_equal(rest.bytes, payload.bytes + payload.length);
    drop(payload);
    payload = rest = copy("path\0", 5);
    assert_next(&rest, "path", 0);
    drop(payload);
}

static void test_reply(void **state)
{
    char bytes[40];
    struct store_reply reply = {bytes, 0};

    (void)state;
    memset(bytes, '#', sizeof(bytes));
    store_reply_text(&reply, (struct store_text){"name and more", 4});
    store_reply_text(&reply, (struct store_text){"", 0});
    store_reply_number(&reply, (struct store_text){"n?", 1}, 32767);
    store_reply_number(&reply, (struct store_text){"", 0}, 0);
    assert_int_equal(reply.length, 5 + 1 + 7 + 2);
    assert_memory_equal(bytes, "name\0\0n32767\0000\0#", 16);
}

static void test_good_paths(void **state)
{
    static const char *const good[] = {"/", "/a", "/a/b", "/local/domain/1/device-x_y@z", "/0"};
    static const char *const bad[] = {"", "a", "//", "/a/", "/a//b", "/a b", "/a\n", "/\xff", "/a.b", "a/b"};

    (void)state;
    for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++)
        assert_true(store_path_is_good(store_text(good[i])));
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        assert_false(store_path_is_good(store_text(bad[i])));
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
    assert_false(store_path_is_within(store_text("@releaseDomain"), store_text("/"))); /* it is no node */
}

static void test_parts_of_paths(void **state)
{
    struct store_text path = store_text("/a/bc/d"), above = store_path_above(path);
    size_t at = 0;

    (void)state;
    assert_true(store_text_equal(above, store_text("/a/bc")));
    assert_true(store_text_equal(store_path_above(store_text("/a")), store_text("/")));
    assert_int_equal(store_path_depth(store_text("/")), 0);
    assert_int_equal(store_path_depth(path), 3);
    assert_true(store_text_equal(store_path_name(path, &at), store_text("a")));
    assert_true(store_text_equal(store_path_name(path, &at), store_text("bc")));
    assert_int_equal(at, 5);
    assert_true(store_text_equal(store_path_name(path, &at), store_text("d")));
    assert_int_equal(at, path.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_put_number),     cmocka_unit_test(test_read_number), cmocka_unit_test(test_next_text),
        cmocka_unit_test(test_reply),          cmocka_unit_test(test_good_paths),  cmocka_unit_test(test_within),
        cmocka_unit_test(test_parts_of_paths),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
