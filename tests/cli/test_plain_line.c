/* SPDX-License-Identifier: MIT */
/* Lines of guests as text: whatever a guest says, a terminal takes nothing of it for a command. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <cli/plain_line.h>

/* What is left of @said; a line ends with '\n'. */
static void assert_plain(const char *said, const char *text)
{
    struct plain_line line = {.length = 0};

    for (; *said; said++)
        assert_int_equal(plain_line_add(&line, *said), *said == '\n');
    assert_int_equal(line.length, strlen(text));
    assert_memory_equal(line.text, text, line.length);
}

static void test_text(void **state)
{
    (void)state;
    assert_plain("a\tb c~\r\n", "a\tb c~");
    assert_plain("gr\xc3\xb6\xc3\x9f\x65r \xe2\x82\xac", "gr\xc3\xb6\xc3\x9f\x65r \xe2\x82\xac");
    assert_plain("a\bb\x07\x7f\x0e\x01", "ab");
}

static void test_sequences(void **state)
{
    (void)state;
    assert_plain("\x1b[32m[  OK  ]\x1b[0m Started", "[  OK  ] Started");
    assert_plain("a\x1b[2J\x1b[1;1Hb\x1b[?25lc", "abc");
    assert_plain("a\x1b(Bb\x1b=c\x1b#8d\x1b"
                 "cx",
                 "abcdx");
    assert_plain("a\x1b]0;title\x07"
                 "b",
                 "ab");
    assert_plain("a\x1b]0;title\x1b\\b\x1bP1$q\x1b\\c\x1b_x\x1b\\d", "abcd");
    assert_plain("a\xc2\x9b"
                 "2Jb\xc2\xa0",
                 "a2Jb\xc2\xa0");
}

/* A sequence that never ends takes its line with it, and no more. */
static void test_unfinished(void **state)
{
    struct plain_line line = {.length = 0};

    (void)state;
    for (const char *said = "a\x1b]0;b"; *said; said++)
        assert_false(plain_line_add(&line, *said));
    assert_true(plain_line_add(&line, '\n'));
    assert_int_equal(line.length, 1);
    line.length = 0;
    assert_false(plain_line_add(&line, 'c'));
    assert_memory_equal(line.text, "c", line.length);
    assert_plain("\x1b[12\x1b[0mx", "x");
}

static void test_full(void **state)
{
    struct plain_line line = {.length = 0};

    (void)state;
    for (unsigned i = 1; i < PLAIN_LINE_MAX; i++)
        assert_false(plain_line_add(&line, 'x'));
    assert_true(plain_line_add(&line, 'y'));
    assert_int_equal(line.length, PLAIN_LINE_MAX);
}

/* Of each two bytes in a row, in every state, nothing but text stays. */
static void test_every_byte(void **state)
{
    static const char *const states[] = {"", "\x1b", "\x1b[", "\x1b]", "\xc2"};

    (void)state;
    for (unsigned i = 0; i < 5 * 65536; i++) {
        const char bytes[] = {(char)(i >> 8), (char)i};
        struct plain_line line = {.length = 0};

        for (const char *at = states[i >> 16]; *at; at++)
            (void)plain_line_add(&line, *at);
        (void)plain_line_add(&line, bytes[0]);
        (void)plain_line_add(&line, bytes[1]);
        for (unsigned j = 0; j < line.length; j++) {
            unsigned char byte = (unsigned char)line.text[j];

            assert_true((byte >= ' ' || byte == '\t') && byte != 0x7f);
            assert_false(j > 0 && (unsigned char)line.text[j - 1] == 0xc2 && byte >= 0x80 && byte < 0xa0);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_text), cmocka_unit_test(test_sequences),  cmocka_unit_test(test_unfinished),
        cmocka_unit_test(test_full), cmocka_unit_test(test_every_byte),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
