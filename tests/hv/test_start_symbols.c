/* SPDX-License-Identifier: MIT */
/* The symbols of a kernel as they lie in its memory, read as an ELF file. */
/* links: hv/kernel/start_symbols.c */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include <hv/kernel/start_symbols.h>

static const uint8_t bytes[64];

static struct kernel kernel_with(uint64_t symbols, uint64_t names)
{
    return (struct kernel){
        .image.width = WIDTH_64,
        .has_symbols = true,
        .wants_symbols = true,
        .symbols = {bytes, symbols},
        .symbol_names = {bytes, names},
    };
}

static void test_head(void **state)
{
    struct kernel kernel = kernel_with(48, 9);
    struct symbols_head head = symbols_head(&kernel);
    uint64_t file_at = offsetof(struct symbols_head, header);

    (void)state;
    assert_int_equal(head.length + sizeof(head.length), symbols_size(&kernel));
    assert_int_equal(symbols_size(&kernel) % 4, 0);
    assert_memory_equal(head.header.ident.magic, "\177ELF", 4);
    assert_int_equal(head.header.sections_at + file_at, offsetof(struct symbols_head, none));
    assert_int_equal(head.header.nr_sections * head.header.section_size,
                     sizeof(head) - offsetof(struct symbols_head, none));
    assert_int_equal(head.none.type, 0);
    assert_int_equal(head.symbols.type, ELF_SECTION_SYMBOLS);
    assert_int_equal(head.symbols.offset + file_at, sizeof(head));
    assert_int_equal(head.symbols.size, 48);
    assert_int_equal(head.symbols.link, 2);
    assert_int_equal(head.names.type, ELF_SECTION_STRINGS);
    assert_int_equal(head.names.offset + file_at, symbols_names_at(&kernel));
    assert_int_equal(symbols_names_at(&kernel), sizeof(head) + 48);
    assert_int_equal(head.names.size, 9);
    assert_int_equal(symbols_size(&kernel), symbols_names_at(&kernel) + 16);
}

static void test_none(void **state)
{
    struct kernel kernel = kernel_with(48, 9);

    (void)state;
    kernel.wants_symbols = false;
    assert_int_equal(symbols_size(&kernel), 0);
    kernel = kernel_with(48, 9);
    kernel.has_symbols = false;
    assert_int_equal(symbols_size(&kernel), 0);
    kernel = kernel_with(48, 9);
    kernel.image.width = WIDTH_PAE;
    assert_int_equal(symbols_size(&kernel), 0);
    kernel = kernel_with(UINT32_MAX, 9);
    assert_int_equal(symbols_size(&kernel), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_head), cmocka_unit_test(test_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
