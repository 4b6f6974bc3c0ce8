/* SPDX-License-Identifier: MIT */
/* The name of a function by an address in it: a table of three over a piece of memory that stands for the text. */
/* links: hv/base/symbol.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/base/symbol.h>

#define TEXT_SIZE 0x100u

struct symbol {
    uint32_t start, name;
};

extern const uint32_t symbol_count;
extern const struct symbol symbol_table[];
extern const char symbol_strings[];

const uint32_t symbol_count = 3;
const struct symbol symbol_table[] = {{0x10, 7}, {0x20, 0}, {0x80, 13}};
const char symbol_strings[] = "second\0"
                              "first\0"
                              "third";

/* The text, and where it ends. */
__asm__(".section .rodata\n.globl image_text_start, image_text_end\n"
        "image_text_start: .skip 0x100\nimage_text_end: .byte 0\n.previous\n");
extern const uint8_t image_text_start[];

/* The name of the function at @place of the text, which begins @offset before it; NULL: of none. */
static void expect(uint64_t place, const char *name, uint64_t wanted)
{
    uint64_t offset = 99;
    const char *found = symbol_find((uint64_t)image_text_start + place, &offset);

    if (!name) {
        assert_null(found);
        return;
    }
    assert_non_null(found);
    assert_string_equal(found, name);
    assert_int_equal(offset, wanted);
}

static void test_find(void **state)
{
    (void)state;
    expect(0x10, "first", 0);
    expect(0x1f, "first", 15);
    expect(0x20, "second", 0);
    expect(0x7f, "second", 0x5f);
    expect(0x80, "third", 0);
    expect(TEXT_SIZE - 1, "third", 0x7f);
}

static void test_nothing(void **state)
{
    (void)state;
    expect(0, NULL, 0);
    expect(0xf, NULL, 0);
    expect(TEXT_SIZE, NULL, 0);
    expect(UINT64_MAX, NULL, 0); /* the byte in front */
    expect(-(uint64_t)image_text_start, NULL, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_find),
        cmocka_unit_test(test_nothing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
