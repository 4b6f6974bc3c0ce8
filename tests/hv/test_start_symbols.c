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
    uint64_t file_at = offsetof(struct symbols_head, wide);

    (void)state;
    assert_int_equal(symbols_head_size(&kernel), 4 + 64 + 3 * 64);
    assert_int_equal(head.length + sizeof(head.length), symbols_size(&kernel));
    assert_int_equal(symbols_size(&kernel) % 4, 0);
    assert_memory_equal(head.wide.header.ident.magic, "\177ELF", 4);
    assert_int_equal(head.wide.header.sections_at + file_at, offsetof(struct symbols_head, wide.none));
    assert_int_equal(head.wide.header.nr_sections * head.wide.header.section_size,
                     symbols_head_size(&kernel) - offsetof(struct symbols_head, wide.none));
    assert_int_equal(head.wide.none.type, 0);
    assert_int_equal(head.wide.symbols.type, ELF_SECTION_SYMBOLS);
    assert_int_equal(head.wide.symbols.offset + file_at, symbols_head_size(&kernel));
    assert_int_equal(head.wide.symbols.size, 48);
    assert_int_equal(head.wide.symbols.link, 2);
    assert_int_equal(head.wide.names.type, ELF_SECTION_STRINGS);
    assert_int_equal(head.wide.names.offset + file_at, symbols_names_at(&kernel));
    assert_int_equal(symbols_names_at(&kernel), symbols_head_size(&kernel) + 48);
    assert_int_equal(head.wide.names.size, 9);
    assert_int_equal(symbols_size(&kernel), symbols_names_at(&kernel) + 16);
}

/* The same for 32 bits, where everything begins at multiples of 4.  Shows elfnote.symbols. */
static void test_head_narrow(void **state)
{
    struct kernel kernel = kernel_with(48, 9);
    struct symbols_head head;
    const size_t size = 4 + 52 + 3 * 40;

    (void)state;
    kernel.image.width = WIDTH_PAE;
    head = symbols_head(&kernel);
    assert_int_equal(symbols_head_size(&kernel), size);
    assert_int_equal(symbols_size(&kernel), size + 48 + 12);
    assert_int_equal(symbols_names_at(&kernel), size + 48);
    assert_int_equal(head.length, symbols_size(&kernel) - 4);
    assert_memory_equal(head.narrow.header.ident.magic, "\177ELF\1\1\1", 7);
    assert_true(head.narrow.header.type == 2 && head.narrow.header.machine == 3);
    assert_true(head.narrow.header.sections_at == 52 && head.narrow.header.nr_sections == 3);
    assert_true(head.narrow.header.header_size == 52 && head.narrow.header.section_size == 40);
    assert_int_equal(head.narrow.none.type, 0);
    assert_true(head.narrow.symbols.type == 2 && head.narrow.symbols.link == 2);
    assert_true(head.narrow.symbols.offset == size - 4 && head.narrow.symbols.size == 48);
    assert_int_equal(head.narrow.symbols.entry_size, 16);
    assert_int_equal(head.narrow.names.type, 3);
    assert_true(head.narrow.names.offset == size - 4 + 48 && head.narrow.names.size == 9);
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
    kernel = kernel_with(UINT32_MAX, 9);
    assert_int_equal(symbols_size(&kernel), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_head), cmocka_unit_test(test_head_narrow),
                                       cmocka_unit_test(test_none)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
