/* SPDX-License-Identifier: MIT */
/* Consoles on one line: what is sent is what comes, whatever a guest says, and also where bytes of it are lost. */
/* links: hv/base/multiplex.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/multiplex.h>

#define BYTES 256u

static char line[4096];
static size_t length;

static void put_selection(unsigned console, bool hurried)
{
    multiplex_select(console, hurried, line + length);
    length += 2;
}

static void put(char byte)
{
    char code[2];
    size_t count = multiplex_encode(byte, code);

    memcpy(line + length, code, count);
    length += count;
}

static struct multiplex_item decode_last(struct multiplex_decoder *decoder, const char *bytes, size_t count)
{
    struct multiplex_item item = {MULTIPLEX_NOTHING, 0, 0, false};

    for (size_t i = 0; i < count; i++)
        item = multiplex_decode(decoder, bytes[i]);
    return item;
}

static void test_every_byte(void **state)
{
    (void)state;
    for (unsigned byte = 0; byte < BYTES; byte++) {
        struct multiplex_decoder decoder = {false};
        char code[2];
        size_t count = multiplex_encode((char)byte, code);
        struct multiplex_item item = decode_last(&decoder, code, count);

        assert_int_equal(count, byte == 0x10 ? 2 : 1);
        assert_int_equal(item.kind, MULTIPLEX_BYTE);
        assert_int_equal((unsigned char)item.byte, byte);
        assert_false(decoder.escaped);
    }
}

static void test_every_console(void **state)
{
    (void)state;
    for (unsigned console = 0; console <= MULTIPLEX_HYPERVISOR; console++) {
        for (unsigned hurried = 0; hurried < (console == MULTIPLEX_HYPERVISOR ? 1 : 2); hurried++) {
            struct multiplex_decoder decoder = {false};
            struct multiplex_item item;
            char code[2];

            multiplex_select(console, hurried, code);
            item = decode_last(&decoder, code, 2);
            assert_int_equal(item.kind, MULTIPLEX_SELECT);
            assert_int_equal(item.console, console);
            assert_int_equal(item.hurried, hurried);
        }
    }
}

static void test_list(void **state)
{
    struct multiplex_decoder decoder = {false};
    char code[2];

    (void)state;
    multiplex_list(code);
    assert_int_equal(decode_last(&decoder, code, 2).kind, MULTIPLEX_LIST);
}

/* The format is one between programs of different versions, too. */
static void test_codes(void **state)
{
    (void)state;
    length = 0;
    put_selection(3, false);
    put_selection(3, true);
    put_selection(MULTIPLEX_HYPERVISOR, false);
    put('\x10');
    multiplex_list(line + length);
    assert_memory_equal(line, "\x10\x43\x10\xc3\x10!\x10.\x10?", 10);
}

/* Behind an escape, what is no code means nothing, and the byte behind that is a byte again. */
static void test_no_codes(void **state)
{
    (void)state;
    for (unsigned code = 0; code < BYTES; code++) {
        struct multiplex_decoder decoder = {true};
        struct multiplex_item item = multiplex_decode(&decoder, (char)code);

        if (code == 0x10) {
            assert_int_equal(item.kind, MULTIPLEX_NOTHING);
            assert_true(decoder.escaped);
            continue;
        }
        if (!(code & 0x40) && !strchr("!.?", (int)code))
            assert_int_equal(item.kind, MULTIPLEX_NOTHING);
        assert_int_equal(multiplex_decode(&decoder, 'x').kind, MULTIPLEX_BYTE);
    }
}

/* The console whose bytes come; they all have to be @mark's. */
static void check_bytes(const char *bytes, size_t count)
{
    struct multiplex_decoder decoder = {false};
    unsigned console = MULTIPLEX_HYPERVISOR;

    for (size_t i = 0; i < count; i++) {
        struct multiplex_item item = multiplex_decode(&decoder, bytes[i]);

        if (item.kind == MULTIPLEX_SELECT)
            console = item.console;
        if (item.kind == MULTIPLEX_BYTE && item.byte != '\x10')
            assert_int_equal((unsigned char)item.byte % 2, console);
    }
}

/*
 * Of console 0, even bytes and escapes, of console 1 odd ones and escapes, such as would be codes of the other.
 * Wherever the sender stops for a loss, the beginning of the next selection is the next that comes.
 */
static void test_losses(void **state)
{
    static const char said[2][6] = {"\x10@\x10\x42\x10\x40", "\x10\x41\x10\x43\x10\x41"};

    (void)state;
    for (unsigned whole = 0; whole <= 11; whole++) {
        length = 0;
        put_selection(0, false);
        for (unsigned i = 0; i < 6; i++)
            put(said[0][i]);
        length = length < whole ? length : whole;
        put_selection(1, false);
        for (unsigned i = 0; i < 6; i++)
            put(said[1][i]);
        check_bytes(line, length);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_byte), cmocka_unit_test(test_every_console), cmocka_unit_test(test_list),
        cmocka_unit_test(test_codes),      cmocka_unit_test(test_no_codes),      cmocka_unit_test(test_losses),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
